#!/usr/bin/python3
"""Signed mail verifies behind the proxy, whatever the policy (INSPECTION B14).

ASA and PIX cut such mail off: they took the names of fields within DKIM-Signature
for fields, and two Content-Type fields for an attack.
"""
import base64

from policies import EMPTY, behind, events
from tap_harness import Mailbox, Missing, case, check, equal, main, same_bytes

try:
    import dkim
    import nacl.signing
except ImportError as missing:
    dkim = missing

POLICIES = {
    "empty": EMPTY,
    "asa": "profile = asa",
    "masks": "banner = mask  scrub-hosts = yes  scrub-text = yes",
    "normalize": "bare-newline = normalize",
    "encodings": 'match "mime filename length" { gt = 1KiB  action = drop }',
}

FROM = b"From: A <a@client.test>\r\nTo: b@server.test, c@server.test\r\n" \
       b"Subject: signed\r\nMessage-ID: <1@client.test>\r\n" \
       b"Date: Sun, 1 Feb 2026 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"
PLAIN = FROM + b"Content-Type: text/plain\r\n\r\n.dot\r\n..\r\n" \
               b"Content-Type: text/body\r\n\r\nlast \r\n"
TWO_TYPES = FROM + b"Content-Type: text/plain\r\n" \
                   b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" \
                   b"--b\r\n\r\ntext\r\n--b--\r\n"
NESTED = FROM + b"Content-Type: multipart/mixed;\r\n\tboundary=\"b 1\"\r\n" \
    b"\r\n--b 1\r\nContent-Type: message/rfc822\r\n\r\n" + TWO_TYPES + \
    b"--b 1\r\nContent-Type: application/pdf;\r\n name*0*=utf-8''%C3%BC;\r\n" \
    b" name*1=\".pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + \
    base64.encodebytes(bytes(range(256)) * 20).replace(b"\n", b"\r\n") + \
    b"--b 1--\r\n"
MESSAGES = {"plain": PLAIN, "two types": TWO_TYPES, "nested": NESTED}
EVENTS = {"plain": set(), "two types": {"duplicate-field"},
          "nested": {"duplicate-field"}}

SIGNED = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version",
          b"content-type", b"content-type", b"content-type"]


class Signer:
    """A key of its own, and the DNS that has it."""

    def __init__(self):
        if isinstance(dkim, ImportError):
            raise Missing(f"{dkim} (python3-dkim)")
        key = nacl.signing.SigningKey.generate()
        self.private = base64.b64encode(key.encode())
        self.record = b"v=DKIM1; k=ed25519; p=" + \
            base64.b64encode(key.verify_key.encode())

    def sign(self, message):
        field = dkim.sign(message, b"s", b"client.test", self.private,
                          include_headers=SIGNED,
                          signature_algorithm=b"ed25519-sha256")
        names = field.partition(b" h=")[2].partition(b";")[0]
        check(b"\r\n" in names and b"content-type" in names,
              f"names that are not folded: {names!r}")
        return field + message

    def verifies(self, message):
        return dkim.verify(message, dnsfunc=lambda name, timeout=5:
                           self.record)


def deliver(client, message, pieces):
    """A session of one message, its content in pieces of that many octets."""
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    client.hear_reply()
    for command in (b"EHLO client.test", b"MAIL FROM:<a@client.test>",
                    b"RCPT TO:<b@server.test>"):
        client.ask(command, b"250")
    client.ask(b"DATA", b"354")
    client.say(*(stuffed[i:i + pieces]
                 for i in range(0, len(stuffed), pieces)))
    client.ask(b".", b"250")
    client.quit()


def through(t, name, policy, message, pieces):
    """What arrives of a message, and the names of the events."""
    mailbox = Mailbox()
    daemon = behind(t, t.server(mailbox).port, policy, record=f"{name}.db")
    deliver(t.connect(daemon.port), message, pieces)
    check(len(mailbox.messages) == 1, f"{name}: nothing arrived")
    return mailbox.messages[0][1], events(daemon)


@case
def a_message_changed_on_its_way_does_not_verify(t):
    signer = Signer()
    message = signer.sign(NESTED)
    check(signer.verifies(message), "as it was signed")
    check(not signer.verifies(message.replace(b"text\r\n", b"test\r\n")),
          "with another body")
    check(not signer.verifies(message.replace(b"boundary=\"b 1\"",
                                              b"boundary=\"b  1\";")),
          "with another Content-Type")


def verifies_behind(policy):
    def function(t):
        signer = Signer()
        for kind, message in MESSAGES.items():
            signed = signer.sign(message)
            for pieces in (len(signed) * 2, 61, 1):
                name = f"{policy}-{kind.replace(' ', '-')}-{pieces}"
                got, odd = through(t, name, POLICIES[policy], signed, pieces)
                same_bytes(got, signed, name)
                check(signer.verifies(got), f"{name} does not verify")
                equal(odd - {"rule"}, EVENTS[kind], f"{name}: events")
    function.__name__ = f"signed_mail_verifies_behind_{policy}"
    return case(function)


for each in POLICIES:
    verifies_behind(each)


main()
