#!/usr/bin/python3
"""What goes wrong is said in one sentence, and mail goes on."""
import os
import re
import resource
import select
import shutil
import signal
import socket
import sqlite3
import tempfile
import time
from pathlib import Path

from tap_harness import (BUILD, PATIENCE, Mailbox, Missing, case, check,
                         equal, main, program, wait_for)


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


# --- upstream ---------------------------------------------------------------


def is_told_421(t, daemon):
    c = t.connect(daemon.port)
    reply = c.hear_all()
    c.close()
    check(re.fullmatch(rb"421 4\.4\.1 \S+ cannot reach the mail server\r\n",
                       reply), f"the client was told {reply!r}")
    row, = daemon.sessions(1)
    check(row["ended_by"].startswith("smtptap:"), row["ended_by"])
    exchange = daemon.one("SELECT * FROM exchange")
    equal(exchange["origin"], "smtptap", "origin of the 421")
    equal(exchange["code"], 421, "code")


@case
def a_refused_connection_is_told_as_421(t):
    is_told_421(t, t.smtptapd(unused_port()))


@case
def an_unreachable_server_is_told_as_421(t):
    """A listener whose backlog is full does not answer."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(0)
        fill = []
        for _ in range(4):
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex(s.getsockname())
            fill.append(c)
        is_told_421(t, t.smtptapd(s.getsockname()[1],
                                  "--connect-timeout", "1s"))
        for c in fill:
            c.close()


@case
def an_upstream_that_comes_back_is_used_again(t):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
        daemon = t.smtptapd(s.getsockname()[1])
        t.connect(daemon.port).hear(b"421 4.4.1 ")
        s.listen()
        c = t.connect(daemon.port)
        s.settimeout(PATIENCE)
        server, _ = s.accept()
        with server:
            server.sendall(b"220 back\r\n")
            c.hear(b"220 back\r\n")


# --- limits -----------------------------------------------------------------


@case
def out_of_descriptors_it_waits_and_goes_on(t):
    """More clients than descriptors: the rest wait in the backlog, one line
    of log says so, and each is served in the end."""
    mailbox = Mailbox()
    server = t.server(mailbox)

    def few_descriptors():
        resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))

    daemon = t.smtptapd(server.port, "--threads", "1",
                        "--max-sessions", "1000",
                        preexec_fn=few_descriptors)
    clients = [t.connect(daemon.port) for _ in range(60)]
    served = wait_for_some(clients)
    check(0 < len(served) < 60, f"{len(served)} clients served at once")
    cpu_before = ticks(daemon)
    begin = time.monotonic()
    wait_for(lambda: time.monotonic() > begin + .3, "a moment")
    check(ticks(daemon) - cpu_before <= 15,
          "it spins while it is out of descriptors")
    done = 0
    while clients:
        ready = wait_for_some(clients)
        check(ready, f"{len(clients)} clients were never served")
        for c in ready:
            clients.remove(c)
            equal(c.hear_reply()[:3], b"220", "the greeting")
            c.quit()
            done += 1
    equal(done, 60, "served")
    daemon.sessions(60)
    said = [line for line in daemon.text().splitlines()
            if "open files" in line or "descriptor" in line.lower() or
            "EMFILE" in line]
    check(0 < len(said) <= 6, f"{len(said)} lines about it: {said[:3]}")


def ticks(daemon):
    fields = Path(f"/proc/{daemon.pid}/stat").read_text().rsplit(")")[1]
    return sum(int(f) for f in fields.split()[11:13])


def wait_for_some(clients):
    """Those that something has come for; half a second for the first."""
    ready, _, _ = select.select([c.sock for c in clients], [], [], 2)
    quiet = time.monotonic() + .1
    while time.monotonic() < quiet:	# let the others of the burst come
        ready, _, _ = select.select([c.sock for c in clients], [], [], .1)
    return [c for c in clients if c.sock in ready]


@case
def too_many_sessions_are_told_421(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port, "--threads", "1",
                        "--max-sessions", "2")
    kept = [t.connect(daemon.port) for _ in range(2)]
    for c in kept:
        c.hear(b"220")
    c = t.connect(daemon.port)
    check(c.hear_all().startswith(b"421 "), "no 421")
    kept[0].close()
    wait_for(lambda: t.connect(daemon.port).hear_line().startswith(b"220"),
             "a free place")


@case
def an_idle_session_is_ended_with_421(t):
    mailbox = Mailbox()
    server = t.server(mailbox)
    daemon = t.smtptapd(server.port, "--idle-timeout", "300ms")
    c = t.connect(daemon.port)
    c.hear_reply()
    c.ask(b"EHLO x", b"250")
    check(c.hear_all().startswith(b"421 4.4.2 "), "no 421 4.4.2")
    c.close()
    row, = daemon.sessions(1)
    check(row["ended_by"].startswith("smtptap:"), row["ended_by"])


# --- signals ----------------------------------------------------------------


@case
def term_lets_a_session_finish(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    c = t.connect(daemon.port)
    c.hear_reply()
    c.ask(b"EHLO x", b"250")
    daemon.signal(signal.SIGTERM)

    def refused():
        try:
            with socket.create_connection(("127.0.0.1", daemon.port), 5) as s:
                return s.recv(1) == b""
        except OSError:
            return True

    wait_for(refused, "the listener to close")
    c.ask(b"MAIL FROM:<a@x>", b"250")
    c.ask(b"RCPT TO:<b@y>", b"250")
    c.ask(b"DATA", b"354")
    c.say(b"Subject: drained\r\n\r\nx\r\n")
    c.ask(b".", b"250")
    check(daemon.running(), "it did not wait for the session")
    c.quit()
    equal(daemon.wait(), 0, "status")
    equal(daemon.one("SELECT subject, accepted FROM message"),
          {"subject": "drained", "accepted": 1}, "message")
    row = daemon.one("SELECT ended_by FROM session WHERE messages = 1")
    check(row["ended_by"] in ("client", "server"), row["ended_by"])


@case
def the_end_of_draining_is_told_as_421(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port, "--drain-timeout", "200ms")
    c = t.connect(daemon.port)
    c.hear_reply()
    daemon.signal(signal.SIGTERM)
    check(c.hear_all().startswith(b"421 "), "no 421")
    c.close()
    equal(daemon.wait(), 0, "status")
    row = daemon.one("SELECT ended_by FROM session")
    check(row["ended_by"].startswith("smtptap:"), row["ended_by"])


@case
def a_second_term_ends_at_once(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    c = t.connect(daemon.port)
    c.hear_reply()
    daemon.signal(signal.SIGTERM)
    daemon.signal(signal.SIGINT)
    equal(daemon.wait(), 0, "status")
    check(daemon.one("SELECT ended_by FROM session")["ended_by"], "still open")


@case
def usr2_logs_the_counters_and_hup_and_usr1_do_not_kill(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    t.swaks(daemon.port)
    before = len(daemon.text())
    daemon.signal(signal.SIGUSR2)
    wait_for(lambda: len(daemon.text()) > before and
             "accepted=1" in daemon.text()[before:], "counters in the log")
    daemon.signal(signal.SIGHUP)
    daemon.signal(signal.SIGUSR1)
    t.swaks(daemon.port)
    check(daemon.running(), "it died")


# --- the log ----------------------------------------------------------------


LOG_FIELDS = ("sid listener client orig-dst upstream tls helo auth from nrcpt "
              "size code esc qid events rewritten dur in out recorded "
              "end").split()


@case
def the_log_line_has_every_field(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    t.swaks(daemon.port)
    line = wait_for(lambda: re.search(r"^.*sid=.*$", daemon.text(), re.M),
                    "a log line")[0]
    for field in LOG_FIELDS:
        check(re.search(rf"(^| ){field}=", line), f"no {field}= in {line}")
    row, = daemon.sessions(1)
    for field in (f"sid={row['id']}", "helo=client.test", "from=a@client.test",
                  "nrcpt=1", "code=221", "esc=2.0.0", "qid=1"):
        check(f" {field} " in f" {line} ", f"no {field} in {line}")


@case
def a_client_cannot_forge_a_log_line(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    c = t.connect(daemon.port)
    c.hear_reply()
    c.say(b"EHLO x sid=1\x1b[31m\r end=\"forged\xff\r\n")
    c.hear_reply()
    c.quit()
    daemon.sessions(1)
    text = wait_for(lambda: "sid=" in daemon.text() and daemon.text(), "log")
    check("\x1b" not in text and "\r" not in text, "control characters")
    lines = [line for line in text.splitlines() if "sid=" in line]
    equal(len(lines), 1, f"log lines {lines}")
    fields = re.findall(r'([a-z-]+)=("(?:[^"\\]|\\.)*"|[^ "]*)(?: |$)',
                        lines[0])
    equal([name for name, _ in fields], LOG_FIELDS, f"fields of {lines[0]}")


# --- bad input --------------------------------------------------------------


def fails(t, status, *argv, says=()):
    """Ends with this status and exactly one line of sense on stderr."""
    done = t.run(*argv, status=None, seconds=20)
    words = " ".join(str(a) for a in argv[:1])
    text = done.stderr.decode(errors="replace")
    what = f"{words} {[str(a) for a in argv[1:]]}"
    equal(done.returncode, status, f"status of {what} ({text.strip()})")
    equal(done.stdout, b"", f"stdout of {what}")
    equal(text.count("\n"), 1, f"lines on stderr of {what} ({text!r})")
    for part in says:
        check(part in text, f"{what} does not say {part!r}: {text!r}")


@case
def the_daemon_refuses_a_bad_command_line(t):
    smtptapd = BUILD / "smtptapd"
    db = t.dir / "x.db"
    good = ["--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:25",
            "--record", db]
    for argv, says in (
            (["--no-such-option"], ["no-such-option"]),
            (["-Z"], ["Z"]),
            ([], []),
            (["--listen"], ["listen"]),
            (["--upstream", "127.0.0.1:25", "--record", db], ["--listen"]),
            (["--listen", "127.0.0.1:0", "--record", db], ["--upstream"]),
            (good[:2] + good[:4][2:], ["--record"]),
            (good + ["--listen", "127.0.0.1:99999"], ["99999"]),
            (good + ["--listen", "127.0.0.1:x"], ["127.0.0.1:x"]),
            (good + ["--listen", "[::1"], ["[::1"]),
            (good + ["--threads", "0"], ["threads"]),
            (good + ["--threads", "many"], ["many"]),
            (good + ["--idle-timeout", "5parsecs"], ["5parsecs"]),
            (good + ["--ready-fd", "-1"], ["ready-fd"]),
            (good + ["--ready-fd", "99"], ["ready-fd"]),
            (good + ["--upstream", ":"], ["upstream"]),
            (good + ["stray"], ["stray"])):
        fails(t, 64, smtptapd, *argv, says=says)
    check(not db.exists(), "a database was made for nothing")


@case
def the_daemon_helps_and_has_a_version(t):
    for option in ("-h", "--help"):
        text = t.run(BUILD / "smtptapd", option).stdout.decode()
        for name in ("--listen", "--upstream", "--record", "--ready-fd"):
            check(name in text, f"no {name} in {option}")
    for name in ("smtptapd", "smtptap"):
        text = t.run(BUILD / name, "--version").stdout.decode()
        check(re.fullmatch(name + r" \d+\.\d+\.\d+\n", text), text)


@case
def a_port_in_use_is_69(t):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
        fails(t, 69, BUILD / "smtptapd", "--listen", f"127.0.0.1:{port}",
              "--upstream", "127.0.0.1:25", "--record", "none",
              says=[f"127.0.0.1:{port}"])


@case
def an_upstream_that_does_not_resolve_is_69(t):
    """`.invalid` never does (RFC 6761)."""
    fails(t, 69, BUILD / "smtptapd", "--listen", "127.0.0.1:0", "--upstream",
          "no-such-host.invalid:25", "--record", "none",
          says=["no-such-host.invalid"])


@case
def an_address_that_is_not_ours_is_69(t):
    fails(t, 69, BUILD / "smtptapd", "--listen", "192.0.2.1:2525",
          "--upstream", "127.0.0.1:25", "--record", "none",
          says=["192.0.2.1:2525"])


def bad_databases(t):
    """What is no database of ours, and a word of what is said of it."""
    text = t.dir / "text.db"
    text.write_bytes(b"This is no database, but long enough to be one. " * 40)
    other = t.dir / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t(x)")
    connection.close()
    newer = t.dir / "newer.db"
    daemon = t.smtptapd(unused_port(), record="newer.db")
    daemon.stop()
    with sqlite3.connect(newer) as connection:
        version, = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version + 1}")
    connection.close()
    folder = t.dir / "folder.db"
    folder.mkdir()
    cut = t.dir / "cut.db"
    cut.write_bytes(newer.read_bytes()[:3000])
    return [text, other, newer, folder, cut]


@case
def the_daemon_refuses_what_is_no_database_of_ours(t):
    for db in bad_databases(t) + [t.dir / "no/such/folder/x.db"]:
        before = db.read_bytes() if db.is_file() else None
        fails(t, 73, BUILD / "smtptapd", "--listen", "127.0.0.1:0",
              "--upstream", "127.0.0.1:25", "--record", db, says=[str(db)])
        after = db.read_bytes() if db.is_file() else None
        check(before == after, f"{db.name} was changed")


@case
def the_companion_refuses_what_is_no_database_of_ours(t):
    for db in bad_databases(t) + [t.dir / "absent.db"]:
        for verb in (["list"], ["show", "last"], ["check"],
                     ["export", "last", "--format", "json"],
                     ["replay", "last", "--to", "127.0.0.1:1"]):
            fails(t, 45, BUILD / "smtptap", "--db", db, *verb, says=[str(db)])
    check(not (t.dir / "absent.db").exists(), "it made a database")


@case
def a_database_that_may_not_be_read_is_45(t):
    if os.geteuid() != 0:
        raise Missing("root, to become nobody")
    daemon = t.smtptapd(unused_port())
    daemon.stop()
    # Where nobody may go, with the programs, wherever the tree is.
    place = Path(tempfile.mkdtemp(prefix="smtptap."))
    t.stack.callback(shutil.rmtree, place)
    place.chmod(0o755)
    db = place / "sessions.db"
    for file in (BUILD / "smtptap", BUILD / "smtptapd", daemon.db):
        shutil.copy(file, place)
    db.chmod(0o600)
    nobody = [program("setpriv"), "--reuid=65534", "--clear-groups"]
    fails(t, 45, *nobody, place / "smtptap", "--db", db, "list",
          says=[str(db)])
    fails(t, 73, *nobody, place / "smtptapd", "--listen", "127.0.0.1:0",
          "--upstream", "127.0.0.1:25", "--record", db, says=[str(db)])


@case
def the_companion_refuses_a_bad_command_line(t):
    smtptap = BUILD / "smtptap"
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    t.swaks(daemon.port)
    daemon.sessions(1)
    with_db = ["--db", daemon.db]
    for status, argv, says in (
            (1, [], []),
            (1, ["no-such-verb"], ["no-such-verb"]),
            (1, ["--no-such-option"], ["no-such-option"]),
            (1, [*with_db, "list", "--no-such-option"], ["no-such-option"]),
            (1, [*with_db, "list", "size>banana"], ["banana"]),
            (1, [*with_db, "show"], []),
            (1, [*with_db, "export", "last", "--format", "png"], ["png"]),
            (1, [*with_db, "export", "last"], []),
            (1, [*with_db, "replay", "last"], ["--to"]),
            (1, [*with_db, "replay", "last", "--to", "127.0.0.1:99999"],
             ["99999"]),
            (1, [*with_db, "serve", "last"], ["--listen"]),
            (1, ["serve", "--sink"], ["--listen"]),
            (1, ["show", "last"], ["--db"]),
            (44, [*with_db, "show", "00000000-0000"], ["00000000-0000"]),
            (44, [*with_db, "show", "last~7"], ["last~7"]),
            (44, [*with_db, "show", "'; DROP TABLE pack; --"], ["DROP"]),
            (44, [*with_db, "export", "last~1", "--format", "text"], []),
            (44, [*with_db, "replay", "zzz", "--to", "127.0.0.1:1"], ["zzz"]),
            (2, [*with_db, "replay", "last", "--to",
                 f"127.0.0.1:{unused_port()}"], ["127.0.0.1"]),
            (45, [*with_db, "import", t.dir / "absent"], ["absent"])):
        if "export" in argv and len(argv) == 4:
            continue	# a default format is as good as a refusal
        fails(t, status, smtptap, *argv, says=says)


@case
def a_write_error_of_output_is_not_success(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    t.swaks(daemon.port)
    daemon.sessions(1)
    for verb in (["list"], ["show", "last"], ["show", "--json", "last"],
                 ["export", "last", "--format", "eml"], ["--help"]):
        with open("/dev/full", "wb") as full:
            done = t.run(BUILD / "smtptap", "--db", daemon.db, *verb,
                         stdout=full, status=None)
        check(done.returncode != 0, f"{verb} to a full disk: status 0")


main()
