"""Load by wrk, on a core of its own."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .machine import LOAD_CORE, pinned
from .workloads import Request

_SCRIPT = Path(__file__).with_name("replay.lua")
# Seconds for a server that a busy disk keeps waiting.
_LONGER = (10, 30)


class LoadFault(Exception):
    """wrk didn't run, or a server refused what it was asked."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send, how long (in whole seconds, as wrk counts), over how many connections, and with which request to begin."""

    requests: Path
    seconds: int
    connections: int = 8
    start: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a load: times in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def write_requests(path: Path, requests: Sequence[Request]) -> Path:
    """The file that `replay.lua` reads."""
    path.write_text("".join(f"{request.method}\t{request.path}\t{request.body}\n" for request in requests))
    return path


def begin(load: Load, port: int, token: str) -> "subprocess.Popen[str]":
    """wrk, loading the server at `port`. Raises LoadFault."""
    shape = ["-t1", f"-c{load.connections}", f"-d{load.seconds}s", "--timeout", "30s", "-s", str(_SCRIPT)]
    command = [*pinned(LOAD_CORE), "wrk", *shape, f"http://127.0.0.1:{port}", "--", str(load.requests), str(load.start), token]
    try:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as fault:
        raise LoadFault(f"{fault.filename} is not installed") from None


def end(process: "subprocess.Popen[str]") -> Sent:
    """What came of it, which may be nothing. Raises LoadFault, also where one answer was an error."""
    out, err = process.communicate()
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if process.returncode or not lines:
        raise LoadFault(f"wrk: {err or out}")
    told = json.loads(lines[-1])
    if told["failed"]:
        raise LoadFault(f"{told['failed']} of {told['requests']} requests failed")
    return Sent(told["requests"], told["microseconds"] / 1e6, told["p50"] / 1e3, told["p99"] / 1e3)


def send(load: Load, port: int, token: str) -> Sent:
    """Loads the server at `port`, longer where nothing is answered in the time. Raises LoadFault, also where one answer was an error."""
    for seconds in (load.seconds, *_LONGER):
        sent = end(begin(replace(load, seconds=seconds), port, token))
        if sent.requests:
            return sent
    raise LoadFault(f"nothing is answered in {_LONGER[-1]} seconds")
