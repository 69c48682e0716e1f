#!/usr/bin/python3
"""SMTP smuggling (SEC Consult, 2023): all end-of-data shapes of SECURITY.md 1.1,
to sinks and to real servers, under each value of bare-newline.

A cell is one session: a message, a shape that somebody takes for the end of
data, and behind it a second message from <eN@x>. With `pass` the bytes come out
as they went in, and an event tells of them; with `normalize` and `reject` the
server has taken exactly the messages that were recorded, and never the second
one unless the shape holds a true CRLF.CRLF.
"""
import concurrent.futures
import contextlib
import dataclasses
import re
import select
import socket
import threading

from policies import quoted
from tap_harness import (BUILD, Daemon, Failure, Talker, case, check, equal,
                         main, same_bytes, sha256, wait_for)

# A true end of data among the octets: then there are two messages by right.
TRUE = ("crlf.crlf", "crcrlf.crlf", "crlf.crlf-cr")
SHAPES = {
    "crlf.crlf": b"\r\n.\r\n",
    "crcrlf.crlf": b"\r\r\n.\r\n",
    "crlf.crlf-cr": b"\r\n.\r\n\r",
    "lf.lf": b"\n.\n",
    "lf.crlf": b"\n.\r\n",
    "crlf.lf": b"\r\n.\n",
    "cr.crlf": b"\r.\r\n",
    "crlf.cr": b"\r\n.\r",
    "cr.cr": b"\r.\r",
    "cr.lf": b"\r.\n",
    "lf.cr": b"\n.\r",
    "crlf-nul.crlf": b"\r\n\0.\r\n",
    "crlf.nul-crlf": b"\r\n.\0\r\n",
    "crlf.crcrlf": b"\r\n.\r\r\n",
    "crcrlf.crcrlf": b"\r\r\n.\r\r\n",
    "lfcr.lfcr": b"\n\r.\n\r",
    "crlf.ff-lf": b"\r\n.\f\n",
    "crlf.sp-crlf": b"\r\n. \r\n",
    "crlf-sp.crlf": b"\r\n .\r\n",
    "crlf.vt-crlf": b"\r\n.\v\r\n",
    "u0085": b"\xc2\x85.\xc2\x85",
    "u2028": b"\xe2\x80\xa8.\xe2\x80\xa8",
    "crlf..crlf": b"\r\n..\r\n",
}
# Nothing in these is wrong, or only that nobody declared them as 8BITMIME.
QUIET = ("crlf.crlf", "crlf.sp-crlf", "crlf-sp.crlf", "crlf.vt-crlf", "u0085",
         "u2028", "crlf..crlf")
TELLING = {"eod-candidate", "eod-nonstandard", "bare-lf", "bare-cr", "nul",
           "odd-command", "mid-data-reply"}
WAYS = ("whole", "octets", "patient", "lf-header")
VALUES = ("pass", "normalize", "reject")


class Sink:
    """Takes all mail; where data ends is its own idea. Its queue id is the
    digest of what it took; senders has who sent that."""

    ENDS = {
        "strict": rb"(\r\n)\.\r\n",
        "lax": rb"(\r\n|\n)\.\r*\n",		# as Postfix was by default
        "any": rb"(\r\n|\r|\n)\0*\.\0*(\r[\r\0]*\n|\r(?=[^\r\n\0])|\n)",
    }

    def __init__(self, kind):
        self.end = re.compile(self.ENDS[kind])
        self.senders = {}

    def content(self, talker):
        """Mail data up to what ends it; what is behind stays in heard."""
        talker.heard = b"\r\n" + talker.heard	# of the DATA line
        while True:
            match = self.end.search(talker.heard)
            if match:
                break
            more = talker.sock.recv(65536)
            if not more:
                return None
            talker.heard += more
        content = talker.heard[2:match.end(1)]
        talker.heard = talker.heard[match.end():]
        return re.sub(rb"(^|\r\n)\.", rb"\1", content)

    def __call__(self, talker):
        talker.say(b"220 sink.test ESMTP\r\n")
        envelope = {}
        while True:
            line = talker.hear_line()
            verb = line[:4].upper()
            if not line:
                return
            if verb == b"EHLO":
                talker.say(b"250-sink.test\r\n250-8BITMIME\r\n"
                           b"250 PIPELINING\r\n")
            elif verb in (b"MAIL", b"RCPT"):
                envelope[verb] = line
                talker.say(b"250 2.1.0 Ok\r\n")
            elif verb == b"DATA" and len(envelope) == 2:
                talker.say(b"354 go ahead\r\n")
                content = self.content(talker)
                if content is None:
                    return
                digest = sha256(content)
                self.senders[digest] = re.search(
                    "<(.*)>", envelope[b"MAIL"].decode())[1]
                envelope.clear()
                talker.say(b"250 2.0.0 Ok: queued as %s\r\n" %
                           digest.encode())
            elif verb == b"QUIT":
                talker.say(b"221 2.0.0 Bye\r\n")
                return
            else:
                talker.say(b"500 5.5.2 what\r\n")


class Tee:
    """Stands between smtptapd and a server and keeps what both say, by the
    name in EHLO: what smtptapd has recorded is not asked."""

    def __init__(self, target):
        self.target = target
        self.said = {}	# name: (client's octets, server's octets)

    def pump(self, source, sink, kept):
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                kept.append(octets)
                sink.sendall(octets)
        for sock, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
            with contextlib.suppress(OSError):
                sock.shutdown(how)

    def __call__(self, talker):
        client, server = [], []
        with socket.create_connection(("127.0.0.1", self.target)) as onward:
            onward.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self.pump, args=(
                onward, talker.sock, server), daemon=True)
            back.start()
            self.pump(talker.sock, onward, client)
            back.join()
        client = b"".join(client)
        name = re.match(rb"EHLO (\S+)", client)
        if name:
            self.said[name[1].decode()] = (client, b"".join(server))


@dataclasses.dataclass
class Peer:
    """A server, and how it says that it has taken a message."""
    name: str
    port: int
    taken: bytes		# a pattern; its group is the queue id or digest
    senders: object = None	# queue ids or digests: senders, by its log
    digests: bool = False	# the group is a digest
    sessions: int = 24		# at a time
    ways: tuple = WAYS
    tee: Tee = None


@dataclasses.dataclass
class Cell:
    number: int
    peer: Peer
    value: str
    shape: str
    way: str
    said: bytes = b""
    heard: bytes = b""

    @property
    def name(self):
        return f"n{self.number}.test"

    def __str__(self):
        return f"{self.peer.name}, {self.value}, {self.shape}, {self.way}"


class Attacker:
    """The client of one cell."""

    def __init__(self, cell, port):
        self.cell = cell
        self.talker = Talker(socket.create_connection(("127.0.0.1", port), 20))

    def say(self, octets):
        self.cell.said += octets
        self.talker.say(octets)

    def ask(self, octets):
        self.say(octets)
        self.cell.heard += self.talker.hear_reply()

    def answered(self, seconds):
        """A reply has come, or none has for so long: a server that takes the
        shape for the end gets its time to say so; no claim hangs on it."""
        if not select.select([self.talker.sock], [], [], seconds)[0]:
            return False
        octets = self.talker.sock.recv(65536)
        self.cell.heard += octets
        if not octets:
            raise ConnectionResetError
        return True

    def attack(self):
        n, way = self.cell.number, self.cell.way
        end = b"\n" if way == "lf-header" else b"\r\n"
        head = b"Subject: s%d" % n + end + end + b"body"
        shape = SHAPES[self.cell.shape]
        commands = [b"MAIL FROM:<e%d@x>\r\n" % n, b"RCPT TO:<v@y>\r\n",
                    b"DATA\r\n"]
        rest = b"Subject: z%d\r\n\r\nz\r\n.\r\n" % n
        if way == "whole":
            self.say(head + shape + b"".join(commands) + rest + b"QUIT\r\n")
            return
        self.say(head)
        for i in range(len(shape) if way == "octets" else 0):
            self.talker.wait_until_read()
            self.say(shape[i:i + 1])
        if way != "octets":
            self.say(shape)
        patience = 1 if self.answered(.3) else .01
        for piece in commands:
            self.say(piece)
            self.answered(patience)
        self.say(rest)
        self.answered(1)
        self.say(b"QUIT\r\n")

    def run(self):
        cell = self.cell
        with contextlib.closing(self.talker.sock):
            self.cell.heard += self.talker.hear_reply()
            self.ask(b"EHLO %s\r\n" % cell.name.encode())
            opening = [b"MAIL FROM:<c%d@x>\r\n" % cell.number,
                       b"RCPT TO:<b@y>\r\n", b"DATA\r\n"]
            if cell.way == "whole" and b"PIPELINING" in cell.heard:
                self.say(b"".join(opening))
                for _ in opening:
                    cell.heard += self.talker.hear_reply()
            else:
                for line in opening:
                    self.ask(line)
            # Who is closed upon does not hear all, and need not.
            with contextlib.suppress(ConnectionError):
                self.attack()
            with contextlib.suppress(ConnectionError):
                while octets := self.talker.sock.recv(65536):
                    cell.heard += octets


def proxy(t, peers):
    """smtptapd with a listener for each server and value; their ports."""
    policies = "".join(f'policy "{v}" {{ bare-newline = {v} }}\n'
                       for v in VALUES)
    listeners = "".join(
        f'listener "{p.name} {v}" {{ listen = {{"127.0.0.1:0"}} '
        f'upstream = "127.0.0.1:{p.tee.port}" policy = "{v}" }}\n'
        for p in peers for v in VALUES)
    path = t.dir / "smtptap.conf"
    path.write_text(f'record {{ file = {quoted(t.dir / "sessions.db")} }}\n' +
                    policies + listeners)
    daemon = t.started(Daemon([BUILD / "smtptapd", "--config", path], t.dir,
                              t.dir / "sessions.db"))
    ports = [int(listen.rpartition(":")[2]) for listen in daemon.listens]
    return daemon, dict(zip(((p.name, v) for p in peers for v in VALUES),
                            ports))


def play(t, peers):
    """Every cell; the daemon, the cells, and what was recorded of each."""
    for p in peers:
        tee = Tee(p.port)
        server = t.server(tee)
        p.tee, tee.port = tee, server.port
    daemon, ports = proxy(t, peers)
    cells = [Cell(i, p, value, shape, way) for i, (p, value, shape, way) in
             enumerate((p, v, s, w) for p in peers for v in VALUES
                       for s in SHAPES for w in p.ways)]

    def run(cell):
        try:
            Attacker(cell, ports[cell.peer.name, cell.value]).run()
        except (OSError, Failure) as error:
            raise Failure(f"{cell}: {error!r} behind {cell.heard!r}") from None

    with concurrent.futures.ThreadPoolExecutor(peers[0].sessions) as pool:
        list(pool.map(run, cells))
    daemon.sessions(len(cells))
    daemon.stop()
    for p in peers:
        names = {c.name for c in cells if c.peer is p}
        wait_for(lambda: names <= set(p.tee.said), f"sessions at {p.name}")
    return daemon, cells


def by_helo(daemon, query):
    """Rows of a query with a column helo, by it."""
    rows = {}
    for row in daemon.rows(query):
        rows.setdefault(row["helo"], []).append(row)
    return rows


def passes_untouched(cell, events):
    """`pass`: bytes are as they were, and something tells of the shape."""
    client, server = cell.peer.tee.said[cell.name]
    same_bytes(client, cell.said[:len(client)], f"{cell}: at the server")
    same_bytes(cell.heard, server[:len(cell.heard)], f"{cell}: at the client")
    if b"\r\n221" in server:	# it has heard all, up to QUIT
        equal(len(client), len(cell.said), f"{cell}: octets at the server")
    if cell.shape not in QUIET:
        check(events & TELLING, f"{cell}: events {events}")


def agrees(cell, messages):
    """The server has taken what was recorded as taken, and nothing else.
    True: the second message, too."""
    client, server = cell.peer.tee.said[cell.name]
    taken = [q.decode() for q in re.findall(cell.peer.taken, server)]
    accepted = [m for m in messages if m["accepted"]]
    what = f"{cell}: taken by the server, recorded"
    if cell.value == "pass" and (cell.way == "whole" or
                                 cell.peer.name == "any"):
        return len(taken) > 1	# it can be read in more than one way
    if cell.peer.digests:
        equal(taken, [m["sha256"] for m in accepted], what)
    else:
        equal(taken, [m["queue_id"] for m in accepted], what)
    senders = [m["mail_from"] for m in accepted]
    if cell.peer.senders:
        equal(senders, [cell.peer.senders.get(q) for q in taken],
              f"{cell}: senders")
    second = f"e{cell.number}@x" in senders
    if cell.value != "pass" and cell.shape not in TRUE:
        check(not second, f"{cell}: a second message was smuggled in")
    return second


def judge(t, peers, daemon, cells):
    messages = by_helo(daemon, "SELECT s.helo, m.* FROM session s JOIN "
                       "message m ON m.session_id = s.id ORDER BY m.seq")
    events = by_helo(daemon, "SELECT s.helo, e.name FROM session s JOIN "
                     "event e ON e.session_id = s.id")
    smuggled = 0
    for cell in cells:
        rows = messages.get(cell.name, [])
        if cell.value == "pass":
            passes_untouched(cell, {e["name"] for e in
                                    events.get(cell.name, [])})
        smuggled += agrees(cell, rows) and cell.shape not in TRUE
    print(f"# {len(cells)} cells at {', '.join(p.name for p in peers)}: "
          f"{smuggled} smuggled in with bare-newline = pass")
    return smuggled


@case
def sinks(t):
    queued = rb"250 2\.0\.0 Ok: queued as (\w+)\r\n"
    peers = []
    for kind in Sink.ENDS:
        sink = Sink(kind)
        peers.append(Peer(kind, t.server(sink).port, queued, sink.senders,
                          digests=True))
    smuggled = judge(t, peers, *play(t, peers))
    check(smuggled > 20, f"only {smuggled} cells smuggle with pass: the "
          "attack is none")


class Log:
    """Senders of queue ids, by a server's log, once it has them."""

    def __init__(self, path, pattern):
        self.path, self.pattern = path, pattern

    def get(self, queue_id):
        def sender():
            found = re.search(self.pattern % re.escape(queue_id),
                              self.path.read_text(errors="replace"))
            return found and found[1]

        return wait_for(sender, f"{queue_id} in {self.path.name}")


POSTFIX = {
    "postfix": "",	# Debian 12's defaults
    "postfix normalize": "smtpd_forbid_bare_newline = normalize",
    "postfix reject": "smtpd_forbid_bare_newline = reject",
}


@case
def postfix(t):
    peers = []
    for name, settings in POSTFIX.items():
        port, home = t.peer("postfix", label=name.replace(" ", "-"), settings=
                            "smtpd_forbid_bare_newline_exclusions =\n" +
                            settings)
        peers.append(Peer(name, port,
                          rb"250 2\.0\.0 Ok: queued as (\w+)\r\n",
                          Log(home / "log", r" %s: from=<([^>]*)>"),
                          ways=("patient", "whole") if settings else WAYS))
    judge(t, peers, *play(t, peers))


@case
def exim(t):
    port, home = t.peer("exim")
    peers = [Peer("exim", port, rb"250 OK id=(\S+)\r\n",
                  Log(home / "log", r" %s <= (\S+) "))]
    judge(t, peers, *play(t, peers))


@case
def opensmtpd(t):
    port, home = t.peer("opensmtpd")
    peers = [Peer("opensmtpd", port,
                  rb"250 2\.0\.0 (\w+) Message accepted for delivery\r\n",
                  Log(home / "log", r"evpid=%s\w{8} from=<([^>]*)>"),
                  sessions=8)]
    judge(t, peers, *play(t, peers))


@case
def sendmail(t):
    """It hangs up at the first lone CR or LF; its log is not kept."""
    port, _ = t.peer("sendmail")
    peers = [Peer("sendmail", port,
                  rb"250 2\.0\.0 (\w+) Message accepted for delivery\r\n")]
    judge(t, peers, *play(t, peers))


@case
def aiosmtpd(t):
    port, log = t.aiosmtpd()
    peers = [Peer("aiosmtpd", port, rb"250 OK stored \d+ (\w+)\r\n",
                  Log(log, r"(?m)^%s (.*)$"), digests=True)]
    judge(t, peers, *play(t, peers))


main()
