"""wire_log: reads the wire log of a recording as record/FORMAT.md describes it.

A reader of its own, so that what is written is what is described.
"""
import sqlite3

(BYTES, REDACTED, GAP, OWN, FIN, RESET, WITHHELD, WITHHELD_REDACTED, MADE,
 SECURED) = range(10)
CLIENT, SERVER = range(2)


def varint(data, at):
    value = shift = 0
    while True:
        octet = data[at]
        value |= (octet & 0x7f) << shift
        shift += 7
        at += 1
        if octet < 0x80:
            return value, at


def frames_of(log):
    """(t_us, kind, side, octets, bytes) of the log of one part."""
    at = t_us = 0
    while at < len(log):
        kind, side = divmod(log[at], 2)
        difference, at = varint(log, at + 1)
        t_us += difference >> 1 ^ -(difference & 1)
        octets, at = varint(log, at)
        n = octets if kind in (BYTES, OWN, WITHHELD, MADE, SECURED) else 0
        if kind in (REDACTED, WITHHELD_REDACTED):
            n, at = varint(log, at)
        yield t_us, kind, side, octets, log[at:at + n]
        at += n


def log_of(db, extents):
    log = b""
    at = 0
    while at < len(extents):
        pack, at = varint(extents, at)
        offset, at = varint(extents, at)
        octets, at = varint(extents, at)
        (data,), = db.execute("SELECT data FROM pack WHERE id = ?", (pack,))
        log += data[offset:offset + octets]
    return log


def frames(path, number=1):
    """All frames of a session, in the order in which they came."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        parts = db.execute("SELECT extents FROM part WHERE id >> 24 = ? "
                           "ORDER BY id", (number,)).fetchall()
        found = [f for (extents,) in parts
                 for f in frames_of(log_of(db, extents or b""))]
    return sorted(found, key=lambda frame: frame[0])


def came(found, side):
    """What that side sent."""
    return b"".join(f[4] for f in found if f[2] == side and f[1] in
                    (BYTES, REDACTED, WITHHELD, WITHHELD_REDACTED))


def went(found, side):
    """What the other side was given of it, and in its name."""
    return b"".join(f[4] for f in found if f[2] == side and f[1] in
                    (BYTES, REDACTED, OWN, MADE))
