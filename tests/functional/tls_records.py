#!/usr/bin/python3
"""What is recorded of TLS, and how it is shown, carried, and played again."""
import json
import re
import ssl

from tap_harness import BUILD, Listener, case, check, equal, main, wait_for
from tls_harness import (BACK, FRONT, MODES, TlsMailbox, front, secure,
                         serving, with_authority)

CONTENT = b"Subject: in TLS\r\n\r\n.. dots\r\n"


def mail(talker, more=None):
    """Behind the greeting, and STARTTLS if there is one."""
    talker.ask(b"EHLO client.test", b"250")
    if more:
        more(talker)
    talker.ask(b"MAIL FROM:<a@client.test>", b"250")
    talker.ask(b"RCPT TO:<b@server.test>", b"250")
    talker.ask(b"DATA", b"354")
    talker.say(CONTENT + b".\r\n")
    equal(talker.hear_reply()[:3], b"250", "the end of data")
    talker.ask(b"QUIT", b"221")
    talker.close()


def client(t, port, mode, context=None, more=None):
    """A session as clients have it in that mode."""
    context = context or t.authority.trusting()
    talker = t.connect(port)
    if mode.begins:
        secure(talker, context, mode.client)
    talker.hear_reply()
    if mode.client and not mode.begins:
        talker.ask(b"EHLO client.test", b"250")
        talker.ask(b"STARTTLS", b"220")
        secure(talker, context, mode.client)
    mail(talker, more)
    return talker


def server(t, mode, **more):
    """A mailbox that is in TLS where the mode wants it to be."""
    if mode.server:
        return TlsMailbox(serving(t.authority.issue(BACK), **more),
                          implicit=mode.implicit in ("upstream", "both"))
    return Mailbox()


class Mailbox(TlsMailbox):
    """One in the clear."""

    def __init__(self):
        super().__init__(None)

    def extensions(self, talker):
        return ()


def record(t, mode, **more):
    """smtptapd after one session in that mode, and its mailbox."""
    mailbox = server(t, mode)
    daemon = front(t, t.server(mailbox).port, mode.tls,
                   implicit=mode.implicit)
    client(t, daemon.port, mode, **more)
    daemon.sessions(1)
    return daemon, mailbox


def tls(daemon):
    return {row["side"]: row for row in daemon.rows("SELECT * FROM tls")}


def ours(mode):
    """The sides that come to TLS with smtptapd."""
    return [side for side, there in (("client", mode.client),
                                     ("server", mode.server))
            if there and mode.read]


def export(t, db, which="last"):
    return t.smtptap("--db", db, "export", which).stdout


def for_modes(function):
    for name, mode in MODES.items():
        def run(t, mode=mode):
            function(t, mode)
        run.__name__ = f"{function.__name__}_{name}"
        case(with_authority(run))
    return function


@for_modes
def what_is_known_of_each_side(t, mode):
    daemon, _ = record(t, mode)
    rows = tls(daemon)
    equal(sorted(side for side in rows if not rows[side]["opaque"]),
          ours(mode), "sides in TLS")
    for side in ours(mode):
        row = rows[side]
        equal(row["version"], "TLSv1.3", f"version with the {side}")
        check(re.fullmatch(r"TLS_\w+", row["cipher"]), row)
        equal((row["sni"], row["resumed"]),
              (FRONT if side == "client" else BACK, 0), f"of the {side}")
        check(row["handshake_us"] > 0 and row["named_group"], row)
    if "server" in ours(mode):
        equal(rows["server"]["verified"], "ok", "the server's certificate")
        first = json.loads(rows["server"]["chain"])[0]
        pem, = daemon.rows("SELECT pem FROM certificate WHERE sha256 = ?",
                           first)
        equal(ssl.PEM_cert_to_DER_cert(pem["pem"]),
              ssl.PEM_cert_to_DER_cert(
                  (t.authority.home / f"{BACK}.crt").read_text()),
              "the server's certificate")
    document = json.loads(t.smtptap("--db", daemon.db, "--json", "show",
                                    "last").stdout)
    equal([row["side"] for row in document["tls"]], sorted(rows), "JSON")


@for_modes
def it_is_shown_and_carried_as_text(t, mode):
    daemon, _ = record(t, mode)
    shown = t.smtptap("--db", daemon.db, "show", "last").stdout.decode()
    equal([side for side in ("client", "server")
           if f"*** TLS with the {side}: TLSv1.3 " in shown], ours(mode),
          f"sides in TLS, shown: {shown}")
    check("** " not in shown.replace("***", ""), f"violations: {shown}")
    text = export(t, daemon.db)
    file, copy = t.dir / "session.smtp", t.dir / "copy.db"
    file.write_bytes(text)
    t.smtptap("--db", copy, "import", file)
    equal(export(t, copy), text, "exported again")
    t.smtptap("--db", copy, "check")
    t.smtptap("--db", daemon.db, "check")


@for_modes
def it_is_played_again_from_either_side(t, mode):
    if not mode.read:
        return
    daemon, mailbox = record(t, mode)
    sent = mailbox.messages[-1]
    # as the client's side was: in TLS, or not
    again = TlsMailbox(serving(t.authority.issue(FRONT)), mode.begins) \
        if mode.client else Mailbox()
    out = t.smtptap("--db", daemon.db, "replay", "last", "--to",
                    f"127.0.0.1:{t.server(again).port}",
                    "--compare", "code").stdout.decode()
    check("none differed" in out, out)
    equal("*** TLS with the server: TLSv1.3" in out, bool(mode.client), out)
    equal(again.messages, [sent], "the message")
    played = t.started(Listener("serve", [
        BUILD / "smtptap", "--db", daemon.db, "serve", "last", "--listen",
        "127.0.0.1:0", "--cert", t.authority.issue(FRONT)], t.dir))
    client(t, played.port, mode)
    equal(played.wait(), 0, f"serve: {played.text()}")


@case
@with_authority
def what_passes_through_tells_its_hellos(t):
    context = t.authority.trusting()
    context.set_alpn_protocols(["smtp", "h2"])
    daemon, mailbox = record(t, MODES["passthrough"], context=context)
    rows = tls(daemon)
    equal((rows["client"]["sni"], rows["client"]["alpn"]), (BACK, "smtp,h2"),
          "what the client asked for")
    check("TLSv1.3 TLSv1.2" in rows["client"]["offered"], rows["client"])
    equal((rows["server"]["version"], rows["server"]["cipher"]),
          mailbox.tls[0], "what the server chose")
    row, = daemon.sessions(1)
    equal(row["tls_client"], "opaque " + " ".join(mailbox.tls[0]), "session")
    equal(row["sni"], BACK, "session")
    check(0 < rows["client"]["octets"] < row["bytes_in"], rows)
    check(0 < rows["server"]["octets"] < row["bytes_out"], rows)
    shown = t.smtptap("--db", daemon.db, "show", "last").stdout.decode()
    check(f"*** TLS passes through: TLSv1.3 {mailbox.tls[0][1]}" in shown,
          shown)


class Garbage(Mailbox):
    """Offers STARTTLS, and speaks no TLS then."""

    def extensions(self, talker):
        return (b"STARTTLS",)

    def starttls(self, talker):
        talker.say(b"220 2.0.0 go ahead\r\n")
        talker.sock.recv(10)
        talker.say(b"garbage, and no ServerHello\r\n")
        talker.close()


def joins_anew(mode, asks):
    def run(t):
        daemon = front(t, t.server(Garbage()).port, mode,
                       listener="tls-verify = opportunistic")
        talker = t.connect(daemon.port)
        talker.hear_reply()
        if asks:
            talker.ask(b"EHLO client.test", b"250")
            talker.ask(b"STARTTLS", b"454")
        mail(talker)
        row, = daemon.sessions(1)
        equal((row["tls_client"], row["tls_server"], row["messages"]),
              (None, None, 1), "TLS, messages")
        shown = t.smtptap("--db", daemon.db, "show", "last").stdout.decode()
        check(" -> MAIL FROM" in shown and "** " not in
              shown.replace("***", ""), f"out of step: {shown}")
        t.smtptap("--db", daemon.db, "check")
    run.__name__ = f"a_session_that_goes_on_without_tls_is_read_{mode}"
    case(with_authority(run))


joins_anew("bridge", True)
joins_anew("originate", False)


@case
@with_authority
def a_certificate_is_recorded_once(t):
    mode = MODES["bridge"]
    daemon = front(t, t.server(server(t, mode)).port, mode.tls)
    for _ in range(3):
        client(t, daemon.port, mode)
    daemon.sessions(3)
    equal(daemon.rows("SELECT count(*) AS n FROM tls WHERE chain IS NOT NULL "
                      "AND side = 'server'"), [{"n": 3}], "chains")
    equal(daemon.rows("SELECT count(*) AS n FROM certificate"), [{"n": 1}],
          "certificates")


@case
@with_authority
def a_password_in_tls_is_not_exported(t):
    def login(talker):
        talker.ask(b"AUTH PLAIN AHRlc3QAczNjcjN0", b"235")

    mode = MODES["bridge"]
    mailbox = server(t, mode)
    daemon = front(t, t.server(mailbox).port, mode.tls)
    client(t, daemon.port, mode, more=login)
    row, = daemon.sessions(1)
    equal(row["auth_user"], "test", "who logged in")
    text = export(t, daemon.db)
    check(b"czNjcjN0" not in text and b"s3cr3t" not in text, text)
    check(b" ~> AUTH PLAIN cmVkYWN0ZWQ=" in text, text)
    for file in t.dir.glob(daemon.db.name + "*"):
        check(b"czNjcjN0" not in file.read_bytes(), file)


main()
