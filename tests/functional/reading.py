#!/usr/bin/python3
"""What was recorded is listed, shown, exported, imported and checked."""
import json
import sqlite3
from pathlib import Path

from dialogues import DIALOGUES, record
from tap_harness import (ROOT, Mailbox, case, check, equal, main, same_bytes,
                         wait_for, wire)


@case
def text_parses_back_into_the_same_session(t):
    daemon = record(t, t.server(Mailbox()), *DIALOGUES)
    for i, name in enumerate(reversed(DIALOGUES)):
        session = f"last~{i}"
        text = t.smtptap("--db", daemon.db, "export", session, "--format",
                         "text").stdout
        file = t.dir / f"{i}.txt"
        file.write_bytes(text)
        db = t.dir / f"{i}.db"
        t.smtptap("--db", db, "import", file)
        before = json.loads(t.smtptap("--db", daemon.db, "show", "--json",
                                      session).stdout)
        after = json.loads(t.smtptap("--db", db, "show", "--json",
                                     "last").stdout)
        for side in ("client", "server"):
            same_bytes(wire(after, side), wire(before, side),
                       f"{name}: bytes of the {side}")
        for part in ("messages", "events", "wire"):
            equal(scrub(after[part]), scrub(before[part]), f"{name}: {part}")
        equal([scrub(e) for e in after["exchanges"]],
              [scrub(e) for e in before["exchanges"]], f"{name}: exchanges")
        for key in ("started_at", "client", "upstream", "helo", "bytes_in",
                    "bytes_out", "last_code", "ended_by", "duration_us"):
            equal(after[key], before[key], f"{name}: {key}")
        again = t.smtptap("--db", db, "export", "last", "--format",
                          "text").stdout
        same_bytes(again.partition(b"\n")[2], text.partition(b"\n")[2],
                   f"{name}: the text again")


def scrub(value):
    """Without the ids of the session, which the copy has its own of."""
    if isinstance(value, list):
        return [scrub(v) for v in value]
    if isinstance(value, dict):
        return {k: scrub(v) for k, v in value.items() if k != "session_id"}
    return value


@case
def the_transcripts_of_the_repository_import(t):
    """And their text imports again, to the same bytes and events."""
    for file in sorted((ROOT / "tests/transcripts").glob("*.smtp")):
        db, copy = t.dir / f"{file.stem}.db", t.dir / f"{file.stem}.copy.db"
        t.smtptap("--db", db, "import", file)
        first = json.loads(t.smtptap("--db", db, "show", "--json",
                                     "last").stdout)
        text = t.dir / "text"
        text.write_bytes(t.smtptap("--db", db, "export", "last", "--format",
                                   "text").stdout)
        t.smtptap("--db", copy, "import", text)
        second = json.loads(t.smtptap("--db", copy, "show", "--json",
                                      "last").stdout)
        for side in ("client", "server"):
            same_bytes(wire(second, side), wire(first, side),
                       f"{file.stem}: {side}")
        equal(scrub(second["events"]), scrub(first["events"]), file.stem)
        t.smtptap("--db", db, "show", "-t", "--data", "last")
        t.smtptap("--db", db, "check")


@case
def json_keys_are_the_columns_of_the_views(t):
    daemon = record(t, t.server(Mailbox()), "odd")

    def columns(view):
        with sqlite3.connect(daemon.db) as connection:
            return [r[1] for r in connection.execute(
                f"PRAGMA table_info({view})")]

    line, = t.smtptap("--db", daemon.db, "list",
                      "--json").stdout.splitlines()
    row = json.loads(line)
    equal(list(row), columns("session"), "list --json")
    document = t.show(daemon)
    for key, value in row.items():
        if key not in ("messages", "events"):	# there, the rows themselves
            equal(document[key], value, f"{key} of show --json")
    parts = {"exchanges": "exchange", "events": "event"}
    for key, view in parts.items():
        for entry in document[key]:
            equal(set(entry) | {"session_id"}, set(columns(view)), key)
    for message in document["messages"]:
        equal(set(message) | {"session_id"}, set(columns("message")),
              "messages")
        for recipient in message["recipients"]:
            equal(set(recipient) | {"session_id", "message_seq"},
                  set(columns("recipient")), "recipients")
    exported = json.loads(t.smtptap("--db", daemon.db, "export", "last",
                                    "--format", "json").stdout)
    equal(exported, document, "export --format json")


@case
def views_are_as_documented(t):
    """DESIGN section 5: names and order are a public interface."""
    daemon = record(t, t.sink(), "odd")
    expected = {
        "session": "id node listener started_at duration_us client "
        "original_dst upstream helo auth_user tls_client tls_server sni "
        "messages recipients bytes_in bytes_out last_code events rewritten "
        "level ended_by",
        "exchange": "session_id seq t_us verb argument forwarded code "
        "enhanced reply latency_us origin",
        "message": "session_id seq mail_from recipients size sha256 subject "
        "header_from header_to message_id date code enhanced reply queue_id "
        "accepted",
        "recipient": "session_id message_seq address code enhanced reply",
        "event": "session_id seq t_us side name severity detail rule"}
    with sqlite3.connect(daemon.db) as connection:
        for view, names in expected.items():
            equal([r[1] for r in connection.execute(
                f"PRAGMA table_info({view})")], names.split(), view)


@case
def list_filters(t):
    daemon = record(t, t.server(Mailbox()), "odd", "large", "bdat", "empty")

    def listed(*words):
        out = t.smtptap("--db", daemon.db, "list", "--json", *words).stdout
        return len(out.splitlines())

    equal(listed(), 4, "all")
    for words, n in ((["from:a@client.test"], 2), (["rcpt:b@server.test"], 3),
                     (["size>100000"], 1), (["subject:odd"], 1),
                     (["event:bare-lf"], 1), (["helo:client.test"], 4),
                     (["client:127.0.0.0/8"], 4), (["client:10.0.0.0/8"], 0),
                     (["verb:BDAT"], 1), (["code:2xx"], 4), (["code:5xx"], 0),
                     (["from:a@client.test", "size>100000"], 1),
                     (["qid:2"], 1), (["since:1h"], 4),
                     (["until:2001-01-01"], 0)):
        equal(listed(*words), n, f"list {words}")


@case
def show_is_readable_while_the_daemon_writes(t):
    server = t.server(Mailbox())
    daemon = t.smtptapd(server.port)
    c = t.connect(daemon.port)
    c.hear_reply()
    c.ask(b"EHLO still.open", b"250")
    wait_for(lambda: daemon.rows("SELECT * FROM session "
                                 "WHERE ended_by IS NULL AND helo = "
                                 "'still.open'"), "the open session")
    text = t.smtptap("--db", daemon.db, "show", "last").stdout
    check(b" -> EHLO still.open\n" in text, text)
    c.quit()


@case
def show_prints_the_marks_of_the_notation(t):
    daemon = record(t, t.server(Mailbox()), "odd")
    plain = t.smtptap("--db", daemon.db, "show", "last").stdout.decode()
    lines = plain.splitlines()
    check(lines[0].startswith("=== session "), lines[0])
    check("<-  220 mailbox.test ESMTP" in lines, plain)
    check(" -> EHLO client.test" in lines, plain)
    # "**>": forwarded though a violation
    check(any(line.startswith(("**> [", " -> [")) and "bytes" in line
              for line in lines), plain)
    check(lines[-1].startswith("=== closed by "), lines[-1])
    check("*** " in plain, "no event is shown")
    full = t.smtptap("--db", daemon.db, "show", "--data", "last").stdout
    for part in (b"\\x00", b"\\xff", b"bare\\rcr", b"\\x07"):
        check(part in full, f"no {part!r} in {full!r}")
    check(all(c >= 32 or c in (9, 10) for c in full), "control characters")
    coloured = t.smtptap("--db", daemon.db, "--color", "always", "show",
                         "last").stdout
    check(b"\x1b[" in coloured, "no colour")


@case
def check_finds_damage(t):
    daemon = record(t, t.server(Mailbox()), "large", "odd")
    t.smtptap("--db", daemon.db, "check")
    with sqlite3.connect(daemon.db) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("UPDATE pack SET data = "
                           "CAST(substr(data, 1, 100) AS BLOB) "
                           "WHERE length(data) > 100")
    connection.close()
    done = t.smtptap("--db", daemon.db, "check", status=45)
    check(done.stdout + done.stderr, "it says nothing")
    raw = bytearray(Path(daemon.db).read_bytes())
    for at in range(100, len(raw), 997):
        raw[at] ^= 0x55
    Path(daemon.db).write_bytes(raw)
    for suffix in ("-wal", "-shm"):
        Path(f"{daemon.db}{suffix}").unlink(missing_ok=True)
    t.smtptap("--db", daemon.db, "check", status=45)
    for verb in (["list"], ["show", "last"], ["show", "--json", "last"],
                 ["export", "last", "--format", "eml"]):
        done = t.smtptap("--db", daemon.db, *verb, status=None)
        check(0 <= done.returncode < 100, f"{verb} died: {done.returncode} "
              f"{done.stderr!r}")


main()
