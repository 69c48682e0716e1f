#!/usr/bin/python3
"""STARTTLS under attack: V23 to V28 of SECURITY.md where smtptap takes part in
TLS, and what else either side may do to the switch (its section 1.2).

Nothing said in the clear may be answered, or acted upon, in TLS; what was tried
is an event.
"""
import base64
import socket

from talker import Talker
from tap_harness import case, check, equal, main, wait_for
from tls_harness import BACK, FRONT, front, secure, serving, with_authority

GREETING = b"220 mx ESMTP\r\n"
EHLO = b"EHLO c\r\n"
OFFER = b"250-mx\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n"
INSIDE = b"250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n"
STARTTLS = b"STARTTLS\r\n"
GO = b"220 go\r\n"
READY = b"220 2.0.0 Ready to start TLS\r\n"
INJECTED = b"EHLO inj\r\nMAIL FROM:<evil@x>\r\n"
OK = b"250 ok\r\n"
BRIDGES = ("bridge", "require")


class Session:
    """A client and a server, both the case's to play, through smtptapd; what
    they say up to the reply to EHLO has been said."""

    def __init__(self, t, mode, policy="", offer=OFFER, **more):
        self.upstream = upstream = t.listen()
        self.t = t
        self.mode = mode
        self.daemon = front(t, upstream.getsockname()[1], mode, "-vv",
                            policy=policy, **more)
        self.client = t.connect(self.daemon.port)
        self.server = t.started(Talker(upstream.accept()[0]))
        self.server.say(GREETING)
        self.client.hear(GREETING)
        self.client.say(EHLO)
        self.server.hear(EHLO).say(offer)
        if mode in BRIDGES:
            self.client.hear(OFFER)

    def starttls(self, *behind):
        """The client says it, in one write with what is behind it."""
        self.client.say(b"".join((STARTTLS, *behind)))
        if self.mode in BRIDGES:
            self.server.hear(STARTTLS)
        return self

    def server_secured(self, *behind):
        self.server.say(b"".join((GO, *behind)))
        secure(self.server, serving(self.t.authority.issue(BACK)))
        return self

    def client_secured(self):
        self.client.hear(READY)
        secure(self.client, self.t.authority.trusting(), FRONT)
        return self

    def secured(self):
        """All of it, in a bridge."""
        return self.starttls().server_secured().client_secured()

    def breaks(self):
        """The server answers the ClientHello with an alert, and goes."""
        self.server.say(GO)
        equal(self.server.sock.recv(1, socket.MSG_PEEK), b"\x16",
              "the first octet of the handshake")
        self.server.say(b"\x15\x03\x03\x00\x02\x02\x28")
        self.server.close()
        return self

    def rejoined(self):
        """smtptapd has connected anew, and says EHLO for the client."""
        self.server = self.t.started(Talker(self.upstream.accept()[0]))
        self.server.say(GREETING)
        self.server.hear(EHLO).say(OFFER)
        return self

    def c(self, octets):
        self.client.say(octets)
        self.server.hear(octets)
        return self

    def s(self, octets):
        self.server.say(octets)
        self.client.hear(octets)
        return self

    def goes_on_in_tls(self):
        """EHLO is the first that the server hears; nobody hears more."""
        self.c(EHLO).s(INSIDE).c(b"QUIT\r\n").s(b"221 bye\r\n")
        return self.ended()

    def ended(self):
        self.server.sock.close()
        self.client.hear_end_or_reset()
        self.client.close()
        self.row, = self.daemon.sessions(1)
        self.daemon.stop()	# a sanitizer tells what has leaked by its status
        return self

    def events(self):
        return {r["name"] for r in self.daemon.rows("SELECT name FROM event")}

    def verbs(self):
        """Of the client's commands."""
        return [r["verb"] for r in self.daemon.rows(
            "SELECT verb FROM exchange WHERE verb <> '' ORDER BY seq")]

    def tells_injection(self):
        check("starttls-injection" in self.events(), self.events())
        text = self.t.smtptap("--db", self.daemon.db, "show", "last")
        check(b"starttls-injection" in text.stdout, text.stdout)
        return self


def in_modes(*modes):
    """A case for each of them."""
    def register(function):
        for mode in modes:
            def run(t, mode=mode):
                function(t, mode)
            run.__name__ = f"{function.__name__}_{mode}"
            case(with_authority(run))
        return function
    return register


@in_modes("bridge", "require")
def v23_commands_behind_starttls(t, mode):
    s = Session(t, mode).starttls(INJECTED).server_secured()
    s.client_secured().goes_on_in_tls().tells_injection()


@case
@with_authority
def v23_commands_behind_starttls_terminate(t):
    s = Session(t, "terminate", offer=INSIDE)
    s.client.hear(b"250-mx\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n"
                  b"250 STARTTLS\r\n")
    s.starttls(INJECTED).client_secured().goes_on_in_tls().tells_injection()


@in_modes("bridge")
def v23_half_a_command_behind_starttls(t, mode):
    s = Session(t, mode).starttls(b"MAIL FROM:<evil").server_secured()
    s.client_secured().goes_on_in_tls().tells_injection()


@in_modes("bridge")
def v23_commands_before_our_220(t, mode):
    """In segments of their own, while the server has not yet answered."""
    s = Session(t, mode).starttls()
    s.client.say(INJECTED).taken()
    s.server_secured().client_secured().goes_on_in_tls().tells_injection()


@in_modes("bridge", "require")
def v23_commands_during_the_handshake_of_the_server(t, mode):
    s = Session(t, mode).starttls()
    s.server.say(GO)
    equal(s.server.sock.recv(1, socket.MSG_PEEK), b"\x16",
          "the first octet of the handshake")
    s.client.say(INJECTED)
    secure(s.server, serving(t.authority.issue(BACK)))
    s.client_secured().goes_on_in_tls().tells_injection()
    equal(s.verbs(), ["CONNECT", "EHLO", "STARTTLS", "EHLO", "QUIT"],
          "commands")


@in_modes("bridge")
def v23_is_refused_where_pipelining_is(t, mode):
    s = Session(t, mode, policy="unauth-pipelining = reject")
    s.starttls(INJECTED).server.say(GO)
    reply = s.client.hear_all()
    check(reply.startswith(b"554 5.5.1 "), reply)
    s.server.hear_end_or_reset()
    s.ended().tells_injection()


@in_modes("bridge", "require")
def v24_replies_behind_220(t, mode):
    s = Session(t, mode).starttls()
    s.server.say(GO + b"250-x\r\n250 AUTH PLAIN\r\n")
    reply = s.client.hear_all()
    check(reply.startswith(b"454 4.7.0 TLS not available: "), reply)
    check(b"AUTH" not in reply and reply.count(b"\n") == 1, reply)
    s.ended().tells_injection()


@in_modes("bridge")
def v24_half_a_reply_behind_220(t, mode):
    s = Session(t, mode).starttls()
    s.server.say(GO + b"250-AUTH PL")
    reply = s.client.hear_all()
    check(reply.startswith(b"454 4.7.0 TLS not available: "), reply)
    s.ended().tells_injection()


@case
@with_authority
def v24_replies_behind_220_originate(t):
    s = Session(t, "originate")
    s.server.hear(STARTTLS).say(GO + b"250-x\r\n250 AUTH PLAIN\r\n")
    reply = s.client.hear_all()
    check(reply.startswith(b"421 4.7.0 TLS not available: "), reply)
    check(b"AUTH" not in reply and reply.count(b"\n") == 1, reply)
    s.ended().tells_injection()


@in_modes("bridge", "require")
def v25_starttls_is_refused(t, mode):
    for reply in (b"454 4.7.0 no\r\n", b"502-5.5.1 no\r\n502 5.5.1 no\r\n"):
        s = Session(t, mode).c(STARTTLS).s(reply).c(b"NOOP\r\n").s(OK)
        s.secured().goes_on_in_tls()	# it may change its mind
        equal(s.events(), {"tls-refused"}, "events")
        equal(s.verbs(), ["CONNECT", "EHLO", "STARTTLS", "NOOP", "STARTTLS",
                          "EHLO", "QUIT"], "commands")
        for file in t.dir.glob("sessions.db*"):
            file.unlink()


@case
@with_authority
def v25_starttls_of_ours_is_refused(t):
    s = Session(t, "originate")
    s.server.hear(STARTTLS).say(b"454-4.7.0 no\r\n454 4.7.0 no\r\n")
    reply = s.client.hear_all()
    check(reply.startswith(b"421 4.7.0 TLS not available: "), reply)
    s.ended()


def garbage(t, mode, octets, code):
    s = Session(t, mode)
    if mode in BRIDGES:
        s.starttls()
    else:
        s.server.hear(STARTTLS)
    s.server.say(GO)
    equal(s.server.sock.recv(1), b"\x16", "the first octet of a ClientHello")
    s.server.say(octets)
    reply = s.client.hear_all()
    check(reply.startswith(code + b" 4.7.0 TLS not available: "), reply)
    equal(reply.count(b"\n"), 1, f"lines of {reply}")
    s.ended()
    equal(s.row["ended_by"], "smtptap:tls-failed", "ended_by")
    check("doing=tls" in s.daemon.text(), "nothing in the log")


@in_modes("bridge", "require", "originate")
def v26_garbage_for_a_server_hello(t, mode):
    for octets in (b"\0" * 100, b"\x16\x03\x03\xff\xff" + b"\xff" * 70000,
                   b"\x15\x03\x03\x00\x02\x02\x28", b"250 ok\r\n"):
        try:
            garbage(t, mode, octets,
                    b"454" if mode in BRIDGES else b"421")
        except (BrokenPipeError, ConnectionResetError):
            pass	# it has not listened to all of it
        for file in t.dir.glob("sessions.db*"):
            file.unlink()


@in_modes("bridge")
def broken_tls_is_left_out_where_it_may_be(t, mode):
    s = Session(t, mode, listener="tls-verify = opportunistic").starttls()
    s.breaks().rejoined()
    reply = s.client.hear_reply()
    check(reply.startswith(b"454 4.7.0 TLS not available: "), reply)
    s.c(b"MAIL FROM:<a@x>\r\n").s(OK)
    s.client.ask(b"STARTTLS", b"454")
    s.c(b"QUIT\r\n").s(b"221 bye\r\n").ended()
    equal((s.row["tls_client"], s.row["tls_server"]), (None, None), "TLS")
    check("alert" in s.daemon.text(), "nothing in the log")


@in_modes("originate")
def broken_tls_of_ours_is_left_out_where_it_may_be(t, mode):
    s = Session(t, mode, listener="tls-verify = opportunistic")
    s.server.hear(STARTTLS)
    s.breaks().rejoined()
    s.client.hear(INSIDE)
    s.c(b"MAIL FROM:<a@x>\r\n").s(OK)
    s.c(b"QUIT\r\n").s(b"221 bye\r\n").ended()
    check("alert" in s.daemon.text(), "nothing in the log")


@in_modes("bridge")
def v27_what_was_agreed_in_the_clear_is_forgotten(t, mode):
    s = Session(t, mode)
    s.c(b"AUTH PLAIN AHUAcA==\r\n").s(b"235 ok\r\n").secured()
    s.c(b"MAIL FROM:<a@x>\r\n").s(b"503 5.5.1 EHLO first\r\n")
    s.c(b"QUIT\r\n").s(b"221 bye\r\n").ended()
    equal(s.daemon.rows("SELECT * FROM message"), [], "messages")
    rows = s.daemon.rows("SELECT verb, code FROM exchange ORDER BY seq")
    equal([r["code"] for r in rows if r["verb"] == "MAIL"], [503], "MAIL")


@case
@with_authority
def v27_terminate_asks_for_ehlo_itself(t):
    """The server knows of no TLS: it would take what it was told before."""
    s = Session(t, "terminate", offer=INSIDE)
    s.client.hear_reply()
    s.c(b"MAIL FROM:<evil@x>\r\n").s(OK)
    s.starttls().client_secured()
    s.client.ask(b"RCPT TO:<b@y>", b"503")
    s.client.ask(b"STARTTLS", b"503")
    s.goes_on_in_tls()


@in_modes("bridge")
def v28_a_password_in_tls_is_nowhere(t, mode):
    secret = b"s3cr3t-in-tls"
    line = base64.b64encode(b"\0test\0" + secret)
    s = Session(t, mode).secured().c(EHLO).s(INSIDE)
    s.c(b"AUTH PLAIN " + line + b"\r\n").s(b"235 ok\r\n")
    s.c(b"AUTH PLAIN\r\n").s(b"334 \r\n").c(line + b"\r\n").s(b"503 no\r\n")
    s.c(b"QUIT\r\n").s(b"221 bye\r\n").ended()
    for file in [*t.dir.glob("sessions.db*"), s.daemon.log]:
        octets = file.read_bytes()
        for form in (secret, line, base64.b64encode(secret)):
            check(form.rstrip(b"=") not in octets, f"{form!r} in {file.name}")


@in_modes("bridge")
def starttls_within_tls_is_refused(t, mode):
    s = Session(t, mode).secured().c(EHLO).s(INSIDE)
    s.client.ask(b"STARTTLS", b"503")
    s.c(b"NOOP\r\n").s(OK).goes_on_in_tls()


@in_modes("bridge")
def a_client_that_takes_220_for_nothing(t, mode):
    """It goes on in the clear: no command of it is obeyed."""
    s = Session(t, mode).starttls().server_secured()
    s.client.hear(READY)
    s.client.say(b"MAIL FROM:<a@x>\r\n")
    s.server.hear_end_or_reset()
    s.ended()
    check("doing=tls" in s.daemon.text(), "nothing in the log")
    equal(s.daemon.rows("SELECT * FROM message"), [], "messages")


@in_modes("bridge")
def either_side_resets_in_the_handshake(t, mode):
    s = Session(t, mode).starttls()
    s.server.say(GO)
    s.server.sock.recv(1)
    s.server.reset()
    reply = s.client.hear_all()
    check(reply.startswith(b"454 4.7.0 TLS not available: "), reply)
    s.client.close()
    s.daemon.sessions(1)
    s.daemon.stop()
    for file in t.dir.glob("sessions.db*"):
        file.unlink()
    s = Session(t, mode).starttls().server_secured()
    s.client.hear(READY)
    s.client.reset()
    s.server.hear_end_or_reset()
    row, = s.daemon.sessions(1)
    equal(row["ended_by"], "smtptap:tls-failed", "ended_by")


@in_modes("bridge")
def stalled_handshakes_time_out(t, mode):
    """Half a minute each, on the server's side and on the client's."""
    one = Session(t, mode, record="one.db").starttls()
    one.server.say(GO)
    two = Session(t, mode, record="two.db").starttls().server_secured()
    two.client.hear(READY).say(b"\x16\x03")	# and no more of it
    for talker in (one.client, two.client, two.server):
        talker.sock.settimeout(60)
    reply = one.client.hear_all()
    check(reply.startswith(b"454 4.7.0 TLS not available: "), reply)
    two.client.hear_end_or_reset()
    two.server.hear_end_or_reset()
    for session in (one, two):
        session.ended()
        equal(session.row["ended_by"], "smtptap:tls-failed", "ended_by")
        check("timed out" in session.daemon.text(), session.daemon.text())


main()
