#!/usr/bin/python3
"""What a listener's options about TLS do; reload of certificates, key logs."""
import signal
import ssl
import stat

import pem
from front import Front, listener
from policies import behind, quoted
from tap_harness import (BUILD, Mailbox, case, check, equal, main, unused_port,
                         wait_for)
from talker import Talker

GREETING = b"220 mx.test ESMTP\r\n"
OFFERS = b"250-mx.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"


def der(path):
    return ssl.PEM_cert_to_DER_cert(path.read_text())


def secured(t, port):
    """A client whose connection begins with TLS; it takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return t.started(Talker(context.wrap_socket(t.connect(port).sock)))


def shown(client):
    """The certificate that it was shown."""
    return client.sock.getpeercert(binary_form=True)


def certificate_options(cert, key):
    return ("implicit-tls = client", f"tls-cert = {quoted(cert)}",
            f"tls-key = {quoted(key)}")


def put(source, target):
    """In one step, as those do who renew certificates."""
    new = target.with_suffix(".new")
    new.write_bytes(source.read_bytes())
    new.rename(target)


# --- certificates, read again ------------------------------------------------


@case
def hup_takes_a_new_certificate_though_the_file_is_the_same(t):
    upstream = t.server(Mailbox()).port
    old, new = pem.certificate(t, "old.test"), pem.certificate(t, "new.test")
    cert, key = t.dir / "cert.pem", t.dir / "key.pem"
    put(old[0], cert)
    put(old[1], key)
    text = listener("mx", "127.0.0.1:0", upstream,
                    *certificate_options(cert, key))
    front = Front(t, text)
    before = secured(t, front.daemon.port)
    equal(shown(before), der(old[0]), "the first certificate")
    before.hear_line()
    put(new[0], cert)
    put(new[1], key)
    equal(shown(secured(t, front.daemon.port)), der(old[0]), "before HUP")
    front.reload(text)
    after = secured(t, front.daemon.port)
    equal(shown(after), der(new[0]), "the certificate after HUP")
    after.hear_line()
    before.ask(b"NOOP", b"250")
    before.quit()
    after.quit()


@case
def a_certificate_that_is_not_right_leaves_the_old_one(t):
    upstream = t.server(Mailbox()).port
    cert, key = pem.certificate(t, "old.test")
    good, other = cert.read_text(), pem.certificate(t, "other.test")
    text = listener("mx", "127.0.0.1:0", upstream,
                    *certificate_options(cert, key))
    front = Front(t, text)
    for bad, why in ((good[:len(good) // 2], str(cert)),
                     (other[0].read_text(), str(key)),
                     (None, "No such file")):
        if bad is None:
            cert.unlink()
        else:
            cert.write_text(bad)
        line = front.reload(text, "reload refused: ")
        check(why in line, line)
        check("smtptap.conf:" in line, line)
        client = secured(t, front.daemon.port)
        equal(shown(client), ssl.PEM_cert_to_DER_cert(good), "certificate")
        client.hear_line()
        client.quit()
    cert.write_text(good)
    front.reload(text)


@case
def the_one_line_form_reads_its_certificate_again(t):
    upstream = t.server(Mailbox()).port
    cert, key = pem.certificate(t, "old.test")
    new = pem.certificate(t, "new.test")
    daemon = t.smtptapd(upstream, "--implicit-tls", "client", "--tls-cert",
                        cert, "--tls-key", key)
    put(new[0], cert)
    put(new[1], key)
    daemon.signal(signal.SIGHUP)
    wait_for(lambda: "reloaded the command line: " in daemon.text(), "reload")
    equal(shown(secured(t, daemon.port)), der(new[0]), "certificate")
    cert.unlink()
    daemon.signal(signal.SIGHUP)
    wait_for(lambda: "reload refused: --tls-cert: " in daemon.text(),
             "the refusal")
    equal(shown(secured(t, daemon.port)), der(new[0]), "certificate")


@case
def without_certificates_the_one_line_form_has_nothing_to_reload(t):
    daemon = t.smtptapd(t.server(Mailbox()).port, "--tls", "strip")
    daemon.signal(signal.SIGHUP)
    wait_for(lambda: "nothing to reload" in daemon.text(), "a line of the log")


@case
def tls_can_come_and_go_with_a_reload(t):
    upstream, port = t.server(Mailbox()).port, unused_port()
    pair = pem.certificate(t)
    front = Front(t, listener("mx", port, upstream))
    plain = t.connect(port)
    plain.hear_line()
    front.reload(listener("mx", port, upstream, *certificate_options(*pair)))
    client = secured(t, port)
    client.hear_line()
    front.reload(listener("mx", port, upstream))
    later = t.connect(port)
    later.hear_line()
    for c in (plain, client, later):
        c.quit()


# --- the key log -------------------------------------------------------------


def logging_keys(t, keys):
    cert, key = pem.certificate(t)
    return behind(t, t.server(Mailbox()).port, "", record="none", listener=
                  "\n".join([*certificate_options(cert, key),
                             f"tls-keylog = {quoted(keys)}"]))


@case
def the_key_log_has_the_secrets_of_each_connection(t):
    keys = t.dir / "keys.log"
    daemon = logging_keys(t, keys)
    check(f"WARNING: listener \"front\": tls-keylog writes the secrets of TLS "
          f"connections to {keys}" in daemon.text(), daemon.text())
    for n in (1, 2):
        secured(t, daemon.port).hear_line()
        equal(keys.read_text().count("CLIENT_TRAFFIC_SECRET_0 "), n,
              "connections in the key log")
    equal(stat.S_IMODE(keys.stat().st_mode), 0o600, "mode")


@case
def usr1_begins_the_key_log_anew(t):
    keys, old = t.dir / "keys.log", t.dir / "keys.old"
    daemon = logging_keys(t, keys)
    secured(t, daemon.port).hear_line()
    keys.rename(old)
    daemon.signal(signal.SIGUSR1)
    wait_for(keys.exists, "another key log")
    size = old.stat().st_size
    secured(t, daemon.port).hear_line()
    equal(keys.read_text().count("CLIENT_TRAFFIC_SECRET_0 "), 1, "secrets")
    equal(old.stat().st_size, size, "octets of the old key log")


@case
def a_key_log_that_cannot_be_written_is_an_error(t):
    cert, key = pem.certificate(t)
    done = t.run(BUILD / "smtptapd", "--listen", "127.0.0.1:0", "--upstream",
                 "127.0.0.1:1", "--record", "none", "--implicit-tls",
                 "client", "--tls-cert", cert, "--tls-key", key,
                 "--tls-keylog", t.dir / "none" / "keys.log", status=73)
    check(b"tls-keylog: " in done.stderr and b"No such file" in done.stderr,
          done.stderr)
    equal(done.stderr.count(b"\n"), 1, f"lines of {done.stderr}")


# --- strip -------------------------------------------------------------------


def offers_starttls(c):
    """A server that has STARTTLS, and no certificate."""
    c.say(GREETING)
    while True:
        line = c.hear_line()
        if line.startswith(b"EHLO"):
            c.say(OFFERS)
        elif line.startswith(b"QUIT") or not line:
            c.say(b"221 bye\r\n")
            return
        else:
            check(b"STARTTLS" not in line.upper(), f"the server heard {line}")
            c.say(b"250 ok\r\n")


def stripped(t, policy, listener="tls = strip"):
    """A session; the events that say so: [(name, severity, detail), ...]."""
    daemon = behind(t, t.server(offers_starttls).port, policy,
                    listener=listener)
    client = t.connect(daemon.port)
    client.hear(GREETING)
    for _ in range(2):
        client.say(b"EHLO c.test\r\n")
        client.hear(b"250-mx.test\r\n250 SIZE 1000\r\n")
    client.ask(b"starttls", b"502")
    client.ask(b"NOOP", b"250")
    client.quit()
    daemon.sessions(1)
    return [(r["severity"], r["detail"]) for r in daemon.rows(
        "SELECT * FROM event WHERE rule = 'tls-strip'")]


@case
def strip_hides_and_refuses_starttls_and_warns(t):
    events = stripped(t, "")
    equal(events, [("warning", "strip: STARTTLS"),
                   ("warning", "reject: STARTTLS")], "events")


@case
def strip_holds_under_the_policy_of_a_when(t):
    events = stripped(t, """
        when { client = {"127.0.0.0/8"}  policy = other }
        }
        policy "other" { block = {"VRFY"}""")
    equal(len(events), 2, "events")


@case
def strip_is_done_in_a_dry_run_of_the_policy(t):
    events = stripped(t, "dry-run = yes\n ehlo-strip = {\"SIZE\"}")
    equal(len(events), 2, "events")


@case
def a_policy_that_strips_starttls_warns_too(t):
    for keyword, severity in (("STARTTLS", "warning"), ("SIZE", "notice")):
        daemon = behind(t, t.server(offers_starttls).port,
                        f'ehlo-strip = {{"{keyword}"}}', record=keyword)
        client = t.connect(daemon.port)
        client.hear(GREETING)
        client.ask(b"EHLO c.test", b"250")
        client.quit()
        daemon.sessions(1)
        equal(daemon.one("SELECT * FROM event")["severity"], severity,
              f"severity of {keyword}")


# --- what is wrong -----------------------------------------------------------


@case
def a_wrong_option_is_64_a_wrong_file_78_each_with_one_line(t):
    cert, key = pem.certificate(t)
    other = pem.certificate(t, "other.test")[1]
    none = t.dir / "none.pem"
    for status, says, *options in (
            (64, "--tls nix: passthrough, strip", "--tls", "nix"),
            (64, "--tls: TLS with clients needs", "--tls", "terminate"),
            (64, "--tls-cert: no TLS with clients", "--tls-cert", cert),
            (64, "--implicit-tls: ", "--tls", "bridge", "--implicit-tls",
             "both", "--tls-cert", cert),
            (78, f"--tls-cert: {none} cannot be read", "--tls", "terminate",
             "--tls-cert", none),
            (78, f"--tls-key: {other} is not the key", "--tls", "terminate",
             "--tls-cert", cert, "--tls-key", other),
            (78, f"--tls-ca-file: {key} holds no", "--tls", "originate",
             "--tls-ca-file", key)):
        done = t.run(BUILD / "smtptapd", "--listen", "127.0.0.1:0",
                     "--upstream", "127.0.0.1:1", "--record", "none",
                     *options, status=status)
        check(done.stderr.decode().startswith(f"smtptapd: {says}"),
              f"{done.stderr} does not say {says}")
        equal(done.stderr.count(b"\n"), 1, f"lines of {done.stderr}")


if __name__ == "__main__":
    main()
