#!/usr/bin/python3
"""kill -9 under load: the file opens clean, what was acknowledged is there."""
# run: alone
import random
import signal
import socket
import threading
import time

from tap_harness import (Failure, PATIENCE, Talker, case, check, equal, main,
                         read_rows, scale, wait_for)

GRACE = .2	# seconds before the kill from which on a message may be lost
BODY = b"".join(b"%060d\r\n" % i for i in range(300))


class Acknowledgements:
    """A mail server that knows when it has said 250 to which message."""

    def __init__(self):
        self.when = {}

    def __call__(self, c):
        c.say(b"220 x\r\n")
        while True:
            verb = c.hear_line()[:4]
            if verb == b"DATA":
                c.say(b"354 go\r\n")
                subject = c.hear_line().split()[1].decode()
                while c.hear_line() not in (b".\r\n", b""):
                    pass
                c.say(b"250 2.0.0 Ok: queued as %s\r\n" % subject.encode())
                self.when[subject] = time.monotonic()
            elif verb == b"":
                return
            else:
                c.say(b"250 ok\r\n")


def send_until_cut(port, round_, thread, per_session=3):
    """Sessions of some messages each, until the connection breaks."""
    n = 0
    try:
        while True:
            sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
            with sock:
                c = Talker(sock)
                c.hear_line()
                c.ask(b"EHLO x", b"250")
                for _ in range(per_session):
                    c.ask(b"MAIL FROM:<a@x>", b"250")
                    c.ask(b"RCPT TO:<b@y>", b"250")
                    c.ask(b"DATA", b"354")
                    c.say(b"Subject: r%d.t%d.n%d\r\n\r\n" %
                          (round_, thread, n) + BODY)
                    c.ask(b".", b"250")
                    n += 1
    except (OSError, Failure):
        return	# the daemon was killed: that is the test


@case
def acknowledged_messages_survive_kill_9(t):
    server = Acknowledgements()
    port = t.server(server).port
    rng = random.Random(9)
    expected, found, round_ = set(), 0, 0
    for round_ in range(scale(20, 5)):
        daemon = t.smtptapd(port)
        check_interrupted(daemon, round_)
        threads = [threading.Thread(target=send_until_cut, daemon=True,
                                    args=(daemon.port, round_, i))
                   for i in range(8)]
        for thread in threads:
            thread.start()
        waiting = hold_open(t, daemon)
        begin = time.monotonic() + .3 + rng.random() * .5
        wait_for(lambda: time.monotonic() > begin, "the moment to kill")
        killed = time.monotonic()
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        waiting.close()
        for thread in threads:
            thread.join(PATIENCE)
        expected |= {s for s, when in server.when.items()
                     if s.startswith(f"r{round_}.") and when < killed - GRACE}
        equal(read_rows(daemon.db, "PRAGMA integrity_check"),
              [{"integrity_check": "ok"}], "integrity_check")
        rows = {r["subject"]: r for r in read_rows(
            daemon.db, "SELECT subject, accepted, queue_id FROM message")}
        missing = sorted(expected - set(rows))
        check(not missing, f"round {round_}: {len(missing)} acknowledged "
              f"messages are not there: {missing[:10]}")
        for subject in expected:
            equal(rows[subject]["accepted"], 1, f"accepted of {subject}")
            equal(rows[subject]["queue_id"], subject, "queue_id")
        found = len(rows)
        if round_ % 5 == 0:
            t.smtptap("--db", daemon.db, "check")
    print(f"{len(expected)} messages acknowledged {GRACE} s before a kill, "
          f"{found} recorded")
    check(len(expected) > 100, f"only {len(expected)} messages were sent")
    daemon = t.smtptapd(port)
    check_interrupted(daemon, round_ + 1)
    daemon.stop()
    t.smtptap("--db", daemon.db, "check")


def hold_open(t, daemon):
    """A session that is in the file and will be open at the kill."""
    c = t.connect(daemon.port)
    c.hear_line()
    c.ask(b"EHLO held", b"250")
    wait_for(lambda: daemon.rows("SELECT * FROM session WHERE helo = 'held' "
                                 "AND ended_by IS NULL"), "the open session")
    return c


def check_interrupted(daemon, round_):
    """A new start closes what the kill left open, and says so."""
    open_rows = daemon.rows("SELECT id FROM session WHERE ended_by IS NULL")
    equal(open_rows, [], f"open sessions at the start of round {round_}")
    interrupted = daemon.rows("SELECT id FROM session WHERE helo = 'held' "
                              "AND ended_by = 'interrupted'")
    equal(len(interrupted), round_, "interrupted sessions that were held")


main()
