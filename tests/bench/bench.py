#!/usr/bin/python3
"""Measures what stands between an SMTP client and an SMTP server.

    load -> candidate -> sink        (all on 127.0.0.1)

Candidates take turns in every round, in a new order each time, and are compared
within their round: ratios to haproxy hold where absolute figures depend on what
else the machine does. Exit 1 if an octet was lost, doubled, changed or mixed up.
"""
import argparse
import json
import random
import shutil
import statistics
import sys

import candidates
import machine
import syscalls
import workloads
from measure import FOREIGN_MAX, measure

REFERENCE = "haproxy"


def parse_arguments():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--build", default="build", help="where the programs are")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--loads", default="W1,W2,W3,W9",
                   help=", ".join(workloads.WORKLOADS))
    p.add_argument("--candidates", help="default: all that are installed")
    p.add_argument("--syscalls", action="store_true",
                   help="count system calls per message, too")
    p.add_argument("--self-test", action="store_true",
                   help="do damaged messages get noticed?")
    p.add_argument("--output", help="append each measurement here, as JSON")
    return p.parse_args()


def choose(arguments):
    known = candidates.all_candidates(arguments.build)
    names = (arguments.candidates.split(",") if arguments.candidates else known)
    chosen = []
    for name in names:
        if name not in known:
            sys.exit("no candidate %s; there are %s" % (name, ", ".join(known)))
        if known[name].missing():
            print("%s is left out: no %s" % (name, known[name].missing()))
        else:
            chosen.append(known[name])
    return chosen


def can(candidate, workload):
    return not workloads.is_idle(workload) or candidate.descriptors <= 2


def run_rounds(arguments, chosen, loads):
    """All measurements, as a list of dicts."""
    results = []
    for number in range(arguments.rounds):
        for name in loads:
            workload = workloads.WORKLOADS[name]
            todo = [c for c in chosen if can(c, workload)]
            random.shuffle(todo)
            for candidate in todo:
                result = measure(candidate, workload, arguments.build)
                result.update(round=number, load=name, name=candidate.name)
                results.append(result)
                note(arguments, result)
    return results


def note(arguments, result):
    if arguments.output:
        with open(arguments.output, "a") as f:
            f.write(json.dumps(result) + "\n")
    if sys.stderr.isatty():
        print("round %d %s %s" % (
            result["round"] + 1, result["load"], result["name"]),
            file=sys.stderr)


def median(results, key):
    values = [r[key] for r in results if key in r]
    return statistics.median(values) if values else float("nan")


def ratios(results, reference, key):
    """To the reference in the same round."""
    base = {r["round"]: r[key] for r in reference if r.get(key)}
    return [r[key] / base[r["round"]] for r in results
            if r.get(key) and r["round"] in base]


def times(values):
    if not values:
        return "-"
    if len(values) == 1:
        return "%.2f" % values[0]
    return "%.2f (%.2f-%.2f)" % (
        statistics.median(values), min(values), max(values))


def load_row(results, reference):
    return "%10.1f %8.1f %8.2f %8.2f %9.1f %7.2f %7.1f  %-18s %-18s %s" % (
        median(results, "messages_s"), median(results, "mb_s"),
        median(results, "p50_ms"), median(results, "p99_ms"),
        median(results, "cpu_us"), median(results, "cpu_s_gb"),
        median(results, "rss_mb"),
        times(ratios(results, reference, "cpu_us")),
        times(ratios(results, reference, "messages_s")),
        times(ratios(results, reference, "p50_ms")))


def idle_row(results, reference):
    return "%10.0f %14.0f %10.4f  %s" % (
        median(results, "sessions"), median(results, "rss_octets"),
        median(results, "cpu"), times(ratios(results, reference, "rss_octets")))


LOAD_HEAD = "%10s %8s %8s %8s %9s %7s %7s  %-18s %-18s %s" % (
    "messages/s", "MB/s", "p50 ms", "p99 ms", "CPU us/m", "s/GB", "RSS MB",
    "CPU x", "messages/s x", "p50 x")
IDLE_HEAD = "%10s %14s %10s  %s" % (
    "sessions", "octets/session", "CPU", "memory x")


def print_table(name, results, rounds):
    workload = workloads.WORKLOADS[name]
    idle = workloads.is_idle(workload)
    rows = {}
    for r in results:
        if r["load"] == name:
            rows.setdefault(r["name"], []).append(r)
    print("\n%s: %s; medians of %d, x: ratio to %s in the same round" % (
        name, workload.what, rounds, REFERENCE))
    print("%-15s %s" % ("", IDLE_HEAD if idle else LOAD_HEAD))
    for candidate, row in rows.items():
        figures = (idle_row if idle else load_row)(
            row, rows.get(REFERENCE, []))
        print("%-15s %s" % (candidate, figures))
        if median(row, "foreign") >= FOREIGN_MAX:
            print("%-15s   (others used %.1f processors meanwhile)" % (
                "", median(row, "foreign")))


def print_syscalls(chosen, loads, build):
    for name in loads:
        if name not in workloads.COUNTED:
            continue
        print("\n%s: system calls per message" % name)
        for candidate in chosen:
            if candidate.name == "direct":
                continue
            calls = syscalls.count(candidate, name, build)
            print("%-15s %7.1f  %s" % (
                candidate.name, sum(n for n, _ in calls), ", ".join(
                    "%s %.1f" % (call, n) for n, call in calls if n >= 0.05)))


def self_test(build):
    """Whether each way of damaging a message is noticed."""
    workload = workloads.Workload("", 20480, "-c 5 -k 3 -n 30 -w 3")
    missed = 0
    for fault in candidates.FAULTS + ("tiny",):
        wrong = measure(candidates.Damaging(fault), workload, build)["wrong"]
        missed += (wrong is None) == (fault != "tiny")
        print("%-8s %s" % (fault, wrong or "nothing wrong"))
    return missed


def main():
    arguments = parse_arguments()
    machine.enter_network()
    if arguments.self_test:
        sys.exit(1 if self_test(arguments.build) else 0)
    chosen = choose(arguments)
    loads = arguments.loads.split(",")
    for name in loads:
        if name not in workloads.WORKLOADS:
            sys.exit("no workload %s; there are %s" % (
                name, ", ".join(workloads.WORKLOADS)))
    results = run_rounds(arguments, chosen, loads)
    order = [c.name for c in chosen]
    results.sort(key=lambda r: order.index(r["name"]))
    for name in loads:
        print_table(name, results, arguments.rounds)
    if arguments.syscalls and shutil.which("strace"):
        print_syscalls(chosen, loads, arguments.build)
    wrong = [r for r in results if r["wrong"]]
    for r in wrong:
        print("WRONG: %s under %s: %s" % (r["name"], r["load"], r["wrong"]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
