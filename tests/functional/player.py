#!/usr/bin/python3
"""What replay, serve and the sink do when the other end is not as recorded."""
import json
import resource
from pathlib import Path

from tap_harness import (BUILD, ROOT, Listener, case, check, equal, main,
                         receive_content)

HEAD = """\
<-  220 mx.server.test ESMTP
 -> EHLO client.test
<-  250-mx.server.test
<-  250-PIPELINING
<-  250 CHUNKING
 -> MAIL FROM:<a@client.test>
<-  250 2.1.0 Ok
 -> RCPT TO:<b@server.test>
<-  250 2.1.5 Ok
"""
DATA = HEAD + """\
 -> DATA
<-  354 go ahead
 -> RSET
 -> QUIT
 -> .
<-  250 2.0.0 Ok: queued as 1
 -> QUIT
<-  221 2.0.0 Bye
"""
BDAT = HEAD + """\
 -> BDAT 6 LAST
 -> QUIT
<-  250 2.0.0 Ok: queued as 1
 -> QUIT
<-  221 2.0.0 Bye
"""
# Transcripts that cannot be served, and a word of the reason given.
KNOWN = {"starttls": "TLS", "turn": "change places", "eod-lf": "CRLF.CRLF",
         "bdat-huge": "chunk", "bdat-rejected": "chunk"}


def record(t, text):
    """A recording of the session in this transcript."""
    file, db = t.dir / "session.smtp", t.dir / "session.db"
    file.write_text(text)
    t.smtptap("--db", db, "import", file)
    return db


def replay(t, db, port, *options, status=0):
    done = t.smtptap("--db", db, "replay", "last", "--to",
                     f"127.0.0.1:{port}", *options, status=status)
    return done.stdout.decode()


def serve(t, db, *options):
    return t.started(Listener("serve", [
        BUILD / "smtptap", "--db", db, "serve", "last", "--listen",
        "127.0.0.1:0", *options], t.dir))


class Scripted:
    """A server that answers by verb, and notes every line it reads."""

    def __init__(self, **replies):
        self.replies = {"EHLO": b"250-x\r\n250 CHUNKING\r\n", "DATA":
                        b"354 x\r\n", "QUIT": b"221 x\r\n", **replies}
        self.lines = []

    def __call__(self, c):
        c.say(b"220 x\r\n")
        while line := c.hear_line():
            self.lines.append(line)
            verb = line.split()[0].decode().upper()
            reply = self.replies.get(verb, b"250 2.1.5 x\r\n")
            c.say(reply)
            if reply.startswith(b"354"):
                receive_content(c)
                c.say(b"250 x\r\n")
            if verb == "QUIT":
                return


@case
def content_never_goes_to_who_did_not_ask_for_it(t):
    server = Scripted(DATA=b"451 4.3.0 later\r\n")
    out = replay(t, record(t, DATA), t.server(server).port, status=40)
    check("451 4.3.0 later" in out and "354 go ahead" in out, out)
    equal(server.lines[-2:], [b"DATA\r\n", b"QUIT\r\n"], "the last lines")
    check(b"RSET\r\n" not in server.lines, server.lines)


@case
def no_data_when_every_recipient_is_refused(t):
    server = Scripted(RCPT=b"550 5.1.1 no\r\n")
    replay(t, record(t, DATA), t.server(server).port, status=40)
    check(b"DATA\r\n" not in server.lines, server.lines)
    equal(server.lines[-1], b"QUIT\r\n", "the last line")


@case
def no_bdat_to_a_server_that_does_not_offer_it(t):
    server = Scripted(EHLO=b"250-x\r\n250 PIPELINING\r\n")
    out = replay(t, record(t, BDAT), t.server(server).port, status=40)
    check("CHUNKING" in out, out)
    check(not any(line.startswith(b"BDAT") for line in server.lines),
          server.lines)


@case
def commands_never_go_to_who_waits_for_content(t):
    """DATA was refused in the recording, and is accepted now."""
    refused = HEAD + " -> DATA\n<-  554 5.5.1 no\n -> RSET\n<-  250 2.0.0 Ok\n"
    heard = []

    def play(c):
        for reply in (b"220 x", b"250 x", b"250 2.1.0 x", b"250 2.1.5 x",
                      b"354 x"):
            c.say(reply + b"\r\n")
            heard.append(c.hear_line())
        heard.append(c.hear_all())

    server = t.server(play)
    replay(t, record(t, refused), server.port, status=40)
    server.join()
    equal(heard[-3:], [b"DATA\r\n", b"", b""], "after DATA")


@case
def on_mismatch_stop_stops_there(t):
    server = Scripted(MAIL=b"250 2.0.0 x\r\n")
    out = replay(t, record(t, DATA), t.server(server).port, "--on-mismatch",
                 "stop", status=40)
    equal(server.lines[1:], [b"MAIL FROM:<a@client.test>\r\n", b"QUIT\r\n"],
          "lines")
    equal(out.splitlines()[-1], "1 of 3 replies differed", "the last line")


@case
def json_says_what_differed(t):
    db = record(t, DATA)
    server = Scripted(MAIL=b"250-2.1.0 x\r\n250 2.1.0 y\r\n",
                      RCPT=b"251 2.1.5 will forward\r\n")
    result = json.loads(replay(t, db, t.server(server).port, "--json",
                               "--compare", "code", status=40))
    equal(result["differences"], [
        {"reply": 4, "verb": "RCPT", "recorded": "250 2.1.5 Ok",
         "came": "251 2.1.5 will forward"}], "differences")
    equal([result[k] for k in ("result", "compared", "differed")],
          ["diverged", 7, 1], "counts")
    row, = t.smtptap("--db", db, "list", "--json").stdout.splitlines()
    equal(result["session"], json.loads(row)["id"], "session")
    result = json.loads(replay(t, db, t.server(Scripted()).port, "--json",
                               "--compare", "off"))
    equal([result["result"], result["differences"]], ["same", []], "off")


@case
def what_serve_says_replay_expects(t):
    """Every transcript of the repository, played to itself."""
    for file in sorted((ROOT / "tests/transcripts").glob("*.smtp")):
        db = t.dir / f"{file.stem}.db"
        t.smtptap("--db", db, "import", file)
        why = [KNOWN[k] for k in KNOWN if file.stem.startswith(k)]
        done = t.smtptap("--db", db, "serve", "last", "--listen", "x",
                         status=1) if why else None
        if done and why[0].encode() in done.stderr:
            continue
        serving = serve(t, db)
        out = replay(t, db, serving.port, "--compare", "text", "--timeout",
                     "10")
        check("none differed" in out, f"{file.stem}: {out}")
        equal(serving.wait(), 0, f"{file.stem}: {serving.text()}")


@case
def serve_loops_until_term(t):
    serving = serve(t, record(t, DATA), "--loop")
    for status in (0, 0):
        replay(t, t.dir / "session.db", serving.port, status=status)
    c = t.connect(serving.port)
    c.hear_reply()
    c.ask(b"NOOP", b"503")
    c.hear_end()
    c.close()
    serving.signal(15)
    equal(serving.wait(), 42, "status after a client that departed")


@case
def serve_is_6_when_the_client_leaves(t):
    serving = serve(t, record(t, DATA))
    c = t.connect(serving.port)
    c.hear_reply()
    c.close()
    equal(serving.wait(), 6, "status of serve")
    check("EHLO client.test" in serving.text(), serving.text())


@case
def the_sink_does_not_read_who_does_not_read_it(t):
    """Memory for a client that takes no replies is bounded; others go on."""
    sink = t.sink()
    greedy = t.connect(sink.port)
    greedy.sock.settimeout(1)
    try:
        for _ in range(2000):
            greedy.say(b"EHLO x\r\n" * 8192)
        raise AssertionError("the sink read on and on")
    except TimeoutError:
        pass
    status = Path(f"/proc/{sink.pid}/status").read_text()
    kib = int(status.partition("VmRSS:")[2].split()[0])
    check(kib < 32768 or "sanitize" in str(BUILD), f"{kib} KiB")
    other = t.connect(sink.port)
    other.hear_reply()
    other.quit()


@case
def the_sink_waits_out_a_lack_of_descriptors(t):
    sink = t.sink()
    resource.prlimit(sink.pid, resource.RLIMIT_NOFILE, (16, 16))
    clients = [t.connect(sink.port) for _ in range(40)]
    clients[0].hear_reply()
    for c in clients:
        c.close()
    last = t.connect(sink.port)
    last.hear_reply()
    last.quit()


@case
def the_sink_answers_for_each_recipient_in_lmtp(t):
    c = t.connect(t.sink().port)
    c.hear_reply()
    c.ask(b"LHLO x", b"250")
    c.ask(b"MAIL FROM:<a@b>", b"250")
    for _ in range(300):
        c.ask(b"RCPT TO:<c@d>", b"250")
    c.ask(b"DATA", b"354")
    c.say(b"x\r\n.\r\nNOOP\r\n")
    ids = {c.hear_reply().split()[-1] for _ in range(300)}
    equal(len(ids), 1, "queue ids of one message")
    equal(c.hear_reply(), b"250 2.0.0 Ok\r\n", "NOOP")
    c.quit()


main()
