"""policies: smtptapd with a configuration file, for tests of what it changes.

A policy is the text of a policy section. EMPTY changes nothing and lets bytes
through before they are understood; with HELD all goes through the gate, though
no rule of it ever holds: what must be so with one must be so with the other.
"""
import threading

from tap_harness import BUILD, Daemon, check
from talker import Talker

EMPTY = ""
HELD = """
    match "command length" { gt = 1GiB  action = drop }
    match "reply length"   { gt = 1GiB  action = drop }
    match "header length"  { gt = 1GiB  action = drop }
"""
MODES = {"empty": EMPTY, "held": HELD}
MASKS = {**MODES, "mask": "profile = mask"}


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


def meeting(t, policy, *options, **more):
    """smtptapd under a policy, and a function: each call of it is a client and
    a server that are connected through smtptapd."""
    upstream = t.listen()
    daemon = behind(t, upstream.getsockname()[1], policy, *options, **more)

    def meet():
        client = t.connect(daemon.port)
        return client, t.started(Talker(upstream.accept()[0]))

    return daemon, meet


def relayed(t, policy, *options, **more):
    """The same, once: smtptapd, a client, a server."""
    daemon, meet = meeting(t, policy, *options, **more)
    return daemon, *meet()


def in_each(t, modes, *options, **more):
    """A session under each policy, the greeting said; each has a recording of
    its own."""
    for mode, policy in modes.items():
        daemon, client, server = relayed(t, policy, *options,
                                         record=f"{mode}.db", **more)
        check(greet(client, server).startswith(b"220 "), "the greeting")
        yield daemon, client, server


def greet(client, server, greeting=b"220 server.test ESMTP\r\n"):
    """The reply that the client sees."""
    server.say(greeting)
    return client.hear_reply()


def turn(client, server, command, reply=b"250 2.0.0 Ok\r\n"):
    """A command that arrives as it was said, and its reply, too."""
    speak(client, server, command)
    speak(server, client, reply)


def speak(speaker, hearer, octets):
    """However many: they arrive as they were said."""
    thread = threading.Thread(target=speaker.say, args=(octets,), daemon=True)
    thread.start()
    hearer.hear(octets)
    thread.join()


def open_data(client, server, recipients=1):
    """A transaction, up to where its content begins."""
    turn(client, server, b"MAIL FROM:<a@client.test>\r\n")
    for i in range(recipients):
        turn(client, server, b"RCPT TO:<%d@server.test>\r\n" % i)
    turn(client, server, b"DATA\r\n", b"354 go\r\n")


def send(client, server, content):
    """A message whose content arrives as it was said."""
    open_data(client, server)
    speak(client, server, content)
    turn(client, server, b".\r\n")


def part(client, server):
    """QUIT, and both ends."""
    turn(client, server, b"QUIT\r\n", b"221 bye\r\n")
    server.close()
    client.hear_end().close()


def events(daemon):
    """The names of the events of a session that is over."""
    daemon.sessions(1)
    return {r["name"] for r in daemon.rows("SELECT name FROM event")}


def rules(daemon, session=None):
    """[(rule, detail)] of what has fired, in order."""
    return [(r["rule"], r["detail"]) for r in daemon.rows(
        "SELECT rule, detail FROM event WHERE rule IS NOT NULL "
        "ORDER BY session_id, seq")
        if session is None or r["session_id"] == session]
