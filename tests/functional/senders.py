"""senders: mail clients that are programs of their own."""
import os

from tap_harness import PACKAGES, Missing, program

LETTERS = """
    const mail = require('nodemailer').createTransport({
        host: '127.0.0.1', port: +process.argv[1], ignoreTLS: true,
        name: 'client.test', auth: {user: 'u', pass: 'node-secret'},
        pool: true, maxConnections: 1});
    const letter = n => ({from: 'a@client.test', to: 'b@server.test',
        subject: 'Nummer ' + n, text: '.\\n.\\nzwölf Boxkämpfer\\n',
        attachments: [{filename: 'a', content: Buffer.alloc(70000, n)}]});
    Promise.all([1, 2, 3].map(n => mail.sendMail(letter(n))))
        .then(() => mail.close());
"""


def nodemailer(t, port):
    """Three letters in one session, behind AUTH."""
    node = program("node")
    modules = PACKAGES / "usr/share/nodejs"
    if not (modules / "nodemailer").exists():
        raise Missing("nodemailer (make test-deps)")
    t.run(node, "-e", LETTERS, port,
          env={**os.environ, "NODE_PATH": str(modules)})


def msmtp(t, port, message):
    """One message, lines ended by LF."""
    path = PACKAGES / "usr/bin/msmtp"
    if not path.exists():
        raise Missing(f"{path} (make test-deps)")
    libraries = ":".join(str(PACKAGES / d) for d in (
        "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"))
    t.run(path, "--file=/dev/null", "--host=127.0.0.1", f"--port={port}",
          "--from=a@client.test", "--domain=client.test", "b@server.test",
          input=message, env={**os.environ, "LD_LIBRARY_PATH": libraries})
