#!/usr/bin/python3
"""What goes in comes out: bytes, ends, resets, and their order (PRODUCT 4)."""
import select
import socket
import threading
import time
from pathlib import Path

from tap_harness import (PATIENCE, Missing, Talker, case, check, equal,
                         main, same_bytes, wait_for, wire)


def relayed(t, *options, **more):
    """A client and a server, connected through smtptapd."""
    upstream = t.listen()
    daemon = t.smtptapd(upstream.getsockname()[1], *options, **more)
    client = t.connect(daemon.port)
    return daemon, client, t.started(Talker(upstream.accept()[0]))


@case
def end_of_the_client_reaches_the_server_and_the_server_may_go_on(t):
    daemon, client, server = relayed(t)
    server.say(b"220 x\r\n")
    client.hear(b"220 x\r\n")
    client.say(b"QUIT\r\n").end()
    server.hear(b"QUIT\r\n").hear_end()
    server.say(b"221 ", b"bye\r\n").end()
    client.hear(b"221 bye\r\n").hear_end()
    session, = daemon.sessions(1)
    equal(session["ended_by"], "client", "ended_by")


@case
def end_of_the_server_reaches_the_client_and_the_client_may_go_on(t):
    daemon, client, server = relayed(t)
    server.say(b"421 later\r\n").end()
    client.hear(b"421 later\r\n").hear_end()
    client.say(b"QUIT\r\n", b"and more").end()
    server.hear(b"QUIT\r\nand more").hear_end()
    session, = daemon.sessions(1)
    equal(session["ended_by"], "server", "ended_by")


@case
def an_idle_half_closed_session_costs_no_cpu(t):
    """EPOLLRDHUP left armed after one end spins (DESIGN section 7)."""
    daemon, client, server = relayed(t)
    client.say(b"EHLO x\r\n").end()
    server.hear(b"EHLO x\r\n").hear_end()

    def cpu():
        fields = open(f"/proc/{daemon.pid}/stat").read().rsplit(")")[1].split()
        return int(fields[11]) + int(fields[12])

    before, begin = cpu(), time.monotonic()
    wait_for(lambda: time.monotonic() > begin + .5, "half a second")
    check(cpu() - before <= 10, f"{cpu() - before} ticks in half a second")
    server.say(b"220 x\r\n").end()
    client.hear(b"220 x\r\n").hear_end()


def is_reset(talker):
    try:
        talker.hear_all()
    except ConnectionResetError:
        return True
    return False


@case
def reset_of_the_client_reaches_the_server(t):
    daemon, client, server = relayed(t)
    client.say(b"EHLO x\r\n")
    server.hear(b"EHLO x\r\n")
    client.reset()
    check(is_reset(server), "the server saw no reset")
    session, = daemon.sessions(1)
    equal(session["ended_by"], "client", "ended_by")


@case
def reset_of_the_server_reaches_the_client(t):
    daemon, client, server = relayed(t)
    server.say(b"220 x\r\n")
    client.hear(b"220 x\r\n")
    server.reset()
    check(is_reset(client), "the client saw no reset")
    session, = daemon.sessions(1)
    equal(session["ended_by"], "server", "ended_by")


@case
def a_teaser_line_of_the_greeting_goes_out_at_once(t):
    """INSPECTION B26: postscreen."""
    daemon, client, server = relayed(t)
    server.say(b"220-x\r\n")
    client.hear(b"220-x\r\n")
    server.say(b"220 ")
    client.hear(b"220 ")
    client.say(b"EHLO early\r\n")	# before the greeting is whole
    server.hear(b"EHLO early\r\n").say(b"x\r\n")
    client.hear(b"x\r\n")


@case
def octets_behind_data_go_out_before_it_is_answered(t):
    """A server that polices early talkers by timing sees what it would have
    seen (PRODUCT 4.3)."""
    daemon, client, server = relayed(t)
    for verb in (b"DATA", b"STARTTLS", b"AUTH PLAIN"):
        client.say(verb + b"\r\nbehind ", b"it\r\n")
        server.hear(verb + b"\r\nbehind it\r\n")


@case
def a_megabyte_behind_an_unanswered_data_passes(t):
    """No size at which bytes stop (4.1), whatever the engine waits for."""
    daemon, client, server = relayed(t)
    body = b"".join(b"line %d\r\n" % i for i in range(100000))
    sender = threading.Thread(target=client.say, args=(b"DATA\r\n" + body,),
                              daemon=True)
    sender.start()
    server.hear(b"DATA\r\n" + body)
    sender.join()
    server.say(b"220 late\r\n").end()
    client.hear(b"220 late\r\n").hear_end()
    client.end()
    server.hear_end()
    row, = daemon.sessions(1)
    equal(row["bytes_in"], len(body) + 6, "bytes_in")
    same_bytes(wire(t.show(daemon), "client"), b"DATA\r\n" + body, "recorded")


@case
def a_slow_reader_stalls_only_itself(t):
    """And takes bounded memory: the sender is held back."""
    upstream = t.listen()
    daemon = t.smtptapd(upstream.getsockname()[1], "--threads", "1")
    slow = t.connect(daemon.port)
    deaf, _ = upstream.accept()	# never reads
    with deaf:
        slow.sock.setblocking(False)
        sent, quiet = 0, 0
        while quiet < 20:
            try:
                sent += slow.sock.send(b"x" * 65536)
                quiet = 0
            except BlockingIOError:
                quiet += 1
                select.select([], [slow.sock], [], .02)
            check(sent < 64 << 20, "64 MiB were taken from the client")
        other = t.connect(daemon.port)
        server, _ = upstream.accept()
        with server:
            for i in range(100):
                other.say(b"NOOP %d\r\n" % i)
                equal(server.recv(100), b"NOOP %d\r\n" % i, "beside the slow")
        # and nothing of the slow one was lost
        deaf.settimeout(PATIENCE)
        slow.sock.setblocking(True)
        slow.end()
        got = 0
        while True:
            more = deaf.recv(1 << 20)
            if not more:
                break
            got += len(more)
        equal(got, sent, "octets of the slow session")


@case
def ipv6_on_both_sides(t):
    upstream = socket.create_server(("::1", 0), family=socket.AF_INET6)
    t.started(upstream)
    upstream.settimeout(PATIENCE)
    daemon = t.smtptapd(f"[::1]:{upstream.getsockname()[1]}",
                        listen="[::1]:0")
    client = t.connect(daemon.port, "::1")
    server, _ = upstream.accept()
    server.sendall(b"220 six\r\n")
    client.hear(b"220 six\r\n")
    server.close()
    client.hear_end()
    client.close()
    row, = daemon.sessions(1)
    check(row["client"].startswith("[::1]:"), row["client"])
    check(row["listener"].startswith("[::1]:"), row["listener"])


@case
def an_upstream_by_name(t):
    if "localhost" not in Path("/etc/hosts").read_text():
        raise Missing("localhost in /etc/hosts")
    upstream = t.listen()
    daemon = t.smtptapd(f"localhost:{upstream.getsockname()[1]}")
    for _ in range(3):
        client = t.connect(daemon.port)
        server, _ = upstream.accept()
        server.sendall(b"220 x\r\n")
        client.hear(b"220 x\r\n")
        server.close()
        client.hear_end()
        client.close()
    row = daemon.sessions(3)[0]
    check("127.0.0.1" in row["upstream"] or "localhost" in row["upstream"],
          row["upstream"])


@case
def several_listeners(t):
    upstream = t.listen()
    daemon = t.smtptapd(upstream.getsockname()[1], "--listen", "127.0.0.1:0",
                        "--listen", "[::1]:0")
    equal(len(daemon.listens), 3, f"listeners in {daemon.ready!r}")
    for listen in daemon.listens:
        host, _, port = listen.rpartition(":")
        client = t.connect(int(port), host.strip("[]"))
        server, _ = upstream.accept()
        server.close()
        client.hear_end()
        client.close()
    rows = daemon.sessions(3)
    equal(sorted(r["listener"] for r in rows), sorted(daemon.listens),
          "listeners recorded")


@case
def without_recording_bytes_pass_too(t):
    daemon, client, server = relayed(t, record="none")
    server.say(b"220 x\r\n")
    client.hear(b"220 x\r\n").say(b"QUIT\r\n").end()
    server.hear(b"QUIT\r\n").hear_end().say(b"221 x\r\n").close()
    client.hear(b"221 x\r\n").hear_end()
    equal(list(t.dir.glob("*.db*")), [], "databases")
    wait_for(lambda: "ended" in daemon.text() or "end=" in daemon.text(),
             "the log line")


main()
