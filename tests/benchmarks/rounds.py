"""Rounds A B C … A B C …: what each contender did in each of them, and the medians."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from .agreement import disagreements
from .contenders.catalog import Contender
from .data import FOLDER, Data
from .load import Load, LoadFault, send, write_requests
from .machine import cpu_seconds, resident_megabytes
from .servers import Server, ServerFault, running
from .workloads import Workload

WARM_SECONDS = 1.0
# Far enough from one round's beginning to the next one's that a write never meets the value that it writes.
_STRIDE = 7_919


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure."""

    workloads: Sequence[Workload]
    contenders: Sequence[Contender]
    rounds: int = 5
    seconds: float = 3.0
    connections: int = 8


@dataclass(frozen=True, slots=True)
class Measured:
    """A contender in one round of one workload: requests a second, milliseconds, CPU milliseconds a request, megabytes."""

    rate: float
    p50: float
    p99: float
    cpu: float
    memory: float


@dataclass(slots=True)
class Results:
    """`rounds[workload][contender]` in the order measured; `faults` says who couldn't take part, and why."""

    kind: str
    base: str
    rounds: dict[str, dict[str, list[Measured]]]
    faults: dict[str, str]

    def ratio(self, workload: str, one: str, other: str) -> float | None:
        """The median, over the rounds, of how many requests `one` answered for each that `other` did."""
        left, right = (self.rounds.get(workload, {}).get(name) for name in (one, other))
        if not left or not right:
            return None
        return median(mine.rate / theirs.rate for mine, theirs in zip(left, right, strict=True))

    def median(self, workload: str, contender: str) -> Measured | None:
        """The medians of each number."""
        found = self.rounds.get(workload, {}).get(contender)
        if not found:
            return None
        return Measured(*(median(getattr(one, name) for one in found) for name in Measured.__slots__))

    def as_json(self) -> dict[str, Any]:
        rounds = {
            workload: {name: [asdict(one) for one in found] for name, found in contenders.items()}
            for workload, contenders in self.rounds.items()
        }
        return {"database": self.kind, "base": self.base, "rounds": rounds, "faults": self.faults}


def measure(plan: Plan, data: Data) -> Results:
    """Starts all, proves that they agree, measures them in turn. Who doesn't start, or answers otherwise, is a fault and isn't measured."""
    results = Results(data.kind, plan.contenders[0].name, {}, {})
    with ExitStack() as stack:
        servers = _start(stack, plan.contenders, data, results.faults)
        for workload in plan.workloads:
            taking = [server for server in servers if workload.name in server.contender.workloads]
            if taking:
                _say(f"{workload.name} {workload.title}")
                taking = _agreeing(workload, data, taking, results.faults)
                results.rounds[workload.name] = _workload(plan, workload, data, taking)
    return results


def _agreeing(workload: Workload, data: Data, servers: Sequence[Server], faults: dict[str, str]) -> list[Server]:
    for server in servers:
        server.resume()
    found = disagreements(workload, data.sample, servers)
    for server in servers:
        server.pause()
    for name, difference in found.items():
        faults[f"{name}, {workload.name}"] = difference
        _say(f"  {name} disagrees: {difference}")
    return [server for server in servers if server.contender.name not in found]


def _start(stack: ExitStack, contenders: Sequence[Contender], data: Data, faults: dict[str, str]) -> list[Server]:
    servers = []
    for contender in contenders:
        try:
            servers.append(stack.enter_context(running(contender, data)))
        except ServerFault as fault:
            faults[contender.name] = str(fault)
            _say(f"{contender.name} takes no part: {fault}")
    if not servers:
        raise ServerFault("none of the contenders runs")
    return servers


def _workload(plan: Plan, workload: Workload, data: Data, servers: Sequence[Server]) -> dict[str, list[Measured]]:
    path = write_requests(FOLDER / f"{data.kind}-{data.rows}-{workload.name}.requests", workload.requests(data.sample))
    found: dict[str, list[Measured]] = {server.contender.name: [] for server in servers}
    for server in servers:
        _one(server, Load(path, WARM_SECONDS, plan.connections))
    for turn in range(1, plan.rounds + 1):
        for server in servers:
            found[server.contender.name].append(_one(server, Load(path, plan.seconds, plan.connections, turn * _STRIDE)))
        _say("  " + "  ".join(f"{name} {measured[-1].rate:,.0f}/s" for name, measured in found.items()))
    return found


def _one(server: Server, load: Load) -> Measured:
    """Loads a server that is paused before and after."""
    server.resume()
    before = cpu_seconds(server.process.pid)
    try:
        sent = send(load, server.port, server.token)
    except LoadFault as fault:
        raise LoadFault(f"{server.contender.name}, {load.requests.stem}: {fault}") from None
    used = cpu_seconds(server.process.pid) - before
    memory = resident_megabytes(server.process.pid)
    server.pause()
    return Measured(sent.rate, sent.p50, sent.p99, 1e3 * used / sent.requests, memory)


def _say(line: str) -> None:
    print(line, flush=True)
