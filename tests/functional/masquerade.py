#!/usr/bin/python3
"""Mail servers that cannot be told apart by what they say, and still work."""
import base64
import re
import socket
import struct
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

from policies import behind, relayed
from tap_harness import (PATIENCE, Mailbox, Talker, case, check, equal, main,
                         program, wait_for)

HOST = b"mx.example.net"	# the name to go by
HOSTS = f"""
    banner-host = "{HOST.decode()}"
    scrub-hosts = yes
"""
MASK = HOSTS + """
    banner = mask
    scrub-text = yes
"""
# Each goes by NAME.test. What would tell it: its name, long or short, and what
# its authors call it.
SERVERS = {
    "postfix": rb"postfix",
    "exim": rb"exim",
    "opensmtpd": rb"opensmtpd|openbsd",
    "sendmail": rb"sendmail",
}
VERSION = rb"\d+\.\d+\.\d+\.\d|\d\.\d{2}"	# 8.17.1.9, 4.96; not 2.0.0

MESSAGE = b"Subject: masked\r\n\r\n..\r\nlast\r\n.\r\n"
# Three sessions, each of which all of the servers hear out.
SESSIONS = [
    [b"EHLO client.test", b"HELP", b"NOOP", b"VRFY root@%s", b"EXPN root",
     b"MAIL FROM:<a@client.test>", b"RCPT TO:<b@server.test>",
     b"RCPT TO:<root@%s>", b"DATA", MESSAGE, b"RSET", b"QUIT"],
    [b"HELO client.test", b"MAIL FROM:<a@%s>", b"RCPT TO:<b", b"RSET",
     b"NOSUCH", b"QUIT"],
    [b"EHLO [127.0.0.1]", b"RCPT TO:<b@%s>", b"STARTTLS", b"VRFY", b"QUIT"],
    [b"EHLO client.test", b"MAIL FROM:<a@client.test> X=Y", b"ETRN %s",
     b"AUTH PLAIN", b"QUIT"],
    [b"DATA", b"HELP MAIL", b"QUIT"],
]


def hold(t, port, name, session):
    """[(command, reply)] of a session, the greeting first."""
    c = t.connect(port)
    dialogue = [(b"", c.hear_reply())]
    for command in session:
        if b"%s" in command:
            command %= name.encode() + b".test"
        end = b"" if command.endswith(b"\r\n") else b"\r\n"
        c.say(command + end)
        dialogue.append((command, c.hear_reply()))
    c.hear_end()
    c.close()
    return dialogue


def skeleton(reply):
    """Code, separator and enhanced status code of each line."""
    return re.findall(rb"^(\d{3}[- ](?:[245]\.\d+\.\d+(?= ))?)", reply, re.M)


def keywords(reply):
    """The lines of a reply to EHLO behind the first one."""
    return reply.splitlines()[1:]


@case
def codes_stay_and_names_go(t):
    for name, words in SERVERS.items():
        port, _ = t.peer(name)
        daemon = behind(t, port, MASK, record=f"{name}.db")
        told = b""
        for session in SESSIONS:
            direct = hold(t, port, name, session)
            masked = hold(t, daemon.port, name, session)
            for (command, was), (_, now) in zip(direct, masked):
                what = f"{name}, {command!r}: {was!r} became {now!r}"
                equal(skeleton(now), skeleton(was), what)
                check(not re.search(words + b"|" + VERSION, now, re.I), what)
                if command[:4] == b"EHLO":
                    equal(keywords(now), keywords(was), what)
                told += was
        check(re.search(words, told, re.I), f"{name} does not tell: {told!r}")


def without_moments(reply):
    """Without what differs from one session to the next."""
    reply = re.sub(rb"\w{3}, \d+ \w{3} \d{4} [\d:]{8} [-+\w]+", b"DATE",
                   reply)
    return re.sub(rb"(?<=id=)\S+|(?<=queued as )\S+|\S+(?= Message accepted)",
                  b"ID", reply)


@case
def hosts_alone_go_and_words_stay(t):
    for name in SERVERS:
        port, _ = t.peer(name)
        daemon = behind(t, port, HOSTS, record=f"{name}.db")
        for session in SESSIONS:
            direct = hold(t, port, name, session)
            masked = hold(t, daemon.port, name, session)
            for (command, was), (_, now) in zip(direct, masked):
                equal(without_moments(now), without_moments(was).replace(
                    name.encode() + b".test", HOST), f"{name}, {command!r}")


def farewell(t, port):
    """What a server says that has heard nonsense too often."""
    c = t.connect(port)
    c.hear_reply()
    while True:
        c.say(b"NOSUCH\r\n")
        reply = c.hear_reply()
        check(reply, "it has hung up without a word")
        if reply[:3] == b"421":
            c.hear_end()
            return reply


@case
def a_server_that_hangs_up_does_not_tell_its_name(t):
    port, _ = t.peer("sendmail")
    check(b"sendmail.test" in farewell(t, port), "it does not tell")
    equal(farewell(t, behind(t, port, MASK).port), b"421 4.7.0 Service not "
          b"available, closing transmission channel\r\n", "421")


@case
def xclient_is_answered_with_a_banner(t):
    """Postfix greets again; so does whoever stands before it."""
    _, client, server = relayed(t, MASK)
    server.say(b"220 mail.corp.example ESMTP Postfix\r\n")
    client.hear(b"220 mx.example.net ESMTP\r\n")
    client.say(b"XCLIENT NAME=x\r\n")
    server.hear(b"XCLIENT NAME=x\r\n")
    server.say(b"220 mail.corp.example ESMTP Postfix\r\n")
    client.hear(b"220 mx.example.net ESMTP\r\n")


@case
def addresses_go_where_a_when_says_so(t):
    """Ours, as the server sees it, is the client's to the client."""
    upstream = t.listen()
    daemon = behind(t, upstream.getsockname()[1], 'when { client = '
                    '{"127.9.0.0/16"}  policy = "hidden" }',
                    top=f'policy "hidden" {{ {HOSTS} }}')
    for source, seen in (("127.9.0.7", b"mx.example.net Hello [127.9.0.7]"),
                         ("127.8.0.7", b"corp.example Hello [127.0.0.1]")):
        client = t.started(Talker(socket.create_connection(
            ("127.0.0.1", daemon.port), PATIENCE, (source, 0))))
        server = t.started(Talker(upstream.accept()[0]))
        server.say(b"220 corp.example ESMTP\r\n")
        client.hear_line()
        client.say(b"HELO client.test\r\n")
        server.hear(b"HELO client.test\r\n")
        server.say(b"250 corp.example Hello [127.0.0.1]\r\n")
        client.hear(b"250 " + seen + b"\r\n")


@case
def mail_flows_and_is_recorded(t):
    for name in SERVERS:
        mailbox = Mailbox()
        port, _ = t.peer(name, relay=t.server(mailbox).port)
        daemon = behind(t, port, MASK, record=f"{name}.db")
        done = t.swaks(daemon.port, "--body", "through the mask")
        wait_for(lambda: mailbox.messages, f"a message from {name}")
        check(b"through the mask" in mailbox.messages[0][1],
              mailbox.messages[0][1])
        daemon.sessions(1)
        row = daemon.one("SELECT * FROM message")
        equal(row["accepted"], 1, f"{name}: accepted")
        check(f"OK queued as {row['queue_id']}" in done.stdout.decode(),
              f"{name}: {row['queue_id']} is not in {done.stdout!r}")
        show = t.smtptap("--db", daemon.db, "show", "last").stdout
        check(f"{name}.test".encode() in show, f"not as it came: {show!r}")


@case
def without_queue_ids_all_say_the_same(t):
    """The same codes would come with the same octets."""
    told = set()
    for name in SERVERS:
        port, _ = t.peer(name)
        daemon = behind(t, port, MASK + "scrub-queue-ids = yes",
                        record=f"{name}.db")
        dialogue = hold(t, daemon.port, name, [
            b"HELO client.test", b"MAIL FROM:<a@client.test>",
            b"RCPT TO:<b@server.test>", b"DATA", MESSAGE, b"QUIT"])
        told.add(b"".join(re.sub(rb" [245]\.\d\.\d ", b" ", reply)
                          for _, reply in dialogue))
    equal(len(told), 1, f"ways to say it: {told!r}")


def nmap(t, port, *options):
    """The <port> of a scan of 127.0.0.1, as XML."""
    done = t.run(program("nmap"), "-Pn", "-n", "--unprivileged", "-oX", "-",
                 "-p", port, *options, "127.0.0.1")
    return ElementTree.fromstring(done.stdout).find("./host/ports/port")


def told(element):
    """All that nmap says of a port but its number, as one text."""
    return " ".join(value for e in element.iter() for key, value in
                    sorted(e.attrib.items()) if key != "portid")


def service(port):
    """What nmap calls a service, in its own words."""
    found = port.find("service")
    return {**{key: value for key, value in found.attrib.items()
               if key not in ("servicefp", "conf")},
            "cpe": [e.text for e in found.iter("cpe")]}


@case
def nmap_finds_one_service_behind_all_names(t):
    ports = {}
    for name in SERVERS:
        direct, _ = t.peer(name)
        ports[name] = direct, behind(t, direct, MASK, record=f"{name}.db").port
    for name, words in SERVERS.items():
        direct = str(service(nmap(t, ports[name][0], "-sV")))
        check(re.search(words, direct.encode(), re.I), direct)
    with ThreadPoolExecutor() as pool:	# it waits long before it gives up
        scans = dict(zip(SERVERS, pool.map(
            lambda name: nmap(t, ports[name][1], "-sV"), SERVERS)))
    for name, words in SERVERS.items():
        scan = told(scans[name]).encode()
        check(not re.search(words, scan, re.I), f"{name}: {scan}")
        equal(service(scans[name]), service(scans["postfix"]), name)
    equal(service(scans["postfix"])["name"], "smtp", "service")


@case
def nmap_scripts_show_no_name(t):
    for name, words in SERVERS.items():
        port, _ = t.peer(name)
        scripts = "+smtp-commands,+smtp-ntlm-info"
        direct = told(nmap(t, port, "--script", scripts))
        check(f"{name}.test" in direct, f"{name}: {direct}")
        daemon = behind(t, port, MASK, record=f"{name}.db")
        masked = told(nmap(t, daemon.port, "--script", scripts))
        check(HOST.decode() in masked, f"{name}: {masked}")
        check(not re.search((words + b"|" + VERSION).decode(), masked, re.I),
              f"{name}: {masked}")


def challenge():
    """What a Windows server says of itself in NTLM (MS-NLMP 2.2.1.2)."""
    names = b"".join(struct.pack("<HH", kind, 2 * len(text)) +
                     text.encode("utf-16-le") for kind, text in (
                         (2, "CORP"), (1, "EX01"), (4, "corp.example"),
                         (3, "ex01.corp.example"), (0, "")))
    realm = "CORP".encode("utf-16-le")
    head = b"NTLMSSP\0" + struct.pack(
        "<IHHIIQQHHIBBHI", 2, len(realm), len(realm), 56, 0x628a8215, 1, 0,
        len(names), len(names), 56 + len(realm), 6, 3, 9600, 0x0f000000)
    return base64.b64encode(head + realm + names)


def exchange(c):
    """As much of an Exchange server as the script asks for."""
    c.say(b"220 ex01.corp.example Microsoft ESMTP MAIL Service ready\r\n")
    while line := c.hear_line():
        verb = line.split()[0].upper() if line.split() else b""
        if verb == b"EHLO":
            c.say(b"250-ex01.corp.example Hello [127.0.0.1]\r\n"
                  b"250-AUTH NTLM LOGIN\r\n250 8BITMIME\r\n")
        elif line.upper() == b"AUTH NTLM\r\n":
            c.say(b"334 ntlm supported\r\n")
            c.hear_line()
            c.say(b"334 " + challenge() + b"\r\n")
        elif verb == b"QUIT":
            c.say(b"221 2.0.0 ex01.corp.example closing\r\n")
            return
        else:
            c.say(b"500 5.3.3 Unrecognized command\r\n")


@case
def nmap_learns_no_windows_names(t):
    """A challenge cannot be rewritten: what is not allowed is not asked."""
    port = t.server(exchange).port
    direct = told(nmap(t, port, "--script", "+smtp-ntlm-info"))
    check("EX01" in direct and "CORP" in direct, direct)
    daemon = behind(t, port, MASK + 'auth-allow = {"LOGIN", "PLAIN"}')
    masked = told(nmap(t, daemon.port, "--script",
                       "+smtp-ntlm-info,+smtp-commands"))
    check("AUTH LOGIN, 8BITMIME" in masked, masked)
    check(not re.search("EX01|CORP|Microsoft", masked, re.I), masked)


main()
