"""tap_harness: what the functional tests stand on.

A test file holds cases, and ends with main():

	@case
	def quit_is_answered(t):
	    server = t.server(lambda c: c.say(b"220 x\r\n").hear(b"QUIT\r\n"))
	    daemon = t.smtptapd(server.port)
	    ...

A case that returns has passed; it prints `ok NAME`, or `not ok NAME: why` with
the logs of what it started. Everything started through t ends with the case: by
its pid, last first. Nothing waits for a time, only for an event, each with a
deadline; ports are whatever is free.
"""
import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SMTPTAP_BUILD", ROOT / "build")).resolve()
SANITIZED = BUILD.name == "sanitize"
PACKAGES = ROOT / "build/peers/root"
PEERS = ROOT / "tests/peers"
PATIENCE = 60 if SANITIZED else 20	# seconds until an event is overdue


class Failure(Exception):
    """The claim of the case does not hold."""


class Missing(Exception):
    """Something the case needs is not on this machine."""


def check(claim, why):
    if not claim:
        raise Failure(why)


def equal(got, expected, what):
    if got != expected:
        raise Failure(f"{what}: got {clip(got)}, expected {clip(expected)}")


def clip(value):
    text = repr(value)
    return text if len(text) < 1500 else f"{text[:1500]}... ({len(text)})"


def same_bytes(got, expected, what):
    """Like equal, for long strings: says where they part."""
    if got == expected:
        return
    at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b),
              min(len(got), len(expected)))
    around = slice(max(0, at - 40), at + 40)
    raise Failure(f"{what}: octet {at} of {len(got)} (expected "
                  f"{len(expected)}): got {bytes(got[around])!r}, "
                  f"expected {bytes(expected[around])!r}")


def wait_for(event, what, seconds=PATIENCE):
    """The first true value of event(), asked again until the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = event()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def scale(plain, sanitized):
    """How much of something: a sanitized build takes a smaller load."""
    return int(os.environ.get("SMTPTAP_SCALE", 0)) or \
        (sanitized if SANITIZED else plain)


def program(name):
    """The path of a program, or Missing."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{name} is not installed")
    return path


# --- sockets, byte by byte -------------------------------------------------


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
        with contextlib.closing(sock):
            try:
                self.play(Talker(sock))
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
                                 b"CHUNKING", b"AUTH PLAIN LOGIN")):
        self.keywords = keywords
        self.messages = []	# (envelope lines, content)
        self.credentials = []
        self.refuse = {}	# verb: reply

    def __call__(self, talker):
        talker.say(b"220 mailbox.test ESMTP\r\n")
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
                                    (b"mailbox.test",) + self.keywords) +
                           b"250 SIZE 0\r\n")
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


# --- programs --------------------------------------------------------------


class Process:
    """A program that runs until the case ends; its output is in a file."""

    def __init__(self, name, argv, directory, **options):
        self.name = name
        self.argv = [str(a) for a in argv]
        self.log = directory / f"{name}.log"
        self.status = None
        with self.log.open("wb") as out:
            options = {"stdout": out, "stderr": out, **options}
            self.popen = subprocess.Popen(self.argv, **options,
                                          stdin=subprocess.DEVNULL)
        self.pid = self.popen.pid

    def text(self):
        return self.log.read_text(errors="backslashreplace")

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds=PATIENCE):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end in {seconds} s") from None

    def close(self):
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()


class Listener(Process):
    """A program of ours that says on --ready-fd where it listens."""

    def __init__(self, name, argv, directory, **options):
        read_end, write_end = os.pipe()
        super().__init__(name, [*argv, "--ready-fd", write_end], directory,
                         pass_fds=[write_end], **options)
        os.close(write_end)
        with os.fdopen(read_end) as ready:
            self.ready = ready.readline()
        if not self.ready.startswith("ready listen="):
            self.wait()
            raise Failure(f"{name} is not ready ({self.ready!r}): "
                          f"{self.text()}")
        self.listens = self.ready.strip().partition("=")[2].split(",")
        self.port = int(self.listens[0].rpartition(":")[2])


class Daemon(Listener):
    """smtptapd."""

    def __init__(self, argv, directory, db, **options):
        self.db = db
        super().__init__("smtptapd", argv, directory, **options)

    def stop(self):
        """TERM; every session is in the database afterwards."""
        self.signal(signal.SIGTERM)
        equal(self.wait(), 0, f"status of smtptapd; {self.text()[-2000:]}")

    def close(self):
        if self.running():
            self.signal(signal.SIGTERM)	# the second one: no draining
        super().close()

    def proc(self, field):
        """A number of /proc/PID/status, in KiB or as it is."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise Failure(f"no {field} in /proc/{self.pid}/status")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rows(self, query, *values):
        """The rows of a query on the recording, as dictionaries."""
        return read_rows(self.db, query, *values)

    def one(self, query, *values):
        rows = self.rows(query, *values)
        equal(len(rows), 1, f"rows of {query}")
        return rows[0]

    def gaps(self):
        """Sessions of which something was not recorded."""
        return self.one("SELECT count(*) AS n FROM session_row "
                        "WHERE gap")["n"]

    def sessions(self, n):
        """The rows of the view, once n sessions are over."""
        query = "SELECT * FROM session WHERE ended_by IS NOT NULL ORDER BY id"
        return wait_for(lambda: self.enough(query, n), f"{n} sessions in "
                        f"{self.db}")

    def enough(self, query, n):
        rows = self.rows(query)
        return rows if len(rows) >= n else None


def read_rows(db, query, *values):
    connection = sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=20)
    with contextlib.closing(connection):
        connection.row_factory = sqlite3.Row
        return [dict(r) for r in connection.execute(query, values)]


def wire(document, side):
    """What show --json says one side sent, end to end."""
    return b"".join(wire_bytes(w) for w in document["wire"]
                    if w["side"] == side)


def wire_bytes(entry):
    if "base64" in entry:
        import base64
        return base64.b64decode(entry["base64"])
    return entry.get("text", "").encode()


# --- cases -----------------------------------------------------------------


class Case:
    """What a case may start; gone when it ends."""

    def __init__(self, directory):
        self.dir = directory
        self.stack = contextlib.ExitStack()
        self.processes = []

    def started(self, thing):
        self.stack.callback(thing.close)
        if isinstance(thing, Process):
            self.processes.append(thing)
        return thing

    def smtptapd(self, upstream, *options, record="sessions.db", listen=
                 "127.0.0.1:0", before=(), **more):
        """smtptapd in front of an upstream: a port, or HOST:PORT."""
        if isinstance(upstream, int):
            upstream = f"127.0.0.1:{upstream}"
        db = self.dir / record
        argv = [*before, BUILD / "smtptapd", "--listen", listen,
                "--upstream", upstream, "--record",
                "none" if record == "none" else db, *options]
        return self.started(Daemon(argv, self.dir, db, **more))

    def sink(self, *options):
        """smtptap's own accept-all server."""
        return self.started(Listener(
            "sink", [BUILD / "smtptap", "serve", "--sink", "--listen",
                     "127.0.0.1:0", *options], self.dir))

    def server(self, play, host="127.0.0.1"):
        return self.started(Server(play, host))

    def spawn(self, name, argv, **options):
        return self.started(Process(name, argv, self.dir, **options))

    def connect(self, port, host="127.0.0.1"):
        return self.started(Talker(socket.create_connection((host, port),
                                                            PATIENCE)))

    def run(self, *argv, status=0, seconds=120, **options):
        """Run a program to its end; its output, if the status is right."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                   "stdin": subprocess.DEVNULL, **options}
        if "input" in options:
            del options["stdin"]
        try:
            done = subprocess.run([str(a) for a in argv], timeout=seconds,
                                  **options)
        except subprocess.TimeoutExpired:
            raise Failure(f"{argv[0]} did not end in {seconds} s") from None
        if status is not None and done.returncode != status:
            raise Failure(f"{' '.join(str(a) for a in argv)}: status "
                          f"{done.returncode}, expected {status}; "
                          f"{(done.stdout or b'')[-3000:]!r} "
                          f"{(done.stderr or b'')[-3000:]!r}")
        return done

    def smtptap(self, *argv, **options):
        return self.run(BUILD / "smtptap", *argv, **options)

    def show(self, daemon, session="last"):
        """A session as show --json tells it."""
        done = self.smtptap("--db", daemon.db, "show", "--json", session)
        return json.loads(done.stdout)

    def swaks(self, port, *options, status=0, **more):
        return self.run(program("swaks"), "--server", f"127.0.0.1:{port}",
                        "--helo", "client.test", "--from", "a@client.test",
                        "--to", "b@server.test", *options, status=status,
                        **more)

    def postfix_tool(self, name):
        """argv and environment of smtp-source or smtp-sink, unpacked."""
        path = PACKAGES / "usr/sbin" / name
        if not path.exists():
            raise Missing(f"{path} (make test-deps)")
        config = self.dir / "postfix"
        config.mkdir(exist_ok=True)
        (config / "main.cf").write_text("myhostname = tool.test\n"
                                        "inet_protocols = all\n")
        return [path], {**os.environ, "MAIL_CONFIG": str(config),
                        "LD_LIBRARY_PATH": ":".join(
                            str(PACKAGES / d) for d in (
                                "usr/lib/postfix", "lib/x86_64-linux-gnu",
                                "usr/lib/x86_64-linux-gnu"))}

    def smtp_sink(self, *options):
        """Start Postfix's smtp-sink; its port, once it greets."""
        argv, environment = self.postfix_tool("smtp-sink")
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        if os.geteuid() == 0:
            options = ["-u", "nobody", *options]
        self.spawn("smtp-sink", [*argv, *options, f"127.0.0.1:{port}", "1000"],
                   env=environment)

        def greets():
            try:
                with socket.create_connection(("127.0.0.1", port)) as s:
                    return s.recv(1)
            except OSError:
                return None

        wait_for(greets, "smtp-sink")
        return port

    def peer(self, name, relay=None):
        """Start a real mail server (tests/peers); its port and directory."""
        if not (PACKAGES / ".unpacked").exists():
            raise Missing(f"{PACKAGES} (make test-deps)")
        if os.geteuid() != 0 and not (shutil.which("sudo") and self.run(
                "sudo", "-n", "true", status=None).returncode == 0):
            raise Missing("root, for a chroot")
        directory = self.dir / f"peer-{name}"
        script = PEERS / f"{name}.sh"
        self.stack.callback(self.run, script, "stop", directory, status=None)
        with (self.dir / f"{name}.start").open("wb") as errors:
            done = self.run(script, "start", directory,
                            *([str(relay)] if relay else []), stderr=errors,
                            status=None)
        check(done.returncode == 0, f"{name} did not start: " +
              (self.dir / f"{name}.start").read_text(errors="replace"))
        return int(done.stdout.split(b"=")[1]), directory


CASES = []


def case(function):
    CASES.append(function)
    return function


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def run_case(function):
    """True unless it failed."""
    name = function.__name__
    home = BUILD / "tests/run"
    home.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{name[:40]}.", dir=home))
    t = Case(directory)
    begin = time.monotonic()
    try:
        with t.stack:
            function(t)
            for process in t.processes:
                check("Sanitizer" not in process.text(),
                      f"{process.name}: a sanitizer spoke")
        print(f"ok {name} ({time.monotonic() - begin:.1f} s)", flush=True)
        failed = False
    except Missing as missing:
        print(f"skip {name}: {missing}", flush=True)
        failed = False
    except Exception as error:	# whatever it is, the other cases go on
        first, _, rest = str(error).partition("\n")
        kind = "" if isinstance(error, Failure) else \
            f"{type(error).__name__}: "
        print(f"not ok {name}: {kind}{first}")
        print(rest + "\n" + traceback.format_exc())
        for process in t.processes:
            print(f"--- {' '.join(process.argv)}\n{process.text()[-6000:]}")
        sys.stdout.flush()
        failed = True
    shutil.rmtree(directory, ignore_errors=True)
    return not failed


def main():
    """Run the cases, or those whose name holds one of the arguments."""
    words = sys.argv[1:]
    chosen = [c for c in CASES
              if not words or any(w in c.__name__ for w in words)]
    results = [run_case(c) for c in chosen]
    sys.exit(not all(results))
