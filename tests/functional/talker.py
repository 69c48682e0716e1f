"""talker: clients and servers that say and hear exact octets.

Each say() is a write of its own; hear() takes what comes in whatever segments.
Servers listen on any free port and serve each client in a thread.
"""
import contextlib
import socket
import struct
import threading

from claims import PATIENCE, Failure, equal, same_bytes, wait_for
from queues import queued


class Talker:
    """One end of a connection, spoken to and listened to exactly."""

    def __init__(self, sock):
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.heard = b""	# received and not yet taken by hear()

    def say(self, *segments):
        """Each argument is a write of its own."""
        for s in segments:
            self.sock.sendall(s)
        return self

    def taken(self):
        """Wait until the other end's program has read all that was said, so
        that what is said next is a read of its own."""
        try:
            here, there = self.sock.getsockname(), self.sock.getpeername()
        except OSError as error:	# it has been reset meanwhile
            raise ConnectionResetError(*error.args) from None
        wait_for(lambda: queued(here, there) == 0, "the other end to read",
                 pause=.0002)
        return self

    def hear(self, expected):
        """The next octets are these; whatever the segments were."""
        while len(self.heard) < len(expected):
            more = self.sock.recv(65536)
            if not more:
                break
            self.heard += more
        got, self.heard = (self.heard[:len(expected)],
                           self.heard[len(expected):])
        same_bytes(got, expected, "heard")
        return self

    def hear_line(self):
        """The next line, with its LF; what there is if the stream ends."""
        while b"\n" not in self.heard:
            more = self.sock.recv(65536)
            if not more:
                line, self.heard = self.heard, b""
                return line
            self.heard += more
        line, _, self.heard = self.heard.partition(b"\n")
        return line + b"\n"

    def hear_reply(self):
        """A whole reply, however many lines."""
        reply = b""
        while True:
            line = self.hear_line()
            reply += line
            if line[3:4] != b"-":
                return reply

    def ask(self, command, code):
        """Say a command line, hear a reply of that code."""
        self.say(command + b"\r\n")
        reply = self.hear_reply()
        equal(reply[:3], code, f"reply to {command[:60]!r}: {reply!r}")
        return reply

    def hear_all(self):
        """Everything up to the end of the stream."""
        parts = [self.heard]
        self.heard = b""
        while True:
            more = self.sock.recv(1 << 20)
            if not more:
                return b"".join(parts)
            parts.append(more)

    def hear_end(self):
        same_bytes(self.hear_all(), b"", "heard after the end")
        return self

    def hear_end_or_reset(self):
        """The other end has closed, whatever of ours it had not read."""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            self.hear_end()
        return self

    def wait_until_read(self):
        """What has been said has been read by the program at the other end:
        what is said next is a segment of its own to it. IPv4, same machine."""
        ours, theirs = (f":{s[1]:04X} " for s in (self.sock.getsockname(),
                                                  self.sock.getpeername()))

        def read():
            for line in open("/proc/net/tcp"):
                if theirs in line[:21] and ours in line[20:35]:
                    return line[34:].split()[1].endswith(":00000000")
            return True	# it is closed

        wait_for(read, "the other end to read")

    def quit(self):
        """QUIT, its 221, the server's end, and ours."""
        self.ask(b"QUIT", b"221")
        self.hear_end()
        self.close()

    def end(self):
        """FIN: nothing more will be said."""
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        """RST, at once."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


class Server:
    """Listens on a free port and plays a function to each client in turn.

    The function gets a Talker. What it raised is raised again by join()."""

    def __init__(self, play, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.bind((host, 0))
        self.listener.listen(1024)
        self.port = self.listener.getsockname()[1]
        self.play = play
        self.sessions = []
        self.errors = []
        self.done = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.run, args=(sock,),
                                      daemon=True)
            self.sessions.append(thread)
            thread.start()

    def run(self, sock):
        # TLS puts another socket in the place of the first.
        with contextlib.closing(Talker(sock)) as talker:
            try:
                self.play(talker)
            except Exception as error:	# told to the case by join()
                self.errors.append(error)
        with self.lock:
            self.done += 1

    def join(self, sessions=1):
        """Wait until so many sessions are over; fail if one did."""
        wait_for(lambda: self.errors or self.done >= sessions,
                 f"{sessions} sessions on the server")
        if self.errors:
            raise self.errors[0]

    def close(self):
        self.listener.close()


def receive_content(talker):
    """Mail data up to the end of data, dots unstuffed."""
    lines = []
    while True:
        line = talker.hear_line()
        if line == b".\r\n":
            return b"".join(lines)
        if not line:
            raise Failure("the stream ended within mail data")
        lines.append(line[1:] if line.startswith(b".") else line)


class Mailbox:
    """A small honest mail server: keeps what it accepts."""

    def __init__(self, keywords=(b"PIPELINING", b"8BITMIME", b"SMTPUTF8",
                                 b"CHUNKING", b"AUTH PLAIN LOGIN"),
                 name=b"mailbox.test"):
        self.keywords = keywords
        self.name = name	# in its greeting
        self.messages = []	# (envelope lines, content)
        self.credentials = []
        self.refuse = {}	# verb: reply

    def __call__(self, talker):
        talker.say(b"220 %s ESMTP\r\n" % self.name)
        envelope, chunks = [], b""
        while True:
            line = talker.hear_line()
            if not line:
                return
            verb = line.split()[0].upper() if line.split() else b""
            if verb in self.refuse:
                talker.say(self.refuse[verb] + b"\r\n")
            elif verb == b"EHLO":
                talker.say(b"".join(b"250-%s\r\n" % k for k in
                                    (b"mailbox.test",) + self.keywords +
                                    self.extensions(talker)) +
                           b"250 SIZE 0\r\n")
            elif verb == b"STARTTLS":
                self.starttls(talker)
            elif verb in (b"MAIL", b"RCPT"):
                envelope = [line] if verb == b"MAIL" else envelope + [line]
                talker.say(b"250 2.1.0 Ok\r\n")
            elif verb == b"DATA":
                talker.say(b"354 go ahead\r\n")
                self.accept(talker, envelope, receive_content(talker))
            elif verb == b"BDAT":
                octets = int(line.split()[1])
                while len(talker.heard) < octets:
                    talker.heard += talker.sock.recv(1 << 20)
                chunks += talker.heard[:octets]
                talker.heard = talker.heard[octets:]
                if line.upper().split()[-1] == b"LAST":
                    self.accept(talker, envelope, chunks)
                    chunks = b""
                else:
                    talker.say(b"250 2.0.0 chunk\r\n")
            elif verb == b"AUTH":
                self.authenticate(talker, line)
            elif verb == b"QUIT":
                talker.say(b"221 2.0.0 Bye\r\n")
                return
            else:
                talker.say(b"250 2.0.0 Ok\r\n")

    def extensions(self, talker):
        """What is offered only at this point of the session."""
        return ()

    def starttls(self, talker):
        talker.say(b"502 5.5.1 no TLS here\r\n")

    def accept(self, talker, envelope, content):
        self.messages.append((envelope, content))
        talker.say(b"250 2.0.0 Ok: queued as %X\r\n" % len(self.messages))

    def authenticate(self, talker, line):
        words = line.split()
        self.credentials += words[2:]
        if words[1].upper() == b"LOGIN":
            prompts = [b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"]
        else:
            prompts = [b"334 \r\n"]
        for prompt in prompts[len(words) - 2:]:
            talker.say(prompt)
            self.credentials.append(talker.hear_line().strip())
        talker.say(b"235 2.7.0 Authentication successful\r\n")


def unused_port():
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]
