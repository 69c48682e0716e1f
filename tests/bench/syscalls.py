"""System calls per message, counted by strace.

The counts are exact, but the load runs slower than without strace, so calls
that several events can share (epoll_wait, reads and writes of large bodies)
come out somewhat higher than at full speed.
"""
import subprocess

import measure
import workloads


def attach(course, path):
    command = ["strace", "-f", "-c", "-U", "name,calls", "-o", path]
    for pid in course.group.pids():
        command += ["-p", str(pid)]
    strace = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    strace.stderr.readline()         # "attached": from here on it counts
    return strace


def read_table(path):
    calls = {}
    with open(path) as f:
        for line in f:
            words = line.split()
            if len(words) == 2 and words[1].isdigit() and words[0] != "total":
                calls[words[0]] = int(words[1])
    return calls


def count(candidate, name, build):
    """Calls per message by system call, most frequent first."""
    with measure.Course(candidate, workloads.WORKLOADS[name], build) as course:
        course.run("-c 4 -n 20".split())
        path = course.work + "/strace"
        strace = attach(course, path)
        load = course.run(workloads.COUNTED[name].split())
        course.wait_idle()
        strace.terminate()
        strace.communicate()
        calls = read_table(path)
    return sorted(((n / load["messages"], call) for call, n in calls.items()),
                  reverse=True)
