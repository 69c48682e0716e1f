#!/usr/bin/python3
"""Masks and strips break nobody: rows of the catalogue of breakage (b08 is row
B8), and its cases of replies that are edited (w2 is W2)."""
import re
import smtplib
import ssl
import threading

from policies import (MASKS, behind, events, greet, meeting, open_data, part,
                      relayed, speak, turn)
from tap_harness import Mailbox, case, check, equal, main, program, wait_for

BLOCKED = b"502 5.5.1 Command not implemented\r\n"


def ehlo(client, server, keywords, end=b"\r\n"):
    """The reply to EHLO as the client sees it, if that is what the server says;
    lines."""
    client.say(b"EHLO c.test\r\n")
    server.hear(b"EHLO c.test\r\n")
    lines = [b"server.test hello", *keywords]
    server.say(b"".join(b"250-%s%s" % (k, end) for k in lines[:-1]) +
               b"250 %s%s" % (lines[-1], end))
    return client.hear_reply().splitlines(keepends=True)


def tls_server(context, talker):
    talker.say(b"220 server.test ESMTP\r\n")
    talker.hear_line()
    talker.say(b"250-server.test\r\n250-STARTTLS\r\n250 SIZE\r\n")
    talker.hear(b"STARTTLS\r\n")
    talker.say(b"220 go\r\n")
    with context.wrap_socket(talker.sock, server_side=True) as sock:
        for reply in (b"250 server.test\r\n", b"221 bye\r\n"):
            sock.recv(4096)
            sock.sendall(reply)


@case
def b08_starttls_works(t):
    """Under any policy that does not say otherwise."""
    key, certificate = t.dir / "key.pem", t.dir / "certificate.pem"
    t.run(program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
          "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
          "/CN=server.test", "-keyout", key, "-out", certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=certificate)
    trusting.check_hostname = False
    for mode, policy in {**MASKS, "edits": """
            banner = "mx.test ESMTP"  ehlo-strip = {"SIZE"}
            scrub-text = yes  block = {"VRFY"}"""}.items():
        server = t.server(lambda talker: tls_server(context, talker))
        daemon = behind(t, server.port, policy, record=f"{mode}.db")
        with smtplib.SMTP("127.0.0.1", daemon.port, "c.test") as client:
            client.starttls(context=trusting)
            equal(client.ehlo()[0], 250, "EHLO within TLS")
        server.join()
        equal(events(daemon) - {"rule"}, set(), "events")


@case
def b08_starttls_is_stripped_only_when_told_to(t):
    daemon, client, server = relayed(t, 'ehlo-strip = {"STARTTLS"}')
    greet(client, server)
    lines = ehlo(client, server, [b"STARTTLS", b"SIZE"])
    check(b"STARTTLS" not in b"".join(lines), lines)
    client.say(b"STARTTLS\r\n").hear(BLOCKED)
    part(client, server)	# and the server has heard nothing of it
    daemon.sessions(1)
    equal([(r["rule"], r["severity"]) for r in daemon.rows(
        "SELECT rule, severity FROM event WHERE rule IS NOT NULL "
        "ORDER BY seq")],
        [("ehlo-strip", "warning"), ("block-stripped", "warning")], "rules")


@case
def b09_no_auth_without_a_mechanism(t):
    keywords = [b"AUTH NTLM LOGIN", b"AUTH=LOGIN", b"auth GSSAPI", b"AUTH",
                b"AUTH "]
    for name, policy in {"allow": 'auth-allow = {"PLAIN"}',
                         "strip": 'ehlo-strip = {"AUTH"}'}.items():
        daemon, meet = meeting(t, policy, record=f"{name}.db")
        for more in ([], [b"SIZE"], [b"AUTH PLAIN LOGIN"]):
            client, server = meet()
            greet(client, server)
            lines = ehlo(client, server, keywords + more)
            kept = [line[4:].strip() for line in lines[1:]]
            equal(kept, [b"AUTH PLAIN"] if name == "allow" and more ==
                  [b"AUTH PLAIN LOGIN"] else
                  [k for k in more if k == b"SIZE"], f"of {more}")
            equal(lines[-1][3:4], b" ", "the last line")


GREETINGS = [b"220 mail2.corp.local Microsoft ESMTP MAIL Service 6.0.3790\r\n",
             b"220 mx.test ESMTP Postfix (Debian/GNU)\r\n",
             b"220 mx.test SMTP\r\n", b"220 ESMTP\r\n", b"220 mx\r\n",
             b"220-mx.test one ESMTP\r\n220 mx.test two\r\n",
             b"220 <<< go >>>\r\n", b"220 20 20\r\n", b"220 **2**0\r\n",
             b"220 \r\n", b"220\r\n", b"220 mx.test ESMTP\n"]
MASKED = {"mask": "banner = mask", "named": """
              banner = mask  banner-host = "front.test" """,
          "profile": "profile = mask"}


def masked(t, policies):
    """Every greeting under each policy: (it, what the client sees)."""
    for name, policy in policies.items():
        _, meet = meeting(t, policy, record=f"{name}.db")
        for greeting in GREETINGS:
            yield greeting, greet(*meet(), greeting)


def looks_like_a_pix(line):
    """Postfix's test: resp->str[strspn(resp->str, "20 *\\t\\n")] == 0."""
    return not line.rstrip(b"\r\n").strip(b"20 *\t\n")


@case
def b10_a_greeting_of_ours_is_not_taken_for_a_pix(t):
    for before, after in masked(t, {**MASKED, "text":
                                    'banner = "mx.test ESMTP"'}):
        check(not looks_like_a_pix(after), (before, after))
    _, meet = meeting(t, "banner = mask-asa", record="asa.db")
    check(looks_like_a_pix(greet(*meet())), "mask-asa is no such mask")


def postfix_says(t, policy, record):
    """Which verb a real Postfix begins with, and its log."""
    mailbox = Mailbox()
    daemon = behind(t, t.server(mailbox).port, policy, record=record)
    port, home = t.peer("postfix", relay=daemon.port)
    t.swaks(port)
    wait_for(lambda: mailbox.messages, f"a message under {policy}")
    daemon.sessions(1)
    verbs = [r["verb"] for r in daemon.rows("SELECT verb FROM exchange "
                                            "ORDER BY seq")]
    return verbs[1], (home / "log").read_text()


@case
def b10_postfix_says_ehlo_to_a_masked_banner(t):
    verb, log = postfix_says(t, "banner = mask", "mask.db")
    equal(verb, "EHLO", "Postfix's first command")
    check("PIX workarounds" not in log, log)


@case
def b10_smtp_sink_that_plays_a_pix_is_unmasked(t):
    """`smtp-sink -P` greets with asterisks: a mask makes a name of them."""
    daemon = behind(t, t.smtp_sink("-P"), """
        banner = mask  banner-host = "front.test" """)
    client = t.connect(daemon.port)
    equal(client.hear_reply().split()[1], b"front.test", "its name")
    client.ask(b"HELO c.test", b"250")
    client.quit()


@case
def b11_esmtp_stays_if_it_was_there(t):
    for before, after in masked(t, MASKED):
        equal(b"ESMTP" in after, b"ESMTP" in before, (before, after))


@case
def b12_a_domain_comes_first(t):
    for before, after in masked(t, MASKED):
        for line in after.splitlines():
            name = line[4:].split(b" ")[0]
            check(re.fullmatch(rb"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?",
                               name) and name != b"ESMTP", (before, after))


@case
def b13_binarymime_goes_with_chunking(t):
    """And content that does not end in CRLF cannot end: an event says so."""
    daemon, client, server = relayed(t, 'ehlo-strip = {"CHUNKING"}')
    greet(client, server)
    lines = ehlo(client, server, [b"BINARYMIME", b"8BITMIME", b"CHUNKING",
                                  b"binarymime"])
    equal(lines[1:], [b"250 8BITMIME\r\n"], "keywords")
    client.say(b"BDAT 4 LAST\r\nabcd").hear(BLOCKED)
    open_data(client, server)
    speak(client, server, b"A: b\r\n\r\n\0\xff binary.\r\n")
    client.end()
    server.hear_end()
    server.end()
    client.hear_end()
    check("cut-short" in events(daemon), "no event")
    check("BINARYMIME" in daemon.text(), "the log does not say so")


@case
def w2_line_ends_of_a_server_stay_as_they_are(t):
    """T07 to T11 with a server that ends lines with LF alone."""
    keywords = [b"SIZE 37748736", b"PIPELINING", b"STARTTLS", b"CHUNKING"]
    for keyword in (b"SIZE", b"STARTTLS", b"CHUNKING", b"AUTH"):
        _, client, server = relayed(
            t, 'ehlo-strip = {"%s"}' % keyword.decode(),
            record=f"{keyword.decode()}.db")
        greet(client, server, b"220 x ESMTP\n")
        kept = [k for k in keywords if not k.startswith(keyword)]
        lines = ehlo(client, server, keywords, end=b"\n")
        equal(lines, [b"250-server.test hello\n"] +
              [b"250-" + k + b"\n" for k in kept[:-1]] +
              [b"250 " + kept[-1] + b"\n"], keyword)


@case
def w3_each_reply_to_ehlo_is_edited_until_tls(t):
    _, client, server = relayed(
        t, 'ehlo-strip = {"SIZE"}  ehlo-add = {"XRECORD"}')
    greet(client, server)
    edited = [b"250-server.test hello\r\n", b"250-AUTH PLAIN\r\n",
              b"250 XRECORD\r\n"]
    keywords = [b"SIZE 1", b"AUTH PLAIN"]
    equal(ehlo(client, server, keywords), edited, "the first")
    equal(ehlo(client, server, keywords), edited, "the second")
    turn(client, server, b"AUTH PLAIN AGEAYg==\r\n", b"235 2.7.0 ok\r\n")
    equal(ehlo(client, server, keywords), edited, "behind AUTH")
    turn(client, server, b"STARTTLS\r\n", b"220 go\r\n")
    equal(ehlo(client, server, keywords),
          [b"250-server.test hello\r\n", b"250-SIZE 1\r\n",
           b"250 AUTH PLAIN\r\n"], "behind STARTTLS")


@case
def w4_lines_too_long_to_hold_stream_through(t):
    """A keyword of 12 KiB is a keyword; a line of a MiB is not edited."""
    policy = """ehlo-strip = {"SIZE"}  banner = mask  scrub-hosts = yes
                banner-host = "front.test"  scrub-text = yes"""
    daemon, client, server = relayed(t, policy)
    greet(client, server)
    long = b"XLONG " + b"k" * 12288
    equal(ehlo(client, server, [b"SIZE", long])[1:],
          [b"250 " + long + b"\r\n"], "12 KiB")
    speak(client, server, b"EHLO " + b"e" * 12288 + b"\r\n")
    server.say(b"250 server.test\r\n")
    client.hear_reply()
    speak(client, server, b"NOOP\r\n")
    speak(server, client, b"250 " + b"SIZE" * (1 << 18) + b"\r\n")
    speak(client, server, b"EHLO x\r\n")
    overlong = b"250-SIZE " + b"9" * (1 << 20) + b"\r\n250 DSN\r\n"
    thread = threading.Thread(target=server.say, daemon=True,
                              args=(b"250-server.test\r\n", overlong))
    thread.start()
    client.hear(b"250-front.test\r\n" + overlong)
    thread.join()
    speak(client, server, b"NOOP\r\n")
    check("reply-overlong" in events_of(daemon, client, server), "no event")


def events_of(daemon, client, server):
    client.end()
    server.hear_end()
    server.end()
    client.hear_end()
    return events(daemon)


main()
