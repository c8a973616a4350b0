"""A PostgreSQL that is interrupted under 8 clients and 2 followers: nothing hangs, nothing is lost, all is well again soon.

`python -m tests.end_to_end.interrupted` is the long form, with the settings as they are. Its interruptions: `silent` (a proxy passes
nothing more on the connections that there are; new ones work), `frozen` (the server's processes stand still for 14 s), `restarted`,
`failed over` (the server crashes and its replica is promoted; the gateway knows both addresses), `frozen for good` (the same, but the
server doesn't even refuse connections).
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from gateway.migrations import upgrade
from tests.connecting import beside
from tests.end_to_end.database_outage import Proxy, proxied
from tests.end_to_end.event_clients import BOTH, GONE, Follow, Refused, by_socket
from tests.end_to_end.events import Follower, Report, compare, first_cursor, table
from tests.end_to_end.fleet import Access, Gateway, access, opened, serving
from tests.end_to_end.writing import CREATE, CREATE_ACCOUNT
from tests.servers import Server, server

CLIENTS = 8
PAUSE = 0.03
GOOD, SHED = 200, {200, 503, 504}
#: Seconds without anything but 200 until all counts as well again, that this may take, and that the last events may take.
QUIET, PATIENCE = 3.0, 15.0
#: Seconds of a busy machine's own between an answer and whoever measures it.
SLACK = 0.75
KINDS = ("silent", "frozen", "restarted", "failed over", "frozen for good")
LIST = "{ opportunities(first: 20) { totalCount nodes { id name account { name } contacts { id } } } }"


@dataclass(slots=True)
class Interruption:
    """What clients and followers met. `recovered` is in seconds from when the database could be reached again."""

    kind: str
    statuses: dict[int, int]
    slowest: float
    recovered: float
    acknowledged: int
    lost: int
    doubled: int
    refused: list[str]
    followed: Report

    def faults(self, limit: float) -> list[str]:
        """Whatever isn't as it should be; `limit` is an operation's, in seconds."""
        bad = [] if self.statuses.keys() <= SHED else [f"told {self.statuses}"]
        bad += [f"an answer took {self.slowest} s"] if self.slowest > limit + SLACK else []
        bad += [f"recovered after {self.recovered} s"] if self.recovered > PATIENCE else []
        bad += [f"{self.lost} acknowledged deals lost, {self.doubled} doubled"] if self.lost or self.doubled else []
        bad += [] if self.followed.flawless and not self.refused else [f"followers {self.followed}, {self.refused}"]
        return [f"{self.kind}: {each}" for each in bad]


@dataclass(slots=True)
class Answers:
    """When each answer came, its status, and how long it took; the names of the deals whose creation was acknowledged."""

    told: list[tuple[float, int, float]] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    enough: bool = False

    def quiet_since(self, moment: float) -> float | None:
        """When the last answer but 200 came, or `moment`, if there have been nothing but good ones for a while since."""
        last = max([at for at, status, _ in self.told if status != GOOD and at > moment], default=moment)
        return last if time.perf_counter() - last > QUIET and self.told[-1][0] > last else None


class Client:
    """Reads and writes in turn, until it is enough; what it creates has a name of its own."""

    def __init__(self, number: int, http: httpx.AsyncClient, account: str, answers: Answers) -> None:
        self._http = http
        self._account = account
        self._answers = answers
        self._names = (f"Deal {number}-{count}" for count in range(1_000_000))

    async def run(self) -> None:
        while not self._answers.enough:
            await self._timed(self._http.post("/graphql", json={"query": LIST}))
            await self._timed(self._http.get("/api/opportunities/?limit=5"))
            name = next(self._names)
            variables = {"input": {"name": name, "accountId": self._account}}
            if await self._timed(self._http.post("/graphql", json={"query": CREATE, "variables": variables})):
                self._answers.acknowledged.append(name)

    async def _timed(self, request: Awaitable[httpx.Response]) -> bool:
        began = time.perf_counter()
        response = await request
        now = time.perf_counter()
        self._answers.told.append((now, response.status_code, now - began))
        await asyncio.sleep(PAUSE)
        return response.status_code == GOOD


@dataclass(slots=True)
class Faithful(Follower):
    """Follows without end, and resumes after the last event that it saw when it is cut off, or told to come back."""

    begin: str = ""
    way: Follow = by_socket
    refused: list[str] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            self.resumed += 1
            try:
                async with aclosing(self.way(self.addresses[0], self.token, since=self.cursor)) as events:
                    async for event in events:
                        self.seen.append(event)
                        self.cursor = event["cursor"]
            except GONE:
                pass
            except Refused as error:
                self.refused += [error.code] if error.code not in {"UNAVAILABLE", "503"} else []
            await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happens: `reached` is the database's address as the gateway knows it."""

    reached: str
    primary: Server
    replica: Server | None
    proxy: Proxy | None
    frozen: float

    def writable(self) -> str:
        """The address of the database that takes writes now."""
        found = self.replica if self.replica is not None else self.primary
        return found.url("gateway")


Interrupt = Callable[[Place], Awaitable[float]]


async def _silent(place: Place) -> float:
    assert place.proxy is not None
    place.proxy.silence()
    return time.perf_counter()


async def _frozen(place: Place) -> float:
    place.primary.freeze()
    await asyncio.sleep(place.frozen)
    place.primary.thaw()
    return time.perf_counter()


async def _restarted(place: Place) -> float:
    await asyncio.to_thread(place.primary.stop)
    await asyncio.sleep(1)
    await asyncio.to_thread(place.primary.start)
    return time.perf_counter()


async def _failed_over(place: Place) -> float:
    assert place.replica is not None
    await asyncio.to_thread(place.primary.stop, "immediate")
    await asyncio.to_thread(place.replica.promote)
    return time.perf_counter()


async def _frozen_for_good(place: Place) -> float:
    assert place.replica is not None
    place.primary.freeze()
    await asyncio.to_thread(place.replica.promote)
    return time.perf_counter()


HAPPENS: dict[str, Interrupt] = {
    "silent": _silent,
    "frozen": _frozen,
    "restarted": _restarted,
    "failed over": _failed_over,
    "frozen for good": _frozen_for_good,
}


@asynccontextmanager
async def placed(kind: str, frozen: float) -> AsyncIterator[Place]:
    """A server with a migrated database, and what the interruption needs."""
    # Not where pytest keeps its folders: it closes them to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="gateway-servers-") as folder, server(Path(folder) / "postgres") as primary:
        primary.sql("CREATE DATABASE gateway")
        await upgrade(primary.url("gateway"))
        if kind == "silent":
            async with proxied(primary.url("gateway")) as (proxy, address):
                yield Place(address, primary, None, proxy, frozen)
        elif kind in {"failed over", "frozen for good"}:
            replica = await asyncio.to_thread(primary.replica, Path(folder) / "postgres-replica")
            both = f"postgresql://postgres@{replica.address},{primary.address}/gateway?target_session_attrs=read-write"
            yield Place(both, primary, replica, None, frozen)
        else:
            yield Place(primary.url("gateway"), primary, None, None, frozen)


async def interruption(kind: str, folder: Path, *, frozen: float = 14.0, **settings: Any) -> Interruption:
    """One interruption, with the gateway's `settings`, and what came of it."""
    async with placed(kind, frozen) as place:
        url = place.primary.url("gateway")
        who = await access(url)
        cursor = await first_cursor(url, who)
        async with serving(place.reached, folder, **settings) as (gateway,):
            answers = Answers()
            followers = [Faithful([gateway.address], who.token, cursor, random.Random(), begin=cursor, way=way) for way in BOTH]
            recovered = await _interrupted(place, kind, gateway, who, answers, followers)
            followed = await _followed(place.writable(), who, followers)
        names = await _names(place.writable())
    return Interruption(
        kind,
        statuses=dict(Counter(status for _, status, _ in answers.told)),
        slowest=round(max(seconds for *_, seconds in answers.told), 2),
        recovered=round(recovered, 2),
        acknowledged=len(answers.acknowledged),
        lost=len(set(answers.acknowledged) - names.keys()),
        doubled=names.total() - len(names),
        refused=[code for follower in followers for code in follower.refused],
        followed=followed,
    )


async def _interrupted(place: Place, kind: str, gateway: Gateway, who: Access, answers: Answers, followers: list[Faithful]) -> float:
    """Seconds from the end of the interruption until all is well again."""
    limits = httpx.Limits(max_connections=CLIENTS, keepalive_expiry=60)
    async with httpx.AsyncClient(base_url=gateway.url, headers=who.headers, timeout=60, limits=limits) as http:
        made = (await http.post("/graphql", json={"query": CREATE_ACCOUNT})).json()
        account = made["data"]["createAccount"]["account"]["id"]
        async with beside(*(follower.run() for follower in followers)), asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(Client(number, http, account, answers).run())
            await asyncio.sleep(1)
            ended = await HAPPENS[kind](place)
            async with asyncio.timeout(3 * PATIENCE):
                while (quiet := answers.quiet_since(ended)) is None:  # noqa: ASYNC110  only time tells that nothing happens
                    await asyncio.sleep(0.1)
            answers.enough = True
    return quiet - ended


async def _followed(url: str, who: Access, followers: list[Faithful]) -> Report:
    """Whether every event has reached every follower, once they have had the time to see the last."""
    begin, truth = followers[0].begin, await table(url, who.caller.workspace_id)
    truth = truth[[event["cursor"] for event in truth].index(begin) + 1 :]
    async with beside(*(follower.run() for follower in followers)):
        waiting = int(PATIENCE / PAUSE)
        while waiting and any(follower.cursor != truth[-1]["cursor"] for follower in followers):
            waiting -= 1
            await asyncio.sleep(PAUSE)
    report = Report("postgresql", events=len(truth))
    compare(report, truth, [*followers])
    return report


async def _names(url: str) -> Counter[str]:
    """The deals that there are."""
    async with opened(url) as database:
        return Counter(row[0] for row in await database.fetch(database.compile(text("SELECT name FROM opportunity")), {}))


async def run(folder: Path, kinds: Iterable[str], **options: Any) -> list[Interruption]:
    """An interruption of each kind, each with servers of its own."""
    return [await interruption(kind, folder, **options) for kind in kinds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-interrupted-") as name:
        found = asyncio.run(run(Path(name), given.kinds))
    print(json.dumps([asdict(each) for each in found], indent=2))
    faults = [fault for each in found for fault in each.faults(limit=10.0)]
    print("\n".join(faults), file=sys.stderr)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
