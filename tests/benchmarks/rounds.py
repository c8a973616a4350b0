"""Rounds A B C … A B C …: whoever is measured in turn, and the medians of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .load import Load, LoadFault, begin, end, send
from .machine import SERVER_CORE, busy_seconds, cpu_seconds, resident_megabytes
from .servers import Server

WARM_SECONDS = 1
# Far enough from one round's beginning to the next one's that a write never meets the value that it writes.
_STRIDE = 7_919


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure."""

    rounds: int = 5
    seconds: int = 3
    connections: int = 8
    warm: int = WARM_SECONDS


@dataclass(frozen=True, slots=True)
class Lane:
    """A server and what it is sent; `beside` goes to it at the same time, over one connection."""

    name: str
    server: Server
    requests: Path
    beside: Path | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A lane in one round: requests a second, milliseconds, CPU milliseconds a request, megabytes.

    `others` is the share of the server's core that others took meanwhile.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    memory: float
    others: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


Rounds = Mapping[str, Sequence[Measured]]


def measured(lanes: Sequence[Lane], effort: Effort, faults: dict[str, str]) -> dict[str, list[Measured]]:
    """Each lane's rounds by its name, the lanes in turn within each round. Whose requests fail is a fault, and left out."""
    found: dict[str, list[Measured]] = {lane.name: [] for lane in lanes}
    for turn in range(effort.rounds + 1):
        for lane in lanes:
            seconds = effort.seconds if turn else effort.warm
            if seconds and lane.name in found:
                _take(found, lane, Load(lane.requests, seconds, effort.connections, turn * _STRIDE), faults)
        if turn:
            say("  " + "  ".join(f"{name} {rounds[-1].rate:,.0f}/s" for name, rounds in found.items()))
        else:
            for rounds in found.values():
                rounds.clear()
    return found


def _take(found: dict[str, list[Measured]], lane: Lane, load: Load, faults: dict[str, str]) -> None:
    try:
        found[lane.name].append(_loaded(lane, load))
    except LoadFault as fault:
        faults[lane.name] = str(fault)
        say(f"  {lane.name}: {fault}")
        del found[lane.name]


def _loaded(lane: Lane, load: Load) -> Measured:
    """Loads a server that is paused before and after."""
    server = lane.server
    server.resume()
    before, busy = cpu_seconds(server.process.pid), busy_seconds(SERVER_CORE)
    other = begin(Load(lane.beside, load.seconds, 1, load.start), server.port, server.token) if lane.beside else None
    try:
        sent = send(load, server.port, server.token)
    finally:
        beside = end(other) if other else None
    used, busy = cpu_seconds(server.process.pid) - before, busy_seconds(SERVER_CORE) - busy
    memory = resident_megabytes(server.process.pid)
    server.pause()
    requests = sent.requests + (beside.requests if beside else 0)
    return Measured(sent.rate, sent.p50, sent.p99, 1e3 * used / requests, memory, max(0.0, busy - used) / sent.seconds)


def medians(rounds: Sequence[Measured] | None) -> Measured | None:
    """The median of each number."""
    return Measured(*(median(getattr(one, name) for one in rounds) for name in Measured.__slots__)) if rounds else None


def ratio(one: Sequence[Measured] | None, other: Sequence[Measured] | None) -> float | None:
    """The median, over the rounds, of how many requests `one` answered for each that `other` did."""
    if not one or not other:
        return None
    return median(mine.rate / theirs.rate for mine, theirs in zip(one, other, strict=True))


def say(line: str) -> None:
    print(line, flush=True)
