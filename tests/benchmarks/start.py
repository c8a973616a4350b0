"""CPU time until a command is done, and until a server is ready: of this folder, and of others beside it, in turn.

.venv/bin/python -m tests.benchmarks.start 9 ../other-folder
"""

import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.connecting import PATIENCE, free_port

COMMANDS = (["--help"], ["token", "--help"], ["schema"], ["token", "list"], ["serve"])


def start(folder: Path, arguments: list[str], database: Path) -> float:
    """The CPU seconds of a command, which is stopped once it is ready where it serves."""
    began, port = _spent(), str(free_port())
    flags = ["--port", port] if arguments == ["serve"] else []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"GATEWAY_DATABASE_URL": f"sqlite:///{database}"}
    command = [".venv/bin/python", "-m", "gateway", *arguments, *flags]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        if flags:
            _await_ready(port)
            spent = _spent_by(process.pid)
            process.send_signal(signal.SIGTERM)
            return spent
    return _spent() - began


def _await_ready(port: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(port)


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _spent_by(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Prints the medians, a line a command, and how much of the last folder's time this one's is."""
    rounds, folders = int(sys.argv[1]), [Path.cwd(), *map(Path, sys.argv[2:])]
    with tempfile.TemporaryDirectory() as place:
        databases = [Path(place, f"{number}.db") for number in range(len(folders))]
        for folder, database in zip(folders, databases, strict=True):
            start(folder, ["token", "create", "--workspace", "A", "--role", "admin"], database)
        for arguments in COMMANDS:
            found: list[list[float]] = [[] for _ in folders]
            for _ in range(rounds):
                for times, folder, database in zip(found, folders, databases, strict=True):
                    times.append(start(folder, arguments, database))
            medians = [statistics.median(times) for times in found]
            print(f"{' '.join(arguments):14}", *[f"{each:.2f}" for each in medians], f"{medians[0] / medians[-1]:.2f}")


if __name__ == "__main__":
    main()
