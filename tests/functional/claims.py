"""claims: what a test case says must hold, and where things are.

A claim that does not hold raises Failure, whose first line says what was got
and what was expected. Nothing waits for a time, only for an event, each with a
deadline.
"""
import hashlib
import os
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SMTPTAP_BUILD", ROOT / "build")).resolve()
SANITIZED = BUILD.name == "sanitize"
PACKAGES = ROOT / "build/peers/root"
PEERS = ROOT / "tests/peers"
PATIENCE = 60 if SANITIZED else 20	# seconds until an event is overdue


class Failure(Exception):
    """The claim of the case does not hold."""


class Missing(Exception):
    """Something the case needs is not on this machine."""


def check(claim, why):
    if not claim:
        raise Failure(why)


def equal(got, expected, what):
    if got != expected:
        raise Failure(f"{what}: got {clip(got)}, expected {clip(expected)}")


def clip(value):
    text = repr(value)
    return text if len(text) < 1500 else f"{text[:1500]}... ({len(text)})"


def same_bytes(got, expected, what):
    """Like equal, for long strings: says where they part."""
    if got == expected:
        return
    at = next((i for i, (a, b) in enumerate(zip(got, expected)) if a != b),
              min(len(got), len(expected)))
    around = slice(max(0, at - 40), at + 40)
    raise Failure(f"{what}: octet {at} of {len(got)} (expected "
                  f"{len(expected)}): got {bytes(got[around])!r}, "
                  f"expected {bytes(expected[around])!r}")


def wait_for(event, what, seconds=PATIENCE, pause=.01):
    """The first true value of event(), asked again until the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = event()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)


def scale(plain, sanitized):
    """How much of something: a sanitized build takes a smaller load."""
    return int(os.environ.get("SMTPTAP_SCALE", 0)) or \
        (sanitized if SANITIZED else plain)


def sha256(content):
    return hashlib.sha256(content).hexdigest()
