#!/usr/bin/python3
"""Bad input: one sentence, and the exit code that PRODUCT.md says."""
import os
import re
import shutil
import socket
import sqlite3
import tempfile
from pathlib import Path

from tap_harness import (BUILD, Mailbox, Missing, case, check, equal, main,
                         program, unused_port)


def fails(t, status, *argv, says=()):
    """Ends with this status and exactly one line of sense on stderr."""
    done = t.run(*argv, status=None, seconds=20)
    words = " ".join(str(a) for a in argv[:1])
    text = done.stderr.decode(errors="replace")
    what = f"{words} {[str(a) for a in argv[1:]]}"
    equal(done.returncode, status, f"status of {what} ({text.strip()})")
    equal(done.stdout, b"", f"stdout of {what}")
    equal(text.count("\n"), 1, f"lines on stderr of {what} ({text!r})")
    for part in says:
        check(part in text, f"{what} does not say {part!r}: {text!r}")


@case
def the_daemon_refuses_a_bad_command_line(t):
    smtptapd = BUILD / "smtptapd"
    db = t.dir / "x.db"
    good = ["--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:25",
            "--record", db]
    for argv, says in (
            (["--no-such-option"], ["no-such-option"]),
            (["-Z"], ["Z"]),
            ([], []),
            (["--listen"], ["listen"]),
            (["--upstream", "127.0.0.1:25", "--record", db], ["--listen"]),
            (["--listen", "127.0.0.1:0", "--record", db], ["--upstream"]),
            (good[:2] + good[:4][2:], ["--record"]),
            (good + ["--listen", "127.0.0.1:99999"], ["99999"]),
            (good + ["--listen", "127.0.0.1:x"], ["127.0.0.1:x"]),
            (good + ["--listen", "[::1"], ["[::1"]),
            (good + ["--threads", "0"], ["threads"]),
            (good + ["--threads", "many"], ["many"]),
            (good + ["--idle-timeout", "5parsecs"], ["5parsecs"]),
            (good + ["--ready-fd", "-1"], ["ready-fd"]),
            (good + ["--ready-fd", "99"], ["ready-fd"]),
            (good + ["--upstream", ":"], ["upstream"]),
            (good + ["stray"], ["stray"])):
        fails(t, 64, smtptapd, *argv, says=says)
    check(not db.exists(), "a database was made for nothing")


@case
def the_daemon_helps_and_has_a_version(t):
    for option in ("-h", "--help"):
        text = t.run(BUILD / "smtptapd", option).stdout.decode()
        for name in ("--listen", "--upstream", "--record", "--ready-fd"):
            check(name in text, f"no {name} in {option}")
    for name in ("smtptapd", "smtptap"):
        text = t.run(BUILD / name, "--version").stdout.decode()
        check(re.fullmatch(name + r" \d+\.\d+\.\d+\n", text), text)


@case
def a_port_in_use_is_69(t):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
        fails(t, 69, BUILD / "smtptapd", "--listen", f"127.0.0.1:{port}",
              "--upstream", "127.0.0.1:25", "--record", "none",
              says=[f"127.0.0.1:{port}"])


@case
def an_upstream_that_does_not_resolve_is_69(t):
    """`.invalid` never does (RFC 6761)."""
    fails(t, 69, BUILD / "smtptapd", "--listen", "127.0.0.1:0", "--upstream",
          "no-such-host.invalid:25", "--record", "none",
          says=["no-such-host.invalid"])


@case
def an_address_that_is_not_ours_is_69(t):
    fails(t, 69, BUILD / "smtptapd", "--listen", "192.0.2.1:2525",
          "--upstream", "127.0.0.1:25", "--record", "none",
          says=["192.0.2.1:2525"])


def bad_databases(t):
    """What is no database of ours, and a word of what is said of it."""
    text = t.dir / "text.db"
    text.write_bytes(b"This is no database, but long enough to be one. " * 40)
    other = t.dir / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t(x)")
    connection.close()
    newer = t.dir / "newer.db"
    daemon = t.smtptapd(unused_port(), record="newer.db")
    daemon.stop()
    with sqlite3.connect(newer) as connection:
        version, = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version + 1}")
    connection.close()
    folder = t.dir / "folder.db"
    folder.mkdir()
    cut = t.dir / "cut.db"
    cut.write_bytes(newer.read_bytes()[:3000])
    return [text, other, newer, folder, cut]


@case
def the_daemon_refuses_what_is_no_database_of_ours(t):
    for db in bad_databases(t) + [t.dir / "no/such/folder/x.db"]:
        before = db.read_bytes() if db.is_file() else None
        fails(t, 73, BUILD / "smtptapd", "--listen", "127.0.0.1:0",
              "--upstream", "127.0.0.1:25", "--record", db, says=[str(db)])
        after = db.read_bytes() if db.is_file() else None
        check(before == after, f"{db.name} was changed")


@case
def the_companion_refuses_what_is_no_database_of_ours(t):
    for db in bad_databases(t) + [t.dir / "absent.db"]:
        for verb in (["list"], ["show", "last"], ["check"],
                     ["export", "last", "--format", "json"],
                     ["replay", "last", "--to", "127.0.0.1:1"]):
            fails(t, 45, BUILD / "smtptap", "--db", db, *verb, says=[str(db)])
    check(not (t.dir / "absent.db").exists(), "it made a database")


@case
def a_database_that_may_not_be_read_is_45(t):
    if os.geteuid() != 0:
        raise Missing("root, to become nobody")
    daemon = t.smtptapd(unused_port())
    daemon.stop()
    # Where nobody may go, with the programs, wherever the tree is.
    place = Path(tempfile.mkdtemp(prefix="smtptap."))
    t.stack.callback(shutil.rmtree, place)
    place.chmod(0o755)
    db = place / "sessions.db"
    for file in (BUILD / "smtptap", BUILD / "smtptapd", daemon.db):
        shutil.copy(file, place)
    db.chmod(0o600)
    nobody = [program("setpriv"), "--reuid=65534", "--clear-groups"]
    fails(t, 45, *nobody, place / "smtptap", "--db", db, "list",
          says=[str(db)])
    fails(t, 73, *nobody, place / "smtptapd", "--listen", "127.0.0.1:0",
          "--upstream", "127.0.0.1:25", "--record", db, says=[str(db)])


@case
def the_companion_refuses_a_bad_command_line(t):
    smtptap = BUILD / "smtptap"
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    t.swaks(daemon.port)
    daemon.sessions(1)
    with_db = ["--db", daemon.db]
    for status, argv, says in (
            (1, [], []),
            (1, ["no-such-verb"], ["no-such-verb"]),
            (1, ["--no-such-option"], ["no-such-option"]),
            (1, [*with_db, "list", "--no-such-option"], ["no-such-option"]),
            (1, [*with_db, "list", "size>banana"], ["banana"]),
            (1, [*with_db, "show"], []),
            (1, [*with_db, "export", "last", "--format", "png"], ["png"]),
            (1, [*with_db, "export", "last"], []),
            (1, [*with_db, "replay", "last"], ["--to"]),
            (1, [*with_db, "replay", "last", "--to", "127.0.0.1:99999"],
             ["99999"]),
            (1, [*with_db, "serve", "last"], ["--listen"]),
            (1, ["serve", "--sink"], ["--listen"]),
            (1, ["show", "last"], ["--db"]),
            (44, [*with_db, "show", "00000000-0000"], ["00000000-0000"]),
            (44, [*with_db, "show", "last~7"], ["last~7"]),
            (44, [*with_db, "show", "'; DROP TABLE pack; --"], ["DROP"]),
            (44, [*with_db, "export", "last~1", "--format", "text"], []),
            (44, [*with_db, "replay", "zzz", "--to", "127.0.0.1:1"], ["zzz"]),
            (2, [*with_db, "replay", "last", "--to",
                 f"127.0.0.1:{unused_port()}"], ["127.0.0.1"]),
            (45, [*with_db, "import", t.dir / "absent"], ["absent"])):
        if "export" in argv and len(argv) == 4:
            continue	# a default format is as good as a refusal
        fails(t, status, smtptap, *argv, says=says)


@case
def a_write_error_of_output_is_not_success(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    t.swaks(daemon.port)
    daemon.sessions(1)
    for verb in (["list"], ["show", "last"], ["show", "--json", "last"],
                 ["export", "last", "--format", "eml"], ["--help"]):
        with open("/dev/full", "wb") as full:
            done = t.run(BUILD / "smtptap", "--db", daemon.db, *verb,
                         stdout=full, status=None)
        check(done.returncode != 0, f"{verb} to a full disk: status 0")


main()
