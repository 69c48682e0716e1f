"""dialogues: sessions of every kind, for what reads and plays recordings."""
from tap_harness import equal

ODD = b"Subject: odd\r\n\r\n..dot\r\nback\\slash \\r\\n \\x41\r\n" \
      b"tab\there bell\x07 nul\0 8bit\xff\xfe \xc3\xa4 bare\rcr bare\nlf\r\n" \
      b"{+0.1} \\{+0.1}\r\n=== session x\r\n*** event\r\n -> x\r\n# no\r\n \r\n"


def by_data(c, content):
    c.ask(b"MAIL FROM:<a@client.test> SIZE=100000", b"250")
    c.ask(b"RCPT TO:<b@server.test>", b"250")
    c.ask(b"DATA", b"354")
    c.say(content)
    c.ask(b".", b"250")


def by_bdat(c):
    c.ask(b"MAIL FROM:<> BODY=BINARYMIME", b"250")
    c.ask(b"RCPT TO:<b@server.test>", b"250")
    c.say(b"BDAT 10\r\nSubject: x").hear_reply()
    c.say(b"BDAT 9\r\n\r\n\r\n\0\xff\r\n\n").hear_reply()
    c.ask(b"BDAT 0 LAST", b"250")


def pipelined(c):
    c.say(b"MAIL FROM:<a@client.test>\r\nRCPT TO:<b@server.test>\r\n"
          b"RCPT TO:<c@server.test>\r\nDATA\r\n")
    for code in (b"250", b"250", b"250", b"354"):
        equal(c.hear_reply()[:3], code, "reply in a group")
    c.say(b"Subject: p\r\n\r\n", b"x\r\n.\r\nRSET\r\nNOOP\r\n")
    for _ in range(3):
        equal(c.hear_reply()[:3], b"250", "reply in a group")


DIALOGUES = {
    "empty": lambda c: None,
    "odd": lambda c: by_data(c, ODD),
    "bdat": by_bdat,
    "pipelined": pipelined,
    "twice": lambda c: (by_data(c, b"Subject: 1\r\n\r\n1\r\n"),
                        by_data(c, b"Subject: 2\r\n\r\n2\r\n")),
    "no content": lambda c: by_data(c, b""),
    "commands": lambda c: [c.ask(v, b"250") for v in (
        b"NOOP", b"RSET", b"noop with argument", b"rset", b"NOOP")],
    "large": lambda c: by_data(c, b"".join(
        b"%070d\r\n" % i for i in range(30000))),
}


def record(t, server, *names):
    """A session for each dialogue, one after the other, in the recording."""
    daemon = t.smtptapd(server.port)
    for name in names:
        c = t.connect(daemon.port)
        c.hear_reply()
        c.ask(b"EHLO client.test", b"250")
        DIALOGUES[name](c)
        c.quit()
    daemon.sessions(len(names))
    daemon.stop()
    return daemon
