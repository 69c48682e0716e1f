#!/usr/bin/python3
"""HUP: another configuration, whole or not at all; no mail is lost for it."""
import re
import signal
import socket

from front import Front, listener
from tap_harness import (BUILD, SANITIZED, Mailbox, case, check, equal,
                         main, scale, unused_port, wait_for)


def named(t, name):
    """The port of a mailbox that greets with its name."""
    return t.server(Mailbox(name=name)).port


def greeted(t, port, name):
    """A client that has come to the mailbox of this name."""
    c = t.connect(port)
    c.hear(b"220 %s ESMTP\r\n" % name)
    return c


def refused(port):
    """Nobody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass	# it is being closed
    return False


def deliver(c, subject=b"x"):
    for command, code in ((b"MAIL FROM:<a@x>", b"250"),
                          (b"RCPT TO:<b@y>", b"250"), (b"DATA", b"354")):
        c.ask(command, code)
    c.say(b"Subject: %s\r\n\r\nx\r\n" % subject)
    c.ask(b".", b"250")


# --- what changes, and for whom ---------------------------------------------


@case
def a_new_policy_is_for_new_sessions_only(t):
    def text(verb):
        return (f'policy "edge" {{ block = {{"{verb}"}} }}\n' +
                listener("mx", "127.0.0.1:0", port, 'policy = "edge"'))

    port = t.server(Mailbox()).port
    front = Front(t, text("NOOP"))
    before = t.connect(front.daemon.port)
    before.hear(b"220 mailbox.test ESMTP\r\n")
    before.ask(b"NOOP", b"502")
    front.reload(text("RSET"))
    after = t.connect(front.daemon.port)
    after.hear(b"220 mailbox.test ESMTP\r\n")
    for _ in range(2):
        after.ask(b"RSET", b"502")
        after.ask(b"NOOP", b"250")
        before.ask(b"NOOP", b"502")
        before.ask(b"RSET", b"250")
    before.quit()
    after.quit()


@case
def a_new_upstream_is_for_new_sessions_only(t):
    old, new = named(t, b"old.test"), named(t, b"new.test")
    front = Front(t, listener("mx", "127.0.0.1:0", old))
    before = greeted(t, front.daemon.port, b"old.test")
    line = front.reload(listener("mx", "127.0.0.1:0", new))
    check("1 listeners" in line, line)
    after = greeted(t, front.daemon.port, b"new.test")
    deliver(before)
    deliver(after)
    before.quit()
    after.quit()
    upstreams = {r["upstream"] for r in front.daemon.sessions(2)}
    equal(upstreams, {f"127.0.0.1:{old}", f"127.0.0.1:{new}"}, "upstreams")


@case
def timeouts_are_those_of_the_beginning(t):
    port = named(t, b"mail.test")
    front = Front(t, listener("mx", "127.0.0.1:0", port))
    before = greeted(t, front.daemon.port, b"mail.test")
    front.reload(listener("mx", "127.0.0.1:0", port, "idle-timeout = 200ms"))
    after = greeted(t, front.daemon.port, b"mail.test")
    check(after.hear_all().startswith(b"421 4.4.2 "), "no 421 4.4.2")
    deliver(before)
    before.quit()


@case
def a_listener_is_added_and_another_removed(t):
    one, two = named(t, b"one.test"), named(t, b"two.test")
    first, second = unused_port(), unused_port()
    front = Front(t, listener("one", first, one))
    live = greeted(t, first, b"one.test")
    check(refused(second), "who listens there?")
    front.reload(listener("one", first, one) + listener("two", second, two))
    greeted(t, second, b"two.test").quit()
    greeted(t, first, b"one.test").quit()
    front.reload(listener("two", second, two))
    check(refused(first), "the listener that was removed still listens")
    greeted(t, second, b"two.test").quit()
    deliver(live)
    live.quit()
    names = [r["listener"] for r in front.daemon.sessions(4)]
    equal(sorted(names), ["one", "one", "two", "two"], "listeners")
    lines = re.findall(r"sid=.* listener=(\S+)", front.daemon.text())
    equal(sorted(lines), ["one", "one", "two", "two"], "listener= of the log")


@case
def who_waits_at_a_listener_that_is_removed_is_served(t):
    port, other = unused_port(), unused_port()
    upstream = named(t, b"mail.test")
    front = Front(t, "threads = 2\n" + listener("mx", port, upstream))
    front.daemon.signal(signal.SIGSTOP)
    waiting = [t.connect(port) for _ in range(8)]	# the kernel accepts
    front.write("threads = 2\n" + listener("mx", other, upstream))
    front.daemon.signal(signal.SIGHUP)
    front.daemon.signal(signal.SIGCONT)
    for c in waiting:
        c.hear(b"220 mail.test ESMTP\r\n")
        deliver(c)
        c.quit()
    wait_for(lambda: refused(port), "the end of the listener")
    greeted(t, other, b"mail.test").quit()


@case
def a_free_port_stays_the_one_it_was(t):
    upstream = named(t, b"mail.test")
    pair = listener("one", "127.0.0.1:0", upstream), \
        listener("two", "127.0.0.1:0", upstream)
    front = Front(t, "".join(pair))
    ports = [int(a.rpartition(":")[2]) for a in front.daemon.listens]
    front.reload("".join(reversed(pair)))
    for port in ports:
        greeted(t, port, b"mail.test").quit()
    names = {r["listener"] for r in front.daemon.sessions(2)}
    equal(names, {"one", "two"}, "listeners")
    front.reload(pair[1])
    check(refused(ports[0]), "one still listens")
    greeted(t, ports[1], b"mail.test").quit()


@case
def an_address_goes_over_to_another_listener(t):
    one, two = named(t, b"one.test"), named(t, b"two.test")
    first, second = unused_port(), unused_port()
    front = Front(t, listener("one", first, one) + listener("two", second, two))
    front.reload(listener("one", second, one) + listener("two", first, two))
    greeted(t, second, b"one.test").quit()
    greeted(t, first, b"two.test").quit()


@case
def the_ready_line_has_all_addresses_in_their_order(t):
    upstream = named(t, b"mail.test")
    ports = [unused_port() for _ in range(3)]
    text = listener("one", ports[0], upstream).replace(
        '"}', f'", "127.0.0.1:{ports[1]}"}}') + \
        listener("two", ports[2], upstream)
    front = Front(t, text)
    equal(front.daemon.listens, [f"127.0.0.1:{p}" for p in ports], "addresses")


@case
def a_listener_has_places_of_its_own_over_a_reload(t):
    upstream = named(t, b"mail.test")
    few, many = unused_port(), unused_port()
    text = listener("few", few, upstream, "max-sessions = 2") + \
        listener("many", many, upstream)
    front = Front(t, text)
    held = [greeted(t, few, b"mail.test") for _ in range(2)]
    check(t.connect(few).hear_all().startswith(b"421 4.3.2 "), "no 421")
    greeted(t, many, b"mail.test").quit()
    front.reload(text)
    check(t.connect(few).hear_all().startswith(b"421 4.3.2 "),
          "the reload has forgotten who was there")
    held[0].quit()
    wait_for(lambda: t.connect(few).hear_line().startswith(b"220"),
             "a free place")


# --- the first one -----------------------------------------------------------


def begins(t, text):
    """The status and the log of smtptapd that cannot begin with this file."""
    path = t.dir / "first.conf"
    path.write_text(text)
    done = t.run(BUILD / "smtptapd", "--config", path, status=None, seconds=20)
    return done.returncode, done.stderr.decode()


@case
def what_keeps_it_from_beginning_has_its_code(t):
    none = 'record {\n    file = "none"\n}\n'
    port, free = t.listen().getsockname()[1], unused_port()
    lost = listener("mx", 0, 25).replace("127.0.0.1:25", "no-such.invalid")
    for status, word, text in (
            (78, ":1: ", "mistake = yes\n" + none + listener("mx", 0, 25)),
            (78, "circle", none + listener("mx", free, free)),
            (69, "no-such.invalid", none + lost),
            (69, f"127.0.0.1:{port}", none + listener("mx", port, 25)),
            (73, "/nonexistent/x.db", none.replace("none", "/nonexistent/x.db")
             + listener("mx", 0, 25))):
        got, said = begins(t, text)
        equal(got, status, f"status with {text}: {said}")
        check(word in said, f"{said!r} does not say {word!r}")


# --- what is refused ---------------------------------------------------------


def goes_on(t, port):
    c = greeted(t, port, b"mail.test")
    deliver(c)
    c.quit()


@case
def a_broken_file_is_refused_and_the_old_one_goes_on(t):
    port, other = unused_port(), unused_port()
    upstream = named(t, b"mail.test")
    front = Front(t, listener("mx", port, upstream))
    live = greeted(t, port, b"mail.test")
    line = front.reload(listener("mx", other, upstream) + "mistake = yes\n",
                        "reload refused: ")
    check(re.search(r"smtptap\.conf:\d+: .*mistake", line), line)
    check("the old configuration goes on" in line, line)
    check(refused(other), "half of it is in use")
    goes_on(t, port)
    front.path.unlink()
    front.hup("reload refused: ")
    goes_on(t, port)
    deliver(live)
    live.quit()
    front.reload(listener("mx", other, upstream))
    goes_on(t, other)
    check(refused(port), "the old one goes on")
    front.daemon.stop()


@case
def an_address_in_use_refuses_the_whole(t):
    port, free = unused_port(), unused_port()
    upstream = named(t, b"mail.test")
    front = Front(t, listener("mx", port, upstream))
    taken = t.listen().getsockname()[1]
    line = front.reload(listener("free", free, upstream) +
                        listener("taken", taken, upstream) +
                        listener("mx", port, upstream), "reload refused: ")
    check(f"127.0.0.1:{taken}" in line, line)
    check(refused(free), "a part of it is in use")
    goes_on(t, port)
    front.daemon.sessions(1)
    before = front.daemon.descriptors()
    front.hup("reload refused: ")
    equal(front.daemon.descriptors(), before, "descriptors")
    front.daemon.stop()


@case
def an_upstream_that_cannot_be_found_refuses_the_whole(t):
    """`.invalid` never is (RFC 6761). Sessions go on while it is looked up."""
    port = unused_port()
    upstream = named(t, b"mail.test")
    front = Front(t, listener("mx", port, upstream))
    front.write(listener("mx", port, upstream) +
                listener("lost", unused_port(), 25).replace(
                    "127.0.0.1:25", "no-such-host.invalid:25"))
    front.daemon.signal(signal.SIGHUP)
    goes_on(t, port)
    line = wait_for(front.line, "a line about the reload")
    for word in ("refused", "lost", "no-such-host.invalid"):
        check(word in line, f"{line!r} does not say {word!r}")
    front.reload(listener("mx", port, upstream))
    front.daemon.stop()


@case
def recording_and_threads_stay_as_they_were(t):
    port = unused_port()
    upstream = named(t, b"mail.test")
    mx = listener("mx", port, upstream)
    front = Front(t, "threads = 2\n" + mx)
    for text, word in (("threads = 3\n" + mx, "threads"),
                       ("threads = 2\n" + mx + 'record {\n    file = "none"\n'
                        '}\n', "recording")):
        check(word in front.reload(text, "reload refused: "), word)
        goes_on(t, port)
    equal(len(front.daemon.sessions(2)), 2, "recorded sessions")
    front.daemon.stop()


@case
def without_a_file_there_is_nothing_to_reload(t):
    mailbox = Mailbox()
    daemon = t.smtptapd(t.server(mailbox).port)
    daemon.signal(signal.SIGHUP)
    wait_for(lambda: "nothing to reload" in daemon.text(), "a line of log")
    t.swaks(daemon.port)
    equal(len(mailbox.messages), 1, "messages")


@case
def mail_does_not_run_in_a_circle(t):
    """One listener leads to another; but not back."""
    first, second = unused_port(), unused_port()
    upstream = named(t, b"mail.test")
    front = Front(t, listener("one", first, second) +
                  listener("two", second, upstream))
    goes_on(t, first)
    for text in (listener("one", first, second) +
                 listener("two", second, first),
                 listener("one", first, first)):
        line = front.reload(text, "reload refused: ")
        check("circle" in line, line)
    goes_on(t, first)
    front.daemon.stop()


# --- under way ----------------------------------------------------------------


@case
def hup_while_draining_changes_nothing(t):
    port, other = unused_port(), unused_port()
    upstream = named(t, b"mail.test")
    front = Front(t, listener("mx", port, upstream))
    live = greeted(t, port, b"mail.test")
    front.daemon.signal(signal.SIGTERM)
    wait_for(lambda: refused(port), "the listener to close")
    front.reload(listener("mx", other, upstream), "is not reloaded")
    check(refused(other), "it listens again")
    deliver(live)
    live.quit()
    equal(front.daemon.wait(), 0, "status")


@case
def term_while_reloading_ends_in_order(t):
    """The reload waits for a name; who is there is served to the end."""
    port = unused_port()
    upstream = named(t, b"mail.test")
    front = Front(t, listener("mx", port, upstream))
    live = greeted(t, port, b"mail.test")
    front.write(listener("mx", port, 25).replace(
        "127.0.0.1:25", "no-such-host.invalid:25"))
    front.daemon.signal(signal.SIGHUP)
    front.daemon.signal(signal.SIGTERM)
    wait_for(lambda: refused(port), "the listener to close")
    deliver(live)
    live.quit()
    equal(front.daemon.wait(), 0, "status")


@case
def the_drain_timeout_is_the_newest(t):
    port = unused_port()
    upstream = named(t, b"mail.test")
    front = Front(t, listener("mx", port, upstream))
    live = greeted(t, port, b"mail.test")
    front.reload("drain-timeout = 200ms\n" + listener("mx", port, upstream))
    front.daemon.signal(signal.SIGTERM)
    check(live.hear_all().startswith(b"421 4.3.2 "), "no 421")
    live.close()
    equal(front.daemon.wait(), 0, "status")


@case
def of_many_hups_at_once_the_last_file_counts(t):
    """Those that come while one is under way are one more reload."""
    upstream = named(t, b"mail.test")
    ports = [unused_port() for _ in range(2)]
    front = Front(t, listener("mx", ports[0], upstream))
    for i in range(1, 102):
        front.write(listener("mx", ports[i % 2], upstream))
        front.daemon.signal(signal.SIGHUP)
    wait_for(lambda: refused(ports[0]) and not refused(ports[1]),
             "the last file")
    goes_on(t, ports[1])


def accepted(front, messages):
    rows = front.daemon.one("SELECT count(*) AS n, sum(accepted) AS accepted "
                            "FROM message")
    return rows if rows["accepted"] == messages else None


@case
def ten_reloads_lose_no_message_and_refuse_no_client(t):
    """30 sessions at a time, one message each, by smtp-source, which ends with
    an error if one is not served. Listeners come, go and change meanwhile."""
    messages = scale(6000, 1200)
    sinks = [t.smtp_sink("-c"), t.smtp_sink("-c")]
    port, other = unused_port(), unused_port()

    def text(i):
        more = listener("more", other, sinks[0]) if i % 2 else ""
        profile = ("asa", "mask", "strict")[i % 3]
        return (f'policy "edge" {{ profile = {profile} }}\n' + more +
                listener("mx", port, sinks[i % 2], 'policy = "edge"',
                         f"max-sessions = {100 + i}"))

    front = Front(t, text(0))
    argv, environment = t.postfix_tool("smtp-source")
    source = t.spawn("smtp-source", [
        *argv, "-s", "30", "-m", messages, "-f", "a@client.test", "-t",
        "b@server.test", f"127.0.0.1:{port}"], env=environment)
    seen = 0
    for i in range(10):
        wait_for(lambda: count(front) > seen + messages // 40 or
                 not source.running(), "sessions between two reloads")
        seen = count(front)
        check(source.running(), f"all was sent before reload {i}")
        front.reload(text(i + 1))
    equal(source.wait(120), 0, f"status of smtp-source; {source.text()}")
    wait_for(lambda: accepted(front, messages), f"{messages} messages")
    sessions = front.daemon.sessions(messages)
    equal(len(sessions), messages, "sessions")
    odd = {r["ended_by"] for r in sessions} - {"client", "server"}
    equal(odd, set(), "ends of sessions")
    both = {r["upstream"] for r in sessions}
    equal(both, {f"127.0.0.1:{s}" for s in sinks}, "upstreams")
    equal(front.daemon.gaps(), 0, "gaps")
    front.daemon.stop()
    t.smtptap("--db", front.db, "check")


def count(front):
    return front.daemon.one("SELECT count(*) AS n FROM session")["n"]


@case
def a_hundred_reloads_leave_nothing_behind(t):
    upstream = named(t, b"mail.test")
    ports = [unused_port() for _ in range(4)]

    def text(i):
        return listener("mx", ports[0], upstream) + "".join(
            listener(f"l{n}", ports[n], upstream)
            for n in range(1, 4) if i >> n & 1)

    front = Front(t, text(0))
    live = greeted(t, ports[0], b"mail.test")
    for i in range(20):
        front.reload(text(i))
    front.reload(text(0))
    before = front.daemon.descriptors(), front.daemon.proc("VmRSS")
    for i in range(80):
        front.reload(text(i))
    front.reload(text(0))
    after = front.daemon.descriptors(), front.daemon.proc("VmRSS")
    equal(after[0], before[0], "descriptors")
    check(SANITIZED or after[1] <= before[1] + 512,
          f"resident memory grew from {before[1]} to {after[1]} KiB")
    deliver(live)
    live.quit()
    front.daemon.stop()


main()
