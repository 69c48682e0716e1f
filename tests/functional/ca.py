#!/usr/bin/python3
"""smtptap ca: a CA and certificates that OpenSSL takes, in files of their own."""
import json
import re
import subprocess

from tap_harness import BUILD, case, check, equal, main


def ca(t, *words, status=0):
    return t.run(BUILD / "smtptap", "ca", *words, "--dir", t.dir,
                 status=status)


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout.decode()


def mode(path):
    return oct(path.stat().st_mode & 0o777)


@case
def init_makes_a_ca_for_its_owner_only(t):
    ca(t, "init", "--name", "CA of a test")
    equal(mode(t.dir / "ca.pem"), "0o600", "mode of the certificate")
    equal(mode(t.dir / "ca.key"), "0o600", "mode of the key")
    text = openssl("x509", "-in", t.dir / "ca.pem", "-noout", "-text")
    check("CN = CA of a test" in text, text)
    check("CA:TRUE, pathlen:0" in text, text)
    check("prime256v1" in text, text)


@case
def a_leaf_is_good_for_its_name(t):
    ca(t, "init")
    for name, file, option in (("mx.example", "mx.example", "hostname"),
                               ("192.0.2.1", "192.0.2.1", "ip"),
                               ("2001:db8::1", "2001:db8::1", "ip")):
        ca(t, "leaf", name)
        openssl("verify", "-x509_strict", "-purpose", "sslserver",
                f"-verify_{option}", name, "-CAfile", t.dir / "ca.pem",
                t.dir / f"{file}.pem")
        equal(openssl("x509", "-in", t.dir / f"{file}.pem", "-noout",
                      "-pubkey"),
              openssl("pkey", "-in", t.dir / f"{file}.key", "-pubout"),
              f"the keys of {name}")
        equal(mode(t.dir / f"{file}.key"), "0o600", "mode of the key")


@case
def a_wildcard_has_a_file_name_without_a_star(t):
    ca(t, "init")
    ca(t, "leaf", "*.mx.example")
    check((t.dir / "_.mx.example.pem").exists(), "no _.mx.example.pem")


@case
def show_says_what_openssl_says(t):
    ca(t, "init", "--days", "10")
    facts = json.loads(ca(t, "show", "--json").stdout)
    text = openssl("x509", "-in", t.dir / "ca.pem", "-noout",
                   "-fingerprint", "-sha256")
    equal(facts["sha256"], text.strip().split("=")[1], "fingerprint")
    equal(facts["pem"], (t.dir / "ca.pem").read_text(), "certificate")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", facts["until"]),
          facts["until"])
    shown = ca(t, "show").stdout.decode()
    check(facts["sha256"] in shown and facts["pem"] in shown, shown)


@case
def nothing_is_overwritten(t):
    ca(t, "init")
    ca(t, "leaf", "mx.example")
    before = {p: p.read_bytes() for p in t.dir.glob("*.*")}
    for words in (["init"], ["leaf", "mx.example"], ["leaf", "ca"]):
        done = ca(t, *words, status=1)
        check(b"is there already" in done.stderr, done.stderr)
    (t.dir / "ca.key").rename(t.dir / "kept")
    ca(t, "init", status=1)
    check(not (t.dir / "ca.key").exists(), "a key without its certificate")
    (t.dir / "kept").rename(t.dir / "ca.key")
    equal({p: p.read_bytes() for p in before}, before, "the files")


@case
def mistakes_are_one_sentence(t):
    ca(t, "init")
    (t.dir / "other").mkdir()
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
            t.dir / "other" / "ca.key")
    (t.dir / "other" / "ca.pem").write_bytes((t.dir / "ca.pem").read_bytes())
    smtptap = BUILD / "smtptap"
    for status, says, words in (
            (1, "init, show, or leaf NAME", []),
            (1, "init, show, or leaf NAME", ["leaf"]),
            (1, "init, show, or leaf NAME", ["init", "x"]),
            (1, "a host's name or address", ["leaf", "../x"]),
            (1, "a host's name or address", ["leaf", "a b"]),
            (1, "--days is a number", ["init", "--days", "0"]),
            (1, "--days is a number", ["init", "--days", "9x"]),
            (1, "longer than 64 octets", ["init", "--name", "x" * 65]),
            (1, "cannot be made", ["init", "--dir", t.dir / "absent"]),
            (45, "cannot be read", ["show", "--dir", t.dir / "absent"]),
            (45, "is not the key of ca.pem",
             ["leaf", "a", "--dir", t.dir / "other"])):
        done = t.run(smtptap, "ca", *words, status=status)
        text = done.stderr.decode()
        equal(text.count("\n"), 1, f"lines for {words}: {text!r}")
        check(says in text, f"{words}: {text!r}")


main()
