#!/usr/bin/python3
"""Real mail servers behind, and in front as senders."""
import re

from tap_harness import (Mailbox, case, check, equal, main, same_bytes, sha256,
                         wait_for)

LINES = b"".join(b"line %d of the message\r\n" % i for i in range(3000))


def passes_mail(t, port, queue_ids=True):
    """swaks sends through smtptapd to a server that names queue ids or not."""
    daemon = t.smtptapd(port)
    body = t.dir / "body"
    body.write_bytes(b"Subject: through\n\n" + LINES.replace(b"\r\n", b"\n"))
    t.swaks(daemon.port, "--data", f"@{body}")
    t.swaks(daemon.port, "--data", f"@{body}", "--pipeline",
            "--to", "b@server.test,c@server.test")
    rows = daemon.sessions(2)
    check({r["ended_by"] for r in rows} <= {"client", "server"}, rows)
    equal([r["messages"] for r in rows], [1, 1], "messages")
    equal([r["recipients"] for r in rows], [1, 2], "recipients")
    equal(daemon.rows("SELECT * FROM event"), [], "events")
    messages = daemon.rows("SELECT * FROM message ORDER BY session_id")
    for row in messages:
        equal(row["accepted"], 1, "accepted")
        equal(row["subject"], "through", "subject")
    for message in messages:	# the log line joins with the server's log
        if message["queue_id"] is None and not queue_ids:
            continue
        wait_for(lambda: f"qid={message['queue_id']}" in daemon.text(),
                 f"qid={message['queue_id']} in {daemon.text()}")
    return daemon, messages


def replays(t, daemon, port, n):
    """Each session against the same server again: no difference."""
    for i in range(n):
        t.smtptap("--db", daemon.db, "replay", f"last~{i}", "--to",
                  f"127.0.0.1:{port}")


@case
def postfix_behind(t):
    port, home = t.peer("postfix")
    daemon, messages = passes_mail(t, port)
    for row in messages:
        line = wait_for(lambda: re.search(
            row["queue_id"] + r": from=<(.*)>, size=(\d+)",
            (home / "log").read_text()), f"{row['queue_id']} in Postfix's log")
        equal(line[1], row["mail_from"], "sender in Postfix's log")
    replays(t, daemon, port, 2)


@case
def exim_behind(t):
    port, home = t.peer("exim")
    daemon, messages = passes_mail(t, port)
    for row in messages:
        wait_for(lambda: f"{row['queue_id']} <= {row['mail_from']}" in
                 (home / "log").read_text(),
                 f"{row['queue_id']} in Exim's log")
    replays(t, daemon, port, 2)


@case
def opensmtpd_behind(t):
    port, _ = t.peer("opensmtpd")
    daemon, _ = passes_mail(t, port)
    replays(t, daemon, port, 2)


@case
def sendmail_behind(t):
    port, _ = t.peer("sendmail")
    daemon, _ = passes_mail(t, port)
    replays(t, daemon, port, 2)


@case
def aiosmtpd_behind(t):
    port, _ = t.aiosmtpd()
    daemon, _ = passes_mail(t, port, queue_ids=False)
    replays(t, daemon, port, 2)


def relays_through(t, sender, keywords=(b"PIPELINING", b"8BITMIME",
                                        b"CHUNKING", b"DSN")):
    """A server takes a message and sends it on through smtptapd."""
    mailbox = Mailbox(keywords)
    daemon = t.smtptapd(t.server(mailbox).port)
    port, home = t.peer(sender, relay=daemon.port)
    body = t.dir / "body"
    body.write_bytes(b"Subject: relayed\n\n.\n..\n" +
                     LINES.replace(b"\r\n", b"\n"))
    t.swaks(port, "--data", f"@{body}", "--to", "b@server.test,c@server.test")
    try:
        wait_for(lambda: mailbox.messages, f"a message from {sender}")
    except Exception:
        print((home / "log").read_text()[-3000:])
        raise
    daemon.sessions(1)
    row = daemon.one("SELECT * FROM message")
    (envelope, content), = mailbox.messages
    equal(row["size"], len(content), "size")
    equal(row["sha256"], sha256(content), "sha256")
    equal(row["accepted"], 1, "accepted")
    equal(row["subject"], "relayed", "subject")
    check(b"\r\n\r\n.\r\n..\r\n" + LINES in content, content[:600])
    same_bytes(t.smtptap("--db", daemon.db, "export", "last", "--format",
                         "eml").stdout, content, "export --format eml")
    return daemon, {r["verb"] for r in daemon.rows(
        "SELECT verb FROM exchange")}


@case
def postfix_sends(t):
    """Its client has no BDAT in any version that Debian 12 has: by DATA."""
    _, verbs = relays_through(t, "postfix")
    check("DATA" in verbs, verbs)


@case
def exim_sends_by_bdat(t):
    daemon, verbs = relays_through(t, "exim")
    check("BDAT" in verbs and "DATA" not in verbs, verbs)
    equal(daemon.rows("SELECT * FROM event"), [], "events")


@case
def exim_sends_by_data(t):
    _, verbs = relays_through(t, "exim", keywords=(b"PIPELINING",))
    check("DATA" in verbs and "BDAT" not in verbs, verbs)


@case
def opensmtpd_sends(t):
    _, verbs = relays_through(t, "opensmtpd")
    check("DATA" in verbs, verbs)


@case
def sendmail_sends(t):
    _, verbs = relays_through(t, "sendmail")
    check("DATA" in verbs, verbs)


@case
def exim_sends_by_bdat_to_postfix(t):
    """Two real programs, neither of which knows of smtptapd."""
    postfix, home = t.peer("postfix")
    daemon = t.smtptapd(postfix)
    exim, _ = t.peer("exim", relay=daemon.port)
    t.swaks(exim, "--body", "x" * 900)
    daemon.sessions(1)
    row = daemon.one("SELECT * FROM message")
    equal(row["accepted"], 1, "accepted")
    wait_for(lambda: f"{row['queue_id']}: from=" in
             (home / "log").read_text(), "the queue id in Postfix's log")
    check(daemon.rows("SELECT * FROM exchange WHERE verb = 'BDAT'"), "no BDAT")
    replays(t, daemon, postfix, 1)


@case
def postfix_sends_many_over_one_connection(t):
    """Connection caching: later transactions of a session are rows too."""
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    port, _ = t.peer("postfix", relay=daemon.port)
    argv, environment = t.postfix_tool("smtp-source")
    t.run(*argv, "-s", "4", "-m", "60", "-f", "a@client.test",
          "-t", "b@server.test", f"127.0.0.1:{port}", env=environment)
    wait_for(lambda: len(mailbox.messages) == 60, "60 messages")
    wait_for(lambda: daemon.one("SELECT count(*) AS n FROM message "
                                "WHERE accepted")["n"] == 60, "60 rows")
    rows = daemon.rows("SELECT sha256 FROM message")
    equal(sorted(r["sha256"] for r in rows),
          sorted(sha256(content) for _, content in mailbox.messages),
          "SHA-256 of all of them")


@case
def smtp_sink_that_plays_a_pix(t):
    """`smtp-sink -P`: a banner of asterisks, and no EHLO behind it."""
    daemon = t.smtptapd(t.smtp_sink("-P"))
    t.swaks(daemon.port, "--protocol", "SMTP")
    row, = daemon.sessions(1)
    equal(row["messages"], 1, "messages")
    names = [r["name"] for r in daemon.rows("SELECT name FROM event")]
    equal(names, ["masked-banner"], "events")


main()
