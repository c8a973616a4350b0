"""Every event once and in order, for followers that break off and resume at random while several processes write.

`python -m tests.end_to_end.events --writes 10000 --database postgresql` is the long form: 4 processes that write to PostgreSQL, or 2 to one
SQLite file, and 50 followers of 2 gateways, over WebSocket and SSE.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path

import orjson
from sqlalchemy import text

from schema.engine.events.cursor import EventPosition, write_cursor
from schema.graph import Graph
from schema.storage.database import Connection
from tests.end_to_end.event_clients import BOTH, GONE, Event
from tests.end_to_end.fleet import ROOT, Access, access, fresh, opened, serving
from tests.end_to_end.writing import CREATE, CREATE_ACCOUNT, by_graph

WRITERS = {"sqlite": 2, "postgresql": 4}
GATEWAYS = 2
FOLLOWERS = 50
#: Seconds that the last events may take to reach all.
PATIENCE = 60.0


@dataclass(slots=True)
class Report:
    """What was written and told. The last four are 0 where events are told once and in order."""

    database: str
    writes: int = 0
    events: int = 0
    told: int = 0
    resumed: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    lost: int = 0
    missed: int = 0
    repeated: int = 0
    disordered: int = 0

    @property
    def flawless(self) -> bool:
        return not (self.faults or self.lost or self.missed or self.repeated or self.disordered)


@dataclass(slots=True)
class Follower:
    """Follows one gateway or another, breaks off after a while, and resumes after the last event that it saw."""

    addresses: list[str]
    token: str
    cursor: str
    random: random.Random
    seen: list[Event] = field(default_factory=list)
    resumed: int = -1
    goal: str = ""

    async def run(self) -> None:
        while self.cursor != self.goal:
            self.resumed += 1
            try:
                async with asyncio.timeout(self.random.uniform(0.02, 3)):
                    await self._session(self.random.randrange(1, 400))
            except TimeoutError:
                await asyncio.sleep(self.random.uniform(0, 0.3))
            except GONE:
                await asyncio.sleep(0.1)

    async def _session(self, most: int) -> None:
        way = self.random.choice(BOTH)
        async with aclosing(way(self.random.choice(self.addresses), self.token, since=self.cursor)) as events:
            async for event in events:
                self.seen.append(event)
                self.cursor = event["cursor"]
                most -= 1
                if not most or self.cursor == self.goal:
                    return


async def first_cursor(database_url: str, who: Access) -> str:
    """The cursor of the newest event, from where all can begin."""
    async with opened(database_url) as database:
        ask = by_graph(Graph(database), who.caller)
        account = (await ask(CREATE_ACCOUNT, {}))["createAccount"]["account"]["id"]
        await ask(CREATE, {"input": {"name": "First", "accountId": account}})
    cursor: str = (await table(database_url, who.caller.workspace_id))[-1]["cursor"]
    return cursor


async def table(database_url: str, workspace_id: str) -> list[Event]:
    """Every event that there is, as it should be told, in order."""
    async with opened(database_url) as database:
        clause = text("SELECT revision, position, kind, record_id FROM event WHERE workspace_id = :workspace ORDER BY 1, 2")
        statement = database.compile(clause)

        async def work(connection: Connection) -> list[Event]:
            rows = await connection.fetch(statement, {"workspace": workspace_id})
            return [
                {
                    "cursor": write_cursor(workspace_id, EventPosition(row[0], row[1]), database.epoch),
                    "type": row[2],
                    "opportunityId": row[3],
                }
                for row in rows
            ]

        return await database.read(work)


async def write(database_url: str, who: Access, writes: int, seed: int, addresses: list[str]) -> tuple[Counter[tuple[str, str]], list[str]]:
    """One writing process: the events that its acknowledged writes must have had, and its faults."""
    arguments = [database_url, orjson.dumps(who.caller).decode(), who.token, str(writes), str(seed), *addresses]
    command = [sys.executable, "-m", "tests.end_to_end.writing", *arguments]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, err = await process.communicate()
    if process.returncode:
        return Counter(), [err.decode()[-2_000:]]
    done = orjson.loads(out)
    return Counter((kind, id_) for kind, id_ in done["expected"]), done["faults"]


def compare(report: Report, truth: list[Event], followers: list[Follower]) -> None:
    """Counts what each follower missed, saw twice, or saw out of order; an event with another type or deal counts as missed."""
    places = {event["cursor"]: place for place, event in enumerate(truth)}
    for follower in followers:
        seen = [places.get(event["cursor"], -1) for event in follower.seen]
        right = {place for place, event in zip(seen, follower.seen, strict=True) if place >= 0 and truth[place] == event}
        report.missed += len(truth) - len(right)
        report.repeated += len(seen) - len(set(seen))
        report.disordered += sum(later < earlier for earlier, later in pairwise(seen))
        report.told += len(seen)
        report.resumed += follower.resumed


async def run(kind: str, database_url: str, folder: Path, *, writes: int, followers: int = FOLLOWERS, seed: int = 1) -> Report:
    """Writes from several processes while `followers` follow, and the comparison with the event table."""
    report = Report(kind, writes)
    who = await access(database_url)
    async with serving(database_url, folder, GATEWAYS) as gateways:
        addresses = [gateway.address for gateway in gateways]
        cursor = await first_cursor(database_url, who)
        following = [Follower(addresses, who.token, cursor, random.Random(f"{seed} {place}")) for place in range(followers)]
        began = time.perf_counter()
        tasks = [asyncio.create_task(follower.run()) for follower in following]
        share = writes // WRITERS[kind]
        results = await asyncio.gather(
            *(write(database_url, who, share, seed * 100 + number, addresses) for number in range(WRITERS[kind]))
        )
        truth = await table(database_url, who.caller.workspace_id)
        truth = truth[[event["cursor"] for event in truth].index(cursor) + 1 :]
        assert truth, [fault for _, faults in results for fault in faults][:1]
        for follower in following:
            follower.goal = truth[-1]["cursor"]
        _, waiting = await asyncio.wait(tasks, timeout=PATIENCE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    report.seconds = round(time.perf_counter() - began, 1)
    expected = sum((found for found, _ in results), Counter[tuple[str, str]]())
    report.events = len(truth)
    report.lost = (expected - Counter((event["type"], event["opportunityId"]) for event in truth)).total()
    report.faults = [fault for _, faults in results for fault in faults]
    report.faults += [f"{len(waiting)} followers still waited for the last event after {PATIENCE:g} s"] if waiting else []
    report.faults += [repr(task.exception()) for task in tasks if task.done() and not task.cancelled() and task.exception()]
    compare(report, truth, following)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=sorted(WRITERS), default="postgresql")
    parser.add_argument("--writes", type=int, default=10_000)
    parser.add_argument("--followers", type=int, default=FOLLOWERS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-events-") as name, fresh(given.database, Path(name)) as url:
        report = asyncio.run(run(given.database, url, Path(name), writes=given.writes, followers=given.followers, seed=given.seed))
    print(json.dumps(asdict(report), indent=2))
    sys.exit(not report.flawless)


if __name__ == "__main__":
    main()
