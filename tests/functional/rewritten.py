#!/usr/bin/python3
"""What a policy changed is shown, found, exported, imported and played."""
import json
import random
import select
import socket
import time

from dialogues import DIALOGUES
from policies import behind
from tap_harness import (BUILD, PATIENCE, Failure, Listener, Mailbox, case,
                         check, equal, main, same_bytes, scale, wire_bytes)

EDGE = """
    banner = "mx.edge.test ESMTP"
    ehlo-strip = {"SMTPUTF8", "8BITMIME"}
    ehlo-add = {"XADDED"}
    block = {"VRFY"}
    bare-newline = normalize
    match "rcpt count" { gt = 1  action = "reject 452 4.5.3 too many" }
"""
POLICIES = {
    "edge": EDGE,
    "scrubbed": """banner = mask  scrub-hosts = yes  scrub-text = yes
        banner-host = "hidden.test" """,
    "refusing": """bare-newline = reject
        match "command verb" { verbs = {"RSET"}  action = mask }
        match "body length" { gt = 100000  action = "reject 552 5.3.4 big" }""",
    "dry": EDGE + "dry-run = yes",
    "asa": "profile = asa",
    "pix": "profile = pix",
    "strict": "profile = strict",
}


def shown(t, db, *options):
    return t.smtptap("--db", db, "show", *options,
                     "last").stdout.decode().splitlines()


def document(t, db, session="last"):
    return json.loads(t.smtptap("--db", db, "show", "--json",
                                session).stdout)


def given(document, side):
    """What the other side was given, by what the recording says."""
    parts = []
    for w in document["wire"]:
        if w["side"] == side:
            parts.append(wire_bytes(w.get("instead", w))
                         if w["sent"] or "instead" in w else b"")
    return b"".join(parts)


def one_session(t):
    """A session in which something of every kind is changed."""
    mailbox = Mailbox()
    daemon = behind(t, t.server(mailbox).port, EDGE)
    c = t.connect(daemon.port)
    equal(c.hear_reply(), b"220 mx.edge.test ESMTP\r\n", "greeting")
    equal(c.ask(b"EHLO client.test", b"250"),
          b"250-mailbox.test\r\n250-PIPELINING\r\n250-CHUNKING\r\n"
          b"250-AUTH PLAIN LOGIN\r\n250-SIZE 0\r\n250 XADDED\r\n", "EHLO")
    c.ask(b"VRFY joe", b"502")
    c.say(b"MAIL FROM:<a@client.test>\r\nRCPT TO:<b@server.test>\r\n"
          b"RCPT TO:<c@server.test>\r\nDATA\r\n")
    for code in (b"250", b"250", b"452", b"354"):
        equal(c.hear_reply()[:3], code, "reply in a group")
    c.say(b"Subject: x\r\n\r\none\n.\r\ntwo\r\n.\r\n")
    equal(c.hear_reply()[:3], b"250", "end of data")
    c.quit()
    daemon.sessions(1)
    daemon.stop()
    return daemon, mailbox


@case
def show_marks_what_was_changed(t):
    daemon, _ = one_session(t)
    lines = shown(t, daemon.db)
    for block in (
            ["<x- 220 mailbox.test ESMTP", "<=  220 mx.edge.test ESMTP"],
            ["<x- 250-SMTPUTF8"],
            ["<x- 250 SIZE 0", "<=  250-SIZE 0", "<=  250 XADDED"],
            ["-x> VRFY joe"],
            [" -> RCPT TO:<b@server.test>", "-x> RCPT TO:<c@server.test>",
             " -> DATA"],
            ["<=  452 4.5.3 too many", "<-  354 go ahead"]):
        at = [i for i in range(len(lines))
              if lines[i:i + len(block)] == block]
        check(len(at) == 1, f"{block} in {lines}")
    rules = [line for line in lines if line.startswith("*** rule ")]
    check(any('"ehlo-strip"' in r and "8BITMIME" in r for r in rules), rules)
    after = lines[lines.index("<x- 250-8BITMIME") + 1]
    check(after in rules, f"the rule is not told behind its line: {after}")
    check(any(line.startswith("=>  [26 bytes sha256 ") for line in lines),
          lines)


@case
def show_data_makes_edits_of_content_visible(t):
    daemon, _ = one_session(t)
    lines = shown(t, daemon.db, "--data")
    at = lines.index(r"-x> one\n")
    equal(lines[at:at + 4],
          [r"-x> one\n", r"=>  one\x20\c", " -> .", " -> two"], "content")


@case
def json_says_what_was_sent_withheld_and_made(t):
    daemon, mailbox = one_session(t)
    d = document(t, daemon.db)
    rcpts = [(e["forwarded"], e["origin"], e["code"]) for e in d["exchanges"]
             if e["verb"] == "RCPT"]
    equal(rcpts, [(1, "server", 250), (0, "smtptap", 452)], "RCPT")
    stripped, = [w for w in d["wire"] if w.get("text") == "250-SMTPUTF8\r\n"]
    check(not stripped["sent"] and "instead" not in stripped, stripped)
    greeting = d["wire"][0]
    check(not greeting["sent"], greeting)
    equal(greeting["instead"], {"text": "220 mx.edge.test ESMTP\r\n"},
          "the greeting instead")
    check(given(d, "client").endswith(
        b"Subject: x\r\n\r\none .\r\ntwo\r\n.\r\nQUIT\r\n"), d["wire"])
    equal(mailbox.messages[0][1], b"Subject: x\r\n\r\none .\r\ntwo\r\n",
          "what the server got")


@case
def mail_is_exported_as_the_server_got_it(t):
    daemon, mailbox = one_session(t)
    eml = t.smtptap("--db", daemon.db, "export", "last", "--format",
                    "eml").stdout
    same_bytes(eml, mailbox.messages[0][1], "the message")


@case
def a_message_refused_midway_is_told(t):
    daemon = behind(t, t.server(Mailbox()).port, "bare-newline = reject")
    c = t.connect(daemon.port)
    c.hear_reply()
    c.ask(b"EHLO client.test", b"250")
    c.ask(b"MAIL FROM:<a@client.test>", b"250")
    c.ask(b"RCPT TO:<b@server.test>", b"250")
    c.ask(b"DATA", b"354")
    c.say(b"Subject: x\r\n\r\n\n.\nMAIL FROM:<evil@x>\r\n.\r\n")
    equal(c.hear_reply()[:3], b"550", "end of data")
    c.hear_end().close()
    daemon.sessions(1)
    lines = shown(t, daemon.db)
    check("-x> [37 bytes, 14 of them forwarded]" in lines, lines)
    check(any(line.startswith("<=  550 5.6.11 ") for line in lines), lines)
    check("-x> .\\n" in shown(t, daemon.db, "--data"), "the lookalike")
    message, = document(t, daemon.db)["messages"]
    equal((message["accepted"], message["code"]), (0, 550), "message")
    t.smtptap("--db", daemon.db, "check")


@case
def filters_find_what_was_changed(t):
    server = t.server(Mailbox())
    daemon = behind(t, server.port, """
        ehlo-strip = {"CHUNKING"}  block-stripped = no
        when { helo = {"plain.test"}  policy = "none" }""",
                    top='policy "none" { }')
    for name in (b"client.test", b"plain.test"):
        c = t.connect(daemon.port)
        c.hear_reply()
        c.ask(b"EHLO " + name, b"250")
        c.quit()
    daemon.sessions(2)

    def found(*words):
        out = t.smtptap("--db", daemon.db, "list", "--json", *words).stdout
        return [json.loads(line)["helo"] for line in out.splitlines()]

    for words in (["rewritten"], ["event:rule"], ["rule:ehlo-strip"],
                  ["rewritten", "helo:client"]):
        equal(found(*words), ["client.test"], f"list {words}")
    equal(found("rule:nobody"), [], "a rule that never fired")
    table = t.smtptap("--db", daemon.db, "list").stdout.decode()
    check("CHANGED" in table.splitlines()[0], table)


def scrub(value):
    """Without the ids of the session, which the copy has its own of."""
    if isinstance(value, list):
        return [scrub(v) for v in value]
    if isinstance(value, dict):
        return {k: scrub(v) for k, v in value.items() if k != "session_id"}
    return value


def dialogue(document):
    """Who said what; when a reply of ours fell due is not on the wire."""
    return [[e[key] for key in ("verb", "argument", "forwarded", "code",
                                "enhanced", "reply", "origin")]
            for e in document["exchanges"]]


def happenings(document):
    """In any order: at one time, rules come last in text."""
    return sorted([e["t_us"], e["side"], e["name"], e["severity"],
                   e["detail"] or "", e["rule"] or ""]
                  for e in document["events"])


def expect_round_trip(t, db, session, name):
    """export, import, export: the same text, and the same session."""
    text = t.smtptap("--db", db, "export", session).stdout
    file, copy = t.dir / "copy.smtp", t.dir / "copy.db"
    for suffix in ("", "-wal", "-shm"):
        (t.dir / f"copy.db{suffix}").unlink(missing_ok=True)
    file.write_bytes(text)
    t.smtptap("--db", copy, "import", file)
    same_bytes(t.smtptap("--db", copy, "export", "last").stdout, text, name)
    t.smtptap("--db", copy, "check")
    before, after = (document(t, *which) for which in
                     ((db, session), (copy, "last")))
    for part in ("messages", "wire"):
        equal(scrub(after[part]), scrub(before[part]), f"{name}: {part}")
    equal(dialogue(after), dialogue(before), f"{name}: exchanges")
    equal(happenings(after), happenings(before), f"{name}: events")
    for key in ("bytes_in", "bytes_out", "last_code", "ended_by"):
        equal(after[key], before[key], f"{name}: {key}")


def may(function, *args):
    """Under these policies anything may be refused, or end the session."""
    try:
        function(*args)
    except (Failure, OSError):
        pass


@case
def text_parses_back_under_every_policy(t):
    server = t.server(Mailbox())
    for name, policy in POLICIES.items():
        daemon = behind(t, server.port, policy, record=f"{name}.db")
        for i, play in enumerate(DIALOGUES.values()):
            c = t.connect(daemon.port)
            c.hear_reply()
            may(c.ask, b"EHLO client.test", b"250")
            may(play, c)
            may(c.quit)
            c.close()
            daemon.sessions(i + 1)
        daemon.stop()
        t.smtptap("--db", daemon.db, "check")
        for i in range(len(DIALOGUES)):
            expect_round_trip(t, daemon.db, f"last~{i}", f"{name} {i}")


CLIENT = [b"EHLO x\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n",
          b"RCPT TO:<e@f>\r\n", b"DATA\r\n", b"VRFY x\r\n", b"RSET\r\n",
          b"NOOP\r\n", b"HELP\r\n", b"BDAT 5\r\nab\r\nc", b"BDAT 3\r\n",
          b"BDAT 2 LAST\r\n\r\n", b"BDAT 0 LAST\r\n",
          b"Subject: x\r\n\r\n", b"text\r\n", b"\n.\n", b"\n.\r\n", b"\r\n.\n",
          b"\r\n.\r\n", b"\r\n.\r\n", b"bare\rcr\r\n", b"bare\nlf\r\n",
          b"nul\0\r\n", b"XUNKNOWN\r\n", b"QUIT\r\n"]
SERVER = [b"250-one\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n",
          b"250 ok\r\n", b"250 2.1.0 ok\r\n", b"250 ok\r\n", b"354 go\r\n",
          b"354 go\r\n", b"550 5.1.1 no\r\n", b"500 what\r\n", b"221 bye\r\n",
          b"220 server.test ESMTP\r\n", b"250-half\r\n", b"junk\r\n"]


def stream(rng, words):
    return b"".join(rng.choice(words) for _ in range(rng.randrange(40)))


def converse(rng, sockets, streams):
    """Both say their streams, cut anywhere, in turns, and then end; what each
    has heard, and whether one was cut off."""
    todo, heard = list(streams), [b"", b""]
    open_ends, cut = [0, 1], False
    deadline = time.monotonic() + PATIENCE
    for s in sockets:
        s.setblocking(False)
    while open_ends:
        check(time.monotonic() < deadline, "the session does not end")
        i = rng.choice((0, 1))
        try:
            if todo[i]:
                n = sockets[i].send(todo[i][:rng.choice((1, 7, 60, 600))])
                todo[i] = todo[i][n:]
            elif todo[i] is not None:
                sockets[i].shutdown(socket.SHUT_WR)
                todo[i] = None
        except BlockingIOError:
            pass
        except OSError:
            todo[i], cut = None, True
        ready, _, _ = select.select([sockets[e] for e in open_ends], [], [],
                                    .01 if todo == [None, None] else 0)
        for s in ready:
            side = sockets.index(s)
            try:
                more = s.recv(65536)
            except OSError:
                more, cut = b"", True
            heard[side] += more
            if not more:
                open_ends.remove(side)
                todo[side] = todo[side] if todo[side] is None else b""
    return heard, cut


@case
def the_wire_tells_what_each_side_was_given(t):
    """Random sessions under every policy: what the recording says was sent
    is what came out, `check` finds nothing, and text parses back."""
    for name, policy in POLICIES.items():
        upstream = t.listen()
        daemon = behind(t, upstream.getsockname()[1], policy,
                        record=f"{name}.db")
        for seed in range(scale(12, 4)):
            rng = random.Random(f"{name} {seed}")
            client = t.connect(daemon.port).sock
            server = upstream.accept()[0]
            heard, cut = converse(rng, (client, server), (
                b"EHLO x\r\n" + stream(rng, CLIENT),
                b"220 server.test ESMTP\r\n" + stream(rng, SERVER)))
            client.close()
            server.close()
            daemon.sessions(seed + 1)
            d = document(t, daemon.db)
            # A connection that is cut takes what is on its way with it.
            cut |= (d["ended_by"] or "").startswith("smtptap:")
            for side, got in (("server", heard[0]), ("client", heard[1])):
                told = given(d, side)
                if cut:
                    told = told[:len(got)]
                same_bytes(got, told, f"{name} {seed}: octets of the {side}")
            expect_round_trip(t, daemon.db, "last", f"{name} {seed}")
        daemon.stop()
        t.smtptap("--db", daemon.db, "check")


@case
def replay_compares_with_what_the_client_was_told(t):
    server = t.server(Mailbox())
    daemon, _ = one_session(t)
    again = behind(t, server.port, EDGE, record="again.db")
    t.smtptap("--db", daemon.db, "replay", "last", "--to",
              f"127.0.0.1:{again.port}", "--compare", "text")
    done = t.smtptap("--db", daemon.db, "replay", "last", "--to",
                     f"127.0.0.1:{server.port}", status=40)
    check(b"VRFY" in done.stdout, done.stdout)


@case
def serve_tells_what_the_client_was_told(t):
    daemon, _ = one_session(t)
    serving = t.started(Listener("serve", [
        BUILD / "smtptap", "--db", daemon.db, "serve", "last", "--listen",
        "127.0.0.1:0"], t.dir))
    c = t.connect(serving.port)
    equal(c.hear_reply(), b"220 mx.edge.test ESMTP\r\n", "greeting")
    keywords = c.ask(b"EHLO client.test", b"250")
    check(b"SMTPUTF8" not in keywords and b"XADDED" in keywords, keywords)
    c.ask(b"VRFY joe", b"502")
    c.close()


main()
