#!/usr/bin/python3
"""Commands and replies stay paired: rows of the catalogue of breakage (b21 is
row B21), and its cases of time and state (w1 is W1). Where those give seconds,
the order of events counts here."""
from policies import (HELD, MASKS, MODES, behind, events, greet, in_each,
                      open_data, part, relayed, speak, turn)
from tap_harness import case, check, equal, main, same_bytes
from talker import Talker

BLOCKED = b"502 5.5.1 Command not implemented\r\n"


@case
def b21_extensions_nobody_knows_pass(t):
    """Octets of XEXCH50 are counted, not read; X-ANONYMOUSTLS is STARTTLS."""
    raw = b"VRFY root\r\n.\r\n\0\xff\r\n.\r\nQUIT\r\n"
    blocks = {**MODES, "block": 'block = {"VRFY", "QUIT"}'}
    for daemon, client, server in in_each(t, blocks):
        for command in (b"X-LINK2STATE FIRST CHUNK={x}\r\n", b"XFOO\r\n",
                        b"XQUEUE a b\r\n", b"x-exps GSSAPI\r\n"):
            turn(client, server, command)
        turn(client, server, b"XEXCH50 %d 2\r\n" % len(raw),
             b"354 Send binary data\r\n")
        turn(client, server, raw, b"250 XEXCH50 OK\r\n")
        turn(client, server, b"NOOP\r\n")
        turn(client, server, b"X-ANONYMOUSTLS\r\n", b"220 go\r\n")
        speak(client, server, b"\x16\x03\x01VRFY root\r\n")
        speak(server, client, b"\x16\x03\x01\0\r\n220 x\r\n250-")
        server.close()
        client.hear_end().close()
        daemon.sessions(1)
        equal([r["code"] for r in daemon.rows(
            "SELECT code FROM exchange ORDER BY seq")][-3:],
            [250, 250, 220], "codes")


@case
def b22_a_blocked_verb_is_refused_in_its_place(t):
    daemon, client, server = relayed(
        t, 'block = {"VRFY", "EXPN", "HELP", "XFOO"}')
    greet(client, server)
    client.say(b"vrfy a\r\nMAIL FROM:<a@b>\r\nEXPN\r\nhelp x\r\n"
               b"RCPT TO:<a@b>\r\nXfoo\r\nNOOP\r\n")
    server.hear(b"MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nNOOP\r\n")
    client.hear(BLOCKED)
    server.say(b"250-1\r\n")
    client.hear(b"250-1\r\n")
    server.say(b"250 2\r\n")
    client.hear(b"250 2\r\n" + BLOCKED * 2)
    server.say(b"550 3\r\n250 4\r\n")
    client.hear(b"550 3\r\n" + BLOCKED + b"250 4\r\n")
    part(client, server)
    daemon.sessions(1)
    equal([(r["verb"], r["code"], r["forwarded"], r["origin"]) for r in
           daemon.rows("SELECT * FROM exchange WHERE code = 502 "
                       "ORDER BY seq")],
          [(v, 502, 0, "smtptap") for v in ("VRFY", "EXPN", "HELP", "Xfoo")],
          "exchanges")


@case
def b22_more_refusals_than_are_kept_at_a_time(t):
    """The client is not read until the replies before them have come."""
    _, client, server = relayed(t, 'block = {"VRFY"}')
    greet(client, server)
    client.say(b"NOOP\r\n" + b"VRFY x\r\n" * 10000 + b"QUIT\r\n")
    server.hear(b"NOOP\r\n").say(b"250 noop\r\n")
    client.hear(b"250 noop\r\n" + BLOCKED * 10000)
    server.hear(b"QUIT\r\n").say(b"221 bye\r\n").close()
    client.hear(b"221 bye\r\n").hear_end()


@case
def b22_a_blocked_verb_without_a_line_end_is_not_sent(t):
    """Sendmail takes what comes before the end of a stream for a line."""
    for tail, passes in ((b"VRFY root", False), (b" vrfy root\r", False),
                         (b"VRFYX root", True), (b"VRF", True)):
        _, client, server = relayed(t, 'block = {"VRFY"}',
                                    record=f"{len(t.processes)}.db")
        greet(client, server)
        client.say(b"NOOP\r\n" + tail).end()
        server.hear(b"NOOP\r\n")
        same_bytes(server.hear_all(), tail if passes else b"", "the tail")


@case
def b23_data_that_is_refused_begins_no_content(t):
    """CVE-2000-1022: behind it, verbs are verbs."""
    _, client, server = relayed(t, 'block = {"EXPN", "VRFY"}')
    greet(client, server)
    client.say(b"DATA\r\nEXPN root\r\n", b"NOOP\r\nVRFY root\r\n.\r\n")
    server.hear(b"DATA\r\n").say(b"503 5.5.1 need RCPT\r\n")
    client.hear(b"503 5.5.1 need RCPT\r\n" + BLOCKED)
    server.hear(b"NOOP\r\n.\r\n").say(b"250 noop\r\n500 what\r\n")
    client.hear(b"250 noop\r\n" + BLOCKED + b"500 what\r\n")
    part(client, server)


@case
def b24_lines_of_auth_are_no_commands(t):
    """Base64 that spells blocked verbs passes; behind AUTH they are refused."""
    _, client, server = relayed(t, 'block = {"VRFY", "QUIT", "DATA"}')
    greet(client, server)
    turn(client, server, b"AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n")
    turn(client, server, b"VRFY\r\n", b"334 UGFzc3dvcmQ6\r\n")
    turn(client, server, b"QUIT\r\n", b"334 bW9yZQ==\r\n")
    turn(client, server, b"DATA\r\n", b"235 2.7.0 ok\r\n")
    client.say(b"VRFY\r\n").hear(BLOCKED)
    turn(client, server, b"NOOP\r\n")


@case
def b26_a_greeting_in_parts_goes_out_at_once(t):
    """As postscreen greets; a client that talks early is heard, not dropped."""
    greetings = {**{m: b"x" for m in MODES}, "text": b"mx.test ESMTP"}
    for mode, text in greetings.items():
        policy = MODES.get(mode, 'banner = "mx.test ESMTP"')
        daemon, client, server = relayed(t, policy, record=f"{mode}.db")
        server.say(b"220-x\r\n")
        client.hear(b"220-" + text + b"\r\n").say(b"EHLO early\r\n")
        server.hear(b"EHLO early\r\n").say(b"220 x\r\n250 hello\r\n")
        client.hear(b"220 " + text + b"\r\n250 hello\r\n")
        part(client, server)
        check("early-talk" in events(daemon), "no event")
        equal([(r["verb"], r["code"]) for r in daemon.rows(
            "SELECT verb, code FROM exchange ORDER BY seq")],
            [("CONNECT", 220), ("EHLO", 250), ("QUIT", 221)], "exchanges")


@case
def b27_a_refused_chunk_with_and_without_its_octets(t):
    octets = b"VRFY a\r\n.\r\n"
    blocks = {**MODES, "block": 'block = {"EXPN"}'}
    for daemon, client, server in in_each(t, blocks):
        turn(client, server, b"BDAT 11 LAST\r\n" + octets,
             b"503 5.5.1 no recipients\r\n")
        turn(client, server, b"NOOP\r\n")
        turn(client, server, b"BDAT 11 LAST\r\n", b"503 5.5.1 no\r\n")
        turn(client, server, b"NOOP\r\n")
        turn(client, server, b"MAIL FROM:<a@b>\r\n")
        part(client, server)
        daemon.sessions(1)
        verbs = [r["verb"] for r in daemon.rows(
            "SELECT verb FROM exchange ORDER BY seq")]
        equal([v for v in verbs if v != "VRFY"],
              "CONNECT BDAT NOOP BDAT NOOP MAIL QUIT".split(), "verbs")


@case
def b27_a_blocked_chunk_that_is_none_is_refused(t):
    """No octets are awaited behind it."""
    _, client, server = relayed(t, 'block = {"BDAT"}')
    greet(client, server)
    for argument in (b"", b" x", b" -1", b" 3 LASTING",
                     b" 99999999999999999999", b" 0", b" 0 LAST"):
        client.say(b"BDAT" + argument + b"\r\n").hear(BLOCKED)
    client.say(b"BDAT 3 LAST\r\nab", b"cNOOP\r\n").hear(BLOCKED)
    server.hear(b"NOOP\r\n")


@case
def b28_both_last_replies_arrive(t):
    """CRLF.CRLF QUIT in one segment, and the server closes at once."""
    for mode, policy in MODES.items():
        upstream = t.listen()
        daemon = behind(t, upstream.getsockname()[1], policy,
                        record=f"{mode}.db")
        for _ in range(50):
            client = t.connect(daemon.port)
            server = Talker(upstream.accept()[0])
            server.say(b"220 x\r\n")
            client.hear(b"220 x\r\n")
            open_data(client, server)
            speak(client, server, b"body\r\n.\r\nQUIT\r\n")
            server.say(b"250 2.0.0 Ok: queued as 1\r\n221 bye\r\n").close()
            client.hear(b"250 2.0.0 Ok: queued as 1\r\n221 bye\r\n").hear_end()
            client.close()


@case
def b28_ends_and_resets_are_relayed(t):
    for daemon, client, server in in_each(t, MODES):
        client.say(b"QUIT\r\n", b"and mo").end()
        server.hear(b"QUIT\r\n")
        same_bytes(server.hear_all(), b"and mo", "behind QUIT")
        server.say(b"221 ", b"bye\r\n", b"221 and no end").end()
        client.hear(b"221 bye\r\n221 and no end").hear_end()
    for daemon, client, server in in_each(t, {"reset-" + m: p for m, p in
                                              MODES.items()}):
        turn(client, server, b"NOOP\r\n")
        client.reset()
        try:
            server.hear_all()
            check(False, "the server saw no reset")
        except ConnectionResetError:
            pass


@case
def b31_replies_of_any_shape_pass(t):
    """A line that is no reply answers nothing (Postfix loses mail over it)."""
    edits = {**MODES, "edits": 'ehlo-strip = {"CHUNKING"}\nblock = {"VRFY"}'}
    for daemon, client, server in in_each(t, edits):
        for reply in (b"250-a\r\n250-b\r\n250 c\r\n", b"250\r\n", b"250 \r\n",
                      b"250 lf only\n", b"250-lf\n250-only\n250 x\n",
                      b"what?\r\n250 ok\r\n", b"\r\n250 ok\r\n",
                      b"25\r\n2500 x\r\n250 ok\r\n", b"250-a\r\n251 b\r\n",
                      b"250 \0\xff\r\n", b"299 odd\r\n",
                      b"250-" + b"k" * 2000 + b"\r\n250 ok\r\n",
                      b"250-a\r\n" * 300 + b"250 z\r\n"):
            turn(client, server, b"NOOP\r\n", reply)
        turn(client, server, b"MAIL FROM:<a@b>\r\n", b"550 5.7.1 no\r\n")
        part(client, server)
        daemon.sessions(1)
        rows = daemon.rows("SELECT verb, code FROM exchange ORDER BY seq")
        equal([r for r in rows if r["verb"] == "MAIL"],
              [{"verb": "MAIL", "code": 550}], "the reply to MAIL")


ODD_REPLIES = {	# to EHLO, and what is left of them without SIZE and DSN
    b"250-a\r\n250-SIZE\r\nwhat?\r\n250-DSN\r\n250 SIZE\r\n":
        b"250 a\r\nwhat?\r\n",
    b"250-a\r\n250-SIZE\r\n251 DSN\r\n": b"250 a\r\n",
    b"250-a\r\n250-SIZE\r\n550 no\r\n": b"250-a\r\n550 no\r\n",
    b"250-a\r\n250-SIZE\r\n250\r\n": b"250-a\r\n250\r\n",
    b"250-a\r\n250-SIZE\r\n\r\n250-DSN\n250 XA\n":
        b"250-a\r\n\r\n250 XA\n",
    b"550-SIZE\r\n550 DSN\r\n": b"550-SIZE\r\n550 DSN\r\n",
}


@case
def b31_a_reply_that_is_edited_comes_to_an_end(t):
    """Whatever lines are between those that are taken out."""
    _, client, server = relayed(t, 'ehlo-strip = {"SIZE", "DSN"}')
    greet(client, server)
    for reply, left in ODD_REPLIES.items():
        speak(client, server, b"EHLO x\r\n")
        server.say(reply)
        client.hear(left)
        turn(client, server, b"NOOP\r\n")
    part(client, server)


@case
def w1_a_refusal_waits_for_the_replies_before_it(t):
    """T19, and the server takes its time over MAIL."""
    _, client, server = relayed(t, 'block = {"VRFY"}')
    greet(client, server)
    client.say(b"MAIL FROM:<a@x>\r\nVRFY root\r\nRCPT TO:<b@y>\r\nDATA\r\n")
    server.hear(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n")
    server.say(b"250 2.1.0 O")
    client.hear(b"")
    server.say(b"k\r\n")
    client.hear(b"250 2.1.0 Ok\r\n" + BLOCKED)	# RCPT is not answered yet
    server.say(b"250 2.1.5 Ok\r\n354 go\r\n")
    client.hear(b"250 2.1.5 Ok\r\n354 go\r\n")


@case
def w5_a_server_that_leaves_within_its_reply(t):
    """What was kept back to see which line is the last comes out unchanged."""
    for policy in ('ehlo-strip = {"SIZE"}', 'ehlo-add = {"XRECORD"}', HELD):
        for cut in (b"250-AUTH\r\n", b"250-AUTH\r\n250", b"250-AUTH\r\n250 SI"):
            _, client, server = relayed(t, policy,
                                        record=f"{len(t.processes)}.db")
            greet(client, server)
            turn(client, server, b"EHLO x\r\n", b"")
            server.say(b"250-server.test\r\n" + cut).end()
            client.hear(b"250-server.test\r\n" + cut).hear_end()


@case
def w6_an_early_talker_is_paired_with_its_replies(t):
    """EHLO before the greeting: that is the reply of slot 0."""
    for mode, policy in {**MODES, "edits": """banner = mask
            ehlo-strip = {"SIZE"}"""}.items():
        daemon, client, server = relayed(t, policy, record=f"{mode}.db")
        client.say(b"EHLO c.test\r\n")
        server.hear(b"EHLO c.test\r\n")
        server.say(b"220 server.test ESMTP\r\n250-server.test\r\n250 DSN\r\n")
        client.hear(b"220 server.test ESMTP\r\n250-server.test\r\n"
                    b"250 DSN\r\n")
        part(client, server)
        check("early-talk" in events(daemon), "no event")
        equal([(r["verb"], r["code"]) for r in daemon.rows(
            "SELECT verb, code FROM exchange ORDER BY seq")],
            [("CONNECT", 220), ("EHLO", 250), ("QUIT", 221)], "exchanges")


@case
def w7_a_client_that_ends_behind_quit_hears_221(t):
    for _, client, server in in_each(t, MASKS):
        client.say(b"QUIT\r\n").end()
        server.hear(b"QUIT\r\n").hear_end()
        server.say(b"221 2.0.0 bye\r\n").close()
        client.hear(b"221 2.0.0 ")
        check(client.hear_all().endswith(b"\r\n"), "no whole line")


@case
def w8_a_421_nobody_asked_for_arrives(t):
    """With commands outstanding, and with none."""
    for daemon, client, server in in_each(t, {**MODES, "block":
                                              'block = {"VRFY"}'}):
        client.say(b"MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n")
        server.hear(b"MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n")
        speak(server, client, b"421 4.3.2 going down\r\n")
        server.close()
        client.hear_end().close()
        row, = daemon.sessions(1)
        equal(row["last_code"], 421, "last_code")
    for daemon, client, server in in_each(t, {"idle-" + m: p for m, p in
                                              MODES.items()}):
        speak(server, client, b"421 4.3.2 going down\r\n")
        server.close()
        client.hear_end().close()
        row, = daemon.sessions(1)
        equal(row["last_code"], 421, "last_code")


main()
