"""The workloads by all contenders on one kind of database: started, proved to agree, measured in turn."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from .agreement import disagreements
from .contenders.catalog import Contender
from .data import FOLDER, Data
from .load import write_requests
from .rounds import Effort, Lane, Measured, Rounds, measured, medians, ratio, say
from .servers import Server, ServerFault, running
from .workloads import Workload

# A lane is a contender in a workload.
_LANE = "{} {}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Who and what; ratios are to the first contender."""

    workloads: Sequence[Workload]
    contenders: Sequence[Contender]
    effort: Effort


@dataclass(slots=True)
class Results:
    """`rounds[workload][contender]`, in the order measured; `faults` says who of the `contenders` couldn't take part, and why."""

    kind: str
    contenders: Sequence[str]
    rounds: dict[str, dict[str, list[Measured]]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """Whom ratios are to."""
        return self.contenders[0]

    def of(self, workload: str, contender: str) -> list[Measured] | None:
        return self.rounds.get(workload, {}).get(contender)

    def ratio(self, workload: str, one: str, other: str, than: str = "") -> float | None:
        """How many requests of `workload` `one` answers for each (of the workload `than`, if given) that `other` does."""
        return ratio(self.of(workload, one), self.of(than or workload, other))

    def median(self, workload: str, contender: str) -> Measured | None:
        return medians(self.of(workload, contender))

    def as_json(self) -> dict[str, Any]:
        return {
            workload: {name: [one.as_json() for one in found] for name, found in contenders.items()}
            for workload, contenders in self.rounds.items()
        }


def compare(plan: Plan, data: Data) -> Results:
    """Who doesn't start, or answers otherwise than the first, is a fault and isn't measured."""
    results = Results(data.kind, [contender.name for contender in plan.contenders])
    with ExitStack() as stack:
        servers = _start(stack, plan.contenders, data, results.faults)
        for _, workloads in groupby(plan.workloads, lambda workload: workload.beside or workload.name):
            _together(list(workloads), plan.effort, data, servers, results)
    return results


def _start(stack: ExitStack, contenders: Sequence[Contender], data: Data, faults: dict[str, str]) -> list[Server]:
    servers = []
    for contender in contenders:
        try:
            servers.append(stack.enter_context(running(contender, data)))
        except ServerFault as fault:
            faults[contender.name] = str(fault)
            say(f"{contender.name} takes no part: {fault}")
    if not servers:
        raise ServerFault("none of the contenders runs")
    return servers


def _together(workloads: Sequence[Workload], effort: Effort, data: Data, servers: Sequence[Server], results: Results) -> None:
    """Workloads that are compared with each other, a contender's one after the other."""
    for workload in workloads:
        say(f"{workload.name} {workload.title}")
    agreeing = {workload.name: _agreeing(workload, data, servers, results.faults) for workload in workloads}
    paths = {workload.name: requests_file(workload, data) for workload in workloads}
    lanes = [
        Lane(_LANE.format(name, server.contender.name), server, paths[name])
        for server in servers
        for name, taking in agreeing.items()
        if server in taking
    ]
    found = measured(lanes, effort, results.faults)
    for name, taking in agreeing.items():
        results.rounds[name] = dict(_of(name, taking, found))


def _of(workload: str, servers: Sequence[Server], found: Rounds) -> Iterator[tuple[str, list[Measured]]]:
    for server in servers:
        lane = _LANE.format(workload, server.contender.name)
        if lane in found:
            yield server.contender.name, list(found[lane])


def _agreeing(workload: Workload, data: Data, servers: Sequence[Server], faults: dict[str, str]) -> list[Server]:
    taking = [server for server in servers if workload.name in server.contender.workloads]
    if not taking:
        return []
    for server in taking:
        server.resume()
    found = disagreements(workload, data.sample, taking)
    for server in taking:
        server.pause()
    for name, difference in found.items():
        faults[f"{name}, {workload.name}"] = difference
        say(f"  {name} disagrees: {difference}")
    return [server for server in taking if server.contender.name not in found]


def requests_file(workload: Workload, data: Data) -> Path:
    return write_requests(FOLDER / f"{data.kind}-{data.rows}-{workload.name}.requests", workload.requests(data.sample))
