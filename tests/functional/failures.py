#!/usr/bin/python3
"""What goes wrong is said in one sentence, and mail goes on."""
import re
import resource
import select
import signal
import socket
import time
from pathlib import Path

from tap_harness import (PATIENCE, Mailbox, case, check, equal, main,
                         unused_port, wait_for)


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


main()
