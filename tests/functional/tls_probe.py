"""tls_probe.py PID PORT: how long a loop of smtptapd leaves a session waiting.

Both ends of a session in the clear: the listener at PORT leads back to this
process, which prints its own port first, and NAME=VALUE lines after the end of
standard input: waits (round trips made), longest_us (the longest of them), and
longest_cpu_us: the most that one thread of PID computed during one, which other
programs on the machine do not change.
"""
import os
import select
import socket
import sys
import time


def cpu_ns(pid):
    """What each thread has computed so far."""
    spent = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
            spent[thread] = int(f.read().split()[0])
    return spent


def round_trip(speaker, listener, octets):
    speaker.sendall(octets)
    listener.recv(4096)


def main():
    upstream = socket.create_server(("127.0.0.1", 0))
    print(upstream.getsockname()[1], flush=True)
    pid, port = sys.stdin.readline().split()
    client = socket.create_connection(("127.0.0.1", int(port)))
    server, _ = upstream.accept()
    round_trip(server, client, b"220 probe\r\n")
    waits = longest = longest_cpu = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        before, begin = cpu_ns(pid), time.monotonic_ns()
        round_trip(client, server, b"NOOP\r\n")
        round_trip(server, client, b"250 ok\r\n")
        longest = max(longest, time.monotonic_ns() - begin)
        after = cpu_ns(pid)
        longest_cpu = max(longest_cpu, *(
            after[t] - before.get(t, after[t]) for t in after))
        waits += 1
    print(f"waits={waits}\nlongest_us={longest // 1000}\n"
          f"longest_cpu_us={longest_cpu // 1000}")


main()
