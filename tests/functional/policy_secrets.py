#!/usr/bin/python3
"""Credentials in sessions under a policy: whatever a rule makes of the command,
and however the server repeats what it does not know, none is kept."""
import base64
import contextlib
import threading

from policies import meeting
from tap_harness import case, check, equal, main

PASSWORD = b"s3cr3tpassw0rd"
RESPONSE = base64.b64encode(b"\0test\0" + PASSWORD)
LINE = base64.b64encode(PASSWORD)
# What stands in the recording is one of these, whole or its middle.
TRACES = (PASSWORD, RESPONSE, RESPONSE[8:20], LINE, LINE[:12], LINE[4:16])

POLICIES = {
    "scrub": 'scrub-text = yes scrub-hosts = yes banner-host = "m.test"',
    "pix": "profile = pix",
    "asa": "profile = asa",
    "strict": "profile = strict",
    "block": 'block = {"AUTH"}',
    "mask": 'match "command verb" { verbs = {"AUTH"} action = mask }',
    "length": 'match "command length" { gt = 3 action = "reject 500 no" }',
    "mechanism": 'auth-allow = {"CRAM-MD5"}',
    "dry-run": "profile = strict scrub-text = yes dry-run = yes",
}

SESSIONS = (
    b"AUTH PLAIN " + RESPONSE + b"\r\n",
    b"AUTH PLAIN\r\n" + RESPONSE + b"\r\n",
    b"AUTH LOGIN\r\ndGVzdA==\r\n" + LINE + b"\r\n",
    b"AUTH LOGIN\r\ndGVzdA==\r\n" + LINE,
)


def echo(server):
    """Knows nothing but EHLO, and says so in the words of the client."""
    with contextlib.suppress(OSError):
        server.say(b"220 real.test ESMTP\r\n")
        while line := server.hear_line():
            server.say(b"250 real.test\r\n" if line.startswith(b"EHLO") else
                       b'500 5.5.1 Unknown: "' + line.strip() + b'"\r\n')
    server.close()


def play(meet, said):
    client, server = meet()
    thread = threading.Thread(target=echo, args=(server,))
    thread.start()
    with contextlib.suppress(OSError):
        client.hear_reply()
        client.say(b"EHLO c\r\n")
        client.hear_reply()
        client.say(said).end().hear_all()
    client.close()
    thread.join()


def keeps_no_credential(t, policy):
    daemon, meet = meeting(t, policy)
    for said in SESSIONS:
        play(meet, said)
    daemon.sessions(len(SESSIONS))
    daemon.stop()
    check(b"redact" in daemon.db.read_bytes() or
          b"cmVkYWN0ZWQ" in daemon.db.read_bytes(), "what stands for them")
    for path in t.dir.iterdir():
        content = path.read_bytes()
        equal([s for s in TRACES if s in content], [], f"in {path.name}")


def cases():
    for name, policy in POLICIES.items():
        def run(t, policy=policy):
            keeps_no_credential(t, policy)
        run.__name__ = f"keeps_no_credential_{name.replace('-', '_')}"
        case(run)


cases()
main()
