#!/usr/bin/python3
"""The mail server's certificate: who is refused, and who says why.

With `tls-verify = require`, the default, a certificate that is not good is no TLS:
the client is told the reason, and so are the log and the record.
"""
from tap_harness import case, check, equal, main, wait_for
from tls_harness import (BACK, Authority, TlsMailbox, front, serving,
                         with_authority)


def wrong_name(t):
    return t.authority.issue("other.example.test"), "", \
        "the certificate is for other.example.test, not " + BACK


def expired(t):
    return t.authority.issue(BACK, days=-1), "", " expired on "


def self_signed(t):
    return t.authority.issue(BACK, self_signed=True), "", " is self-signed"


def unknown_ca(t):
    return Authority(t, "stranger").issue(BACK), "", \
        " is of the unknown CA "


def revoked(t):
    path = t.authority.issue(BACK)
    t.authority.issue("good.example.test")
    return path, f'tls-crl = "{t.authority.revoke(path)}"', \
        " has been revoked by "


FAULTS = (wrong_name, expired, self_signed, unknown_ca, revoked)


class Meeting:
    """smtptapd before a mailbox with such a certificate, and a client that has
    said EHLO, and STARTTLS where that is what brings TLS to the server."""

    def __init__(self, t, fault, mode, implicit="no", verify="require"):
        path, listener, self.why = fault(t)
        self.box = TlsMailbox(serving(path),
                              implicit=implicit == "upstream")
        self.daemon = front(t, t.server(self.box).port, mode,
                            implicit=implicit, listener=f"""
                            tls-verify = {verify}
                            {listener}""")
        self.client = t.connect(self.daemon.port)
        self.reply = self.client.hear_reply()
        for command in (b"EHLO client.test", b"STARTTLS"):
            if self.reply[:1] == b"2" and (
                    command != b"STARTTLS" or mode == "bridge"):
                self.client.say(command + b"\r\n")
                self.reply = self.client.hear_reply()

    def recorded(self, t):
        """The session's row, and what is shown of it."""
        self.client.close()
        row, = self.daemon.sessions(1)
        return row, t.smtptap("--db", self.daemon.db, "show",
                              "last").stdout.decode()


def refused(t, fault, mode, implicit, code):
    m = Meeting(t, fault, mode, implicit)
    check(m.reply.startswith(code) and m.why in m.reply.decode(), m.reply)
    m.client.hear_end_or_reset()
    row, text = m.recorded(t)
    equal(m.box.tls, [], "sessions in TLS")
    equal(row["ended_by"], "smtptap:tls-failed", "ended_by")
    check(m.why in m.daemon.text(), "the log does not say why")
    event, = [e for e in m.daemon.rows("SELECT * FROM event")
              if m.why in (e["detail"] or "")]
    equal(event["severity"], "warning", event)
    check(m.why in text, f"not shown: {text}")


def taken(t, fault, mode, implicit, verify):
    m = Meeting(t, fault, mode, implicit, verify)
    check(m.reply.startswith(b"2"), m.reply)
    wait_for(lambda: m.box.tls, "TLS on the server")
    row, text = m.recorded(t)
    check((row["tls_server"] or "").startswith("TLSv1"), row["tls_server"])
    equal(m.why in text, verify == "opportunistic",
          f"what is wrong is shown: {text}")


def make(function, fault, mode, implicit, last):
    def run(t):
        function(t, fault, mode, implicit, last)
    how = mode if implicit == "no" else "implicit"
    run.__name__ = f"{how}_{fault.__name__}_" + (
        "is_refused" if function is refused else f"is_taken_if_{last}")
    case(with_authority(run))


for each in FAULTS:
    make(refused, each, "bridge", "no", b"454 4.7.0 TLS not available: ")
    make(refused, each, "originate", "no", b"421 4.7.0 TLS not available: ")
    make(refused, each, "passthrough", "upstream", b"421 4.7.")
for each in FAULTS:
    make(taken, each, "bridge", "no", "opportunistic")
for each in (wrong_name, self_signed):
    make(taken, each, "bridge", "no", "none")
    make(taken, each, "originate", "no", "opportunistic")
    make(taken, each, "passthrough", "upstream", "none")


@case
@with_authority
def a_certificate_that_is_good_with_a_crl_is_taken(t):
    path = t.authority.issue(BACK)
    crl = t.authority.revoke(t.authority.issue("other.example.test"))
    box = TlsMailbox(serving(path))
    daemon = front(t, t.server(box).port, "originate",
                   listener=f'tls-crl = "{crl}"')
    t.swaks(daemon.port)
    equal(len(box.messages), 1, "messages")
    equal(len(box.tls), 1, "sessions in TLS")


@case
@with_authority
def the_certificate_of_an_address(t):
    """Without tls-name the host of upstream is what must be in it."""
    box = TlsMailbox(serving(t.authority.issue("127.0.0.1")))
    daemon = front(t, t.server(box).port, "originate",
                   listener='tls-name = "127.0.0.1"')
    t.swaks(daemon.port)
    equal(len(box.tls), 1, "sessions in TLS")


@case
@with_authority
def words_in_a_certificate_are_no_reply_lines(t):
    """A name with a line end in it, from a CA that signs anything."""
    authority = t.authority
    key, crt = authority.home / "evil.key", authority.home / "evil.crt"
    authority.openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", crt,
        "-CA", authority.path, "-CAkey", authority.key,
        "-subj", "/CN=evil\r\n250 2.0.0 injected", "-days", "30")
    path = authority.home / "evil.pem"
    path.write_bytes(key.read_bytes() + crt.read_bytes())
    daemon = front(t, t.server(TlsMailbox(serving(path))).port, "bridge")
    c = t.connect(daemon.port)
    c.hear_reply()
    c.ask(b"EHLO c", b"250")
    reply = c.ask(b"STARTTLS", b"454")
    check(b"evil" in reply, reply)
    equal(c.hear_all(), b"", "behind the reply")


main()
