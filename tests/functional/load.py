#!/usr/bin/python3
"""10,000 messages, 50 at a time: all there, all right, nothing grows."""
# run: alone
from tap_harness import (SANITIZED, Failure, Mailbox, case, check, equal, main,
                         scale, sha256, wait_for)

CONTENT = b"From: a@client.test\r\nSubject: load\r\n\r\n" + b"".join(
    b"%sline %d\r\n" % (b"." * (i % 3), i) for i in range(40))


def send(t, port, messages):
    """By smtp-source, 50 sessions at a time, a message each."""
    argv, environment = t.postfix_tool("smtp-source")
    t.run(*argv, "-s", "50", "-m", messages, "-F", t.dir / "content",
          "-f", "a@client.test", "-t", "b@server.test", f"127.0.0.1:{port}",
          env=environment, seconds=400)


def wait_for_rows(daemon, n):
    """Until n messages are accepted in the recording."""
    counts = {}

    def are_there():
        counts.update(daemon.one(
            "SELECT count(*) AS sessions, sum(ended_by IS NOT NULL) AS ended, "
            "sum(messages) AS messages FROM session"))
        counts.update(daemon.one(
            "SELECT count(*) AS rows, sum(accepted) AS accepted "
            "FROM message"))
        return counts["accepted"] == n

    try:
        wait_for(are_there, f"{n} messages")
    except Failure as failure:
        raise Failure(f"{failure}: {counts}") from None


def footprint(daemon):
    """(descriptors, resident KiB) of an idle daemon."""
    wait_for(lambda: daemon.one("SELECT count(*) AS n FROM session "
                                "WHERE ended_by IS NULL")["n"] == 0,
             "the end of all sessions")
    return daemon.descriptors(), daemon.proc("VmRSS")


@case
def every_message_is_recorded_and_nothing_grows(t):
    thousand = scale(1000, 200)
    (t.dir / "content").write_bytes(CONTENT.replace(b"\r\n", b"\n"))
    mailbox = Mailbox()
    send(t, t.server(mailbox).port, 1)
    (_, content), = mailbox.messages	# as it is without smtptapd between
    check(content.startswith(CONTENT), content)
    daemon = t.smtptapd(t.smtp_sink("-c"))
    send(t, daemon.port, thousand)
    wait_for_rows(daemon, thousand)
    first = footprint(daemon)
    send(t, daemon.port, 8 * thousand)
    wait_for_rows(daemon, 9 * thousand)
    send(t, daemon.port, thousand)
    wait_for_rows(daemon, 10 * thousand)
    last = footprint(daemon)
    print(f"descriptors and RSS: {first} KiB, then {last} KiB")

    totals = daemon.one(
        "SELECT count(*) AS n, count(DISTINCT session_id) AS sessions, "
        "count(DISTINCT sha256) AS digests, min(sha256) AS sha256, "
        "min(size) AS smallest, max(size) AS largest FROM message")
    equal(totals, {"n": 10 * thousand, "sessions": 10 * thousand,
                   "digests": 1, "sha256": sha256(content),
                   "smallest": len(content), "largest": len(content)},
          "messages")
    equal(daemon.one("SELECT count(*) AS n, count(DISTINCT id) AS ids, "
                     "sum(messages) AS messages FROM session"),
          {"n": 10 * thousand, "ids": 10 * thousand,
           "messages": 10 * thousand}, "sessions")
    equal(daemon.rows("SELECT * FROM session "
                      "WHERE ended_by NOT IN ('client', 'server')"), [],
          "sessions that did not end well")
    equal(daemon.gaps(), 0, "gaps")
    equal(daemon.rows("SELECT * FROM event LIMIT 5"), [], "events")
    equal(last[0], first[0], "descriptors after the last thousand")
    # ASan keeps what is freed for a while.
    check(SANITIZED or last[1] <= first[1] + 2048,
          f"resident memory grew from {first[1]} to {last[1]} KiB")
    for which in ("last", f"last~{thousand}", f"last~{10 * thousand - 1}"):
        equal(sha256(t.smtptap("--db", daemon.db, "export", which, "--format",
                               "eml").stdout), sha256(content), which)
    daemon.stop()
    t.smtptap("--db", daemon.db, "check")
    lines = [line for line in daemon.text().splitlines() if "sid=" in line]
    equal(len(lines), 10 * thousand, "log lines")


main()
