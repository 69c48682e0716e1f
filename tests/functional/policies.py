"""policies: smtptapd with a configuration file, for tests of what it changes.

A policy is the text of a policy section. EMPTY changes nothing and lets bytes
through before they are understood; with HELD all goes through the gate, though
no rule of it ever holds: what must be so with one must be so with the other.
"""
from tap_harness import BUILD, Daemon
from talker import Talker

EMPTY = ""
HELD = """
    match "command length" { gt = 1GiB  action = drop }
    match "reply length"   { gt = 1GiB  action = drop }
    match "header length"  { gt = 1GiB  action = drop }
"""
MODES = {"empty": EMPTY, "held": HELD}


def quoted(text):
    """As a string of the configuration file."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def configuration(t, upstream, policy, record="sessions.db", listener="",
                  top=""):
    """A file with one listener under one policy; its path. listener and top:
    more options of the listener, and of the file."""
    path = t.dir / f"{record}.conf"
    path.write_text(f"""
{top}
record {{
    file = {quoted("none" if record == "none" else t.dir / record)}
}}
policy "under-test" {{
{policy}
}}
listener "front" {{
    listen = {{"127.0.0.1:0"}}
    upstream = "127.0.0.1:{upstream}"
    policy = "under-test"
    {listener}
}}
""")
    return path


def behind(t, upstream, policy, *options, record="sessions.db", listener="",
           top="", **more):
    """smtptapd in front of a port of 127.0.0.1, under a policy."""
    path = configuration(t, upstream, policy, record, listener, top)
    return t.started(Daemon(
        [BUILD / "smtptapd", "--config", path, *options], t.dir,
        t.dir / record, **more))


def relayed(t, policy, *options, **more):
    """A client and a server, connected through smtptapd under a policy."""
    upstream = t.listen()
    daemon = behind(t, upstream.getsockname()[1], policy, *options, **more)
    client = t.connect(daemon.port)
    return daemon, client, t.started(Talker(upstream.accept()[0]))


def rules(daemon, session=None):
    """[(rule, detail)] of what has fired, in order."""
    return [(r["rule"], r["detail"]) for r in daemon.rows(
        "SELECT rule, detail FROM event WHERE rule IS NOT NULL "
        "ORDER BY session_id, seq")
        if session is None or r["session_id"] == session]
