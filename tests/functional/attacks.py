#!/usr/bin/python3
"""V01-V40: attacks and what looks like one, byte by byte.

Each is played through the running proxy under the policies named in its table
row: _o is the empty policy, _h a policy that holds all bytes and changes none
(what is so under the one must be so under the other), _s is `profile = strict`,
_x an ehlo-strip, _p STARTTLS passing through. V23, V26 and V27, and
V24, V25 and V28 where smtptap itself ends TLS, are in tls_attacks.py.

The bytes are the claim: unless a step says otherwise, what one side says is what
the other hears. A step goes on when the bytes have arrived.
"""
import base64
import contextlib
import re

from policies import HELD, behind
from tap_harness import (SANITIZED, Talker, case, check, equal, main,
                         same_bytes, sha256, wire)

STRICT = "profile = strict"
MODES = {"o": None, "h": HELD, "s": STRICT, "p": None}

GREETING = b"220 mx ESMTP\r\n"
EHLO = b"EHLO c\r\n"
OFFER = (b"250-mx\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-CHUNKING\r\n"
         b"250-STARTTLS\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n250 8BITMIME\r\n")
MAIL = b"MAIL FROM:<a@x>\r\n"
RCPT = b"RCPT TO:<b@y>\r\n"
OK = b"250 ok\r\n"
GO = b"354 go\r\n"
BODY = b"Subject: s\r\n\r\nhi\r\n"
SMUGGLED = (b"MAIL FROM:<e@x>\r\nRCPT TO:<v@y>\r\nDATA\r\nSubject: z\r\n\r\n"
            b"z\r\n.\r\n")
BARE = b"550 5.6.11 bare CR/LF not accepted\r\n"


class Dialogue:
    """A client and a server through smtptapd; both sides' bytes are checked."""

    def __init__(self, t, policy, bytewise=False):
        upstream = t.listen()
        port = upstream.getsockname()[1]
        self.t = t
        self.bytewise = bytewise
        self.daemon = t.smtptapd(port) if policy is None else \
            behind(t, port, policy)
        self.client = t.connect(self.daemon.port)
        self.server = t.started(Talker(upstream.accept()[0]))

    def say(self, speaker, octets):
        for piece in octets if isinstance(octets, tuple) else (octets,):
            step = 1 if self.bytewise else max(1, len(piece))
            for i in range(0, len(piece), step):
                speaker.say(piece[i:i + step])
                if self.bytewise:
                    speaker.wait_until_read()

    def c(self, octets, arrives=None):
        """The client says it; the server hears that, or what arrives says.
        A tuple is so many segments."""
        self.say(self.client, octets)
        whole = b"".join(octets) if isinstance(octets, tuple) else octets
        self.server.hear(whole if arrives is None else arrives)
        return self

    def s(self, octets, arrives=None):
        self.say(self.server, octets)
        whole = b"".join(octets) if isinstance(octets, tuple) else octets
        self.client.hear(whole if arrives is None else arrives)
        return self

    def greeted(self):
        return self.s(GREETING).c(EHLO).s(OFFER)

    def transaction(self, mail=MAIL):
        return self.c(mail).s(OK).c(RCPT).s(OK)

    def content(self, body=BODY, reply=b"250 q\r\n"):
        return self.c(b"DATA\r\n").s(GO).c(body).c(b".\r\n").s(reply)

    def closed_by_smtptap(self, reply):
        """The client hears reply and the end; the server hears nothing more."""
        self.client.hear(reply)
        self.client.hear_end()
        self.server.hear_end()

    def quit(self):
        self.c(b"QUIT\r\n").s(b"221 bye\r\n")
        self.server.close()
        self.client.hear_end()
        return self.recorded()

    def recorded(self):
        self.client.close()
        self.server.close()
        self.session, = self.daemon.sessions(1)
        check(self.daemon.running(), "smtptapd has ended")
        return self

    def messages(self):
        return self.daemon.rows("SELECT * FROM message ORDER BY seq")

    def accepted(self, *senders):
        """So many messages were taken, from these; in order."""
        equal([m["mail_from"] for m in self.messages() if m["accepted"]],
              list(senders), "senders of the messages accepted")
        return self

    def events(self, *names):
        """These, and no others, rows of rules apart."""
        equal(sorted({r["name"] for r in self.daemon.rows(
            "SELECT name FROM event")} - {"rule"}), sorted(names), "events")
        return self

    def has_event(self, *names):
        got = {r["name"] for r in self.daemon.rows("SELECT name FROM event")}
        check(set(names) <= got, f"events {sorted(got)}, without {names}")
        return self

    def verbs(self):
        return [r["verb"] for r in self.daemon.rows(
            "SELECT verb FROM exchange ORDER BY seq")]

    def codes(self):
        return [r["code"] for r in self.daemon.rows(
            "SELECT code FROM exchange ORDER BY seq")]


def attack(*modes):
    """A case for each mode, named after it."""
    def register(function):
        for mode in modes:
            def run(t, mode=mode):
                function(t, MODES[mode], mode)
            run.__name__ = f"{function.__name__}_{mode}"
            case(run)
        return function
    return register


@attack("o", "h", "s")
def v01_an_honest_session(t, policy, mode):
    d = Dialogue(t, policy).greeted().transaction().content().quit()
    d.accepted("a@x").events()
    equal(d.messages()[0]["sha256"], sha256(BODY), "sha256")
    equal(d.session["ended_by"], "server", "ended_by")


def story(d):
    """All of a session that does not hang on how it was cut."""
    show = d.t.show(d.daemon)
    return ([(e["verb"], e["argument"], e["code"], e["reply"], e["forwarded"])
             for e in show["exchanges"]],
            [(m["mail_from"], m["sha256"], m["code"]) for m in
             show["messages"]],
            [e["name"] for e in show["events"]],
            wire(show, "client"), wire(show, "server"))


@attack("o", "h", "s")
def v02_every_octet_a_segment(t, policy, mode):
    stories = []
    for bytewise in (False, True):
        d = Dialogue(t, policy, bytewise)
        stories.append(story(d.greeted().transaction().content().quit()))
        d.daemon.stop()
        for file in t.dir.glob("sessions.db*"):
            file.unlink()
    equal(stories[1], stories[0], "the session, octet by octet and whole")


@attack("o", "h", "s")
def v03_a_group_up_to_data(t, policy, mode):
    d = Dialogue(t, policy).greeted()
    d.c(MAIL + RCPT + b"DATA\r\n").s(OK + OK + GO)
    d.c(BODY + b".\r\n").s(b"250 q\r\n").quit()
    d.accepted("a@x").events()


@attack("o", "h", "s")
def v04_the_end_of_data_in_pieces(t, policy, mode):
    """What a PIX could not do: it swallowed a dot of its own segment."""
    d = Dialogue(t, policy).greeted()
    end = b"\r\n.\r\n"
    for cut in range(1, 5):
        d.transaction().c(b"DATA\r\n").s(GO).c(b"Subject: s\r\n\r\nhi", b"")
        d.client.say(end[:cut])
        d.client.wait_until_read()
        d.client.say(end[cut:])
        d.server.hear(b"Subject: s\r\n\r\nhi" + end)
        d.s(b"250 q%d\r\n" % cut)
    d.quit().accepted("a@x", "a@x", "a@x", "a@x").events()


@attack("o", "h", "s")
def v05_dots_stay_stuffed(t, policy, mode):
    d = Dialogue(t, policy).greeted().transaction()
    d.content(b"..\r\n...x\r\n.y\r\n").quit().accepted("a@x")
    equal(d.messages()[0]["sha256"], sha256(b".\r\n..x\r\ny\r\n"), "sha256")


@attack("o", "h", "s")
def v06_two_messages_without_rset(t, policy, mode):
    d = Dialogue(t, policy).greeted().transaction().content()
    d.transaction(b"MAIL FROM:<c@x>\r\n").content(b"Subject: 2\r\n\r\n")
    d.quit().accepted("a@x", "c@x").events()
    equal([m["subject"] for m in d.messages()], ["s", "2"], "subjects")


@attack("o", "h", "s")
def v07_recipients_have_their_own_replies(t, policy, mode):
    d = Dialogue(t, policy).greeted().c(MAIL).s(OK)
    for name, reply in ((b"b", OK), (b"c", b"550 5.1.1 no\r\n"),
                        (b"d", b"452 4.5.3 full\r\n")):
        d.c(b"RCPT TO:<%s@y>\r\n" % name).s(reply)
    d.content().quit().accepted("a@x")
    equal([(r["address"], r["code"]) for r in d.daemon.rows(
        "SELECT address, code FROM recipient")],
        [("b@y", 250), ("c@y", 550), ("d@y", 452)], "recipients")
    equal(d.session["recipients"], 1, "recipients accepted")


@attack("o", "h", "s")
def v08_reset_and_begin_again(t, policy, mode):
    d = Dialogue(t, policy).greeted().transaction().c(b"RSET\r\n").s(OK)
    d.transaction(b"MAIL FROM:<c@x>\r\n").content().quit().accepted("c@x")
    equal([(m["mail_from"], m["accepted"], m["code"]) for m in d.messages()],
          [("a@x", 0, None), ("c@x", 1, 250)], "transactions")


@attack("o", "h", "s")
def v09_the_client_ends_its_side_with_quit(t, policy, mode):
    d = Dialogue(t, policy).greeted().transaction().content()
    d.client.say(b"QUIT\r\n").end()
    d.server.hear(b"QUIT\r\n").hear_end().say(b"221 bye\r\n").close()
    d.client.hear(b"221 bye\r\n").hear_end()
    d.recorded().accepted("a@x").events()
    equal(d.verbs()[-1], "QUIT", "last verb")


@attack("o", "h", "s")
def v10_a_server_that_is_busy(t, policy, mode):
    d = Dialogue(t, policy).s(b"421 4.3.2 busy\r\n")
    d.server.end()
    d.client.hear_end().close()
    d.server.hear_end()
    d.recorded().accepted()
    equal(d.session["ended_by"], "server", "ended_by")
    equal(d.codes(), [421], "codes")


@case
def v11_o_with_a_banner_of_its_own(t):
    d = Dialogue(t, 'banner = "mx.example.net ESMTP"')
    said = b"220-mx1 Foo 1.2\r\n220-legal\r\n220 ready\r\n"
    shown = (b"220-mx.example.net ESMTP\r\n" * 2 +
             b"220 mx.example.net ESMTP\r\n")
    d.s(said, shown).c(EHLO).s(OFFER).quit()
    same_bytes(wire(t.show(d.daemon), "server"), said + OFFER +
               b"221 bye\r\n", "recorded as it came")


@case
def v12_x_the_last_keyword_is_taken_out(t):
    d = Dialogue(t, 'ehlo-strip = {"STARTTLS"}').s(GREETING).c(EHLO)
    said = b"250-mx\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"
    d.s(said, b"250-mx\r\n250 SIZE 1000\r\n").quit()
    same_bytes(wire(t.show(d.daemon), "server"), GREETING + said +
               b"221 bye\r\n", "recorded as it came")


@case
def v13_s_bdat_where_chunking_is_hidden(t):
    d = Dialogue(t, STRICT + '\nehlo-strip = {"CHUNKING"}').s(GREETING).c(EHLO)
    d.s(OFFER, OFFER.replace(b"250-CHUNKING\r\n", b"")).transaction()
    d.c(b"BDAT 5 LAST\r\nabc\r\n", b"")
    check(d.client.hear_line().startswith(b"502 "), "no 502")
    d.c(b"NOOP\r\n").s(OK).quit().accepted()
    row = d.daemon.one("SELECT * FROM exchange WHERE verb = 'BDAT'")
    equal((row["forwarded"], row["code"], row["origin"]),
          (0, 502, "smtptap"), "BDAT as recorded")


@attack("s")
def v13_bdat_where_chunking_is_not_offered(t, policy, mode):
    d = Dialogue(t, policy).s(GREETING).c(EHLO).s(b"250 mx\r\n").transaction()
    d.c(b"BDAT 5 LAST\r\nabc\r\n", b"")
    d.client.hear(b"502 5.5.1 BDAT is not offered\r\n")
    d.c(b"NOOP\r\n").s(OK).quit().accepted().has_event("bdat-unoffered")


@attack("o", "h", "s")
def v14_helo_where_ehlo_is_refused(t, policy, mode):
    d = Dialogue(t, policy).s(GREETING).c(EHLO).s(b"500 5.5.1 what\r\n")
    d.c(b"HELO c\r\n").s(b"250 mx\r\n").transaction().content().quit()
    d.accepted("a@x").events()
    equal(d.verbs()[1:3], ["EHLO", "HELO"], "verbs")


def bare_octet_in_content(t, before, after, event):
    """Nothing from the first bare octet on reaches the server."""
    d = Dialogue(t, STRICT).greeted().transaction().c(b"DATA\r\n").s(GO)
    head = b"Subject: s\r\n\r\na" + before
    d.client.say(head + after + SMUGGLED)
    d.server.hear(head).hear_end()
    d.closed_by_smtptap(BARE)
    d.recorded().accepted().has_event(event)
    message, = d.messages()
    equal((message["mail_from"], message["accepted"], message["code"]),
          ("a@x", 0, 550), "the message")


@case
def v15_s_lf_dot_lf(t):
    bare_octet_in_content(t, b"", b"\n.\n", "bare-lf")


@case
def v16_s_lf_dot_crlf(t):
    bare_octet_in_content(t, b"", b"\n.\r\n", "bare-lf")


@case
def v17_s_crlf_dot_lf(t):
    bare_octet_in_content(t, b"\r\n.", b"\n", "eod-candidate")


@case
def v18_s_cr_dot_crlf(t):
    bare_octet_in_content(t, b"", b"\r.\r\n", "bare-cr")


@case
def v19_s_crlf_nul_dot_crlf(t):
    bare_octet_in_content(t, b"\r\n", b"\0.\r\n", "nul")


@attack("o")
def v20_a_server_that_takes_lf_dot_crlf(t, policy, mode):
    d = Dialogue(t, policy).greeted().transaction().c(b"DATA\r\n").s(GO)
    d.c(b"Subject: s\r\n\r\na\n.\r\n" + SMUGGLED)
    d.s(b"250 q1\r\n" + OK + OK + GO + b"250 q2\r\n").quit()
    d.accepted("a@x", "e@x").has_event("eod-nonstandard")
    equal([r["address"] for r in d.daemon.rows("SELECT * FROM recipient")],
          ["b@y", "v@y"], "recipients")


@attack("o", "h", "s")
def v21_a_group_behind_the_end_of_data(t, policy, mode):
    d = Dialogue(t, policy).greeted().transaction().c(b"DATA\r\n").s(GO)
    d.c(BODY + b".\r\n" + MAIL + RCPT + b"DATA\r\n")
    d.s(b"250 q1\r\n" + OK + OK + GO).c(BODY + b".\r\n").s(b"250 q2\r\n")
    d.quit().accepted("a@x", "a@x").events()


@attack("p", "h", "s")
def v22_starttls_passes_through(t, policy, mode):
    noise = bytes((i * i * 31 + i) % 256 for i in range(4096))
    d = Dialogue(t, policy).greeted().c(b"STARTTLS\r\n").s(b"220 go\r\n")
    d.c(b"\x16\x03\x01" + noise).s(b"\x16\x03\x03" + noise)
    d.c(b"MAIL FROM:<secret@x>\r\n").s(b"250 b\r\n").recorded().events()
    equal(d.verbs(), ["CONNECT", "EHLO", "STARTTLS"], "commands")
    equal(d.session["tls_client"], "opaque", "tls_client")


@case
def v24_s_starttls_reply_and_more(t):
    for more in (b"250-x\r\n250 AUTH PLAIN\r\n", b"250-AUTH PL"):
        d = Dialogue(t, STRICT).greeted().c(b"STARTTLS\r\n")
        d.server.say(b"220 go\r\n" + more)
        d.client.hear(b"220 go\r\n").hear_end()
        d.server.hear_end_or_reset()
        d.recorded().has_event("starttls-injection")
        d.daemon.stop()
        for file in t.dir.glob("sessions.db*"):
            file.unlink()


@attack("p", "h", "s")
def v25_starttls_refused(t, policy, mode):
    d = Dialogue(t, policy).greeted().c(b"STARTTLS\r\n").s(b"454 no\r\n")
    d.c(b"NOOP\r\n").s(OK).quit().events("tls-refused")
    equal(d.verbs(), ["CONNECT", "EHLO", "STARTTLS", "NOOP", "QUIT"],
          "commands")


def holds_no_secret(d, *secrets):
    """Neither the recording nor the log has any of them, in any form."""
    d.daemon.stop()
    for file in [*d.t.dir.glob("sessions.db*"), d.daemon.log]:
        octets = file.read_bytes()
        for secret in secrets:
            for form in (secret, base64.b64encode(secret)):
                check(form not in octets, f"{form!r} in {file.name}")


@attack("o", "h", "s")
def v28_a_password_is_not_kept(t, policy, mode):
    line = b"AUTH PLAIN AHRlc3QAczNjcjN0\r\n"
    d = Dialogue(t, policy).greeted().c(line).s(b"235 ok\r\n").quit().events()
    equal(d.session["bytes_in"], len(EHLO + line + b"QUIT\r\n"), "bytes_in")
    equal(d.codes()[2:], [235, 221], "codes")
    holds_no_secret(d, b"s3cr3t", b"\0test\0s3cr3t", b"czNjcjN0")


@attack("o", "h", "s")
def v29_auth_login_refused(t, policy, mode):
    d = Dialogue(t, policy).greeted().c(b"AUTH LOGIN\r\n").s(b"334 VQ==\r\n")
    d.c(b"dGVzdA==\r\n").s(b"334 UA==\r\n").c(b"czNjcjN0\r\n")
    d.s(b"535 5.7.8 no\r\n").quit().events()
    equal(d.session["auth_user"], None, "auth_user")
    holds_no_secret(d, b"s3cr3t", b"dGVzdA==", b"czNjcjN0")


@attack("o", "h", "s")
def v30_auth_cancelled(t, policy, mode):
    d = Dialogue(t, policy).greeted().c(b"AUTH PLAIN\r\n").s(b"334 \r\n")
    d.c(b"*\r\n").s(b"501 5.7.0 cancelled\r\n").c(b"NOOP\r\n").s(OK).quit()
    d.events("auth-cancelled")
    equal(d.verbs()[-2:], ["NOOP", "QUIT"], "commands")


@attack("o", "h", "s")
def v31_quit_as_an_answer_of_auth(t, policy, mode):
    d = Dialogue(t, policy).greeted().c(b"AUTH LOGIN\r\n").s(b"334 VQ==\r\n")
    d.c(b"QUIT\r\n").s(b"535 5.7.8 no\r\n").c(b"NOOP\r\n").s(OK).quit()
    equal([v for v in d.verbs() if v in ("NOOP", "QUIT")], ["NOOP", "QUIT"],
          "commands")
    check(b"QUIT\r\nNOOP" not in wire(t.show(d.daemon), "client"),
          "the answer is not redacted")


@attack("o", "h", "s")
def v32_chunks_and_the_next_transaction_at_once(t, policy, mode):
    d = Dialogue(t, policy).greeted().transaction()
    d.c(b"BDAT 4\r\nab\r\nBDAT 4 LAST\r\ncd\r\nMAIL FROM:<c@x>\r\n")
    d.s(OK + b"250 q\r\n" + OK).quit().accepted("a@x").events()
    equal(d.messages()[0]["sha256"], sha256(b"ab\r\ncd\r\n"), "sha256")
    equal([m["mail_from"] for m in d.messages()], ["a@x", "c@x"],
          "transactions")


@attack("o", "h", "s")
def v33_an_empty_chunk_ends_the_message(t, policy, mode):
    d = Dialogue(t, policy).greeted().transaction()
    d.c(b"BDAT 0 LAST\r\n").s(b"250 q\r\n")
    d.transaction(b"MAIL FROM:<c@x>\r\n").quit().accepted("a@x").events()
    equal([(m["mail_from"], m["size"]) for m in d.messages()],
          [("a@x", 0), ("c@x", None)], "transactions")


def bad_bdat(t, line, event):
    d = Dialogue(t, STRICT).greeted().transaction()
    d.client.say(line + b"\r\nabc\r\nNOOP\r\n")
    heard = d.client.hear_all()
    check(re.fullmatch(rb"5(01|52) [^\r\n]*\r\n", heard), f"{line}: {heard}")
    d.server.hear_end()
    d.recorded().accepted().has_event(event)


@case
def v34_s_a_chunk_of_4_gib(t):
    bad_bdat(t, b"BDAT 4294967301 LAST", "bdat-size")


def register_v35(number, argument):
    def run(t):
        bad_bdat(t, b"BDAT " + argument, "bdat-syntax")
    run.__name__ = f"v35_s_bdat_{number}"
    case(run)


for name, argument in (("minus", b"-1"), ("plus", b"+5 LAST"),
                       ("hexadecimal", b"0x5 LAST"), ("word", b"5 X")):
    register_v35(name, argument)


@attack("o", "h")
def v36_two_codes_in_a_reply(t, policy, mode):
    d = Dialogue(t, policy).s(GREETING).c(EHLO).s(b"250-a\r\n550 no\r\n")
    d.recorded().has_event("reply-mixed")


@case
def v36_s_two_codes_in_a_reply(t):
    d = Dialogue(t, STRICT).s(GREETING).c(EHLO)
    d.server.say(b"250-a\r\n550 no\r\n")
    heard = d.client.hear_all()
    check(re.fullmatch(rb"(250-a\r\n)?421 [^\r\n]*\r\n", heard), heard)
    d.server.hear_end()
    d.recorded().has_event("reply-mixed")


@case
def v37_s_a_reply_too_many(t):
    d = Dialogue(t, STRICT).s(GREETING).c(EHLO)
    d.server.say(b"250 a\r\n250 b\r\n")
    d.client.hear(b"250 a\r\n")
    heard = d.client.hear_all()
    check(re.fullmatch(rb"421 [^\r\n]*\r\n", heard), heard)
    d.server.hear_end()
    d.recorded().has_event("unsolicited-reply")


@attack("o", "h")
def v37_a_reply_too_many(t, policy, mode):
    d = Dialogue(t, policy).s(GREETING).c(EHLO).s(b"250 a\r\n250 b\r\n")
    d.c(b"NOOP\r\n").s(b"250 n\r\n").quit().has_event("unsolicited-reply")
    equal(d.daemon.one("SELECT reply FROM exchange WHERE verb = 'NOOP'")
          ["reply"], "n", "reply to NOOP")


def endless_reply(t, policy, lines):
    """The server says so many lines of one reply, or until it is cut off; how
    many octets more of memory smtptapd has taken."""
    d = Dialogue(t, policy).s(GREETING).c(EHLO)
    before = d.daemon.proc("VmRSS")
    block = b"250-x\r\n" * 1000
    heard = 0
    for _ in range(lines // 1000):
        try:
            d.server.say(block)
            d.client.hear(block)
            heard += 1000
        except (OSError, AssertionError):
            break
    return d, heard, d.daemon.proc("VmRSS") - before


@attack("o", "h")
def v38_a_reply_without_end(t, policy, mode):
    """An empty policy alters no byte: it goes through, in bounded memory."""
    d, heard, grown = endless_reply(t, policy, 200000)
    equal(heard, 200000, "lines heard")
    check(SANITIZED or grown < 8192, f"{grown} KiB more memory")
    d.s(b"250 x\r\n").quit().has_event("reply-lines")


@case
def v38_s_a_reply_without_end(t):
    d = Dialogue(t, STRICT).s(GREETING).c(EHLO)
    with contextlib.suppress(ConnectionError):
        d.server.say(b"250-x\r\n" * 100000)
    heard = d.client.hear_all()
    lines = heard.splitlines(keepends=True)
    check(len(lines) <= 129 and re.fullmatch(rb"421 [^\r\n]*\r\n", lines[-1]),
          f"{len(lines)} lines, the last {lines[-1]}")
    equal(set(lines[:-1]) - {b"250-x\r\n"}, set(), "other lines")
    d.server.hear_end_or_reset()
    d.recorded().has_event("reply-lines")


@attack("o", "h", "s")
def v39_data_without_a_transaction(t, policy, mode):
    """CVE-2000-1022: what stands behind a DATA that was refused is commands."""
    d = Dialogue(t, policy).greeted().c(b"DATA\r\n").s(b"503 5.5.1 no\r\n")
    d.c(b"VRFY root\r\n").s(b"252 2.0.0 maybe\r\n")
    if mode == "s":	# the policy's own answer
        d.c(b"XFOO 1\r\n", b"")
        check(d.client.hear_line().startswith(b"500 "), "no 500 to XFOO")
    else:
        d.c(b"XFOO 1\r\n").s(b"500 5.5.1 what\r\n")
    d.c(b"NOOP\r\n").s(OK).quit().accepted()
    equal(d.codes()[2:], [503, 252, 500, 250, 221], "codes")
    equal(d.messages(), [], "messages")


@attack("o", "h", "s")
def v40_lmtp_answers_each_recipient(t, policy, mode):
    d = Dialogue(t, policy).s(GREETING).c(b"LHLO c\r\n").s(OFFER).transaction()
    d.c(b"RCPT TO:<n@y>\r\n").s(b"550 5.1.1 no\r\n")
    d.c(b"RCPT TO:<d@y>\r\n").s(OK)
    d.c(b"DATA\r\n").s(GO).c(BODY + b".\r\n")
    d.s(b"250 r1\r\n452 r3\r\n").c(b"NOOP\r\n").s(OK).quit()
    check("unsolicited-reply" not in {r["name"] for r in d.daemon.rows(
        "SELECT name FROM event")}, "a reply counts as unsolicited")
    equal([(r["address"], r["code"]) for r in d.daemon.rows(
        "SELECT address, code FROM recipient")],
        [("b@y", 250), ("n@y", 550), ("d@y", 452)], "recipients")


main()
