#!/usr/bin/python3
"""Handshakes by the hundred, with all that can go wrong in one, side by side."""
# run: alone
import contextlib
import ssl
import subprocess
import sys
import threading
from pathlib import Path

from tap_harness import (SANITIZED, Talker, case, check, equal, main, scale,
                         wait_for)
from tls_harness import (BACK, FRONT, front, secure, serving, with_authority)

STALL_US = 50_000	# a turn of the loop, at most
ALERT = b"\x15\x03\x03\x00\x02\x02\x28"
GREETING = b"220 mx ESMTP\r\n"
OFFER = b"250-mx\r\n250 STARTTLS\r\n"


def hello(context):
    """A ClientHello, as octets."""
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=FRONT)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def slowly(talker, context, server_side):
    """A handshake whose records are written octet by octet."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=server_side,
                           server_hostname=None if server_side else FRONT)
    while True:
        try:
            tls.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            done = False
        for octet in outgoing.read():
            talker.say(bytes([octet]))
        if done:
            return
        more = talker.sock.recv(4096)
        if not more:
            return
        incoming.write(more)


def break_off(talker, how, server_side, context):
    """One side of a handshake that comes to nothing."""
    if how == "slow":
        slowly(talker, context, server_side)
    elif how == "garbage":
        talker.say(b"\x16\x03\x01\x00\x05nonsense" * 20)
    elif how == "alert":
        talker.say(*([] if server_side else [hello(context)]), ALERT)
    elif how == "half":
        talker.sock.settimeout(5)
        talker.say(b"\x16\x03\x03\x02\x00\x02" if server_side else
                   hello(context)[:100])
    if how == "reset":
        talker.reset()
    if how in ("reset", "slow"):
        return
    with contextlib.suppress(OSError):	# nothing good is to come
        talker.hear_all()


class Storm:
    """What a client will do stands in the name it says EHLO with: HOW.client or
    HOW.server, for who breaks it off, or honest."""

    KINDS = ("honest", "slow.client", "garbage.client", "alert.client",
             "half.client", "reset.client", "slow.server", "garbage.server",
             "alert.server", "half.server", "reset.server", "honest")

    def __init__(self, t):
        self.serving = serving(t.authority.issue(BACK))
        self.trusting = t.authority.trusting()
        self.good = 0
        self.lock = threading.Lock()

    def __call__(self, talker):
        """The server of one session."""
        talker.say(GREETING)
        how, _, who = talker.hear_line().split()[1].decode().partition(".")
        talker.say(OFFER)
        if talker.hear_line() != b"STARTTLS\r\n":
            return
        talker.say(b"220 go\r\n")
        if who == "server" and how != "slow":
            break_off(talker, how, True, self.serving)
            return
        if who == "server":
            slowly(talker, self.serving, True)
            return
        with contextlib.suppress(OSError):
            secure(talker, self.serving)
            talker.hear(b"NOOP\r\n").say(b"250 ok\r\n").hear_all()

    def client(self, t, port, kind):
        talker = t.connect(port)
        how, _, who = kind.partition(".")
        with contextlib.suppress(OSError), contextlib.closing(talker):
            talker.hear(GREETING).say(b"EHLO %s\r\n" % kind.encode())
            talker.hear(OFFER).say(b"STARTTLS\r\n")
            reply = talker.hear_reply()
            if who == "server" and how != "slow":
                check(reply.startswith(b"454 "), reply)
                return
            check(reply.startswith(b"220 "), reply)
            if who == "client":
                break_off(talker, how, False, self.trusting)
                return
            secure(talker, self.trusting, FRONT)
            if kind == "honest":
                talker.say(b"NOOP\r\n").hear(b"250 ok\r\n")
                with self.lock:
                    self.good += 1


class Probe:
    """tests/functional/tls_probe.py, behind a listener of its own."""

    def __init__(self, t):
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("tls_probe.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        t.started(self)
        self.upstream = int(self.process.stdout.readline())

    def begin(self, pid, port):
        self.process.stdin.write(f"{pid} {port}\n")
        self.process.stdin.flush()

    def end(self):
        out, _ = self.process.communicate("\n", timeout=60)
        return {name: int(value) for name, value in
                (line.split("=") for line in out.split())}

    def close(self):
        self.process.kill()
        self.process.wait()


def probed(t, play, mode):
    """smtptapd with one loop, before that server; a probe in the same loop, begun;
    the port that clients connect to."""
    probe = Probe(t)
    daemon = front(t, t.server(play).port, mode, top=f"""
                   threads = 1
                   listener "probe" {{
                       listen = {{"127.0.0.1:0"}}
                       upstream = "127.0.0.1:{probe.upstream}"
                   }}""")
    ports = [int(a.rpartition(":")[2]) for a in daemon.listens]
    probe.begin(daemon.pid, ports[0])
    return daemon, probe, ports[1]


def storm(t, n):
    """n clients at once; what the probe saw meanwhile."""
    play = Storm(t)
    daemon, probe, port = probed(t, play, "bridge")
    descriptors = daemon.descriptors()
    kinds = [Storm.KINDS[i % len(Storm.KINDS)] for i in range(n)]
    threads = [threading.Thread(target=play.client, args=(t, port, kind),
                                daemon=True) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    equal(play.good, kinds.count("honest"), "sessions that had to succeed")
    seen = probe.end()
    daemon.sessions(n + 1)
    # The recording may have opened its second file.
    wait_for(lambda: daemon.descriptors() <= descriptors + 2,
             f"{descriptors} descriptors, there are {daemon.descriptors()}")
    check(daemon.running(), "smtptapd has ended")
    return daemon, seen, kinds


def nobody_waited(seen):
    check(seen["waits"] > 10, f"not measured: {seen}")
    check(SANITIZED or seen["longest_cpu_us"] < STALL_US,
          f"a session had to wait: {seen}")
    print(f"# {seen}")


@case
@with_authority
def handshakes_of_all_kinds_at_once(t):
    daemon, seen, kinds = storm(t, scale(100, 50))
    nobody_waited(seen)
    row = daemon.one("SELECT count(*) AS n FROM session "
                     "WHERE tls_client IS NOT NULL AND tls_server IS NOT NULL")
    check(row["n"] >= kinds.count("honest"), row)
    daemon.stop()	# a sanitizer tells what has leaked by its status


@case
@with_authority
def handshakes_that_begin_in_the_same_moment(t):
    """All clients are ready to speak when the first does."""
    def serve(talker):
        talker.say(GREETING)
        talker.hear_line()
        talker.say(OFFER).hear_all()

    n = scale(300, 50)
    daemon, probe, port = probed(t, serve, "terminate")
    octets = hello(t.authority.trusting())
    talkers = [t.connect(port) for _ in range(n)]
    for talker in talkers:
        talker.hear(GREETING).say(b"EHLO x\r\n").hear(OFFER)
        talker.ask(b"STARTTLS", b"220")
    for talker in talkers:
        talker.say(octets)
    for talker in talkers:
        equal(talker.sock.recv(1), b"\x16", "the answer's first octet")
    nobody_waited(probe.end())
    for talker in talkers:
        talker.close()
    daemon.stop()


main()
