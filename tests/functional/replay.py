#!/usr/bin/python3
"""A recorded session is played again, from either side."""
import time

from dialogues import DIALOGUES, record
from tap_harness import (BUILD, Listener, Mailbox, case, check, equal, main,
                         sha256)


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


main()
