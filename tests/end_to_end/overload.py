"""More than a gateway can do, and clients that hold on to it: it does what it can, refuses the rest, and others don't notice.

`python -m tests.end_to_end.overload --seconds 10` is the long form: what one gateway can do (closed loop), then twice and five times that
(open loop), then hundreds of connections that are silent, stop half way, or never read, beside clients that behave.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gateway.seed import SeedSpec, seed
from tests.connecting import beside, connected
from tests.end_to_end.fleet import access, fresh, serving
from tests.end_to_end.http_client import Connections, Told, closed_loop, get, open_loop, post

DEALS = 5_000
CLIENTS = 8
#: A page that costs some milliseconds: joined, batched, and counted each time.
PAGE = """{ opportunities(first: 100, filter: {name: {contains: "e"}}, orderBy: {field: VALUE, direction: DESC}) {
  totalCount nodes { id name value stage account { name } assignedTo { name } contacts { id email } } } }"""
SETTINGS = {"count_cache": 0, "max_in_flight": 16, "queue_size": 32, "queue_timeout": 0.5}
#: Requests that find a place, or one to wait for; `times` as many come at once first, however fast the machine is by then.
ROOM = 48
#: Of connections that are a burden: silent, half a head, half a body, and readers that stop.
BURDEN = {"silent": 200, "half a head": 100, "half a body": 100, "stopped readers": 50}


@dataclass(slots=True)
class Load:
    """At `times` what the gateway can do: answers a second as a share of that, and what the others were told."""

    times: float
    goodput: float
    statuses: dict[int, int]
    slowest: float
    health_slowest: float


@dataclass(slots=True)
class Report:
    """What a gateway can do (answers a second), what it did when asked for more, and what it did under a burden."""

    capacity: float = 0.0
    loads: list[Load] = field(default_factory=list)
    burden: dict[str, int] = field(default_factory=lambda: dict(BURDEN))
    burdened: float = 0.0
    burdened_statuses: dict[int, int] = field(default_factory=dict)

    def faults(self, share: float) -> list[str]:
        """What falls short of `share` of the capacity, or is told otherwise than it should be."""
        bad = [f"goodput at {load.times}: {load.goodput}" for load in self.loads if load.goodput < share]
        bad += [f"told at {load.times}: {load.statuses}" for load in self.loads if not load.statuses.keys() <= {200, 503, 504}]
        bad += [f"under a burden: {self.burdened}"] if self.burdened < share else []
        bad += [f"told under a burden: {self.burdened_statuses}"] if self.burdened_statuses.keys() != {200} else []
        return bad


async def _watch(connections: Connections, health: Told) -> None:
    while True:
        await connections.ask(get("/healthz"), health)
        await asyncio.sleep(0.05)


async def load(connections: Connections, request: bytes, capacity: float, times: float, seconds: float) -> Load:
    """`times` the capacity, while health is asked for too."""
    health, began = Told(), time.perf_counter()
    async with beside(_watch(connections, health)):
        told = await open_loop(connections, request, capacity * times, seconds, at_once=int(ROOM * times))
    assert set(health.statuses) == {200}, health.statuses
    # What was still waiting at the end was answered after it.
    share = told.statuses[200] / (time.perf_counter() - began) / capacity
    return Load(times, round(share, 2), dict(told.statuses), round(told.longest(), 2), round(health.longest(), 2))


async def _settled(connections: Connections, request: bytes, soon: float) -> None:
    """Until what the stopped readers asked for has filled their buffers: a request is answered `soon` again, ten times in a row."""
    async with asyncio.timeout(60):
        quick = 0
        while quick < 10:
            told = Told()
            quick = quick + 1 if await connections.ask(request, told) == 200 and told.longest() < soon else 0


@asynccontextmanager
async def burden(address: str, request: bytes, counts: dict[str, int]) -> AsyncIterator[None]:
    """Connections that hold on: they say nothing, half a head, half a body, or ask for much and never read."""
    head, body = request.split(b"\r\n\r\n")
    sent = {"silent": b"", "half a head": head[:30], "half a body": head + b"\r\n\r\n" + body[:5], "stopped readers": request * 20}
    async with AsyncExitStack() as stack:
        for kind, count in counts.items():
            for _ in range(count):
                _, writer = await stack.enter_async_context(connected(address, limit=1))
                if kind == "stopped readers":
                    writer.transport.pause_reading()
                writer.write(sent[kind])
        yield


async def run(database_url: str, folder: Path, *, seconds: float, times: tuple[float, ...] = (2, 5), burdens: float = 1) -> Report:
    """All of it, so many seconds each; `burdens` is the share of the long form's."""
    report, who = Report(burden={kind: int(count * burdens) for kind, count in BURDEN.items()}), await access(database_url)
    await seed(database_url, SeedSpec(workspace="Here", opportunities=DEALS, accounts=200, users=10, contacts=800, seed=1))
    request = post("/graphql", who.token, {"query": PAGE})
    async with serving(database_url, folder, **SETTINGS) as (gateway,), Connections(gateway.address) as connections:
        await closed_loop(connections, request, CLIENTS, seconds / 4)
        report.capacity = round((await closed_loop(connections, request, CLIENTS, seconds)).statuses[200] / seconds, 1)
        for each in times:
            report.loads.append(await load(connections, request, report.capacity, each, seconds))
        async with burden(gateway.address, request, report.burden):
            await _settled(connections, request, 3 * CLIENTS / report.capacity)
            told = await closed_loop(connections, request, CLIENTS, seconds)
        report.burdened = round(told.statuses[200] / seconds / report.capacity, 2)
        report.burdened_statuses = dict(told.statuses)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-overload-") as name, fresh(given.database, Path(name)) as url:
        report = asyncio.run(run(url, Path(name), seconds=given.seconds))
    print(json.dumps(asdict(report), indent=2))
    faults = report.faults(0.9)
    print("\n".join(faults), file=sys.stderr)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
