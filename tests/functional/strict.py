#!/usr/bin/python3
"""profile = strict: honest mail passes unharmed, from and to real programs; and
the refusals that are about sizes. What attacks meet is in attacks.py."""
import re
import smtplib

import senders
from policies import behind, rules
from tap_harness import (Mailbox, Talker, case, check, equal, main, same_bytes,
                         sha256, wait_for)

STRICT = "profile = strict"
LINES = b"".join(b"line %d of the message\r\n" % i for i in range(3000))


def only_hides_keywords(daemon):
    """Nothing was refused; what strict does not know is not offered."""
    fired = {rule for rule, _ in rules(daemon)}
    check(fired <= {"ehlo-keep"}, f"rules {rules(daemon)}")


def mail_to(t, port):
    """swaks sends to a real server, in lock step and pipelined."""
    daemon = behind(t, port, STRICT)
    body = t.dir / "body"
    body.write_bytes(b"Subject: through\n\n.\n..\n" +
                     LINES.replace(b"\r\n", b"\n"))
    t.swaks(daemon.port, "--data", f"@{body}")
    t.swaks(daemon.port, "--data", f"@{body}", "--pipeline",
            "--to", "b@server.test,c@server.test")
    rows = daemon.sessions(2)
    equal([r["messages"] for r in rows], [1, 1], "messages")
    equal([r["recipients"] for r in rows], [1, 2], "recipients")
    only_hides_keywords(daemon)


def mail_from(t, sender, keywords=(b"PIPELINING", b"8BITMIME", b"CHUNKING",
                                   b"DSN", b"XWHATEVER")):
    """A real server sends on, through smtptapd, what it was given."""
    mailbox = Mailbox(keywords)
    daemon = behind(t, t.server(mailbox).port, STRICT)
    port, _ = t.peer(sender, relay=daemon.port)
    body = t.dir / "body"
    body.write_bytes(b"Subject: relayed\n\n.\n..\n" +
                     LINES.replace(b"\r\n", b"\n"))
    t.swaks(port, "--data", f"@{body}", "--to", "b@server.test,c@server.test")
    wait_for(lambda: mailbox.messages, f"a message from {sender}")
    daemon.sessions(1)
    row = daemon.one("SELECT * FROM message")
    equal((row["accepted"], row["sha256"]),
          (1, sha256(mailbox.messages[0][1])), "the message")
    check(b"\r\n\r\n.\r\n..\r\n" + LINES in mailbox.messages[0][1], "content")
    only_hides_keywords(daemon)


def register(name, function, *arguments):
    def run(t):
        function(t, *arguments)
    run.__name__ = name
    case(run)


for peer in ("postfix", "exim", "opensmtpd", "sendmail"):
    register(f"mail_to_{peer}", lambda t, p: mail_to(t, t.peer(p)[0]), peer)
    register(f"mail_from_{peer}", mail_from, peer)
register("mail_to_aiosmtpd", lambda t: mail_to(t, t.aiosmtpd()[0]))


@case
def smtplib_logs_in_and_sends_utf8(t):
    mailbox = Mailbox()
    daemon = behind(t, t.server(mailbox).port, STRICT)
    with smtplib.SMTP("127.0.0.1", daemon.port, "client.test") as client:
        client.login("user", "password")
        client.sendmail("a@x", ["b@y"], b"Subject: 1\r\n\r\n1\r\n",
                        mail_options=["BODY=8BITMIME"])
        client.sendmail("\u00e4@x", ["\u00f6@y"], b"Subject: 2\r\n\r\n2\r\n",
                        mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    daemon.sessions(1)
    equal(len(mailbox.messages), 2, "messages")
    equal([r["mail_from"] for r in daemon.rows(
        "SELECT mail_from FROM message WHERE accepted ORDER BY seq")],
        ["a@x", "\u00e4@x"], "senders recorded")
    only_hides_keywords(daemon)


@case
def nodemailer_and_msmtp_send(t):
    mailbox = Mailbox()
    daemon = behind(t, t.server(mailbox).port, STRICT)
    senders.nodemailer(t, daemon.port)
    senders.msmtp(t, daemon.port, b"Subject: m\n\n.\n")
    daemon.sessions(2)
    equal(len(mailbox.messages), 4, "messages")
    only_hides_keywords(daemon)


class Line:
    """A session up to where the client may say anything."""

    def __init__(self, t):
        upstream = t.listen()
        self.daemon = behind(t, upstream.getsockname()[1], STRICT)
        self.client = t.connect(self.daemon.port)
        self.server = t.started(Talker(upstream.accept()[0]))
        self.server.say(b"220 mx ESMTP\r\n")
        self.client.hear(b"220 mx ESMTP\r\n").say(b"EHLO c\r\n")
        self.server.hear(b"EHLO c\r\n").say(b"250-mx\r\n250 AUTH PLAIN\r\n")
        self.client.hear(b"250-mx\r\n250 AUTH PLAIN\r\n")

    def ends_with(self, code, rule):
        """The client hears that and the end; the server hears nothing."""
        heard = self.client.hear_all()
        check(re.fullmatch(code + rb" [^\r\n]*\r\n", heard), heard)
        self.server.hear_end_or_reset()
        self.client.close()
        self.server.close()
        self.daemon.sessions(1)
        check(rule in {r for r, _ in rules(self.daemon)}, rules(self.daemon))


@case
def a_command_of_2049_octets_ends_the_session(t):
    line = Line(t)
    longest = b"NOOP " + b"x" * 2043 + b"\r\n"
    line.client.say(longest)
    line.server.hear(longest).say(b"250 ok\r\n")
    line.client.hear(b"250 ok\r\n").say(longest.replace(b"x", b"xx", 1))
    line.ends_with(b"500", "max-command-line")


@case
def a_command_without_end_ends_the_session(t):
    line = Line(t)
    line.client.say(b"NOOP " + b"x" * 70000)
    line.ends_with(b"500", "odd-command")


@case
def auth_may_have_12288_octets(t):
    line = Line(t)
    longest = b"AUTH PLAIN " + b"A" * 12000 + b"\r\n"
    line.client.say(longest)
    line.server.hear(longest).say(b"535 no\r\n")
    line.client.hear(b"535 no\r\n").say(b"AUTH PLAIN " + b"A" * 13000 +
                                         b"\r\n")
    line.ends_with(b"500", "max-command-line")


@case
def a_reply_of_2049_octets_ends_the_session(t):
    line = Line(t)
    line.client.say(b"NOOP\r\n")
    line.server.hear(b"NOOP\r\n").say(b"250 " + b"x" * 2045 + b"\r\n")
    line.ends_with(b"421", "max-reply-line")


@case
def a_reply_without_a_line_end_ends_the_session(t):
    line = Line(t)
    line.client.say(b"NOOP\r\n")
    line.server.hear(b"NOOP\r\n").say(b"250 " + b"x" * 70000)
    line.ends_with(b"421", "bad-reply")


@case
def what_is_refused_is_drained_to_its_end(t):
    """However long, the client gets its 550; the server none of it."""
    line = Line(t)
    for command, reply in ((b"MAIL FROM:<a@x>\r\n", b"250 ok\r\n"),
                           (b"RCPT TO:<b@y>\r\n", b"250 ok\r\n"),
                           (b"DATA\r\n", b"354 go\r\n")):
        line.client.say(command)
        line.server.hear(command).say(reply)
        line.client.hear(reply)
    line.client.say(b"Subject: s\r\n\r\nbare\n" + LINES * 20)
    line.server.hear(b"Subject: s\r\n\r\nbare").hear_end_or_reset()
    line.client.say(b".\r\n")
    line.ends_with(b"550", "bare-newline")
    message = line.daemon.one("SELECT * FROM message")
    equal((message["accepted"], message["code"], message["sha256"]),
          (0, 550, sha256(b"Subject: s\r\n\r\nbare")), "the message")
    same_bytes(message["mail_from"].encode(), b"a@x", "sender")


main()
