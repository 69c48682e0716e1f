#!/usr/bin/python3
"""Sessions over connections that lose segments arrive whole (row B25 of the
catalogue of breakage: firewalls that edit packets in place lose sessions).

A filter at the test's own sockets drops every tenth segment that comes, data
and acknowledgements alike, so that both sides retransmit and receive out of
order, in segments of 536 octets. Where the kernel has netem, all of it runs in
a network of its own, which loses, doubles and reorders as well."""
import ctypes
import os
import random
import socket
import struct
import subprocess
import sys

from policies import MODES, behind, greet, open_data, part, speak, turn
from tap_harness import case, check, main, same_bytes, wire
from talker import Talker

LOSS = .1
SEGMENT = 536	# octets; RFC 9293 3.7.1
NETEM = "loss 2% delay 1ms 1ms reorder 20% duplicate 2%"
HERE = "SMTPTAP_LOSSY"	# in the environment: netem is at work

LOAD_RANDOM, JUMP_IF_AT_LEAST, RETURN = 0x20, 0x35, 0x06	# classic BPF
RANDOM = 0xfffff000 + 56	# SKF_AD_OFF + SKF_AD_RANDOM
SO_ATTACH_FILTER = 26


def lose(sock):
    """Drop a share of the segments that come for this socket."""
    program = b"".join(struct.pack("HBBI", *i) for i in (
        (LOAD_RANDOM, 0, 0, RANDOM),
        (JUMP_IF_AT_LEAST, 1, 0, int(LOSS * 2**32)),	# skips the next
        (RETURN, 0, 0, 0), (RETURN, 0, 0, 0xffffffff)))
    memory = ctypes.create_string_buffer(program)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack(
        "HP", len(program) // 8, ctypes.addressof(memory)))


def out_of_order(sock):
    """Segments that came behind one that was lost: tcpi_rcv_ooopack."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("I", info, 224)[0]


def meet(t, policy, record):
    """A client and a server, each behind a lossy line."""
    listener = t.started(socket.socket())
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    daemon = behind(t, listener.getsockname()[1], policy, record=record)
    client = t.started(socket.socket())
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
    client.connect(("127.0.0.1", daemon.port))
    server, _ = listener.accept()
    lose(client)
    lose(server)
    return daemon, Talker(client), t.started(Talker(server))


@case
def b25_lossy_lines_lose_no_octet(t):
    body = random.Random(25).randbytes(600000).replace(b"\n.", b"\n..")
    for mode, policy in MODES.items():
        daemon, client, server = meet(t, policy, f"{mode}.db")
        greet(client, server)
        turn(client, server, b"EHLO c.test\r\n", b"250-s.test\r\n" +
             b"250-XKEYWORD with a long argument\r\n" * 100 + b"250 DSN\r\n")
        open_data(client, server)
        speak(client, server, body + b"\r\n")
        turn(client, server, b".\r\n")
        speak(client, server, b"BDAT %d LAST\r\n" % len(body) + body)
        speak(server, client, b"250 2.0.0 Ok\r\n")
        speak(client, server, b"HELP\r\n")
        speak(server, client, b"214-" + b"h" * 400 + b"\r\n214 end\r\n")
        check(out_of_order(server.sock), "no segment was lost")
        part(client, server)
        daemon.sessions(1)
        same_bytes(wire(t.show(daemon), "client")[-6:], b"QUIT\r\n", "record")


def with_netem():
    """Go on in a network of its own that netem spoils, if there can be one."""
    spoil = f"ip link set lo up && tc qdisc add dev lo root netem {NETEM}"
    done = subprocess.run(["unshare", "--net", "sh", "-c", spoil],
                          capture_output=True)
    if done.returncode:
        print(f"# without netem: {done.stderr.decode().strip()}")
        return
    os.execvpe("unshare", ["unshare", "--net", "sh", "-c",
                           f'{spoil} && exec "$@"', "sh", sys.executable,
                           *sys.argv], {**os.environ, HERE: "1"})


if HERE not in os.environ:
    with_netem()
main()
