"""The machine: which core does what, what a process has used, and what all of it is called."""

import os
import platform
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

# The server has one core, whatever makes it work (the load, PostgreSQL) the other.
SERVER_CORE, LOAD_CORE = 0, 1

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def pinned(core: int) -> list[str]:
    """What a command is begun with to run on `core` alone; nothing on a machine that has but one."""
    return ["taskset", "-c", str(core)] if (os.cpu_count() or 1) > 1 and shutil.which("taskset") else []


def pin(process_id: int, core: int) -> None:
    """Moves a running process and its children to `core`."""
    if (os.cpu_count() or 1) > 1:
        for member in family(process_id):
            os.sched_setaffinity(member, {core})


def family(process_id: int) -> Iterator[int]:
    """A process and all below it."""
    yield process_id
    for task in Path(f"/proc/{process_id}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def cpu_seconds(process_id: int) -> float:
    """User and system time that a process, with all its threads, and its children have used."""
    return sum(time.clock_gettime(_clock(member)) for member in family(process_id))


def _clock(process_id: int) -> int:
    """The CPU clock of another process, in nanoseconds where proc(5) counts hundredths (Linux; clock_getcpuclockid(3))."""
    return (~process_id << 3) | 2


def busy_seconds(core: int) -> float:
    """Time that `core` has worked for any process, or was kept from it by another guest (proc(5): no idling, no interrupts)."""
    lines = (line.split() for line in Path("/proc/stat").read_text().splitlines())
    user, nice, system, _, _, _, _, stolen = next(fields[1:9] for fields in lines if fields[0] == f"cpu{core}")
    return sum(int(ticks) for ticks in (user, nice, system, stolen)) / _TICKS


def resident_megabytes(process_id: int) -> float:
    """Memory that a process and its children hold, without the files that they have mapped (SQLite's pages are the kernel's)."""
    return sum(_anonymous(member) for member in family(process_id)) / 2**20


def _anonymous(process_id: int) -> int:
    resident, shared = (int(pages) for pages in Path(f"/proc/{process_id}/statm").read_text().split()[1:3])
    return (resident - shared) * _PAGE


def versions() -> dict[str, str]:
    """What the numbers were measured with."""
    return {
        "cores": str(os.cpu_count()),
        "processor": _processor(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "node": _says("node", "--version").removeprefix("v") or "none",
        "commit": _says("git", "rev-parse", "--short", "HEAD") or "unknown",
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _says(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
