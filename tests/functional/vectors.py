#!/usr/bin/python3
"""tests/vectors/inspect.txt through the running proxy, whole and octet by
octet, and what the recording holds of it; test_vectors.c has every cut."""
import re

from policies import behind
from tap_harness import case, equal, main, same_bytes, wire_bytes
from talker import Talker
from vector_file import load

SIDES = ("server", "client")


def session(t, vector, policy, by_octet, record):
    """Play it: what arrives on each side, and smtptapd."""
    upstream = t.listen()
    daemon = behind(t, upstream.getsockname()[1], policy, record=record)
    client = t.connect(daemon.port)
    server = t.started(Talker(upstream.accept()[0]))
    speakers = {"client": client, "server": server}
    lines = 0
    for side, octets in vector.steps:
        if vector.early and side == "server" and lines:
            client.hear(vector.arrives["client"].partition(b"\n")[0] + b"\n")
        lines += side == "server"
        size = 1 if by_octet else len(octets)
        for i in range(0, len(octets), size):
            speakers[side].say(octets[i:i + size]).taken()
    client.end()
    arrived = {"server": server.hear_all()}
    server.end()
    arrived["client"] = client.hear_all()
    if vector.early:
        arrived["client"] = vector.arrives["client"].partition(b"\n")[0] + \
            b"\n" + arrived["client"]
    client.close()
    daemon.sessions(1)
    return arrived, daemon


def recorded(document, side):
    """What a side said, and what the other was sent of it, by the record."""
    said = sent = b""
    for entry in document["wire"]:
        if entry["side"] != side:
            continue
        if entry["tile"] != "own":
            said += wire_bytes(entry)
        if "instead" in entry:
            sent += wire_bytes(entry["instead"])
        elif entry["sent"]:
            sent += wire_bytes(entry)
    return said, sent


def redacted(octets):
    """A line of AUTH is a stand-in in the record."""
    return re.sub(rb"(AUTH LOGIN\r\n)[^*\r]+", rb"\1cmVkYWN0ZWQ=", octets)


def play(t, vector, by_octet):
    arrived, daemon = session(t, vector, vector.policy, by_octet,
                              f"{by_octet}.db")
    for side in SIDES:
        same_bytes(arrived[side], vector.arrives[side], f"{side} <")
    document = t.show(daemon)
    for side, to in zip(SIDES, reversed(SIDES)):
        said, sent = recorded(document, side)
        same_bytes(said, redacted(vector.said(side)),
                   f"recorded as said by {side}")
        same_bytes(sent, redacted(vector.arrives[to]),
                   f"recorded as sent to {to}")


def play_dry(t, vector):
    """The same policy in a dry run: what arrives is what was said."""
    arrived, _ = session(t, vector, vector.policy + "dry-run = yes\n", False,
                         "dry.db")
    for side, to in zip(SIDES, reversed(SIDES)):
        same_bytes(arrived[to], vector.said(side), f"dry run: {to} <")


def add_case(vector):
    def function(t):
        play(t, vector, by_octet=False)
        play(t, vector, by_octet=True)
        if not vector.early:
            play_dry(t, vector)

    function.__name__ = vector.name.lower()
    case(function)


VECTORS = load()
for v in VECTORS:
    add_case(v)


@case
def t01_to_t24_are_there(t):
    equal([v.name for v in VECTORS], [f"T{i:02}" for i in range(1, 25)],
          "names")


main()
