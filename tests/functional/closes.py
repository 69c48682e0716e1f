#!/usr/bin/python3
"""Every close of ours is told before, and recorded as ours: row B29 of the
catalogue of breakage. Refusals that name another reply are in attacks.py."""
import re
import signal

from policies import EMPTY, behind, greet, relayed, rules
from tap_harness import Mailbox, case, check, main, unused_port


def is_told_421(octets):
    check(re.search(rb"(^|\n)421 4\.\d\.\d \S+ [^\r\n]+\r\n$", octets),
          f"the client was told {octets!r}")


CLOSES = {	# a policy, what the client says, what the server
    "command": ('match "command length" { gt = 50  action = drop }',
                [b"NOOP " + b"x" * 60 + b"\r\n"], b""),
    "reply": ('match "reply length" { gt = 50  action = drop }',
              [b"NOOP\r\n"], b"250 " + b"x" * 60 + b"\r\n"),
    "sender": ('match "sender address" { regex = "evil"  action = drop }',
               [b"MAIL FROM:<evil@x>\r\n"], b""),
    "recipients": ("""match "invalid-recipients count" { gt = 0
                   action = drop }""", [b"RCPT TO:<a@b>\r\n"],
                   b"550 5.1.1 no\r\n"),
    "content": ('match "header line length" { gt = 50  action = drop }',
                [b"DATA\r\n", b"X: " + b"x" * 60 + b"\r\n\r\nb\r\n.\r\n"],
                b"354 go\r\n"),
    "surplus": ("unsolicited-reply = reject", [], b"250 surprise\r\n"),
    "asa-line": ("profile = asa", [b"NOOP " + b"x" * 600 + b"\r\n"], b""),
    "asa-sender": ("profile = asa",
                   [b"MAIL FROM:<" + b"a" * 330 + b"@x>\r\n"], b""),
    "asa-header": ("profile = asa", [b"DATA\r\n", b"X: " + b"x" * 1000 +
                                     b"\r\n\r\nb\r\n.\r\n"], b"354 go\r\n"),
    "asa-name": ("profile = asa",
                 [b"DATA\r\n", b"Content-Disposition: x; filename=" +
                  b"n" * 300 + b"\r\n\r\nb\r\n.\r\n"], b"354 go\r\n"),
}


@case
def b29_every_close_of_a_policy_is_told_before(t):
    for name, (policy, commands, reply) in CLOSES.items():
        daemon, client, server = relayed(t, policy, record=f"{name}.db")
        greet(client, server)
        client.say(*commands[:1])
        if reply and commands:
            server.hear(commands[0])
        server.say(reply)
        if commands[1:]:
            client.hear(reply).say(*commands[1:])
        is_told_421(client.hear_all())
        client.close()
        server.close()
        row, = daemon.sessions(1)
        check(row["ended_by"].startswith("smtptap:"), (name, row["ended_by"]))
        check(rules(daemon), f"{name}: no rule in the record")


@case
def b29_the_close_waits_for_the_replies_before_it(t):
    """The 101st recipient of a group, under the default map of an ASA."""
    _, client, server = relayed(t, "profile = asa")
    greet(client, server)
    accepted = b"".join(b"RCPT TO:<%d@x>\r\n" % i for i in range(100))
    client.say(accepted + b"RCPT TO:<100@x>\r\nDATA\r\n")
    server.hear(accepted).say(b"250 2.1.5 Ok\r\n" * 100)
    client.hear(b"250 2.1.5 Ok\r\n" * 100)
    is_told_421(client.hear_all())
    server.hear_end()


def told(t, upstream, prepare=lambda client, daemon: None, **more):
    """What a client is told until smtptapd closes."""
    daemon = behind(t, upstream, EMPTY, record=f"{len(t.processes)}.db",
                    **more)
    client = t.connect(daemon.port)
    prepare(client, daemon)
    is_told_421(client.hear_all())
    client.close()
    row = daemon.sessions(1)[0]
    check(row["ended_by"].startswith("smtptap:"), row["ended_by"])


@case
def b29_every_other_close_of_ours_is_told_before(t):
    port = t.server(Mailbox()).port
    told(t, unused_port())
    told(t, port, lambda c, _: c.hear_reply(),
         listener="idle-timeout = 200ms")
    told(t, t.listen().getsockname()[1], listener="idle-timeout = 200ms")
    told(t, port, lambda c, d: (c.hear_reply(), d.signal(signal.SIGTERM)),
         top="drain-timeout = 200ms")
    daemon = behind(t, port, EMPTY, listener="max-sessions = 1")
    first = t.connect(daemon.port)
    first.hear_reply()
    is_told_421(t.connect(daemon.port).hear_all())


main()
