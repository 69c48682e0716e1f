"""tap_harness: what the functional tests stand on.

A test file holds cases, and ends with main():

	@case
	def quit_is_answered(t):
	    server = t.server(lambda c: c.say(b"220 x\r\n").hear(b"QUIT\r\n"))
	    daemon = t.smtptapd(server.port)
	    ...

A case that returns has passed; it prints `ok NAME`, or `not ok NAME: why` with
the logs of what it started. Everything started through t ends with the case: by
its pid, last first. Ports are whatever is free. What claims and
talker have is had from here too.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from claims import (BUILD, PACKAGES, PATIENCE, PEERS, ROOT, SANITIZED, Failure,
                    Missing, check, equal, same_bytes, scale, sha256,
                    wait_for)
from talker import (Mailbox, Server, Talker, receive_content,
                    unused_port)


def program(name):
    """The path of a program, or Missing."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not path:
        raise Missing(f"{name} is not installed")
    return path


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

    def listen(self):
        """A listening socket, for a server that the case itself plays."""
        sock = self.started(socket.create_server(("127.0.0.1", 0)))
        sock.settimeout(PATIENCE)
        return sock

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

    def peer(self, name, relay=None, label=None, settings=""):
        """Start a real mail server (tests/peers); its port and directory.
        settings: more of its configuration, where the script takes that."""
        out, directory = self.start_peer(name, relay, label,
                                         PEER_SETTINGS=settings)
        return out["port"], directory

    def start_peer(self, name, relay=None, label=None, **environment):
        """The same; its ports by name."""
        if not (PACKAGES / ".unpacked").exists():
            raise Missing(f"{PACKAGES} (make test-deps)")
        if os.geteuid() != 0 and not (shutil.which("sudo") and self.run(
                "sudo", "-n", "true", status=None).returncode == 0):
            raise Missing("root, for a chroot")
        directory = self.dir / f"peer-{label or name}"
        script = PEERS / f"{name}.sh"
        self.stack.callback(self.run, script, "stop", directory, status=None)
        with (self.dir / f"{name}.start").open("wb") as errors:
            done = self.run(script, "start", directory,
                            *([str(relay)] if relay else []), stderr=errors,
                            status=None,
                            env={**os.environ, **environment})
        check(done.returncode == 0, f"{name} did not start: " +
              (self.dir / f"{name}.start").read_text(errors="replace"))
        ports = dict(line.split("=") for line in done.stdout.decode().split())
        return {name: int(port) for name, port in ports.items()}, directory

    def aiosmtpd(self):
        """Start Python's mail server; its port, and the file of what it took:
        SHA-256 and sender, a line each."""
        if not (PACKAGES / "usr/lib/python3/dist-packages/aiosmtpd").exists():
            raise Missing("aiosmtpd (make test-deps)")
        port_file = self.dir / "port"
        process = self.spawn(
            "aiosmtpd", ["/usr/bin/python3", PEERS / "aiosmtpd_server.py",
                         port_file], env={**os.environ, "PYTHONPATH": str(
                             PACKAGES / "usr/lib/python3/dist-packages")})
        wait_for(lambda: port_file.exists() and port_file.read_text().strip(),
                 "aiosmtpd's port")
        return int(port_file.read_text()), process.log


CASES = []


def case(function):
    CASES.append(function)
    return function


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
