#!/usr/bin/python3
"""The configuration file as its user meets it: what is said, and exit codes."""
import re

import pem
from policies import configuration
from tap_harness import BUILD, ROOT, case, check, equal, main, program

SMTPTAPD = BUILD / "smtptapd"
PROFILES = ["asa", "mask", "none", "pix", "strict"]
# "#option = value", "#match ...", "#}": not prose, which has a blank.
COMMENTED = re.compile(r"^(\s*)#(?=[a-z}])", re.M)


def printed(t, what, *more):
    done = t.run(SMTPTAPD, f"--print-{what}", *more)
    equal(done.stderr, b"", f"stderr of --print-{what}")
    return done.stdout.decode()


def check_text(t, text, status=0):
    """What --check says of a file of this text: (stdout, stderr)."""
    path = t.dir / "checked.conf"
    path.write_text(text)
    done = t.run(SMTPTAPD, "--check", "--config", path, status=status)
    return done.stdout.decode(), done.stderr.decode()


@case
def a_good_file_is_ok(t):
    path = configuration(t, 25, "block = {\"VRFY\"}")
    for options in (["--check", "--config", path], ["-tc", path]):
        done = t.run(SMTPTAPD, *options)
        equal(done.stdout.decode(), f"{path}: ok, 1 listeners, 1 policies\n",
              "stdout")
        equal(done.stderr, b"", "stderr")
    check(not (t.dir / "sessions.db").exists(), "--check made a database")


@case
def check_looks_nothing_up(t):
    """`.invalid` never resolves (RFC 6761)."""
    text = configuration(t, 25, "").read_text()
    out, _ = check_text(t, text.replace("127.0.0.1:25", "no-such.invalid"))
    check(": ok, " in out, out)


@case
def a_bad_file_is_78_and_every_error_a_line(t):
    path = configuration(t, 25, "banner = msak\n  block = {\"A B\"}")
    lines = path.read_text().split("\n")
    at = {word: 1 + next(i for i, s in enumerate(lines) if word in s)
          for word in ("banner", "block")}
    for options in (["--check"], []):
        done = t.run(SMTPTAPD, *options, "--config", path, status=78)
        equal(done.stdout, b"", "stdout")
        said = done.stderr.decode().splitlines()
        equal(len(said), 2, f"lines of {said}")
        for line, (word, number), value in zip(said, at.items(),
                                               ("msak", "A B")):
            check(f'{path}:{number}: {word} "{value}": ' in line, line)
            check("is accepted" in line, line)
    check(not (t.dir / "sessions.db").exists(), "a database was made")


@case
def an_unknown_option_is_an_error_that_lists_the_known(t):
    _, says = check_text(t, "record { file = none  colour = blue }", 78)
    check("checked.conf:1: no such option 'colour'; accepted here: file, "
          "on-failure\n" in says, says)


@case
def a_file_that_is_not_there_is_78(t):
    for options in (["--check"], []):
        done = t.run(SMTPTAPD, *options, "-c", t.dir / "none.conf", status=78)
        check(b"none.conf: No such file or directory" in done.stderr,
              done.stderr)


@case
def the_file_and_the_one_line_form_do_not_mix(t):
    path = configuration(t, 25, "")
    for option, value in (("--listen", "127.0.0.1:0"), ("--upstream", "x"),
                          ("--record", "none"), ("--max-sessions", "3"),
                          ("--policy", "mask")):
        done = t.run(SMTPTAPD, "--config", path, option, value, status=64)
        check(option.encode() in done.stderr and
              b"--config" in done.stderr, done.stderr)


@case
def every_profile_can_be_printed_and_read_back(t):
    for name in PROFILES:
        out, _ = check_text(t, printed(t, "profile", name) + f"""
            record {{ file = none }}
            listener "x" {{ listen = {{"127.0.0.1:0"}}  upstream = "x"
                policy = {name} }}""")
        check(out.endswith("ok, 1 listeners, 1 policies\n"), out)


@case
def an_unknown_profile_is_64_and_lists_the_known(t):
    done = t.run(SMTPTAPD, "--print-profile", "cisco", status=64)
    equal(done.stdout, b"", "stdout")
    check(" ".join(PROFILES).encode() in done.stderr, done.stderr)


@case
def the_sample_is_a_good_file(t):
    out, err = check_text(t, printed(t, "sample"))
    check(out.endswith("ok, 1 listeners, 1 policies\n"), out)
    equal(err, "", "stderr")


def with_files(t, text, without="tls-ca-"):
    """The text with files that are there. A listener has a certificate, or a CA
    that makes them, not both: lines that begin with `without` go."""
    cert, key = pem.certificate(t)
    crl = pem.revocations(t, cert, key)

    def real(found):
        name = found[1]
        path = crl if name == "tls-crl" else key if "-key" in name else cert
        return f'{name} = "{path}"'

    text = re.sub(rf"(?m)^\s*{without}(cert|key) = .*\n", "", text)
    return re.sub(r'(tls-(?:[a-z-]*(?:cert|key|ca|ca-file)|crl)) = "[^"]*"',
                  real, text)


@case
def the_sample_with_every_option_is_a_good_file(t):
    sample = COMMENTED.sub(r"\1", printed(t, "sample"))
    keys = t.dir / "keys.log"
    sample = re.sub(r'tls-keylog = ".*"', f'tls-keylog = "{keys}"', sample)
    for without in ("tls-ca-", "tls-"):
        out, _ = check_text(t, with_files(t, sample, without))
        check(": ok, 1 listeners, " in out, out)
    check(not keys.exists(), "--check has made a key log")


@case
def each_option_of_the_sample_is_good_alone(t):
    """Those of one line; a `when` needs all of its lines, and TLS files."""
    sample = printed(t, "sample")
    tried = 0
    for found in COMMENTED.finditer(sample[:sample.index("#when")]):
        line = sample[found.start():sample.index("\n", found.end())]
        if line.count("{") != line.count("}") or "tls" in line:
            continue
        text = sample[:found.start()] + found[1] + sample[found.end():]
        out, err = check_text(t, text, None)
        check(": ok, " in out, f"{line}: {err}")
        tried += 1
    check(tried > 50, f"only {tried} options in the sample")


@case
def the_examples_of_the_documents_are_good_files(t):
    for document in ("README.md", "docs/CONFIG.md"):
        text = re.sub(r"^    \$ .*\n", "", (ROOT / document).read_text(),
                      flags=re.M)
        blocks = re.findall(r"(?:^(?:    .*)?\n)+", text, re.M)
        whole = [b for b in blocks if "listener " in b and "record {" in b]
        equal(len(whole), 1, f"files in {document}")
        out, err = check_text(t, whole[0])
        check(": ok, " in out, f"{document}: {err}")


@case
def the_manual_names_every_option_of_the_sample(t):
    manual = printed(t, "manual")
    names = set(re.findall(r"^\s*#?([a-z-]+) = ", printed(t, "sample"), re.M))
    check(len(names) > 40, f"only {len(names)} options")
    for name in names:
        check(f"\n.It Ic {name} " in manual, f"no {name} in the manual")


@case
def mandoc_finds_nothing_in_the_manual(t):
    done = t.run(program("mandoc"), "-T", "lint", "-W", "all",
                 input=printed(t, "manual").encode(), status=None)
    equal(done.stdout.decode(), "", "what mandoc says")
    equal(done.returncode, 0, "status of mandoc")
    done = t.run(program("mandoc"), "-T", "ascii",
                 input=printed(t, "manual").encode())
    text = re.sub(rb".\x08", b"", done.stdout)	# bold is struck twice
    check(b"smtptap.conf - configuration of smtptapd" in text, "no text")


@case
def a_policy_on_the_command_line_is_that_profile(t):
    real = b"220 h.example ESMTP Exim 4\r\n"
    server = t.server(lambda c: (c.say(real), c.hear_all()))
    for options, greeting in (([], real),
                              (["--policy", "none"], real),
                              (["--policy", "asa"],
                               b"220 h.example ESMTP\r\n")):
        daemon = t.smtptapd(server.port, *options, record="none")
        client = t.connect(daemon.port)
        equal(client.hear_line(), greeting, f"the greeting with {options}")
        client.close()


if __name__ == "__main__":
    main()
