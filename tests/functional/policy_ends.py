#!/usr/bin/python3
"""Sessions under a policy that end in the middle of something, and peers that do
not do their part: nothing that was said is lost, nothing grows, nobody waits for
ever."""
import threading

from policies import greet, relayed, turn
from tap_harness import (SANITIZED, PATIENCE, case, check, equal, main, same_bytes,
                         wait_for)

BLOCK = 'block = {"VRFY"}'


@case
def what_is_held_goes_before_the_end_of_stream(t):
    """W8: the client has said all, and its FIN; DATA is not answered yet."""
    daemon, client, server = relayed(t, "bare-newline = normalize")
    greet(client, server)
    turn(client, server, b"HELO c\r\n")
    turn(client, server, b"MAIL FROM:<a@client.test>\r\n")
    turn(client, server, b"RCPT TO:<b@server.test>\r\n")
    client.say(b"DATA\r\nhi\r\n.\r\nQUIT\r\n").end()
    server.hear(b"DATA\r\n")
    wait_for(lambda: daemon.one("SELECT count(*) AS n FROM session_row"),
             "the session")
    server.say(b"354 go\r\n")
    server.hear(b"hi\r\n.\r\nQUIT\r\n")
    server.say(b"250 ok\r\n221 bye\r\n")
    server.hear_end()
    server.end()
    client.hear(b"354 go\r\n250 ok\r\n221 bye\r\n").hear_end()


@case
def both_ends_of_stream_while_content_is_held(t):
    """W5: nobody is left to say anything, and the session is over."""
    daemon, client, server = relayed(t, "bare-newline = normalize")
    greet(client, server)
    client.say(b"DATA\r\nhi\r\n.\r\n").end()
    server.hear(b"DATA\r\n")
    server.end()
    client.hear_end()
    client.close()
    server.close()
    daemon.sessions(1)


@case
def nothing_of_ours_follows_a_421(t):
    """TERM, and commands that a rule refuses while the client reads why."""
    daemon, client, server = relayed(t, BLOCK, top="drain-timeout = 1s")
    greet(client, server)
    daemon.signal(15)
    reply = client.hear_reply()
    check(reply.startswith(b"421 4.3.2 "), f"421, not {reply!r}")
    client.say(b"VRFY a\r\n")
    client.hear_end()
    client.close()
    daemon.wait()
    equal([r["code"] for r in daemon.rows(
        "SELECT code FROM exchange WHERE code = 502")], [], "replies of ours")


@case
def a_client_that_never_reads_is_not_answered_without_bound(t):
    """Three octets, and a refusal of 400: the memory is that of one read."""
    daemon, client, server = relayed(t, f"""
        match "command verb" {{
            verbs = {{"QUIT"}}  not = yes
            action = "reject 500 5.5.1 {'no' * 190}"
        }}""", record="none")
    greet(client, server)
    client.sock.settimeout(1)
    before = daemon.proc("VmRSS")
    said = 0
    try:
        while said < 64 << 20:
            said += client.sock.send(b"A\r\n" * 20000)
    except TimeoutError:
        pass
    check(said < 32 << 20, "the client is not read for ever")
    grown = daemon.proc("VmRSS") - before
    check(SANITIZED or grown < 2048, f"{said} octets, {grown} KiB")
    client.sock.settimeout(PATIENCE)
    replies = 0
    while replies < said // 3:
        replies += client.sock.recv(1 << 20).count(b"\n")
    turn(client, server, b"QUIT\r\n", b"221 bye\r\n")


def says_nothing(talker, seconds):
    talker.sock.settimeout(seconds)
    try:
        same_bytes(talker.sock.recv(1), b"", "heard")
    except TimeoutError:
        talker.sock.settimeout(PATIENCE)


def help_all(server, rest):
    """An answer to each HELP of before, and to those still to come."""
    due = 30000 - rest.count(b"\n")
    server.say(b"214 real.test helps\r\n" * due)
    while rest:
        more = server.sock.recv(65536)
        same_bytes(more, rest[:len(more)], "heard")
        rest = rest[len(more):]
        server.say(b"214 real.test helps\r\n" * more.count(b"\n"))


@case
def a_client_with_much_to_say_does_not_end_the_masking(t):
    """More than is kept stands behind an unanswered command, for longer than a
    session without a policy is held up."""
    daemon, client, server = relayed(
        t, "scrub-hosts = yes\nbanner-host = \"front.test\"")
    server.say(b"220 real.test ESMTP\r\n")
    client.hear(b"220 front.test ESMTP\r\n")
    said = b"AUTH PLAIN AAAA\r\n" + b"HELP\r\n" * 30000
    thread = threading.Thread(target=client.say, args=(said,), daemon=True)
    thread.start()
    server.hear(said[:65536])
    says_nothing(client, seconds=2.5)
    server.say(b"535 5.7.8 real.test says no\r\n")
    helper = threading.Thread(target=help_all, args=(server, said[65536:]),
                              daemon=True)
    helper.start()
    client.hear(b"535 5.7.8 front.test says no\r\n")
    client.hear(b"214 front.test helps\r\n" * 30000)
    thread.join()
    helper.join()


main()
