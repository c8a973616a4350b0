"""What was acknowledged survives kill -9, and a key has one effect however often its write is sent again.

`python -m tests.end_to_end.crash --cycles 40 --database sqlite` is the long form: two gateways over one database, eight clients that write
through REST and GraphQL, and a gateway killed in each cycle, while they write. A client sends a write again, under the same key, until it
is answered; so does a person whose connection broke.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from schema.storage.database import Connection
from tests.connecting import until
from tests.end_to_end.deals import deals
from tests.end_to_end.fleet import Gateway, access, fresh, opened, reap, start
from tests.end_to_end.writing import CREATE, UPDATE

GATEWAYS, CLIENTS = 2, 8
#: Seconds of writing between two kills, at most.
PEACE = 1.5
#: How often a client sends a write to both gateways at once, under its one key.
IMPATIENCE = 0.3
KEYED_CREATE = CREATE.replace("$input: CreateOpportunityInput!", "$input: CreateOpportunityInput!, $key: String").replace(
    "input: $input)", "input: $input, idempotencyKey: $key)"
)
KEYED_UPDATE = UPDATE.replace("$input: UpdateOpportunityInput!", "$input: UpdateOpportunityInput!, $key: String").replace(
    "input: $input)", "input: $input, idempotencyKey: $key)"
)


@dataclass(slots=True)
class Report:
    """What happened. The last three are 0, or nothing, where nothing is lost and nothing happens twice."""

    database: str
    kills: int = 0
    acknowledged: int = 0
    sent_again: int = 0
    replayed: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    lost: int = 0
    duplicates: int = 0

    @property
    def flawless(self) -> bool:
        return not (self.faults or self.lost or self.duplicates)

    def written(self, least: int) -> bool:
        """Whether as much was acknowledged, and some of it as done before."""
        return self.acknowledged >= least and self.replayed >= least // 20


@dataclass(slots=True)
class Client:
    """Creates deals, and counts one of its own upwards, each write under a key of its own, until it is told to stop."""

    name: str
    rest: bool
    http: httpx.AsyncClient
    addresses: list[str]
    account: str
    report: Report
    created: set[str] = field(default_factory=set)
    counted: int = 0
    stopped: bool = False

    async def run(self) -> None:
        mine = await self._create(f"{self.name} counts")
        while not self.stopped:
            await self._create(f"{self.name} {len(self.created)}")
            await self._count(mine)

    async def _create(self, name: str) -> str:
        given = {"name": name, "accountId": self.account}
        if self.rest:
            made = await self._send("POST", "/api/opportunities/", name, given)
        else:
            made = (await self._graphql(KEYED_CREATE, name, input=given))["createOpportunity"]["opportunity"]
        self.created.add(name)
        return str(made["id"])

    async def _count(self, id_: str) -> None:
        value, key = self.counted + 1, f"{self.name} to {self.counted + 1}"
        if self.rest:
            await self._send("PATCH", f"/api/opportunities/{id_}/", key, {"value": value})
        else:
            changed = (await self._graphql(KEYED_UPDATE, key, id=id_, input={"value": value}))["updateOpportunity"]
            assert changed["opportunity"], changed
        self.counted = value

    async def _graphql(self, document: str, key: str, **variables: Any) -> Any:
        return (await self._send("POST", "/graphql", key, {"query": document, "variables": {**variables, "key": key}}))["data"]

    async def _send(self, method: str, path: str, key: str, body: Any) -> Any:
        """The answer, at last. A gateway that was killed may have carried out what it didn't answer."""
        while True:
            copies = self.addresses if random.random() < IMPATIENCE else [random.choice(self.addresses)]
            sent = [self._once(f"http://{address}{path}", method, key, body) for address in copies]
            answers = [answer for answer in await asyncio.gather(*sent) if answer is not None]
            if answers:
                assert all(answer == answers[0] for answer in answers) or not self.rest, answers
                return answers[0]
            self.report.sent_again += 1
            await asyncio.sleep(0.02)

    async def _once(self, url: str, method: str, key: str, body: Any) -> Any:
        try:
            response = await self.http.request(method, url, json=body, headers={"idempotency-key": key})
        except httpx.TransportError:
            return None
        answer = response.json()
        if response.status_code not in {200, 201} or "errors" in answer:
            raise RuntimeError(f"{method} {url}: {response.status_code} {response.text}")
        self.report.acknowledged += 1
        told = response.headers if self.rest else answer["extensions"]
        self.report.replayed += bool(told.get("idempotency-replayed") or told.get("idempotencyReplayed"))
        return answer


async def killing(gateways: list[Gateway], database_url: str, folder: Path, cycles: int, report: Report) -> None:
    """Kills a gateway in each cycle, now and then both, and starts it again on the same port."""
    for cycle in range(cycles):
        await asyncio.sleep(random.uniform(0.3, PEACE))
        struck = [0, 1] if cycle % 5 == 4 else [cycle % GATEWAYS]
        for place in struck:
            await gateways[place].end(signal.SIGKILL)
            report.kills += 1
        for place in struck:
            gateways[place] = start(database_url, folder, int(gateways[place].address.partition(":")[2]))
        await asyncio.gather(*(gateways[place].ready() for place in struck))


async def rows(database_url: str, workspace_id: str) -> list[tuple[str, int | None]]:
    """Each deal's name and value in cents."""
    async with opened(database_url) as database:
        statement = database.compile(text("SELECT name, value_cents FROM opportunity WHERE workspace_id = :workspace"))

        async def work(connection: Connection) -> list[tuple[str, int | None]]:
            return [(row[0], row[1]) for row in await connection.fetch(statement, {"workspace": workspace_id})]

        return await database.read(work)


def compare(report: Report, found: list[tuple[str, int | None]], clients: list[Client]) -> None:
    """Counts acknowledged writes that aren't there, and deals that are there twice."""
    names, values = Counter(name for name, _ in found), dict(found)
    report.duplicates = sum(times - 1 for times in names.values())
    for client in clients:
        report.lost += len(client.created - names.keys())
        # The one that was under way at the end may have happened unanswered.
        seen = (values.get(f"{client.name} counts") or 0) // 100
        report.lost += max(client.counted - seen, 0)
        report.duplicates += max(seen - client.counted - 1, 0)


@asynccontextmanager
async def standing(database_url: str, folder: Path) -> AsyncIterator[list[Gateway]]:
    """Two gateways, whichever they are at the end."""
    gateways = [start(database_url, folder) for _ in range(GATEWAYS)]
    try:
        await asyncio.gather(*(gateway.ready() for gateway in gateways))
        yield gateways
    finally:
        for gateway in gateways:
            reap(gateway)


async def run(database_url: str, folder: Path, *, cycles: int, least: int = 0) -> Report:
    """Kills and restarts while the clients write, `least` acknowledged writes or more, and the comparison of what they were told with what
    is there.
    """
    report, who, began = Report(database_url.partition(":")[0]), await access(database_url), time.perf_counter()
    async with deals(database_url, who) as here:
        account = here.account
    async with standing(database_url, folder) as gateways, httpx.AsyncClient(headers=who.headers, timeout=30) as http:
        addresses = [gateway.address for gateway in gateways]
        clients = [Client(f"client {number}", bool(number % 2), http, addresses, account, report) for number in range(CLIENTS)]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        await killing(gateways, database_url, folder, cycles, report)
        await until(lambda: report.written(least) or any(task.done() for task in tasks))
        await _stop(clients, tasks, report)
    report.seconds = round(time.perf_counter() - began, 1)
    compare(report, await rows(database_url, who.caller.workspace_id), clients)
    return report


async def _stop(clients: list[Client], tasks: list["asyncio.Task[None]"], report: Report) -> None:
    await asyncio.sleep(0.3)
    for client in clients:
        client.stopped = True
    for end in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(end, BaseException):
            report.faults.append(repr(end))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--cycles", type=int, default=40)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-crash-") as name, fresh(given.database, Path(name)) as url:
        report = asyncio.run(run(url, Path(name), cycles=given.cycles))
    print(json.dumps(asdict(report), indent=2))
    sys.exit(not report.flawless)


if __name__ == "__main__":
    main()
