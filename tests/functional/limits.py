#!/usr/bin/python3
"""Rate limits: of a client's network, over all of its sessions."""
import socket
import threading

from policies import behind, rules
from tap_harness import (PATIENCE, Mailbox, Talker, case, check, equal, main)

TWO = 'match "message" { action = "rate-limit 2/h" }'


def connect(t, daemon, source="127.0.0.1"):
    """A client at this address that has been greeted and has said EHLO."""
    c = t.started(Talker(socket.create_connection(
        ("127.0.0.1", daemon.port), PATIENCE, (source, 0))))
    c.hear_reply()
    c.ask(b"EHLO client.test", b"250")
    return c


def mail(c):
    """The code of the reply to MAIL."""
    c.say(b"MAIL FROM:<a@client.test>\r\n")
    code = c.hear_reply()[:3]
    c.ask(b"RSET", b"250")
    return code


@case
def a_network_has_one_limit_in_all_its_sessions(t):
    daemon = behind(t, t.server(Mailbox()).port, TWO)
    clients = [connect(t, daemon, f"127.0.0.{n}") for n in (1, 2, 254)]
    codes = [mail(c) for c in clients + clients]
    equal(codes, [b"250"] * 2 + [b"450"] * 4, "replies to MAIL")
    equal(mail(connect(t, daemon, "127.0.1.1")), b"250", "another network")
    for c in clients:
        c.quit()
    daemon.sessions(3)
    equal(len(rules(daemon)), 4, "rules that have fired")


@case
def what_is_over_the_limit_never_reaches_the_server(t):
    heard = []

    def play(c):
        c.say(b"220 x\r\n")
        while line := c.hear_line():
            heard.append(line)
            c.say(b"250 2.0.0 Ok\r\n" if line != b"QUIT\r\n" else
                  b"221 2.0.0 Bye\r\n")
            if line == b"QUIT\r\n":
                return

    server = t.server(play)
    c = t.connect(behind(t, server.port, TWO).port)
    c.hear_reply()
    c.say(b"MAIL FROM:<1@x>\r\nMAIL FROM:<2@x>\r\nMAIL FROM:<3@x>\r\n"
          b"NOOP\r\nMAIL FROM:<4@x>\r\nQUIT\r\n")
    equal([c.hear_reply()[:3] for _ in range(6)],
          [b"250", b"250", b"450", b"250", b"450", b"221"], "codes in order")
    server.join()
    equal(heard, [b"MAIL FROM:<1@x>\r\n", b"MAIL FROM:<2@x>\r\n", b"NOOP\r\n",
                  b"QUIT\r\n"], "what the server heard")


@case
def threads_count_together(t):
    """Forty at once, on as many threads as there may be."""
    daemon = behind(t, t.server(Mailbox()).port, 'match "message" '
                    '{ action = "rate-limit 10/h" }', top="threads = 4")
    clients = [connect(t, daemon) for _ in range(40)]
    start, codes = threading.Barrier(len(clients)), []

    def send(c):
        start.wait()
        codes.append(mail(c))

    threads = [threading.Thread(target=send, args=(c,)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(sorted(codes), [b"250"] * 10 + [b"450"] * 30, "replies to MAIL")


@case
def with_dry_run_nothing_is_refused(t):
    daemon = behind(t, t.server(Mailbox()).port, TWO + "\ndry-run = yes")
    c = connect(t, daemon)
    equal([mail(c) for _ in range(5)], [b"250"] * 5, "replies to MAIL")
    c.quit()
    daemon.sessions(1)
    check(rules(daemon), "nothing was told")


main()
