"""damage.py LISTEN SERVER FAULT: a relay that damages what it relays.

FAULT: tiny (single octets; no damage), flip (changes a letter of each body),
drop (leaves one out), double (repeats one), swap (exchanges ids between
messages), unstuff (removes a stuffed dot).
"""
import socket
import sys
import threading


def swap(data):
    return data.replace(b"X-Bench-Id: 000000001", b"X-Bench-Id: 000000002")


def unstuff(data):
    return data.replace(b"\r\n..", b"\r\n.")


def at_a_letter(change):
    """A fault that replaces one letter in the middle of a body."""
    def fault(data):
        i = data.find(b"\r\n\r\n") + 100
        if i < 100 or i >= len(data) - 2 or data[i:i + 1] in b"\r\n":
            return data
        return data[:i] + change(data[i:i + 1]) + data[i + 1:]
    return fault


FAULTS = {
    "tiny": lambda data: data,
    "flip": at_a_letter(lambda letter: b"#"),
    "drop": at_a_letter(lambda letter: b""),
    "double": at_a_letter(lambda letter: letter + letter),
    "swap": swap,
    "unstuff": unstuff,
}


def pump(source, sink, fault, step):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            data = fault(data)
            for i in range(0, len(data), step):
                sink.sendall(data[i:i + step])
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def main():
    listen, server, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    step = 1 if name == "tiny" else 65536
    listener = socket.create_server(("127.0.0.1", listen), backlog=100)
    while True:
        client, _ = listener.accept()
        upstream = socket.create_connection(("127.0.0.1", server))
        for s in (client, upstream):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for arguments in ((client, upstream, FAULTS[name], step),
                          (upstream, client, FAULTS["tiny"], step)):
            threading.Thread(target=pump, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main()
