#!/usr/bin/python3
"""What inspecting firewalls break and we do not: rows of the catalogue of
breakage that are about bytes which pass. b01 is row B1; b08 and on are in
editing.py, b21 and on in pairing.py, B25 (loss) in lossy.py, B29 in closes.py,
the verification of signed mail (B14) in signatures.py.

Each row is tried with bytes that pass before they are understood, and again
with all of them held; rows about limits also under `profile = mask`."""
import hashlib
import socket
import threading

from policies import (MASKS, MODES, behind, events, in_each, open_data, part,
                      relayed, send, speak, turn)
from tap_harness import (SANITIZED, Mailbox, case, check, equal, main,
                         same_bytes, scale, wire)
from talker import Talker


@case
def b01_end_of_data_in_every_cut(t):
    """All 16 segmentations of CRLF.CRLF. Unless it is held, no octet waits for
    the next."""
    end = b"\r\n.\r\n"
    for daemon, client, server in in_each(t, {
            **MODES, "normalize": "bare-newline = normalize",
            "reject": "bare-newline = reject"}):
        at_once = daemon.db.stem == "empty"
        for cuts in range(16):
            open_data(client, server)
            speak(client, server, b"A: b")
            piece = b""
            for i in range(5):
                piece += end[i:i + 1]
                if i == 4 or cuts & 1 << i:
                    client.say(piece).taken()
                    if at_once:
                        server.hear(piece)
                    piece = b""
            if not at_once:
                server.hear(end)
            speak(server, client, b"250 ok\r\n")
        part(client, server)
        equal(events(daemon), set(), "events")


@case
def b02_a_late_answer_to_the_end_of_data_arrives(t):
    """Later than an idle session may last; and the message was sent once."""
    for daemon, client, server in in_each(t, MODES,
                                          listener="idle-timeout = 200ms"):
        open_data(client, server)
        speak(client, server, b"A: b\r\n\r\nx\r\n.\r\n")
        for _ in range(3):	# so long
            idle = t.connect(daemon.port)
            check(idle.hear_all().startswith(b"421 4.4.2 "), "no 421")
        speak(server, client, b"250 2.0.0 Ok: queued as 1\r\n")
        part(client, server)


def slowly(talker, octets, digest):
    """Read so many octets, 4 KiB at a time."""
    while octets:
        piece = talker.sock.recv(min(4096, octets))
        check(piece, "the stream ended early")
        digest.update(piece)
        octets -= len(piece)


@case
def b03_large_mail_through_small_windows(t):
    """64 MiB by DATA and by BDAT, a slow reader with a window of 4 KiB; the
    server's side as well. large.py has the gigabyte."""
    line = b"x" * 75 + b"\r\n"
    block = line * (len(line) * 11)
    total = scale(64 << 20, 8 << 20) // len(block) * len(block)
    for daemon, client, server in in_each(t, MODES):
        for sock in (client.sock, server.sock):
            sock.setsockopt(socket.IPPROTO_TCP,
                            socket.TCP_WINDOW_CLAMP, 4096)
        open_data(client, server)
        for before, behind_it in ((b"", b".\r\n"),
                                  (b"BDAT %d LAST\r\n" % total, b"")):
            said, heard = hashlib.sha256(), hashlib.sha256()
            thread = threading.Thread(daemon=True, target=client.say, args=(
                before, *[block] * (total // len(block)), behind_it))
            thread.start()
            for octets in (before, *[block] * (total // len(block)),
                           behind_it):
                said.update(octets)
            slowly(server, len(before) + total + len(behind_it), heard)
            thread.join()
            equal(heard.hexdigest(), said.hexdigest(), "SHA-256")
            turn(server, client, b"250 2.0.0 Ok\r\n", b"")
        speak(client, server, b"HELP\r\n")
        thread = threading.Thread(daemon=True, target=server.say, args=(
            b"214-" + line,) * 20000)
        thread.start()
        slowly(client, 20000 * (4 + len(line)), hashlib.sha256())
        thread.join()
        speak(server, client, b"214 end\r\n")
        part(client, server)
        peak = daemon.proc("VmHWM")
        check(SANITIZED or peak < 64 << 10, f"memory rose to {peak} KiB")


@case
def b04_noop_anywhere_leaves_the_content_alone(t):
    body = b"NOOP\r\nEHLO x\r\nQUIT\r\nXXXX\r\n"
    for daemon, client, server in in_each(t, MODES):
        turn(client, server, b"NOOP\r\n")
        turn(client, server, b"MAIL FROM:<a@b>\r\n")
        turn(client, server, b"NOOP\r\n")
        turn(client, server, b"RCPT TO:<a@b>\r\n")
        turn(client, server, b"NOOP\r\n")
        turn(client, server, b"RCPT TO:<b@b>\r\n")
        turn(client, server, b"DATA\r\n", b"354 go\r\n")
        speak(client, server, body + b".\r\nNOOP\r\nNOOP\r\n")
        speak(server, client, b"250 queued\r\n250 noop\r\n250 noop\r\n")
        part(client, server)
        row, = daemon.sessions(1)
        equal(daemon.one("SELECT sha256 FROM message")["sha256"],
              hashlib.sha256(body).hexdigest(), "content")


@case
def b05_a_thousand_recipients_in_one_group(t):
    """Cut at every offset, more than is followed at a time."""
    for mode, policy in MODES.items():
        mailbox = Mailbox()
        daemon = behind(t, t.server(mailbox).port, policy,
                        record=f"{mode}.db")
        for size in (536, 1460, 7):
            c = t.connect(daemon.port)
            c.hear_reply()
            c.ask(b"EHLO x", b"250")
            group = b"MAIL FROM:<a@x>\r\n" + b"".join(
                b"RCPT TO:<r%d@y>\r\n" % i for i in range(1000)) + b"DATA\r\n"
            c.say(*(group[i:i + size] for i in range(0, len(group), size)))
            for code in [b"250"] * 1001 + [b"354"]:
                equal(c.hear_reply()[:3], code, "reply in the group")
            c.say(b"Subject: many\r\n\r\nx\r\n")
            c.ask(b".", b"250")
            c.quit()
        daemon.sessions(3)
        for envelope, _ in mailbox.messages:
            equal(envelope[1:], [b"RCPT TO:<r%d@y>\r\n" % i
                                 for i in range(1000)], "recipients")
        rows = daemon.rows("SELECT session_id, count(*) AS n, sum(code) AS "
                           "codes FROM recipient GROUP BY session_id")
        equal([(r["n"], r["codes"]) for r in rows], [(1000, 250000)] * 3,
              "recipient rows")


SESSION = [("server", b"220-a.test teaser\r\n220 a.test ESMTP\r\n"),
           ("client", b"EHLO c.test\r\n"),
           ("server", b"250-a.test\r\n250-SIZE\r\n250 HELP\r\n"),
           ("client", b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"),
           ("server", b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go\r\n"),
           ("client", b"A: b\r\n\r\n..x\ny\rz\r\n.\r\nVRFY a\r\n"),
           ("server", b"250 2.0.0 Ok\r\n252 a@a.test\r\n"),
           ("client", b"QUIT\r\n"), ("server", b"221 a.test bye\r\n")]


def in_pieces(t, policy, size, record):
    """What arrives on either side of a session in segments of that size."""
    daemon, client, server = relayed(t, policy, record=record)
    for side, octets in SESSION:
        speaker = client if side == "client" else server
        for i in range(0, len(octets), size):
            speaker.say(octets[i:i + size]).taken()
    client.end()
    arrived = server.hear_all()
    server.end()
    return arrived, client.hear_all()


@case
def b06_octet_by_octet_is_the_same_session(t):
    """In both directions, also where a policy edits it."""
    for name, policy in {**MASKS, "edits": """
            banner = mask  scrub-hosts = yes  scrub-text = yes
            ehlo-strip = {"HELP"}  ehlo-add = {"8BITMIME"}
            block = {"VRFY"}  bare-newline = normalize """}.items():
        whole = in_pieces(t, policy, 1 << 20, f"{name}-whole.db")
        octets = in_pieces(t, policy, 1, f"{name}-octets.db")
        same_bytes(octets[0], whole[0], f"{name}: the server heard")
        same_bytes(octets[1], whole[1], f"{name}: the client heard")


KEYWORDS = b"250-SIZE 37748736\r\n250-ETRN\r\n250-AUTH=LOGIN\r\n" \
    b"250-auth NTLM GSSAPI\r\n250-X-EXPS GSSAPI NTLM\r\n250-XEXCH50\r\n" \
    b"250-\r\n250-STARTTLS\r\n250-X-ANONYMOUSTLS\r\n250-CHUNKING\r\n" \
    b"250-BINARYMIME\r\n250-DSN\r\n250 X-LINK2STATE\r\n"


@case
def b07_ehlo_and_its_reply_pass(t):
    """By default: no configuration at all, and no rule that holds."""
    upstream = t.listen()
    daemon = t.smtptapd(upstream.getsockname()[1], record="default.db")
    client = t.connect(daemon.port)
    server = t.started(Talker(upstream.accept()[0]))
    for client, server in [(client, server)] + [
            (c, s) for _, c, s in in_each(t, MODES)]:
        for ehlo in (b"EHLO c\r\n", b"ehlo [192.0.2.1]\r\n", b"EHLO\r\n",
                     b"LHLO x\r\n"):
            turn(client, server, ehlo,
                 b"250-server.test Hello [192.0.2.1]\r\n" + KEYWORDS)


@case
def b14_headers_that_look_odd(t):
    """Field names within DKIM-Signature, two of a kind, mail within mail."""
    content = b"DKIM-Signature: v=1; h=From:To:\r\n" \
        b"\tContent-Type:Subject:\r\n" \
        b"\tContent-Type:MIME-Version; b=ab\r\n cd\r\n" \
        b"Content-Type: text/plain\r\nContent-Type: multipart/mixed;\r\n" \
        b" boundary=\"b\"\r\nFrom: a@b\r\nFrom: c@d\r\n\r\n--b\r\n" \
        b"Content-Type: message/rfc822\r\n\r\nContent-Type: text/plain\r\n" \
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n"
    for daemon, client, server in in_each(t, {
            **MASKS, "asa": "profile = asa"}):
        send(client, server, content)
        part(client, server)
        check("duplicate-field" in events(daemon), "no event")


@case
def b15_header_lines_of_64_kib(t):
    for daemon, client, server in in_each(t, MASKS):
        send(client, server, b"X-Long: " + b"x" * 65536 + b"\r\n\r\nbody\r\n")
        part(client, server)
        check("line-length" in events(daemon), "no event")


@case
def b16_the_servers_limit_of_recipients_is_the_limit(t):
    for daemon, client, server in in_each(t, MASKS):
        turn(client, server, b"MAIL FROM:<a@b>\r\n")
        for i in range(100):
            turn(client, server, b"RCPT TO:<%d@b>\r\n" % i)
        turn(client, server, b"RCPT TO:<101@b>\r\n",
             b"452 4.5.3 too many recipients\r\n")
        turn(client, server, b"DATA\r\n", b"354 go\r\n")
        turn(client, server, b"A: b\r\n\r\n.\r\n")
        part(client, server)
        daemon.sessions(1)
        equal(daemon.one("SELECT count(*) AS n FROM recipient "
                         "WHERE code = 250")["n"], 100, "recipients")


@case
def b17_long_commands_pass(t):
    """RFC 4954 allows 12288 octets in AUTH, and DSN makes MAIL long."""
    auth = b"AUTH GSSAPI "
    for daemon, client, server in in_each(t, MASKS):
        turn(client, server, auth + b"Y" * (12286 - len(auth)) + b"\r\n",
             b"535 5.7.8 no\r\n")
        turn(client, server, b"MAIL FROM:<a@b> ENVID=" + b"e" * 4072 + b"\r\n")
        turn(client, server, b"RCPT TO:<a@b> ORCPT=rfc822;" + b"o" * 2000 +
             b"\r\n")
        part(client, server)


@case
def b17_lines_of_any_length_pass(t):
    """Longer than what is held in one piece, in both directions."""
    for daemon, client, server in in_each(t, MODES):
        dialogue = [("client", b"EHLO " + b"e" * 1000 + b"\r\n"),
                    ("server", b"250-" + b"k" * 70000 + b"\r\n250 SIZE\r\n"),
                    ("client", b"MAIL FROM:<" + b"a" * 4096 + b"@x>\r\n"),
                    ("server", b"250 " + b"r" * (1 << 20) + b"\r\n"),
                    ("client", b"X" * (1 << 20) + b"\r\n"),
                    ("server", b"500 what\r\n"), ("client", b"QUIT\r\n"),
                    ("server", b"221 bye\r\n")]
        for side, octets in dialogue:
            speak(*((client, server) if side == "client" else
                    (server, client)), octets)
        server.close()
        client.hear_end().close()
        check({"reply-overlong", "command-overlong"} <= events(daemon),
              "events")
        document = t.show(daemon)
        for side, greeting in (("client", b""),
                               ("server", b"220 server.test ESMTP\r\n")):
            same_bytes(wire(document, side), greeting + b"".join(
                octets for s, octets in dialogue if s == side),
                f"recorded of the {side}")


@case
def b18_long_names_of_attachments_pass(t):
    encoded = b"".join(b"\tfilename*%d*=%s;\r\n" % (
        i, b"utf-8''" * (i == 0) + b"%C3%A4" * 10) for i in range(40))
    for daemon, client, server in in_each(t, MASKS):
        send(client, server, b"Content-Disposition: attachment;\r\n"
             b"\tfilename*=utf-8''" + b"%C3%A4" * 350 + b"\r\n\r\n.\n\r\n")
        send(client, server, b"Content-Disposition: attachment;\r\n" +
             encoded + b"\tx=y\r\n\r\nbody\r\n")
        part(client, server)


@case
def b19_long_senders_pass(t):
    for daemon, client, server in in_each(t, MASKS):
        turn(client, server, b"MAIL FROM:<bounce-" + b"v" * 1000 +
             b"=x@list.test>\r\n", b"501 5.1.7 too long for me\r\n")
        part(client, server)


@case
def b20_addresses_of_any_kind_are_not_touched(t):
    for daemon, client, server in in_each(t, MASKS):
        for path in (b"<>", b"<\"a|b c\"@x>", b"<a>b@x>", b"<a|b@x>",
                     b"<`id`@x>", b"<a\0b@x>", b"<\xc3\xa4@\xc3\xb6.test>",
                     b"<@a,@b:c@d>", b"a@b", b"<<a@b>>", b"< a@b >",
                     b"<prvs=123=a@b>", b"<SRS0=a=b=c=d@e>"):
            turn(client, server, b"MAIL FROM:" + path + b"\r\n")
            turn(client, server, b"RCPT TO:" + path + b"\r\n",
                 b"550 5.1.1 no\r\n")
            turn(client, server, b"RSET\r\n")
        part(client, server)


@case
def b30_content_of_any_octets_passes(t):
    """Only an event is made of it; smuggling.py has the ends of data."""
    content = b"A: b\r\n\r\nnul \0 cr \r x\rlf \n x\n8bit \xff\xfe\r\r\n" \
        b"\n\n" + bytes(range(256)) + b"\r\n" + b"l" * 100000 + b"\r\n"
    content = content.replace(b"\n.", b"\n..")
    for daemon, client, server in in_each(t, MASKS):
        send(client, server, content)
        part(client, server)
        check({"nul", "bare-cr", "bare-lf", "content-8bit", "line-length"} <=
              events(daemon), "events")
        document = t.show(daemon)
        check(content in wire(document, "client"), "the record of it")


main()
