#!/usr/bin/python3
"""Real mail clients in front: what they send arrives, and is recorded."""
import base64
import os
import smtplib

import senders
from tap_harness import (Mailbox, case, check, equal, main, same_bytes, sha256)

BODY = b"Subject: claim\r\nFrom: A <a@client.test>\r\nTo: b@server.test\r\n" \
       b"Message-ID: <1@client.test>\r\n\r\n.dot\r\n..\r\nlast\r\n"


def behind(t, *options, **more):
    """A mailbox with smtptapd in front of it."""
    mailbox = Mailbox()
    server = t.server(mailbox)
    return mailbox, t.smtptapd(server.port, *options, **more)


def recorded(t, daemon, mailbox, messages=1):
    """The rows of the view, which agree with what the mailbox has got."""
    daemon.sessions(1)
    rows = daemon.rows("SELECT * FROM message ORDER BY session_id, seq")
    equal(len(rows), messages, "message rows")
    equal(len(mailbox.messages), messages, "messages in the mailbox")
    for row, (envelope, content) in zip(rows, mailbox.messages):
        equal(row["size"], len(content), "size")
        equal(row["sha256"], sha256(content), "sha256")
        equal(row["accepted"], 1, "accepted")
        equal(row["code"], 250, "code")
        check(row["queue_id"], "no queue id")
        check(row["mail_from"].encode() in envelope[0], "mail_from")
    return rows


def exported(t, daemon, mailbox, n=0):
    """The message as export gives it is the one in the mailbox."""
    eml = t.smtptap("--db", daemon.db, "export", "last", "--format",
                    "eml").stdout
    same_bytes(eml, mailbox.messages[n][1], "export --format eml")


@case
def swaks_sends_a_message(t):
    mailbox, daemon = behind(t)
    t.swaks(daemon.port, "--header", "Subject: plain")
    row, = recorded(t, daemon, mailbox)
    equal(row["subject"], "plain", "subject")
    equal(row["mail_from"], "a@client.test", "mail_from")
    exported(t, daemon, mailbox)
    session, = daemon.sessions(1)
    check(session["ended_by"] in ("client", "server"), session["ended_by"])
    equal(session["helo"], "client.test", "helo")
    equal(session["messages"], 1, "messages")
    verbs = [r["verb"] for r in daemon.rows(
        "SELECT verb FROM exchange ORDER BY seq")]
    equal(verbs, ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", ".", "QUIT"],
          "verbs")
    equal(daemon.rows("SELECT * FROM event"), [], "events")


@case
def swaks_pipelines(t):
    mailbox, daemon = behind(t)
    t.swaks(daemon.port, "--pipeline", "--to",
            ",".join(f"r{i}@server.test" for i in range(20)))
    recorded(t, daemon, mailbox)
    rows = daemon.rows("SELECT address, code FROM recipient")
    equal(rows, [{"address": f"r{i}@server.test", "code": 250}
                 for i in range(20)], "recipients")


@case
def swaks_sends_8_bit_octets(t):
    mailbox, daemon = behind(t)
    message = t.dir / "8bit"
    message.write_bytes("Subject: Grüße\n\näöü €\n".encode() +
                        bytes(range(128, 256)) + b"\n")
    t.swaks(daemon.port, "--data", f"@{message}")
    row, = recorded(t, daemon, mailbox)
    exported(t, daemon, mailbox)
    equal(row["subject"], "Grüße", "subject")
    names = {r["name"] for r in daemon.rows("SELECT name FROM event")}
    equal(names, {"content-8bit"}, "events")


@case
def swaks_sends_20_megabytes(t):
    mailbox, daemon = behind(t)
    attachment = t.dir / "attachment"
    attachment.write_bytes(os.urandom(15 << 20))
    t.swaks(daemon.port, "--attach", f"@{attachment}", "--silent", "3")
    row, = recorded(t, daemon, mailbox)
    check(row["size"] > 20_000_000, f"size {row['size']}")
    exported(t, daemon, mailbox)


@case
def swaks_sends_many_messages_one_after_the_other(t):
    mailbox, daemon = behind(t)
    for i in range(5):
        t.swaks(daemon.port, "--header", f"Subject: {i}")
    rows = daemon.sessions(5)
    equal(len({r["id"] for r in rows}), 5, "different ids")
    equal([r["subject"] for r in daemon.rows(
        "SELECT subject FROM message ORDER BY session_id")],
        [str(i) for i in range(5)], "subjects in the order of ids")


def nowhere(t, daemon, secrets):
    """No file of the recording nor the log holds a secret, in any form."""
    forms = set()
    for secret in secrets:
        forms |= {secret, base64.b64encode(secret).rstrip(b"=")}
    for path in t.dir.iterdir():
        if path.is_file():
            content = path.read_bytes()
            for form in forms:
                check(form not in content, f"{form!r} is in {path.name}")
    shown = t.smtptap("--db", daemon.db, "show", "-t", "--data", "last").stdout
    shown += t.smtptap("--db", daemon.db, "show", "--json", "last").stdout
    for form in forms:
        check(form not in shown, f"{form!r} is shown")


@case
def the_password_of_auth_is_nowhere(t):
    for mechanism in ("PLAIN", "LOGIN"):
        user, password = b"postmaster-e71", b"Correct.Horse+" + \
            mechanism.encode()
        mailbox, daemon = behind(t, "-vv", record=f"{mechanism}.db")
        t.swaks(daemon.port, "--auth", mechanism, "--auth-user", user.decode(),
                "--auth-password", password.decode())
        check(b"\0".join((b"", user, password)) in
              [base64.b64decode(c) for c in mailbox.credentials] or
              password in [base64.b64decode(c) for c in mailbox.credentials],
              "the server did not get the password")
        recorded(t, daemon, mailbox)
        nowhere(t, daemon, [password, b"\0" + user + b"\0" + password])
        daemon.stop()
        nowhere(t, daemon, [password, b"\0" + user + b"\0" + password])
        rows = daemon.rows("SELECT code FROM exchange WHERE verb = 'AUTH' "
                           "ORDER BY seq")	# LOGIN asks and is answered
        equal(rows[-1]["code"], 235, "code of AUTH")
        text = t.smtptap("--db", daemon.db, "show", "last").stdout
        check(base64.b64encode(b"redacted").rstrip(b"=") in text,
              f"no stand-in in {text!r}")


@case
def a_refused_password_and_a_cancelled_auth_are_nowhere_either(t):
    def play(c):
        c.say(b"220 x\r\n")
        c.hear_line()
        c.say(b"250-x\r\n250 AUTH PLAIN LOGIN\r\n")
        c.hear_line()
        c.say(b"535 5.7.8 no\r\n")
        c.hear_line()
        c.say(b"334 VXNlcm5hbWU6\r\n")
        c.hear_line()
        c.say(b"334 UGFzc3dvcmQ6\r\n")
        c.hear_line()
        c.say(b"501 cancelled\r\n")
        c.hear_line()
        c.say(b"221 bye\r\n")

    first = base64.b64encode(b"\0me\0first-secret")
    second = base64.b64encode(b"second-secret-user")
    daemon = t.smtptapd(t.server(play).port, "-vv")
    c = t.connect(daemon.port)
    c.hear_line()
    c.ask(b"EHLO x", b"250")
    # One octet at a time: no segment holds the line.
    for octet in b"AUTH PLAIN " + first + b"\r\n":
        c.say(bytes([octet]))
    c.hear_reply()
    c.ask(b"auth login", b"334")
    c.ask(second, b"334")
    c.ask(b"*", b"501")
    c.quit()
    daemon.sessions(1)
    daemon.stop()
    nowhere(t, daemon, [b"\0me\0first-secret", b"second-secret-user"])


@case
def the_database_is_for_its_owner_only(t):
    mailbox, daemon = behind(t)
    t.swaks(daemon.port)
    recorded(t, daemon, mailbox)
    for path in t.dir.glob("sessions.db*"):
        equal(oct(path.stat().st_mode & 0o777), oct(0o600), path.name)


@case
def python_smtplib_sends(t):
    mailbox, daemon = behind(t)
    with smtplib.SMTP("127.0.0.1", daemon.port, "client.test") as client:
        client.login("user", "sesame-7")
        client.sendmail("a@client.test", ["b@server.test", "c@server.test"],
                        BODY)
        client.sendmail("a@client.test", ["d@server.test"], BODY * 2,
                        mail_options=["BODY=8BITMIME"])
    first, second = recorded(t, daemon, mailbox, messages=2)
    equal(first["message_id"], "<1@client.test>", "message_id")
    equal(first["header_from"], "A <a@client.test>", "header_from")
    equal(second["seq"], 2, "seq")
    equal(daemon.one("SELECT count(*) AS n FROM recipient")["n"], 3,
          "recipients")
    nowhere(t, daemon, [b"sesame-7", b"\0user\0sesame-7"])


@case
def nodemailer_sends(t):
    mailbox, daemon = behind(t)
    senders.nodemailer(t, daemon.port)
    rows = recorded(t, daemon, mailbox, messages=3)
    equal(sorted(r["subject"] for r in rows),
          ["Nummer 1", "Nummer 2", "Nummer 3"], "subjects")
    nowhere(t, daemon, [b"node-secret", b"\0u\0node-secret"])


@case
def msmtp_sends(t):
    mailbox, daemon = behind(t)
    senders.msmtp(t, daemon.port, BODY.replace(b"\r\n", b"\n"))
    recorded(t, daemon, mailbox)
    exported(t, daemon, mailbox)


@case
def typed_by_hand_one_octet_at_a_time(t):
    """As telnet in character mode does it; INSPECTION B6."""
    mailbox, daemon = behind(t)
    c = t.connect(daemon.port)
    c.hear_reply()
    for line in (b"HELO client.test", b"mail from:<a@client.test>",
                 b"Rcpt To: <b@server.test>", b"data", b"Subject: x",
                 b"", b"by hand", b"."):
        for octet in line + b"\r\n":
            c.say(bytes([octet]))
        if line not in (b"Subject: x", b"", b"by hand"):
            c.hear_reply()
    c.quit()
    row, = recorded(t, daemon, mailbox)
    equal(row["subject"], "x", "subject")


@case
def xclient_login_is_nowhere(t):
    def play(c):
        c.say(b"220 x\r\n")
        for reply in (b"250-x\r\n250 XCLIENT NAME ADDR LOGIN\r\n",
                      b"220 x\r\n", b"221 bye\r\n"):
            c.hear_line()
            c.say(reply)

    daemon = t.smtptapd(t.server(play).port, "-vv")
    c = t.connect(daemon.port)
    c.hear_line()
    c.ask(b"EHLO x", b"250")
    c.ask(b"XCLIENT ADDR=192.0.2.1 LOGIN=the-login-name", b"220")
    c.quit()
    daemon.sessions(1)
    nowhere(t, daemon, [b"the-login-name"])


main()
