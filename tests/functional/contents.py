#!/usr/bin/python3
"""Rules on mail content: what they name is refused, however it is written and
cut, and what is next to it passes untouched."""
from policies import behind, rules
from tap_harness import Mailbox, case, check, equal, main, same_bytes

PLAIN = b"From: a@client.test\r\nTo: b@server.test\r\n\r\ntext\r\n"


def header(*lines):
    return b"".join(line + b"\r\n" for line in lines) + PLAIN


def attached(parameters, encoding=b"base64"):
    """A message within a multipart of a message, and in it a file."""
    return b"Content-Type: message/rfc822\r\n\r\n" \
        b"Content-Type: multipart/mixed;\r\n boundary=\"b 1\"\r\n\r\n" \
        b"--b 1\r\n\r\ntext\r\n.\xc2\xb7\r\n--b 1\r\n" \
        b"Content-Type: Application (x) /\r\n Octet-Stream\r\n" \
        b"Content-Disposition: attachment;\r\n " + parameters + b"\r\n" \
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" \
        b"QUJD\r\n--b 1--\r\n"


# A match, what it refuses, and what it lets pass.
RULES = {
    "header_length": ("gt = 47", header(b"X-Pad: x"), PLAIN),
    "header_line_length": ("gt = 30", header(b"X: y", b" " + b"z" * 30),
                           header(b"X: y", b" " + b"z" * 29)),
    "header_to-fields_count": (
        "gt = 3",
        b"To: \"a, b\" <a@x>,\r\n g: b@x, c@x;\r\nTo: d@x (e,\r\n f)\r\n\r\n",
        b"To: \"a, b\" <a@x>,\r\n g: b@x;\r\nTo: d@x (e,\r\n f)\r\n\r\n"),
    "body_length": ("gt = 6", PLAIN + b"\r\n", PLAIN),
    "body_line_length": ("gt = 30", PLAIN + b"x" * 31 + b"\r\n",
                         PLAIN + b"x" * 30 + b"\r\n"),
    "mime_encoding": ("is = {\"others\"}", attached(b"x=y", b"X-UUencode"),
                      attached(b"x=y", b"Base64")),
    "mime_filename_length": (
        "gt = 12",
        attached(b"filename*0*=utf-8''%e2%82%ac; filename*1=1234567890"),
        attached(b"filename*0*=utf-8''%e2%82%ac; filename*1=123456789")),
    "mime_filetype": (
        r"regex = '(?i)\.exe$'",
        attached(b"filename=\"=?utf-8?B?YS5l?=\r\n =?us-ascii?Q?x=65?=\""),
        attached(b"filename=\"a.exe.txt\"")),
    "event": ("names = {\"invalid-base64\"}",
              attached(b"x=y").replace(b"QUJD", b"QU!D"), attached(b"x=y")),
}
TYPE = ("mime filetype", r"regex = '^application/octet-stream$'")


def deliver(client, content, pieces):
    """A message, its content in pieces of that many octets; the last reply."""
    stuffed = content.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    client.hear_reply()
    for command in (b"EHLO client.test", b"MAIL FROM:<a@client.test>",
                    b"RCPT TO:<b@server.test>"):
        client.ask(command, b"250")
    client.ask(b"DATA", b"354")
    client.say(*(stuffed[i:i + pieces]
                 for i in range(0, len(stuffed), pieces)))
    return client.hear_reply()


def played(t, subject, operand, content, pieces, name):
    """What a rule makes of a message: the last reply, what the server has got,
    and the rules that fired."""
    mailbox = Mailbox()
    daemon = behind(t, t.server(mailbox).port, f"""
        match "{subject}" {{ {operand}  action = "reject 550 5.7.0 no" }}
        """, record=f"{name}.db")
    client = t.connect(daemon.port)
    reply = deliver(client, content, pieces)
    client.close()
    daemon.sessions(1)
    return reply, [content for _, content in mailbox.messages], \
        {rule for rule, _ in rules(daemon)}


def holds(t, subject, operand, content, pieces, name):
    reply, arrived, fired = played(t, subject, operand, content, pieces, name)
    equal(reply, b"550 5.7.0 no\r\n", f"{name}: reply")
    equal(arrived, [], f"{name}: arrived")
    equal(fired, {f"match {subject}"}, f"{name}: rules")


def passes(t, subject, operand, content, pieces, name):
    reply, arrived, fired = played(t, subject, operand, content, pieces, name)
    check(reply.startswith(b"250 "), f"{name}: {reply!r}")
    equal(len(arrived), 1, f"{name}: arrived")
    same_bytes(arrived[0], content, name)
    equal(fired, set(), f"{name}: rules")


def match(name):
    operand, bad, good = RULES[name]
    subject = name.replace("_", " ")

    def function(t):
        for pieces in (4096, 1):
            holds(t, subject, operand, bad, pieces, f"bad-{pieces}")
            passes(t, subject, operand, good, pieces, f"good-{pieces}")
    function.__name__ = f"{name.replace('-', '_')}_is_what_it_is"
    return case(function)


for each in RULES:
    match(each)


@case
def a_type_is_read_through_comments_and_folds(t):
    holds(t, *TYPE, attached(b"x=y"), 1, "type")
    passes(t, *TYPE, PLAIN, 1, "none")


main()
