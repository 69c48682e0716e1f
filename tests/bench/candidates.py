"""What can stand between client and server: one class per kind of relay.

A candidate is asked for the command that starts it, given the port to listen
on, the port of the server behind it and an empty directory of its own.
"""
import os
import shutil
import sqlite3
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Candidate:
    name = needs = None
    records = False          # writes what it sees: file system work of its own
    descriptors = 2          # open files per session

    def missing(self):
        """What is not installed that it needs; None: nothing."""
        found = self.needs is None or shutil.which(
            self.needs, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        return None if found else self.needs

    def command(self, listen, server, work):
        """None: the client talks to the server itself."""
        return None

    def lost(self, work, messages):
        """Why its recording of so many messages is not whole; None: it is."""
        return None


class Direct(Candidate):
    name = "direct"


class Haproxy(Candidate):
    name, needs = "haproxy", "haproxy"
    options, sessions_max = "", 9900
    text = """\
global
    nbthread 1
    maxconn {sessions_max}
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    {options}
listen smtp
    bind 127.0.0.1:{listen} backlog 4096
    server s 127.0.0.1:{server}
"""

    def command(self, listen, server, work):
        path = work + "/haproxy.cfg"
        with open(path, "w") as f:
            f.write(self.text.format(
                listen=listen, server=server, options=self.options,
                sessions_max=self.sessions_max))
        return ["haproxy", "-db", "-f", path]


class HaproxySplice(Haproxy):
    name = "haproxy-splice"
    options, sessions_max = "option splice-auto", 4000
    descriptors = 6          # pipes, too


class Nginx(Candidate):
    name, needs = "nginx", "nginx"
    text = """\
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {work}/nginx.pid;
error_log {work}/error.log warn;
events {{ worker_connections 19900; }}
stream {{
    access_log off;
    server {{
        listen 127.0.0.1:{listen} backlog=4096;
        proxy_pass 127.0.0.1:{server};
        proxy_timeout 1h;
    }}
}}
"""

    def command(self, listen, server, work):
        path = work + "/nginx.conf"
        with open(path, "w") as f:
            f.write(self.text.format(listen=listen, server=server, work=work))
        return ["nginx", "-p", work, "-c", path]


class Smtptap(Candidate):
    """smtptapd, one loop thread (haproxy has one), everything recorded."""
    name = "smtptap"
    records = True

    def __init__(self, build):
        self.program = os.path.abspath(build + "/smtptapd")

    def missing(self):
        return None if os.path.exists(self.program) else self.program

    def database(self, work):
        return work + "/sessions.db"

    def command(self, listen, server, work):
        return [self.program, "-q", "--threads", "1",
                "--listen", "127.0.0.1:%d" % listen,
                "--upstream", "127.0.0.1:%d" % server,
                "--record", self.database(work)]

    def lost(self, work, messages):
        try:
            db = sqlite3.connect(self.database(work))
            found = db.execute("select count(*) from message").fetchone()[0]
            db.close()
        except sqlite3.Error as e:
            return "the recording cannot be read: %s" % e
        return (None if found == messages else
                "%d of %d messages recorded" % (found, messages))


class SmtptapNone(Smtptap):
    name = "smtptap-none"
    records = False

    def database(self, work):
        return "none"

    def lost(self, work, messages):
        return None


class SmtptapAsa(Smtptap):
    """With the rules of profile asa between the two sides."""
    name = "smtptap-asa"

    def command(self, listen, server, work):
        return super().command(listen, server, work) + ["--policy", "asa"]


class Damaging(Candidate):
    """A relay that damages what it relays: proves that the bench notices."""

    def __init__(self, fault):
        self.name = self.fault = fault

    def command(self, listen, server, work):
        return [sys.executable, HERE + "/damage.py", str(listen), str(server),
                self.fault]


FAULTS = ("flip", "drop", "double", "swap", "unstuff")


def all_candidates(build):
    """By name, in the order of the table."""
    return {c.name: c for c in (
        Direct(), Haproxy(), HaproxySplice(), Nginx(), SmtptapNone(build),
        Smtptap(build), SmtptapAsa(build))}
