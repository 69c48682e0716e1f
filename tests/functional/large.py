#!/usr/bin/python3
"""A gigabyte passes, by DATA and by BDAT, in bounded memory."""
# run: alone
import hashlib
import os

from tap_harness import (SANITIZED, case, check, equal, main, scale, wait_for)

BLOCK = b"".join(b"%07d %s\r\n" % (i, b"x" * 66) for i in range(13797))
MEMORY = 64 * 1024	# KiB


def blocks():
    """A GiB, or what a sanitized build is given; no two blocks alike."""
    n = scale(1 << 30, 64 << 20) // len(BLOCK) + 1
    for i in range(n):
        yield b"%09d" % i + BLOCK[9:]


def start(t):
    sink = t.sink()
    daemon = t.smtptapd(sink.port)
    c = t.connect(daemon.port)
    c.hear_reply()
    c.ask(b"EHLO client.test", b"250")
    c.ask(b"MAIL FROM:<a@client.test>", b"250")
    c.ask(b"RCPT TO:<b@server.test>", b"250")
    return daemon, c


def finish(t, daemon, c, size, digest):
    equal(c.hear_reply()[:3], b"250", "the last reply")
    c.quit()
    peak = daemon.proc("VmHWM")
    print(f"{size} octets, peak {peak} KiB")
    check(SANITIZED or peak < MEMORY, f"resident memory rose to {peak} KiB")
    wait_for(lambda: daemon.rows("SELECT * FROM session "
                                 "WHERE ended_by IS NOT NULL"),
             "the session's row", 120)
    row = daemon.one("SELECT size, sha256, accepted FROM message")
    equal(row, {"size": size, "sha256": digest, "accepted": 1}, "message")
    equal(daemon.gaps(), 0, "gaps")
    # Octets as they were, once more, from what is kept of the wire.
    out = t.dir / "eml"
    with out.open("wb") as f:
        t.smtptap("--db", daemon.db, "export", "last", "--format", "eml",
                  stdout=f, seconds=300)
    with out.open("rb") as f:
        equal(hashlib.file_digest(f, "sha256").hexdigest(), digest, "export")
    os.unlink(out)
    daemon.stop()


@case
def a_gigabyte_by_data(t):
    daemon, c = start(t)
    c.ask(b"DATA", b"354")
    digest, size = hashlib.sha256(), 0
    for block in blocks():
        c.say(block)
        digest.update(block)
        size += len(block)
    c.say(b".\r\n")
    finish(t, daemon, c, size, digest.hexdigest())


@case
def a_gigabyte_by_bdat(t):
    daemon, c = start(t)
    digest, size, chunks = hashlib.sha256(), 0, 0
    for block in blocks():
        # A header in the first segment with the octets; many chunks in flight.
        c.say(b"BDAT %d\r\n" % len(block) + block)
        digest.update(block)
        size += len(block)
        chunks += 1
        if chunks % 16 == 0:
            for _ in range(16):
                equal(c.hear_reply()[:3], b"250", "reply to a chunk")
    for _ in range(chunks % 16):
        equal(c.hear_reply()[:3], b"250", "reply to a chunk")
    c.say(b"BDAT 0 LAST\r\n")
    finish(t, daemon, c, size, digest.hexdigest())


@case
def a_gigabyte_in_one_chunk(t):
    """One BDAT of all of it: nothing may wait for its end."""
    daemon, c = start(t)
    size = sum(len(b) for b in blocks())
    c.say(b"BDAT %d LAST\r\n" % size)
    digest = hashlib.sha256()
    for block in blocks():
        c.say(block)
        digest.update(block)
    finish(t, daemon, c, size, digest.hexdigest())


main()
