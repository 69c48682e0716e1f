#!/usr/bin/python3
"""A recorded session is read, exported, imported and played, both sides."""
import json
import sqlite3
import time
from pathlib import Path

from tap_harness import (BUILD, ROOT, Listener, Mailbox, case, check, equal,
                         main, same_bytes, sha256, wait_for, wire)

ODD = b"Subject: odd\r\n\r\n..dot\r\nback\\slash \\r\\n \\x41\r\n" \
      b"tab\there bell\x07 nul\0 8bit\xff\xfe \xc3\xa4 bare\rcr bare\nlf\r\n" \
      b"{+0.1} \\{+0.1}\r\n=== session x\r\n*** event\r\n -> x\r\n# no\r\n \r\n"


def by_data(c, content):
    c.ask(b"MAIL FROM:<a@client.test> SIZE=100000", b"250")
    c.ask(b"RCPT TO:<b@server.test>", b"250")
    c.ask(b"DATA", b"354")
    c.say(content)
    c.ask(b".", b"250")


def by_bdat(c):
    c.ask(b"MAIL FROM:<> BODY=BINARYMIME", b"250")
    c.ask(b"RCPT TO:<b@server.test>", b"250")
    c.say(b"BDAT 10\r\nSubject: x").hear_reply()
    c.say(b"BDAT 9\r\n\r\n\r\n\0\xff\r\n\n").hear_reply()
    c.ask(b"BDAT 0 LAST", b"250")


def pipelined(c):
    c.say(b"MAIL FROM:<a@client.test>\r\nRCPT TO:<b@server.test>\r\n"
          b"RCPT TO:<c@server.test>\r\nDATA\r\n")
    for code in (b"250", b"250", b"250", b"354"):
        equal(c.hear_reply()[:3], code, "reply in a group")
    c.say(b"Subject: p\r\n\r\n", b"x\r\n.\r\nRSET\r\nNOOP\r\n")
    for _ in range(3):
        equal(c.hear_reply()[:3], b"250", "reply in a group")


DIALOGUES = {
    "empty": lambda c: None,
    "odd": lambda c: by_data(c, ODD),
    "bdat": by_bdat,
    "pipelined": pipelined,
    "twice": lambda c: (by_data(c, b"Subject: 1\r\n\r\n1\r\n"),
                        by_data(c, b"Subject: 2\r\n\r\n2\r\n")),
    "no content": lambda c: by_data(c, b""),
    "commands": lambda c: [c.ask(v, b"250") for v in (
        b"NOOP", b"RSET", b"noop with argument", b"rset", b"NOOP")],
    "large": lambda c: by_data(c, b"".join(
        b"%070d\r\n" % i for i in range(30000))),
}


def record(t, server, *names):
    """A session for each dialogue, one after the other, in the recording."""
    daemon = t.smtptapd(server.port)
    for name in names:
        c = t.connect(daemon.port)
        c.hear_reply()
        c.ask(b"EHLO client.test", b"250")
        DIALOGUES[name](c)
        c.quit()
    daemon.sessions(len(names))
    daemon.stop()
    return daemon


def replay(t, daemon, session, port, *options, status=0):
    done = t.smtptap("--db", daemon.db, "replay", session, "--to",
                     f"127.0.0.1:{port}", *options, status=status)
    return done.stdout.decode()


@case
def every_session_replays_without_a_difference(t):
    mailbox = Mailbox()
    server = t.server(mailbox)
    daemon = record(t, server, *DIALOGUES)
    first = [content for _, content in mailbox.messages]
    mailbox.messages.clear()
    for row in daemon.rows("SELECT id FROM session ORDER BY id"):
        replay(t, daemon, row["id"], server.port)
    equal([sha256(content) for _, content in mailbox.messages],
          [sha256(content) for content in first], "what the server got again")


@case
def what_the_sink_accepts_it_accepts_again(t):
    sink = t.sink()
    daemon = record(t, sink, *DIALOGUES)
    for i in range(len(DIALOGUES)):
        replay(t, daemon, f"last~{i}", sink.port)
        replay(t, daemon, f"last~{i}", sink.port, "--compare", "text")


@case
def a_refused_recipient_is_a_difference(t):
    sink = t.sink()
    daemon = record(t, sink, "pipelined", "odd")
    refusing = t.sink("--refuse", "RCPT:550 5.1.1 no such user")
    for session in ("last", "last~1"):
        out = replay(t, daemon, session, refusing.port, status=40)
        check("550 5.1.1" in out and "250" in out and "RCPT" in out,
              f"it does not print which reply differed: {out!r}")
    mailbox = Mailbox()
    mailbox.refuse[b"RCPT"] = b"550 5.1.1 no"
    replay(t, daemon, "last", t.server(mailbox).port, status=40)
    equal(mailbox.messages, [], "messages without a recipient")


@case
def a_server_that_is_not_there_is_2(t):
    daemon = record(t, t.sink(), "odd")
    gone = t.sink()
    gone.close()
    replay(t, daemon, "last", gone.port, status=2)


@case
def a_server_that_leaves_early_is_6(t):
    daemon = record(t, t.sink(), "odd")

    def play(c):
        c.say(b"220 x\r\n")
        c.hear_line()

    replay(t, daemon, "last", t.server(play).port, status=6)


@case
def a_server_that_falls_silent_is_41(t):
    daemon = record(t, t.sink(), "odd")
    replay(t, daemon, "last", t.server(lambda c: c.hear_all()).port,
           "--timeout", "1", status=41)


@case
def nobody_is_mailed_by_accident(t):
    """A target elsewhere gets nothing without --rcpt-to or --really-send."""
    daemon = record(t, t.sink(), "odd")
    begin = time.monotonic()
    done = t.smtptap("--db", daemon.db, "replay", "last", "--to",
                     "192.0.2.1:25", status=1)
    check(time.monotonic() - begin < 5, "it tried to connect")
    check(b"--really-send" in done.stderr, done.stderr)


@case
def the_envelope_can_be_overridden(t):
    daemon = record(t, t.sink(), "twice")
    mailbox = Mailbox()
    heard = []
    play = mailbox.__call__

    def listen(c):
        hear_line = c.hear_line

        def note():
            heard.append(hear_line())
            return heard[-1]

        c.hear_line = note
        play(c)

    replay(t, daemon, "last", t.server(listen).port, "--rcpt-to",
           "test@example.test", "--mail-from", "me@example.test", "--helo",
           "other.test", "--compare", "code")
    equal(len(mailbox.messages), 2, "messages")
    for envelope, _ in mailbox.messages:
        check(envelope[0].startswith(b"MAIL FROM:<me@example.test>"), envelope)
        check(envelope[1].startswith(b"RCPT TO:<test@example.test>"), envelope)
    check(b"EHLO other.test\r\n" in heard, heard)


@case
def recorded_timing_is_kept_and_fast_is_not(t):
    server = t.server(Mailbox())
    daemon = t.smtptapd(server.port)
    c = t.connect(daemon.port)
    c.hear_reply()
    time.sleep(.4)	# what is to be recorded
    c.ask(b"NOOP", b"250")
    c.quit()
    daemon.sessions(1)
    seconds = {}
    for timing in ("fast", "recorded"):
        begin = time.monotonic()
        replay(t, daemon, "last", server.port, "--timing", timing)
        seconds[timing] = time.monotonic() - begin
    check(seconds["recorded"] >= .4, seconds)
    check(seconds["fast"] < seconds["recorded"] - .2, seconds)


def serve(t, daemon, session, *options):
    return t.started(Listener("serve", [
        BUILD / "smtptap", "--db", daemon.db, "serve", session, "--listen",
        "127.0.0.1:0", *options], t.dir))


@case
def serve_answers_as_the_server_did(t):
    server = t.server(Mailbox())
    daemon = record(t, server, "pipelined", "bdat", "odd")
    for session in ("last", "last~1", "last~2"):
        serving = serve(t, daemon, session)
        replay(t, daemon, session, serving.port, "--compare", "text")
        equal(serving.wait(), 0, f"status of serve; {serving.text()}")


@case
def serve_to_swaks(t):
    daemon = t.smtptapd(t.server(Mailbox()).port)
    t.swaks(daemon.port)
    daemon.sessions(1)
    serving = serve(t, daemon, "last")
    done = t.swaks(serving.port)
    check(b"queued as 1" in done.stdout, done.stdout)
    equal(serving.wait(), 0, f"status of serve; {serving.text()}")


@case
def serve_refuses_another_line(t):
    daemon = record(t, t.server(Mailbox()), "odd")
    serving = serve(t, daemon, "last")
    c = t.connect(serving.port)
    c.hear_reply()
    c.ask(b"EHLO client.test", b"250")
    c.ask(b"VRFY somebody", b"503")
    c.hear_end()
    c.close()
    equal(serving.wait(), 42, f"status of serve; {serving.text()}")
    check("VRFY" in serving.text(), serving.text())


# --- reading ----------------------------------------------------------------


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
