#!/usr/bin/python3
"""The record of a session that a policy has changed: what came and what went."""
import hashlib
import threading

import wire_log
from policies import open_data, part, relayed, rules, turn
from tap_harness import case, check, equal, main, same_bytes, wait_for

EDITS = """
    banner = mask
    banner-host = "mail.test"
    scrub-hosts = yes
    scrub-text = yes
    ehlo-strip = {"CHUNKING"}
    ehlo-add = {"SIZE 1000"}
    block = {"VRFY"}
    bare-newline = normalize
    match "rcpt count" { gt = 1  action = "reject 452 4.5.3 Too many" }
"""
GROUP = b"MAIL FROM:<a@client.test>\r\nVRFY x\r\nRCPT TO:<b@server.test>\r\n" \
        b"RCPT TO:<c@server.test>\r\nDATA\r\n"
CONTENT = b"Subject: edited\r\n\r\n..a\nb\r\n\n.\n.\r\nc\r\n.\r\n"


class Ear:
    """Hears all that comes, and keeps it."""

    def __init__(self, talker):
        self.talker = talker
        self.heard = b""
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while more := self.talker.sock.recv(65536):
            self.heard += more

    def wait_for(self, octets):
        wait_for(lambda: octets in self.heard, f"{octets!r}")


def say(talker, octets, size):
    for i in range(0, len(octets), size):
        talker.say(octets[i:i + size])


def edited_session(t, policy, size=65536):
    """A session, and (said, heard) of its client and of its server."""
    daemon, client, server = relayed(t, policy, record=f"{size}.db")
    at_client, at_server = Ear(client), Ear(server)
    said = [b"", b""]

    def turn(speaker, octets, ear, expected):
        said[speaker is server] += octets
        say(speaker, octets, size)
        ear.wait_for(expected)

    turn(server, b"220 real.test ESMTP Postfix\r\n", at_client, b"\r\n")
    turn(client, b"EHLO c\r\n", at_server, b"EHLO c\r\n")
    turn(server, b"250-real.test hello\r\n250-CHUNKING\r\n250 PIPELINING\r\n",
         at_client, b"250 ")
    turn(client, GROUP, at_server, b"DATA\r\n")
    turn(server, b"250 2.1.0 Ok\r\n" * (at_server.heard.count(b"\r\n") - 2) +
         b"354 go ahead\r\n", at_client, b"\r\n354")
    turn(client, CONTENT, at_server, b"c\r\n.\r\n")
    turn(server, b"250 2.0.0 Ok: queued as Q1\r\n", at_client, b"queued")
    turn(client, b"QUIT\r\n", at_server, b"QUIT\r\n")
    turn(server, b"221 2.0.0 real.test closing\r\n", at_client, b"\r\n221")
    server.end()
    at_client.thread.join()
    client.end()
    daemon.sessions(1)
    return daemon, (said[0], at_client.heard), (said[1], at_server.heard)


@case
def the_wire_has_what_each_side_said_and_heard(t):
    for size in (65536, 1):
        daemon, client, server = edited_session(t, EDITS, size)
        found = wire_log.frames(daemon.db)
        same_bytes(wire_log.came(found, wire_log.CLIENT), client[0], "C said")
        same_bytes(wire_log.came(found, wire_log.SERVER), server[0], "S said")
        same_bytes(wire_log.went(found, wire_log.CLIENT), server[1], "S heard")
        same_bytes(wire_log.went(found, wire_log.SERVER), client[1], "C heard")
        check(b"real.test" not in client[1] and b"VRFY" not in server[1] and
              b"\n.\n" not in server[1], "the policy did something")


@case
def a_message_is_what_the_server_was_given(t):
    daemon, _, server = edited_session(t, EDITS)
    content = server[1].partition(b"DATA\r\n")[2].partition(b"\r\n.\r\n")[0]
    meant = (b"\r\n" + content + b"\r\n").replace(b"\r\n.", b"\r\n")[2:]
    row = daemon.one("SELECT * FROM message")
    equal(row["size"], len(meant), "size")
    equal(row["sha256"], hashlib.sha256(meant).hexdigest(), "sha256")
    equal((row["accepted"], row["queue_id"]), (1, "Q1"), "accepted, queue id")


@case
def commands_that_were_withheld_are_answered_by_smtptap(t):
    daemon, _, _ = edited_session(t, EDITS)
    equal([(r["verb"], r["forwarded"], r["code"], r["origin"]) for r in
           daemon.rows("SELECT * FROM exchange ORDER BY seq")],
          [("CONNECT", None, 220, "server"), ("EHLO", 1, 250, "server"),
           ("MAIL", 1, 250, "server"), ("VRFY", 0, 502, "smtptap"),
           ("RCPT", 1, 250, "server"), ("RCPT", 0, 452, "smtptap"),
           ("DATA", 1, 354, "server"), (".", 1, 250, "server"),
           ("QUIT", 1, 221, "server")], "exchanges")
    equal([(r["address"], r["code"]) for r in
           daemon.rows("SELECT * FROM recipient")],
          [("b@server.test", 250), ("c@server.test", 452)], "recipients")


@case
def replies_are_recorded_as_the_server_said_them(t):
    daemon, _, _ = edited_session(t, EDITS)
    equal(daemon.one("SELECT reply FROM exchange WHERE verb = 'EHLO'")["reply"],
          "real.test hello\nCHUNKING\nPIPELINING", "reply to EHLO")


@case
def each_rule_that_fired_is_an_event(t):
    daemon, _, _ = edited_session(t, EDITS)
    told = dict(rules(daemon))
    equal(set(told), {"banner", "scrub", "ehlo-strip", "ehlo-add", "block",
                      "match rcpt count", "bare-newline"}, "rules")
    equal(told["match rcpt count"], "reject: 2", "detail")
    session = daemon.sessions(1)[0]
    check(session["rewritten"] >= 6, f"rewritten: {session['rewritten']}")
    rows = daemon.one("SELECT count(*) AS n FROM event")["n"]
    equal(session["events"], rows, "events")
    check(f"rewritten={session['rewritten']} " in daemon.text() and
          f"events={rows} " in daemon.text(), "the log line")


@case
def dry_run_tells_what_it_would_have_done(t):
    daemon, client, server = edited_session(t, EDITS + "dry-run = yes")
    same_bytes(server[1], client[0], "what the server heard")
    same_bytes(client[1], server[0], "what the client heard")
    equal(daemon.sessions(1)[0]["rewritten"], 0, "rewritten")
    check(("block", "would reject: VRFY") in rules(daemon),
          f"rules: {rules(daemon)}")


@case
def a_message_refused_by_smtptap_has_its_reply(t):
    daemon, client, server = relayed(t, "bare-newline = reject")
    server.say(b"220 s\r\n")
    client.hear(b"220 s\r\n")
    open_data(client, server)
    client.say(b"Subject: s\r\n\r\na\nb\r\n.\r\n")
    reply = client.hear_reply()
    equal(reply[:10], b"550 5.6.11", "the reply")
    same_bytes(server.hear_all(), b"Subject: s\r\n\r\na", "the server heard")
    client.close()
    row = daemon.sessions(1) and daemon.one("SELECT * FROM message")
    equal((row["code"], row["enhanced"], row["accepted"], row["size"]),
          (550, "5.6.11", 0, 15), "the message")
    equal([(r["verb"], r["forwarded"], r["code"], r["origin"]) for r in
           daemon.rows("SELECT * FROM exchange ORDER BY seq DESC LIMIT 2")],
          [(".", 0, 550, "smtptap"), ("DATA", 1, 354, "server")], "exchanges")


@case
def a_credential_that_was_withheld_is_in_no_file(t):
    daemon, client, server = relayed(t, 'block = {"AUTH"}')
    server.say(b"220 s\r\n")
    client.hear(b"220 s\r\n")
    turn(client, server, b"EHLO c\r\n", b"250-s\r\n250 AUTH PLAIN\r\n")
    client.ask(b"AUTH PLAIN AHRlc3QAczNjcjN0", b"502")
    part(client, server)
    daemon.sessions(1)
    daemon.stop()
    for path in t.dir.iterdir():
        if path.is_file():
            check(b"czNj" not in path.read_bytes(), f"no secret in {path}")
    found = wire_log.frames(daemon.db)
    check(b"AUTH PLAIN cmVkYWN0ZWQ=\r\n" in
          wire_log.came(found, wire_log.CLIENT), "the stand-in is there")
    check(b"AUTH" not in wire_log.went(found, wire_log.CLIENT),
          "it did not go")


@case
def an_edited_recording_is_what_it_says_it_is(t):
    daemon, _, _ = edited_session(t, EDITS)
    daemon.stop()
    t.smtptap("--db", daemon.db, "check")


if __name__ == "__main__":
    main()
