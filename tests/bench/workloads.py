"""What the load generator is told to do: one row per workload."""
import collections

KB, MB = 1024, 1024 * 1024

Workload = collections.namedtuple("Workload", "what size arguments")

WORKLOADS = {
    "W0": Workload("1 KB, 1 message a session, 1 client: the delay a relay adds",
                   KB, "-c 1 -k 1 -t 2"),
    "W1": Workload("1 KB, 1 message a session, 50 clients",
                   KB, "-c 50 -k 1 -t 3"),
    "W2": Workload("20 KB, 5 messages a session, 100 clients, pipelined",
                   20 * KB, "-c 100 -k 5 -P -t 3"),
    "W3": Workload("10 MB by DATA, 1 message a session, 4 clients",
                   10 * MB, "-c 4 -k 1 -t 3"),
    "W4": Workload("10 MB by BDAT of 1 MB, 1 message a session, 4 clients",
                   10 * MB, "-c 4 -k 1 -P -b 1048576 -t 3"),
    "W5": Workload("9500 sessions idle after EHLO: memory",
                   KB, "-c 9500 -i"),
    "W6": Workload("4 KB in steps of 512 octets every 100 ms, 1000 clients",
                   4 * KB, "-c 1000 -k 1 -n 3000 -D 100 -O 512"),
    "W7": Workload("20 KB, 4 endless sessions, pipelined across messages",
                   20 * KB, "-c 4 -k 1000000 -PP -t 3"),
    "W8": Workload("10 MB, 4 endless sessions, pipelined across messages",
                   10 * MB, "-c 4 -k 1000000 -PP -t 3"),
    "W9": Workload("1 KB, 50 messages a session, 50 clients",
                   KB, "-c 50 -k 50 -t 3"),
}

# The same for a run under strace: few messages, of which none is cut off.
COUNTED = {
    "W1": "-c 50 -k 1 -n 1000",
    "W2": "-c 100 -k 5 -n 400 -P",
    "W3": "-c 4 -k 1 -n 60",
    "W9": "-c 50 -k 50 -n 100",
}


def is_idle(workload):
    return "-i" in workload.arguments.split()


def without(arguments, *options):
    """The arguments without these options, which have a value each."""
    words, kept = arguments.split(), []
    while words:
        word = words.pop(0)
        if word in options:
            words.pop(0)
        else:
            kept.append(word)
    return kept


def warm_up(workload):
    """Something like the workload, for a moment."""
    if "-D" in workload.arguments:
        return "-c 100 -k 1 -t 0.5".split()
    return without(workload.arguments, "-t", "-n") + ["-t", "0.7"]
