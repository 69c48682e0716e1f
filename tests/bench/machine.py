"""The machine: who uses its processors, and a network to measure in."""
import mmap
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def read(path):
    with open(path) as f:
        return f.read()


def busy_s():
    """Seconds all processors have worked, for whomever."""
    v = [int(x) for x in read("/proc/stat").split("\n", 1)[0].split()[1:]]
    return (v[0] + v[1] + v[2] + v[5] + v[6]) / TICK


def warm_memory(octets):
    """Touch that much memory and give it back.

    On virtual machines that hand free memory back to the host, the first write
    to a page is many times slower than on hardware; without this, the price of
    the page cache drowns what a recorder costs.
    """
    megabyte = b"\1" * (1 << 20)
    with mmap.mmap(-1, octets) as m:
        for _ in range(octets >> 20):
            m.write(megabyte)


def enter_network():
    """Start over in a network namespace of our own, as root: only our traffic
    is on lo, and congestion control is a plain one (BBR paces even there)."""
    if os.environ.get("BENCH_NETWORK") == "own":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for name, value in (("ipv4/tcp_congestion_control", "cubic"),
                            ("ipv4/tcp_congestion_control", "reno"),
                            ("ipv4/ip_local_port_range", "30000 65000"),
                            ("core/somaxconn", "4096")):
            try:
                with open("/proc/sys/net/" + name, "w") as f:
                    f.write(value)
            except OSError:
                pass        # not compiled in: keep what there is
    elif os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip"):
        os.environ["BENCH_NETWORK"] = "own"
        os.execvp("unshare", ["unshare", "-n", sys.executable] + sys.argv)


class Group:
    """Processes and their children: their processor time and memory.

    The time comes from a control group where one can be made (exact, and
    complete for processes that are gone), else from /proc.
    """
    ROOTS = (("/sys/fs/cgroup/cpuacct", "cpuacct.usage"),
             ("/sys/fs/cgroup/cpu,cpuacct", "cpuacct.usage"),
             ("/sys/fs/cgroup", "cpu.stat"))

    def __init__(self, command, log):
        self.folder = self.clock = None
        self.make_folder()
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self.join)
        except OSError:
            self.remove()
            raise

    def make_folder(self):
        for root, clock in self.ROOTS:
            folder = "%s/smtptap-bench.%d" % (root, os.getpid())
            try:
                os.mkdir(folder)
            except OSError:
                continue
            if os.path.exists(folder + "/" + clock):
                self.folder, self.clock = folder, clock
                return
            os.rmdir(folder)

    def join(self):
        """Runs in the child before exec: it and its children belong to us."""
        if self.folder:
            with open(self.folder + "/cgroup.procs", "w") as f:
                f.write(str(os.getpid()))

    def pids(self):
        if self.folder:
            return [int(x) for x in read(self.folder + "/cgroup.procs").split()]
        children, todo, found = {}, [self.process.pid], []
        for pid, fields in self.stats().items():
            children.setdefault(int(fields[1]), []).append(pid)
        while todo:
            found.append(todo.pop())
            todo += children.get(found[-1], [])
        return found

    @staticmethod
    def stats():
        """Fields of /proc/PID/stat behind the name, by pid."""
        out = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                out[int(pid)] = read("/proc/%s/stat" % pid).rsplit(
                    ")", 1)[1].split()
            except OSError:
                pass         # it has just ended
        return out

    def cpu_s(self):
        if not self.folder:
            stats = self.stats()
            return sum(int(x) for pid in self.pids() if pid in stats
                       for x in stats[pid][11:15]) / TICK
        text = read(self.folder + "/" + self.clock).split()
        return int(text[0]) / 1e9 if len(text) == 1 else int(text[1]) / 1e6

    def rss(self):
        total = 0
        for pid in self.pids():
            try:
                total += int(read("/proc/%d/statm" % pid).split()[1]) * PAGE
            except OSError:
                pass
        return total

    def wait_idle(self):
        """Until it has finished what it still does; at most 4 s."""
        last, calm = self.cpu_s(), 0
        for _ in range(40):
            time.sleep(0.1)
            now = self.cpu_s()
            calm = calm + 1 if now - last < 0.002 else 0
            last = now
            if calm == 2:
                break

    def stop(self):
        """TERM, and KILL after ten seconds; whether TERM was enough."""
        for sig, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            for pid in self.pids():
                try:
                    os.kill(pid, sig)
                except ProcessLookupError:
                    pass
            try:
                self.process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                pass
        self.remove()
        return sig == signal.SIGTERM

    def remove(self):
        for _ in range(50 if self.folder else 0):
            try:
                os.rmdir(self.folder)
                break
            except OSError:
                time.sleep(0.05)


class PeakMemory(threading.Thread):
    """Samples a group's memory; use it with `with`. No group: stays 0."""

    def __init__(self, group):
        super().__init__(daemon=True)
        self.group, self.peak, self.over = group, 0, threading.Event()

    def run(self):
        while self.group and not self.over.wait(0.1):
            self.peak = max(self.peak, self.group.rss())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.over.set()
        self.join()
