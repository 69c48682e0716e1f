#!/usr/bin/python3
"""Every mode of TLS between real clients and real servers.

A case is one mode. Through it five clients send a message each to a Postfix and to
an Exim. What the client saw, what the server saw and what was recorded must agree.
"""
import os
import re
import smtplib
import subprocess

from tap_harness import (PACKAGES, Failure, Missing, case, check, equal, main,
                         program, wait_for)
from tls_harness import (BACK, LIBRARIES, MODES, front, node_modules, recorded,
                         tls_directory, with_authority)

def swaks(t, port, mode):
    option = "--tlsc" if mode.begins else "--tls" if mode.client else \
        "--tls-optional"
    out = t.swaks(port, option, "--tls-verify", "--tls-ca-path",
                  t.authority.path, "--header",
                  "Subject: swaks").stdout.decode()
    name = re.search('TLS peer DN="/CN=(.*)"', out)
    return name and name[1]


def python(t, port, mode):
    """smtplib; it checks the certificate for the name it is told."""
    context = t.authority.trusting()
    if mode.begins:
        class Named(smtplib.SMTP_SSL):
            def _get_socket(self, host, port, timeout):
                self._host = mode.client
                return super()._get_socket(host, port, timeout)
        client = Named("127.0.0.1", port, "client.test", context=context)
    else:
        client = smtplib.SMTP("127.0.0.1", port, "client.test")
    with client:
        client.ehlo()
        equal(client.has_extn("starttls"), bool(mode.client) and
              not mode.begins, "STARTTLS is offered")
        if client.has_extn("starttls"):
            client._host = mode.client
            client.starttls(context=context)
            client.ehlo()
            check(not client.has_extn("starttls"), "STARTTLS within TLS")
        client.sendmail("a@client.test", ["b@server.test"],
                        b"Subject: python\r\n\r\n.\r\nx\r\n")
        if not mode.client:
            return None
        return dict(client.sock.getpeercert()["subject"][0])["commonName"]


def s_client(t, port, mode):
    """openssl s_client, and who types what it asks for."""
    argv = [program("openssl"), "s_client", "-connect", f"127.0.0.1:{port}",
            "-CAfile", t.authority.path, "-verify_return_error", "-crlf",
            "-servername", mode.client or BACK, "-verify_hostname",
            mode.client or BACK, "-ign_eof"]
    if not mode.begins:
        argv += ["-starttls", "smtp", "-name", "client.test"]
    if not mode.client:
        return t.run(*argv, status=None).returncode == 0 or None
    with subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        seen = []

        def hear(code):
            for line in process.stdout:
                seen.append(line.decode(errors="replace"))
                if line.startswith(code + b" "):
                    return
            raise Failure(f"s_client: no {code} in {''.join(seen)}")

        hear(b"220" if mode.begins else b"250")
        for line, code in (
                (b"EHLO client.test", b"250"),
                (b"MAIL FROM:<a@client.test>", b"250"),
                (b"rcpt to:<b@server.test>", b"250"), (b"DATA", b"354"),
                (b"Subject: openssl\n\nx\n.", b"250"), (b"QUIT", b"221")):
            process.stdin.write(line + b"\n")
            process.stdin.flush()
            hear(code)
        process.stdin.close()
        process.wait()
    return re.search(r"subject=CN = (.*)", "".join(seen))[1]


def msmtp(t, port, mode):
    path = PACKAGES / "usr/bin/msmtp"
    if not path.exists():
        raise Missing(f"{path} (make test-deps)")
    options = ["--tls=off"]
    if mode.client:
        options = ["--tls=on", f"--tls-trust-file={t.authority.path}",
                   f"--tls-host-override={mode.client}",
                   f"--tls-starttls={'off' if mode.begins else 'on'}"]
    t.run(path, "--file=/dev/null", "--host=127.0.0.1", f"--port={port}",
          "--from=a@client.test", "--domain=client.test", *options,
          "b@server.test", input=b"Subject: msmtp\n\nx\n",
          env={**os.environ, "LD_LIBRARY_PATH": LIBRARIES})
    return mode.client	# it has checked that itself


def nodemailer(t, port, mode):
    script = """
        const [port, name, begins, ca] = process.argv.slice(1);
        const mail = require('nodemailer').createTransport({
            host: '127.0.0.1', port: +port, name: 'client.test',
            secure: begins === 'yes', requireTLS: name !== '',
            tls: {ca: require('fs').readFileSync(ca), servername: name}});
        mail.sendMail({from: 'a@client.test', to: 'b@server.test',
                       subject: 'node', text: 'x'});
    """
    t.run(program("node"), "-e", script, port, mode.client or "",
          "yes" if mode.begins else "no", t.authority.path,
          env={**os.environ, "NODE_PATH": str(node_modules())})
    return mode.client


CLIENTS = (swaks, python, s_client, msmtp, nodemailer)


def count_tls(name, home):
    """How many messages, or sessions, the server's log says came in TLS."""
    log = (home / "log").read_text(errors="replace")
    return len(re.findall(r" X=TLS1" if name == "exim" else
                          "TLS connection established from", log))


def through(t, mode, name):
    """A real server of that name behind; each client sends through."""
    ports, home = t.start_peer(name, PEER_TLS=tls_directory(t))
    daemon = front(t, ports[mode.port], mode.tls, "-vv",
                   implicit=mode.implicit, record=f"{name}.db")
    sent = len(CLIENTS) - (s_client in CLIENTS and not mode.client)
    for client in CLIENTS:
        if client is s_client and not mode.client:
            continue
        equal(client(t, daemon.port, mode), mode.client,
              f"the name {client.__name__} saw")
    wait_for(lambda: count_tls(name, home) == (sent if mode.server else 0),
             f"{sent} times TLS in {(home / 'log').read_text()[-3000:]}", 5)
    recorded(t, daemon, mode, sent)
    if not mode.client:
        check(s_client(t, daemon.port, mode) is None, "s_client has got TLS")


def mode_case(name, mode):
    def run(t):
        through(t, mode, "postfix")
        through(t, mode, "exim")

    run.__name__ = f"{name}_with_five_clients_to_two_servers"
    case(with_authority(run))


for mode_name, mode_row in MODES.items():
    mode_case(mode_name, mode_row)

main()
