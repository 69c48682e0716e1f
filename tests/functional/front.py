"""front: smtptapd with a file of listeners that is written again, and HUP."""
import re
import signal

from policies import quoted
from tap_harness import BUILD, Daemon, check, wait_for


class Front:
    """smtptapd with a configuration file that can be written again."""

    def __init__(self, t, text, *options, **more):
        self.path = t.dir / "smtptap.conf"
        self.db = t.dir / "sessions.db"
        self.write(text)
        self.daemon = t.started(Daemon(
            [BUILD / "smtptapd", "--config", self.path, *options], t.dir,
            self.db, **more))
        self.told = 0	# reloads

    def write(self, text):
        """What is not a listener or a policy is the same in all files."""
        if "record {" not in text:
            text += f"record {{\n    file = {quoted(self.db)}\n}}\n"
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.rename(self.path)

    def hup(self, expected):
        """HUP; the line in which the log says what has become of it."""
        self.daemon.signal(signal.SIGHUP)
        line = wait_for(self.line, "a line about the reload")
        check(expected in line, f"{line!r} does not say {expected!r}")
        return line

    def line(self):
        lines = re.findall(r"^smtptapd: (?:reload|.* is not reloaded).*$",
                           self.daemon.text(), re.M)
        if len(lines) <= self.told:
            return None
        self.told += 1
        return lines[self.told - 1]

    def reload(self, text, expected="reloaded "):
        self.write(text)
        return self.hup(expected)


def listener(name, address, upstream, *options):
    """A listener section; address: a port of 127.0.0.1, or an ADDR:PORT."""
    if isinstance(address, int):
        address = f"127.0.0.1:{address}"
    more = "".join(f"    {o}\n" for o in options)
    return f"""listener "{name}" {{
    listen = {{"{address}"}}
    upstream = "127.0.0.1:{upstream}"
{more}}}
"""
