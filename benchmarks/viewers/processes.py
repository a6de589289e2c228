"""CPU and memory of processes, from /proc."""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from benchmarks.viewers import cache


@dataclass(frozen=True, slots=True)
class Usage:
    """User and system time in seconds (in clock ticks, usually 10 ms)."""

    user: float = 0.0
    system: float = 0.0

    @property
    def total(self) -> float:
        return self.user + self.system

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.user + other.user, self.system + other.system)

    def __sub__(self, other: Usage) -> Usage:
        return Usage(self.user - other.user, self.system - other.system)


def usage(pids: list[int]) -> Usage:
    """Of all threads of these processes together; one that is gone counts nothing."""
    tick = os.sysconf("SC_CLK_TCK")
    found = Usage()
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        found += Usage(int(fields[11]) / tick, int(fields[12]) / tick)
    return found


def busy() -> float:
    """CPU seconds that the whole machine has worked since it started, without idling and waiting."""
    user, nice, system, _idle, _waiting, hard, soft, stolen = (
        int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + hard + soft + stolen) / os.sysconf("SC_CLK_TCK")


def unshared(pids: list[int]) -> int:
    """Bytes of memory that are these processes' own. Pages that they share with others (libraries) do not count: how
    they are divided changes whenever any other program that uses them comes or goes."""
    return sum(_unshared(pid) for pid in pids)


def _unshared(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))


def descendants(pid: int) -> list[int]:
    """A process and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def carry_nice(pid: int) -> None:
    """Make this process's nice value that of a whole session (sched(7), autogroup). Where Linux groups processes by
    session, and each service here has one, `nice` before a command would say nothing against other sessions."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(os.getpriority(os.PRIO_PROCESS, 0)))


def machine() -> dict[str, object]:
    """What a figure was measured on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "cache_ns": cache.latency(),
    }
