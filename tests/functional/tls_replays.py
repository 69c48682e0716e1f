#!/usr/bin/python3
"""replay and serve in TLS, whatever was recorded, to other programs."""
import ssl

from tap_harness import (BUILD, Listener, case, check, equal, main, program)
from tls_harness import FRONT, TlsMailbox, secure, serving, with_authority

GREETING = "<-  220 mx.server.test ESMTP\n"
EHLO = " -> EHLO client.test\n<-  250-mx.server.test\n<-  250 PIPELINING\n"
MAIL = """\
 -> MAIL FROM:<a@client.test>
<-  250 2.1.0 Ok
 -> RCPT TO:<b@server.test>
<-  250 2.1.5 Ok
 -> DATA
<-  354 go ahead
 -> Subject: x
 -> .
<-  250 2.0.0 Ok: queued as 1
 -> QUIT
<-  221 2.0.0 Bye
"""
CLEAR = GREETING + EHLO + MAIL
STARTTLS = GREETING + EHLO.replace("PIPELINING", "STARTTLS") + """\
-x> STARTTLS
<=  220 2.0.0 Ready to start TLS
*** TLS with the client: TLSv1.3 TLS_AES_256_GCM_SHA384
""" + EHLO + MAIL
AT_ONCE = "*** TLS with the client: TLSv1.3\n" + CLEAR


def record(t, text):
    """A recording of the session in this transcript."""
    file, db = t.dir / "session.smtp", t.dir / "session.db"
    db.unlink(missing_ok=True)
    file.write_text(text)
    t.smtptap("--db", db, "import", file)
    return db


def replay(t, text, mailbox, *options, status=0):
    server = t.server(mailbox)
    done = t.smtptap("--db", record(t, text), "replay", "last", "--to",
                     f"127.0.0.1:{server.port}", "--compare", "code",
                     "--timeout", "5", *options, status=status)
    return done.stdout.decode()


def tls_mailbox(t, name=FRONT, implicit=False):
    return TlsMailbox(serving(t.authority.issue(name)), implicit)


def serve(t, text, *options):
    return t.started(Listener("serve", [
        BUILD / "smtptap", "--db", record(t, text), "serve", "last",
        "--listen", "127.0.0.1:0", *options], t.dir))


def follows(serving_, talker):
    """The client does what was recorded, from EHLO on."""
    for line in [s[4:] for s in (EHLO + MAIL).splitlines() if "->" in s[:4]]:
        talker.say(line.encode() + b"\r\n")
        if not line.startswith("Subject"):
            talker.hear_reply()
    talker.close()
    equal(serving_.wait(), 0, serving_.text())


def anybody():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


# --- replay ---------------------------------------------------------------------


def replays(name, text, implicit, *options):
    def run(t):
        mailbox = tls_mailbox(t, implicit=implicit)
        out = replay(t, text, mailbox, *options)
        equal(len(mailbox.tls), 1, "handshakes")
        equal(len(mailbox.messages), 1, "messages")
        check("\n ~> MAIL" in out and "none differed" in out, out)
    run.__name__ = name
    case(with_authority(run))


replays("starttls_is_replayed_as_it_was", STARTTLS, False)
replays("tls_at_once_is_replayed_as_it_was", AT_ONCE, True)
replays("starttls_before_a_session_in_the_clear", CLEAR, False, "--starttls")
replays("tls_before_a_session_in_the_clear", CLEAR, True, "--tls")
replays("tls_at_once_leaves_starttls_out", STARTTLS, True, "--tls")
replays("starttls_before_a_session_that_began_in_tls", AT_ONCE, False,
        "--starttls")


@case
@with_authority
def no_tls_says_it_in_the_clear(t):
    mailbox = tls_mailbox(t)
    out = replay(t, STARTTLS, mailbox, "--no-tls")
    equal((len(mailbox.tls), len(mailbox.messages)), (0, 1), "TLS, messages")
    check(" -> STARTTLS" not in out, out)


@case
@with_authority
def a_server_without_starttls_is_29(t):
    def play(c):
        c.say(b"220 x\r\n")
        c.hear_line()
        c.say(b"250 x\r\n")
        c.hear_line()
        c.say(b"502 5.5.1 no\r\n")
        c.hear(b"QUIT\r\n")

    out = replay(t, CLEAR, play, "--starttls", status=29)
    check("the server refuses STARTTLS" in out, out)


@case
@with_authority
def a_handshake_that_fails_is_29(t):
    def play(c):
        c.say(b"220 no TLS here\r\n")
        c.hear_all()

    out = replay(t, CLEAR, play, "--tls", status=29)
    check("no TLS" in out, out)


@case
@with_authority
def a_certificate_is_looked_at_if_that_is_asked_for(t):
    trusted = ("--tls-verify", "require", "--tls-ca-file", t.authority.path)
    out = replay(t, STARTTLS, tls_mailbox(t), "--tls-verify", "require",
                 status=29)
    check("certificate" in out, out)
    out = replay(t, STARTTLS, tls_mailbox(t), *trusted, status=29)
    check("mismatch" in out, f"the name is another: {out}")
    out = replay(t, STARTTLS, tls_mailbox(t, "127.0.0.1"), *trusted)
    check("verified: ok" in out, out)
    out = replay(t, STARTTLS, tls_mailbox(t))
    check("verified: " in out and "verified: ok" not in out, out)


# --- serve ----------------------------------------------------------------------


@case
@with_authority
def starttls_is_served_as_it_was(t):
    played = serve(t, STARTTLS, "--cert", t.authority.issue(FRONT))
    talker = t.connect(played.port)
    talker.hear_reply()
    talker.ask(b"EHLO client.test", b"250")
    talker.ask(b"STARTTLS", b"220")
    follows(played, secure(talker, t.authority.trusting(), FRONT))


@case
@with_authority
def a_certificate_is_made_if_none_is_named(t):
    played = serve(t, AT_ONCE)
    talker = secure(t.connect(played.port), anybody(), "localhost")
    talker.hear_reply()
    follows(played, talker)


@case
@with_authority
def starttls_is_offered_before_a_session_in_the_clear(t):
    played = serve(t, CLEAR, "--starttls")
    talker = t.connect(played.port)
    talker.hear_reply()
    talker.ask(b"MAIL FROM:<a@b>", b"530")
    check(b"STARTTLS" in talker.ask(b"EHLO client.test", b"250"), "offered")
    talker.ask(b"STARTTLS", b"220")
    follows(played, secure(talker, anybody(), "localhost"))


@case
@with_authority
def commands_behind_starttls_are_not_heard(t):
    played = serve(t, STARTTLS)
    talker = t.connect(played.port)
    talker.hear_reply()
    talker.ask(b"EHLO client.test", b"250")
    talker.say(b"STARTTLS\r\nEHLO injected\r\n")
    equal(talker.hear_reply()[:3], b"220", "STARTTLS")
    follows(played, secure(talker, anybody(), "localhost"))
    check("injected" not in played.text(), played.text())


@case
@with_authority
def openssl_s_client_is_a_peer(t):
    played = serve(t, STARTTLS, "--cert", t.authority.issue(FRONT))
    said = "".join(line[4:] + "\r\n" for line in (EHLO + MAIL).splitlines()
                   if "->" in line[:4])
    done = t.run(program("openssl"), "s_client", "-connect",
                 f"127.0.0.1:{played.port}", "-starttls", "smtp", "-name",
                 "client.test", "-CAfile", t.authority.path,
                 "-verify_return_error", "-quiet", "-servername", FRONT,
                 "-ign_eof", "-tls1_2",
                 input=said.encode())
    check(b"221 2.0.0 Bye" in done.stdout, done.stdout)
    equal(played.wait(), 0, played.text())


main()
