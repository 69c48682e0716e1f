#!/usr/bin/python3
"""Random bytes both ways, cut anywhere: what goes in comes out, and is kept."""
import random
import select
import socket
import time

from tap_harness import (PATIENCE, Failure, case, equal, main, same_bytes,
                         scale, wire)

WORDS = [b"\r\n", b"\n", b"\r", b".\r\n", b"\r\n.\r\n", b"\n.\n", b"\0",
         b"EHLO x\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n",
         b"DATA\r\n", b"BDAT 10\r\n", b"BDAT 5 LAST\r\n", b"BDAT 99999999\r\n",
         b"STARTTLS\r\n", b"QUIT\r\n", b"RSET\r\n", b"XEXCH50 20 2\r\n",
         b"NOOP\r\n", b"HELP ", b"LHLO x\r\n", b"X-LINK2STATE x\r\n",
         b"220 hello\r\n", b"250 ok\r\n", b"250-PIPELINING\r\n",
         b"250-CHUNKING\r\n", b"250 STARTTLS\r\n", b"354 go\r\n",
         b"421 bye\r\n", b"500 what\r\n", b"334 \r\n", b"221 x\r\n",
         b"2500 x\r\n", b"250\r\n", b"Subject: x\r\n", b"8\xff\xfe\x80"]
# The bytes of AUTH and its kin are replaced in the record, so they are in
# cases of their own (clients.py), not here.
SECRET = (b"AUTH", b"XCLIENT", b"X-EXPS", b"BURL")


def random_stream(rng):
    parts = []
    for _ in range(rng.randrange(30)):
        kind = rng.random()
        if kind < .7:
            parts.append(rng.choice(WORDS))
        elif kind < .95:
            parts.append(rng.randbytes(rng.randrange(200)))
        else:
            parts.append(rng.randbytes(rng.randrange(20000)))
    stream = b"".join(parts)
    if any(s in stream.upper() for s in SECRET):
        return b"NOOP\r\n"
    return stream


def random_segments(rng, stream):
    """The stream cut anywhere; some times octet by octet."""
    limit = rng.choice([1, 3, 30, 300, 30000])
    segments = []
    while stream:
        n = rng.randrange(1, limit + 1)
        if len(segments) > 300:
            n = len(stream)
        segments.append(stream[:n])
        stream = stream[n:]
    return segments


def converse(rng, sockets, segments):
    """Each socket writes its segments, in random turns, and ends; what each
    of them has received when both streams are over."""
    received = [bytearray(), bytearray()]
    todo = [list(reversed(s)) for s in segments]
    over = [False, False]
    ended = [False, False]
    for s in sockets:
        s.setblocking(False)
    deadline = time.monotonic() + PATIENCE
    while not (all(over) and all(ended)):
        writers = [s for s, e in zip(sockets, ended) if not e]
        readers = [s for s, o in zip(sockets, over) if not o]
        readable, writable, _ = select.select(readers, writers, [], 1)
        if time.monotonic() > deadline:
            raise Failure(f"no end: over {over}, ended {ended}, received "
                          f"{[len(r) for r in received]}")
        for s in readable:
            i = sockets.index(s)
            more = s.recv(1 << 16)
            received[i] += more
            over[i] = not more
        for s in writable:
            i = sockets.index(s)
            if rng.random() < .5:
                continue
            if not todo[i]:
                s.shutdown(socket.SHUT_WR)
                ended[i] = True
                continue
            segment = todo[i].pop()
            sent = s.send(segment)
            if sent < len(segment):
                todo[i].append(segment[sent:])
    return [bytes(r) for r in received]


def play_scripts(t, seed, scripts):
    rng = random.Random(seed)
    print(f"seed {seed}, {scripts} scripts")
    upstream = t.listen()
    daemon = t.smtptapd(upstream.getsockname()[1])
    sent = []
    for i in range(scripts):
        streams = [random_stream(rng), random_stream(rng)]
        client = socket.create_connection(("127.0.0.1", daemon.port))
        server, _ = upstream.accept()
        with client, server:
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                got = converse(rng, [client, server],
                               [random_segments(rng, s) for s in streams])
            except (Failure, OSError) as error:
                raise Failure(f"seed {seed} script {i}: {error}; client "
                              f"{streams[0][:3000]!r} server "
                              f"{streams[1][:3000]!r}") from error
        same_bytes(got[1], streams[0], f"seed {seed} script {i}: at the server")
        same_bytes(got[0], streams[1], f"seed {seed} script {i}: at the client")
        sent.append(streams)
    check_record(t, daemon, seed, sent)


def check_record(t, daemon, seed, sent):
    """The wire of every session is what its two ends wrote."""
    sessions = daemon.sessions(len(sent))
    equal(len(sessions), len(sent), "sessions")
    daemon.stop()
    for i, (row, streams) in enumerate(zip(sessions, sent)):
        document = t.show(daemon, row["id"])
        for side, stream in zip(("client", "server"), streams):
            same_bytes(wire(document, side), stream,
                       f"seed {seed} script {i}: recorded of the {side}")
        equal(row["bytes_in"], len(streams[0]), "bytes_in")
        equal(row["bytes_out"], len(streams[1]), "bytes_out")


@case
def random_scripts_pass_and_are_recorded(t):
    play_scripts(t, 5321, scale(1000, 150))


@case
def other_random_scripts_do_too(t):
    play_scripts(t, random.SystemRandom().randrange(1 << 32), scale(200, 50))


main()
