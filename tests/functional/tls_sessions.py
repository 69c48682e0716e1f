#!/usr/bin/python3
"""What is agreed on in TLS, resumed, minted, asked of clients, and recorded."""
import ssl

from tap_harness import case, check, equal, main, sha256, wait_for
from tls_harness import (BACK, FRONT, Authority, TlsMailbox, front, names_of,
                         secure, serving, with_authority)

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class Remembering(TlsMailbox):
    """Notes of each session whether it was resumed, and with which name."""

    def __init__(self, context, **more):
        super().__init__(context, **more)
        self.resumed = []
        self.names = []
        context.sni_callback = lambda sock, name, _: self.names.append(name)

    def secure(self, talker):
        super().secure(talker)
        self.resumed.append(talker.sock.session_reused)


def talk(t, port, context, name=FRONT, session=None):
    """A client's session to its QUIT; its connection, closed."""
    c = t.connect(port)
    c.hear_reply()
    c.ask(b"EHLO c", b"250")
    c.ask(b"STARTTLS", b"220")
    c.sock = context.wrap_socket(c.sock, server_hostname=name,
                                 session=session)
    c.ask(b"EHLO c", b"250")
    c.ask(b"NOOP", b"250")
    seen = c.sock.session, c.sock.session_reused, names_of(c), \
        c.sock.version()
    c.quit()
    return seen


def resumes(t, version):
    box = Remembering(serving(t.authority.issue(BACK), version=version))
    daemon = front(t, t.server(box).port, "bridge", top="threads = 1")
    context = t.authority.trusting(version=version)
    session, reused, _, _ = talk(t, daemon.port, context)
    check(not reused, "a first session that is resumed")
    for _ in range(3):
        session, reused, _, _ = talk(t, daemon.port, context, session=session)
        check(reused, "the client's side is not resumed")
    equal(box.resumed, [False, True, True, True], "the server's side")
    daemon.sessions(4)
    rows = daemon.rows("SELECT * FROM tls ORDER BY session_id, side")
    for side in ("client", "server"):
        mine = [r for r in rows if r["side"] == side]
        equal([r["resumed"] for r in mine], [0, 1, 1, 1], f"{side}: resumed")
        equal({r["version"] for r in mine},
              {"TLSv1.2" if version == VERSIONS[0] else "TLSv1.3"}, side)
    equal({r["verified"] for r in rows if r["side"] == "server"}, {"ok"},
          "verified")


@case
@with_authority
def both_sides_are_resumed_in_tls_1_2(t):
    resumes(t, VERSIONS[0])


@case
@with_authority
def both_sides_are_resumed_in_tls_1_3(t):
    resumes(t, VERSIONS[1])


@case
@with_authority
def one_handshake_may_be_over_before_the_other_begins(t):
    """A server that is quick answers within the call that connects."""
    box = TlsMailbox(serving(t.authority.issue(BACK)), implicit=True)
    daemon = front(t, t.server(box).port, implicit="both")
    context = t.authority.trusting()
    for _ in range(100):
        c = secure(t.connect(daemon.port), context, FRONT)
        check(c.hear_reply().startswith(b"220 "), "no greeting")
        c.quit()


@case
@with_authority
def a_ticket_is_of_one_listener(t):
    """With the same certificate: Postfix had that bug (20260805)."""
    path = t.authority.issue("shared.example.test")
    box = TlsMailbox(serving(t.authority.issue(BACK)))
    upstream = t.server(box).port
    daemon = front(t, upstream, "bridge", top=f"""
        listener "other" {{
            listen = {{"127.0.0.1:0"}}
            upstream = "127.0.0.1:{upstream}"
            tls = terminate
            tls-cert = "{path}"
        }}""", listener=f'tls-cert = "{path}"')
    ports = [int(a.rpartition(":")[2]) for a in daemon.listens]
    for version in VERSIONS:
        context = t.authority.trusting(version=version)
        name = "shared.example.test"
        session, *_ = talk(t, ports[1], context, name)
        _, reused, *_ = talk(t, ports[0], context, name, session)
        check(not reused, "a ticket of another listener was taken")
        _, reused, *_ = talk(t, ports[1], context, name, session)
        check(reused, "its own was not")


@case
@with_authority
def a_large_message_in_tls_is_the_same_behind_it(t):
    """By DATA and by BDAT, faster than the server reads."""
    content = b"Subject: large\r\n\r\n" + b"".join(
        b"%07d %s\r\n" % (i, b"x" * (i % 70)) for i in range(200_000))
    for version in VERSIONS:
        box = TlsMailbox(serving(t.authority.issue(BACK), version=version))
        daemon = front(t, t.server(box).port, "bridge",
                       record=f"{version.name}.db")
        c = t.connect(daemon.port)
        c.hear_reply()
        c.ask(b"EHLO c", b"250")
        c.ask(b"STARTTLS", b"220")
        secure(c, t.authority.trusting(version=version), FRONT)
        c.ask(b"EHLO c", b"250")
        c.ask(b"MAIL FROM:<a@x>", b"250")
        c.ask(b"RCPT TO:<b@x>", b"250")
        c.ask(b"DATA", b"354")
        c.say(content)
        c.ask(b".", b"250")
        c.say(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nBDAT %d LAST\r\n" %
              len(content) + content)
        for _ in range(3):
            check(c.hear_reply().startswith(b"250"), "BDAT is not taken")
        c.quit()
        equal([sha256(m) for _, m in box.messages], [sha256(content)] * 2,
              "what arrived")
        daemon.sessions(1)
        equal([m["sha256"] for m in daemon.rows("SELECT * FROM message")],
              [sha256(content)] * 2, "what was recorded")


@case
@with_authority
def old_versions_are_refused(t):
    box = TlsMailbox(serving(t.authority.issue(BACK)))
    daemon = front(t, t.server(box).port, "bridge")
    context = t.authority.trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        talk(t, daemon.port, context)
        check(False, "TLS 1.1 was taken")
    except (ssl.SSLError, OSError):
        pass
    wait_for(lambda: "no TLS version in common" in daemon.text(), "the log")


@case
@with_authority
def certificates_are_minted_for_the_name_asked_for(t):
    ours = Authority(t, "ours")
    box = Remembering(serving(t.authority.issue(BACK)))
    daemon = front(t, t.server(box).port, "bridge", listener=f"""
        tls-ca-cert = "{ours.path}"
        tls-ca-key = "{ours.key}" """)
    for name in ("a.example.test", "b.example.test", "a.example.test"):
        _, _, names, _ = talk(t, daemon.port, ours.trusting(), name)
        check(name in names, f"asked for {name}, got {names}")
    equal(set(box.names), {BACK}, "the name asked of the server")
    context = ours.trusting()
    context.check_hostname = False
    _, _, names, _ = talk(t, daemon.port, context, None)
    check(BACK in names, f"asked for none, got {names}")


@case
@with_authority
def clients_are_asked_for_certificates(t):
    clients = Authority(t, "clients")
    box = TlsMailbox(serving(t.authority.issue(BACK)))
    daemon = front(t, t.server(box).port, "bridge",
                   listener=f'tls-client-ca = "{clients.path}"')
    context = t.authority.trusting()
    context.load_cert_chain(clients.issue("sender.example.test"))
    talk(t, daemon.port, context)
    talk(t, daemon.port, t.authority.trusting())	# one without
    daemon.sessions(2)
    rows = daemon.rows("SELECT * FROM tls WHERE side = 'client' "
                       "ORDER BY session_id")
    equal([r["verified"] for r in rows], ["ok", "no certificate"], "verified")
    text = t.smtptap("--db", daemon.db, "show", "last~1").stdout.decode()
    check("verified: ok" in text, text)


@case
@with_authority
def the_mail_server_is_shown_a_certificate(t):
    clients = Authority(t, "clients")
    context = serving(t.authority.issue(BACK))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(clients.path)
    box = TlsMailbox(context)
    daemon = front(t, t.server(box).port, "originate", listener=f"""
        tls-client-cert = "{clients.issue('relay.example.test')}" """)
    t.swaks(daemon.port)
    equal(len(box.messages), 1, "messages")


@case
@with_authority
def a_certificate_is_recorded_once(t):
    box = TlsMailbox(serving(t.authority.issue(BACK)))
    daemon = front(t, t.server(box).port, "bridge")
    for _ in range(2):
        talk(t, daemon.port, t.authority.trusting())
    daemon.sessions(2)
    rows = daemon.rows("SELECT * FROM certificate")
    pems = [r["pem"] for r in rows]
    equal(len(pems), len(set(pems)), "certificates, all different")
    leaf = ssl.PEM_cert_to_DER_cert(
        (t.authority.home / f"{BACK}.crt").read_text())
    check(leaf in [ssl.PEM_cert_to_DER_cert(p) for p in pems],
          "the server's is not among them")


@case
@with_authority
def what_passes_through_tells_its_name(t):
    box = TlsMailbox(serving(t.authority.issue(BACK)))
    daemon = front(t, t.server(box).port, "passthrough")
    _, _, names, _ = talk(t, daemon.port, t.authority.trusting(), BACK)
    equal(names, [BACK], "names")
    row, = daemon.sessions(1)
    equal(row["sni"], BACK, "sni")
    for column in ("tls_client", "tls_server"):
        check("opaque" in row[column], row[column])


main()
