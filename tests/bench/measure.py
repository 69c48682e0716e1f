"""One measurement: one candidate under one workload, once."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import machine
import workloads

FOREIGN_MAX = 0.3        # processors others may use before it is done again
ATTEMPTS = 3
RECORD_MAX_MB = 700      # of content, where it is all written to disk
WARM_OCTETS = 2000 << 20


class Sink:
    """The server behind: counts and verifies what comes."""

    def __init__(self, program, size):
        self.messages = 0        # since it was started
        self.process = subprocess.Popen(
            [program, str(size)], stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline().split()
        if ready[:1] != ["READY"]:
            raise RuntimeError("the sink did not start")
        self.port = int(ready[1])

    def counted(self):
        """What has come since the last call."""
        self.process.send_signal(signal.SIGUSR1)
        tally = json.loads(self.process.stdout.readline())
        self.messages += tally["messages"]
        return tally

    def stop(self):
        self.process.kill()
        self.process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class Course:
    """client -> candidate -> sink, running; use it with `with`."""

    def __init__(self, candidate, workload, build):
        self.candidate, self.workload = candidate, workload
        self.folder = build + "/bench"
        self.group = self.sink = self.work = None

    def __enter__(self):
        self.work = tempfile.mkdtemp(prefix="work.",
                                     dir=os.path.abspath(self.folder))
        try:
            self.sink = Sink(self.folder + "/sink", self.workload.size)
            self.start_candidate()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def start_candidate(self):
        self.port = free_port()
        command = self.candidate.command(self.port, self.sink.port, self.work)
        if command is None:
            self.port = self.sink.port
            return
        with open(self.work + "/log", "w") as log:
            self.group = machine.Group(command, log)
        self.wait_for_greeting()

    def wait_for_greeting(self):
        end = time.time() + 10
        while time.time() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 3) as s:
                    if s.recv(512).startswith(b"220"):
                        s.sendall(b"QUIT\r\n")
                        s.recv(512)
                        return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("%s does not answer: %s" % (
            self.candidate.name, machine.read(self.work + "/log")))

    def load(self, arguments, **more):
        return subprocess.Popen(
            [self.folder + "/load", "-p", str(self.port), "-s",
             str(self.workload.size)] + arguments,
            stdout=subprocess.PIPE, text=True, **more)

    def run(self, arguments):
        return json.loads(self.load(arguments).communicate()[0])

    def cpu_s(self):
        return self.group.cpu_s() if self.group else 0.0

    def wait_idle(self):
        if self.group:
            self.group.wait_idle()

    def stop_candidate(self):
        """Why what it leaves behind is not right; None: it is."""
        if not self.group:
            return None
        gently, self.group = self.group.stop(), None
        if not gently:
            return "did not stop"
        return self.candidate.lost(self.work, self.sink.messages)

    def __exit__(self, *unused):
        if self.group:
            self.group.stop()
        if self.sink:
            self.sink.stop()
        shutil.rmtree(self.work, ignore_errors=True)


def damage(load, tally):
    """What is wrong with what the sink got; None: nothing."""
    n = load["ids"]
    if load["sessions_failed"]:
        return "%d sessions failed: %s" % (
            load["sessions_failed"], load["error"])
    if tally["bad"]:
        return "%d messages changed on the way" % tally["bad"]
    if tally["messages"] != load["messages"]:
        return "%d messages sent, %d came" % (
            load["messages"], tally["messages"])
    if tally["id_sum"] != n * (n - 1) // 2:
        return "messages mixed up"
    return None


def load_arguments(course):
    arguments = course.workload.arguments.split()
    if course.candidate.records and course.workload.size > 16384:
        arguments += ["-m", str(RECORD_MAX_MB)]
        machine.warm_memory(WARM_OCTETS)
    return arguments


def measure_load(course):
    course.run(workloads.warm_up(course.workload))
    time.sleep(0.3)
    course.sink.counted()
    arguments = load_arguments(course)
    began, busy, cpu = time.time(), machine.busy_s(), course.cpu_s()
    with machine.PeakMemory(course.group) as memory:
        load = course.run(arguments)
        course.wait_idle()
    cpu = course.cpu_s() - cpu
    tally = course.sink.counted()
    foreign = (machine.busy_s() - busy - cpu - load["cpu_s"] - tally["cpu_s"])
    messages = max(load["messages"], 1)
    octets = max(load["body_octets"], 1)
    return dict(
        messages_s=load["messages"] / load["elapsed"],
        mb_s=load["body_octets"] / 1e6 / load["elapsed"],
        p50_ms=load["p50_us"] / 1e3, p99_ms=load["p99_us"] / 1e3,
        cpu_us=cpu / messages * 1e6, cpu_s_gb=cpu / octets * 1e9,
        rss_mb=memory.peak / 1e6,
        foreign=max(0.0, foreign / (time.time() - began)),
        wrong=damage(load, tally))


def measure_idle(course):
    clients = int(course.workload.arguments.split()[1])
    course.run("-c 20 -n 200".split())
    time.sleep(0.3)
    before = course.group.rss() if course.group else 0
    load = course.load(course.workload.arguments.split(),
                       stdin=subprocess.PIPE)
    idle = int(load.stdout.readline().split()[1])
    grown = course.group.rss() - before if course.group else 0
    cpu, began = course.cpu_s(), time.time()
    time.sleep(1)
    cpu = (course.cpu_s() - cpu) / (time.time() - began)
    ended = json.loads(load.communicate("\n")[0])
    course.sink.counted()
    return dict(sessions=idle, rss_octets=grown / max(idle, 1), cpu=cpu,
                foreign=0.0, wrong=None if ended["sessions_ok"] == clients else
                "%d of %d sessions ended well: %s" % (
                    ended["sessions_ok"], clients, ended["error"]))


def measure(candidate, workload, build):
    """A dict of figures; `wrong` is None or a sentence."""
    take = measure_idle if workloads.is_idle(workload) else measure_load
    for _ in range(ATTEMPTS):
        try:
            with Course(candidate, workload, build) as course:
                figures = take(course)
                figures["wrong"] = figures["wrong"] or course.stop_candidate()
        except (RuntimeError, OSError, ValueError) as e:
            return dict(wrong=str(e) or repr(e))
        if figures["wrong"] or figures["foreign"] < FOREIGN_MAX:
            break
    return figures
