#!/usr/bin/python3
"""A full disk loses no mail: a small tmpfs, in a name space of its own."""
import os
import signal
import socket
import subprocess
import sys
import time

from tap_harness import (PATIENCE, SANITIZED, Mailbox, Missing, Talker,
                         case, check, equal, main, read_rows, wait_for)

MESSAGES = 16
LONG = 120	# messages: twice what the queue holds
BODY = b"".join(b"%070d\r\n" % i for i in range(4000))


def small_disk(t):
    """t.dir/disk, of 64 MiB; the file that takes most of it."""
    disk = t.dir / "disk"
    disk.mkdir()
    if os.environ.get("SMTPTAP_OWN_MOUNTS") != "yes":
        raise Missing("root and a mount name space of one's own")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "smtptap",
                           disk], capture_output=True)
    if done.returncode != 0:
        raise Missing(f"the right to mount: {done.stderr.decode().strip()}")
    t.stack.callback(subprocess.run, ["umount", disk])
    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * (61 << 20))
    return ballast


def send(port, subject, body=b"x\r\n"):
    sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
    c = Talker(sock)
    c.hear_reply()
    c.ask(b"MAIL FROM:<a@x>", b"250")
    c.ask(b"RCPT TO:<b@y>", b"250")
    c.ask(b"DATA", b"354")
    c.say(b"Subject: " + subject + b"\r\n\r\n" + body)
    c.ask(b".", b"250")
    c.quit()


def subjects(daemon):
    return {r["subject"] for r in daemon.rows(
        "SELECT subject FROM message WHERE accepted = 1")}


def check_resumed(daemon, messages):
    """There is room again: what comes now is recorded, whole."""
    def resumed():	# what comes before it has is a gap
        send(daemon.port, b"again")
        time.sleep(.1)
        return "again" in subjects(daemon)

    wait_for(resumed, "recording to resume")
    check(daemon.running(), "it died")
    kept = subjects(daemon)
    check("before" in kept, "what was recorded before is gone")
    equal(read_rows(daemon.db, "PRAGMA integrity_check"),
          [{"integrity_check": "ok"}], "integrity_check")
    lost = messages - sum(s.startswith("full") for s in kept)
    print(f"{lost} of {messages} not recorded, {daemon.gaps()} gaps")
    check(lost == 0 or daemon.gaps() > 0, "messages are missing, and no gap")


@case
def mail_flows_and_recording_resumes_when_there_is_room(t):
    ballast = small_disk(t)
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port, record="disk/sessions.db")
    send(daemon.port, b"before")
    wait_for(lambda: "before" in subjects(daemon), "the first message")
    for i in range(MESSAGES):
        send(daemon.port, b"full %d" % i, BODY)
    equal(len(mailbox.messages), MESSAGES + 1, "messages that passed")
    wait_for(lambda: "full" in daemon.text(), "the reason in the log")
    ballast.unlink()

    check_resumed(daemon, MESSAGES)


@case
def what_no_queue_can_hold_is_a_gap(t):
    """The disk stays full for longer than memory lasts: mail flows, memory is
    bounded, and the record says what it lacks."""
    ballast = small_disk(t)
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port, record="disk/sessions.db")
    send(daemon.port, b"before")
    wait_for(lambda: "before" in subjects(daemon), "the first message")
    for i in range(LONG):
        send(daemon.port, b"full %d" % i, BODY)
    equal(len(mailbox.messages), LONG + 1, "messages that passed")
    peak = daemon.proc("VmHWM")
    check(SANITIZED or peak < 64 * 1024, f"resident memory: {peak} KiB")
    ballast.unlink()
    check_resumed(daemon, LONG)
    check(daemon.gaps() > 0, "no gap")
    check("gap" in daemon.text() or "recorded=no" in daemon.text() or
          "recorded=gap" in daemon.text(), "the log does not tell of gaps")


@case
def a_disk_that_stays_full_does_not_keep_it_from_ending(t):
    small_disk(t)
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port, record="disk/sessions.db")
    for i in range(MESSAGES):
        send(daemon.port, b"full %d" % i, BODY)
    equal(len(mailbox.messages), MESSAGES, "messages that passed")
    daemon.signal(signal.SIGTERM)
    daemon.wait()
    check("not all has been recorded" in daemon.text(),
          "it does not say that something is lost")


# The mount is seen by this process and its children only.
if os.environ.get("SMTPTAP_OWN_MOUNTS") != "yes" and os.geteuid() == 0 and \
        subprocess.run(["unshare", "-m", "true"],
                       capture_output=True).returncode == 0:
    os.execvpe("unshare", ["unshare", "-m", sys.executable, *sys.argv],
               {**os.environ, "SMTPTAP_OWN_MOUNTS": "yes"})
main()
