"""tls_harness: certificates, and the two ends of TLS.

An Authority signs what a case needs, by the openssl command. Its files hold the
key and the certificate, so that one path is both. Contexts are Python's ssl.
"""
import re
import shutil
import ssl

from policies import behind
from tap_harness import PACKAGES, Missing, check, equal, program
from talker import Mailbox

FRONT = "front.example.test"	# what smtptapd is called in TLS
BACK = "mx.example.test"	# what the mail server behind it is called
CURVE = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
LIBRARIES = ":".join(str(PACKAGES / d) for d in (
    "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"))


class Mode:
    """A mode of smtptapd, and what must be seen of it: whose certificate clients
    get (None: no TLS), whether the server's side is in TLS, and whether what is
    said can be read between the two."""

    def __init__(self, tls="passthrough", implicit="no", client=None,
                 server=False, read=True):
        self.tls = tls
        self.implicit = implicit
        self.client = client
        self.server = server
        self.read = read
        self.begins = implicit in ("client", "both")	# the client, with TLS
        self.port = "tls_port" if implicit in ("upstream", "both") else "port"


MODES = {
    "passthrough": Mode("passthrough", client=BACK, server=True, read=False),
    "strip": Mode("strip"),
    "bridge": Mode("bridge", client=FRONT, server=True),
    "terminate": Mode("terminate", client=FRONT),
    "originate": Mode("originate", server=True),
    "require": Mode("require", client=FRONT, server=True),
    "implicit_client": Mode(implicit="client", client=FRONT),
    "implicit_upstream": Mode(implicit="upstream", server=True),
    "implicit_both": Mode(implicit="both", client=FRONT, server=True),
}


class Authority:
    """A CA in a directory of its own; path is its certificate."""

    def __init__(self, t, label="ca"):
        self.t = t
        self.home = t.dir / label
        self.home.mkdir()
        self.key = self.home / "ca.key"
        self.path = self.home / "ca.pem"
        self.openssl("req", "-x509", "-newkey", *CURVE, "-keyout", self.key,
                     "-out", self.path, "-subj", f"/CN=Test {label}",
                     "-days", 30)

    def openssl(self, *argv):
        return self.t.run(program("openssl"), *argv).stdout.decode()

    def issue(self, host, days=30, label=None, self_signed=False):
        """The path of a certificate for host, with its key."""
        stem = self.home / (label or host)
        key, request, made = (stem.with_name(stem.name + e)
                              for e in (".key", ".csr", ".crt"))
        kind = "IP" if re.fullmatch(r"[0-9.]+", host) else "DNS"
        extensions = stem.with_name(stem.name + ".ext")
        extensions.write_text(f"subjectAltName = {kind}:{host}\n")
        self.openssl("req", "-newkey", *CURVE, "-keyout", key, "-out", request,
                     "-subj", f"/CN={host}")
        signer = ("-key", key) if self_signed else \
            ("-CA", self.path, "-CAkey", self.key)
        self.openssl("x509", "-req", "-in", request, *signer, "-days", days,
                     "-extfile", extensions, "-out", made)
        path = stem.with_name(stem.name + ".pem")
        path.write_bytes(key.read_bytes() + made.read_bytes())
        return path

    def revoke(self, *paths):
        """The path of a list of revoked certificates."""
        (self.home / "index.txt").touch()
        config = self.home / "ca.conf"
        config.write_text(f"[ca]\ndefault_ca = a\n[a]\ndatabase = "
                          f"{self.home}/index.txt\ndefault_md = sha256\n"
                          f"default_crl_days = 30\n")
        signer = ("-config", config, "-cert", self.path, "-keyfile", self.key)
        for path in paths:
            self.openssl("ca", *signer, "-revoke", path.with_suffix(".crt"))
        crl = self.home / "crl.pem"
        self.openssl("ca", *signer, "-gencrl", "-out", crl)
        return crl

    def trusting(self, **more):
        """A client's context: it believes this CA, and nobody else."""
        context = ssl.create_default_context(cafile=self.path)
        return adjust(context, **more)


def adjust(context, version=None):
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def serving(path, **more):
    """A server's context, with this key and certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return adjust(context, **more)


def secure(talker, context, name=None):
    """The talker's end goes on in TLS: as a client to name, or as a server."""
    check(not talker.heard, f"heard in the clear: {talker.heard!r}")
    talker.sock = context.wrap_socket(
        talker.sock, server_side=name is None, server_hostname=name)
    return talker


def names_of(talker):
    """The names in the certificate of the other end."""
    return [name for _, name in talker.sock.getpeercert()["subjectAltName"]]


class TlsMailbox(Mailbox):
    """A mailbox that offers STARTTLS, or begins with TLS; tls: what each session
    of it agreed on."""

    def __init__(self, context, implicit=False, **more):
        super().__init__(**more)
        self.context = context
        self.implicit = implicit
        self.tls = []

    def __call__(self, talker):
        if self.implicit:
            self.secure(talker)
        super().__call__(talker)

    def extensions(self, talker):
        return (b"STARTTLS",) * (not isinstance(talker.sock, ssl.SSLSocket))

    def starttls(self, talker):
        talker.say(b"220 2.0.0 go ahead\r\n")
        self.secure(talker)

    def secure(self, talker):
        secure(talker, self.context)
        self.tls.append((talker.sock.version(), talker.sock.cipher()[0]))


def front(t, upstream, mode="passthrough", *options, implicit="no", policy="",
          listener="", **more):
    """smtptapd before a port, with TLS as mode and implicit say. Certificates:
    that of FRONT, and BACK's is looked at, where they are needed."""
    client = mode in ("bridge", "terminate", "require") or \
        implicit in ("client", "both")
    server = mode in ("bridge", "originate", "require") or \
        implicit in ("upstream", "both")
    lines = [f"tls = {mode}", f"implicit-tls = {implicit}"]
    if client and "tls-ca-cert" not in listener:
        lines.append(f'tls-cert = "{t.authority.issue(FRONT)}"')
    if server and "tls-name" not in listener:
        lines.append(f'tls-name = "{BACK}"')
    if server and "tls-ca-file" not in listener:
        lines.append(f'tls-ca-file = "{t.authority.path}"')
    return behind(t, upstream, policy, *options,
                  listener="\n".join([*lines, listener]), **more)


def with_authority(function):
    """A case that has a CA: t.authority."""
    def run(t):
        t.authority = Authority(t)
        function(t)
    run.__name__ = function.__name__
    return run


def node_modules():
    modules = PACKAGES / "usr/share/nodejs"
    if not (modules / "nodemailer").exists():
        raise Missing("nodemailer (make test-deps)")
    return modules


def tls_directory(t):
    """What a real server needs for TLS (tests/peers): its own, and the CA."""
    directory = t.dir / "tls"
    if not directory.exists():
        directory.mkdir()
        shutil.copy(t.authority.issue(BACK), directory / "server.pem")
        shutil.copy(t.authority.path, directory / "ca.pem")
    return str(directory)


def recorded(t, daemon, mode, n):
    """n sessions with a message each; what is said of their TLS."""
    rows = daemon.sessions(n)
    equal(len(rows), n, "sessions")
    for row in rows:
        check_tls(row, mode)
    if not mode.read:
        equal(daemon.rows("SELECT * FROM message"), [], "messages")
        return
    messages = daemon.rows("SELECT * FROM message ORDER BY session_id")
    equal([m["accepted"] for m in messages], [1] * n, "accepted")
    check(all(m["queue_id"] for m in messages), messages)
    text = t.smtptap("--db", daemon.db, "show", "last").stdout.decode()
    for mark, encrypted in (("> MAIL FROM", mode.client),
                            ("  250 ", mode.server)):
        line = next(line for line in text.splitlines()[::-1] if mark in line)
        equal("~" in line[:4], bool(encrypted), f"in TLS, as shown: {line}")


def check_tls(row, mode):
    for column, encrypted in (("tls_client", mode.client),
                              ("tls_server", mode.server)):
        value = row[column] or ""
        if not mode.read:
            check("opaque" in value, f"{column}: {value!r}")
        elif encrypted:
            check(re.fullmatch(r"TLSv1\.[23] \w+", value),
                  f"{column}: {value!r}")
        else:
            equal(value, "", column)
