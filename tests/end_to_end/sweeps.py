"""Old rows go beside the writes: how long it takes, and what writes wait meanwhile, against what they waited before.

`python -m tests.end_to_end.sweeps --keys 1000000 --events 5000000 --database postgresql` is the long form, for either database.
"""

import argparse
import asyncio
import json
import math
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from schema.storage.database import Connection
from tests.end_to_end.fleet import Access, access, fresh, opened, serving
from tests.end_to_end.writing import CREATE, CREATE_ACCOUNT, UPDATE

#: Of them has the first so many times as many old rows as each of the others.
WORKSPACES = 10
#: Writes a second, one after the other on each of as many connections.
RATE, WRITERS = 80, 4
#: How much longer writes may take while old rows go, at the 99th percentile.
MOST = 2.0
#: What a machine that does something else adds to a write now and then, in milliseconds.
NOISE_MS = 10.0

NUMBERS = {
    "sqlite": "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) SELECT n FROM numbers)",
    "postgresql": "(SELECT generate_series(1, {count}) AS n)",
}
KEYS = """INSERT INTO idempotency_key (workspace_id, token_id, key, fingerprint, answer, created_at)
SELECT '{workspace}', 'key_' || (n % 7), 'import-' || n, 'f{pad}', '{{"opportunity":{{"id":"opp_' || n || '","name":"Deal"}}}}', '{at}'
FROM {numbers} AS numbers"""
EVENTS = """INSERT INTO event (workspace_id, revision, position, kind, record_id, changed_fields, before, after, at)
SELECT '{workspace}', n, 0, 'UPDATED', 'opp_' || n, '["value"]', NULL, '{{"account_id":"acc_1","value_cents":1,"pad":"{pad}"}}', '{at}'
FROM {numbers} AS numbers"""
WORKSPACE = "INSERT INTO workspace (id, name, currency, revision, created_at) VALUES ('{workspace}', '{workspace}', 'EUR', {count}, '{at}')"


@dataclass(slots=True)
class Report:
    """Milliseconds that writes took before and meanwhile, seconds until all was gone, and what was left.

    The gateway's memory grows by what is its own, and by what it looks at of the database's file, which the system
    takes back when another needs it: SQLite maps the first gigabyte.
    """

    database: str
    keys: int
    events: int
    seconds: float = 0.0
    before_p50_ms: float = 0.0
    before_p99_ms: float = 0.0
    during_p50_ms: float = 0.0
    during_p99_ms: float = 0.0
    ratio: float = 0.0
    writes_during: int = 0
    own_growth_kib: int = 0
    mapped_growth_kib: int = 0
    left: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def flawless(self) -> bool:
        slower = self.ratio > MOST and self.during_p99_ms > self.before_p99_ms + NOISE_MS
        return not self.faults and not any(self.left.values()) and not slower


class Writers:
    """Changes deals at a steady pace, and notes how long each change takes; the client's own pauses don't count."""

    def __init__(self, url: str, who: Access) -> None:
        self.client = httpx.AsyncClient(base_url=url, headers=who.headers, timeout=30)
        self.faults: list[str] = []

    async def _ask(self, document: str, variables: dict[str, Any]) -> Any:
        answer = (await self.client.post("/graphql", json={"query": document, "variables": variables})).json()
        if "errors" in answer:
            self.faults.append(str(answer["errors"])[:200])
            return None
        return answer["data"]

    async def deals(self) -> list[str]:
        account = (await self._ask(CREATE_ACCOUNT, {}))["createAccount"]["account"]["id"]
        made = [await self._ask(CREATE, {"input": {"name": "Deal", "accountId": account}}) for _ in range(WRITERS)]
        return [each["createOpportunity"]["opportunity"]["id"] for each in made]

    async def write(self, deals: list[str], ended: asyncio.Event) -> list[float]:
        """Until `ended`; milliseconds of each write."""
        taken: list[float] = []
        await asyncio.gather(*(self._write(deal, taken, ended) for deal in deals))
        return taken

    async def _write(self, deal: str, taken: list[float], ended: asyncio.Event) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            began = time.perf_counter()
            await self._ask(UPDATE, {"id": deal, "input": {"value": number}})
            seconds = time.perf_counter() - began
            taken.append(seconds * 1_000)
            await asyncio.sleep(max(0.0, WRITERS / RATE - seconds))


def held(process_id: int) -> tuple[int, int]:
    """The memory of a process, in KiB: its own, and what it has mapped of files (proc(5))."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process_id}/status").read_text("ascii").splitlines())
    return int(status["RssAnon"].split()[0]), int(status["RssFile"].split()[0])


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, math.floor(share * len(ordered)))], 2)


async def execute(database_url: str, *statements: str) -> None:
    async with opened(database_url) as database:
        raw = database._writer._connection.raw if database.dialect.name == "sqlite" else None  # type: ignore[attr-defined]
        for statement in statements:
            if raw is not None:
                raw.execute(statement)  # as long as it takes
            else:
                await _on_postgresql(database_url, statement)


async def _on_postgresql(database_url: str, statement: str) -> None:
    import asyncpg  # noqa: PLC0415

    connection = await asyncpg.connect(database_url)
    await connection.execute(statement)
    await connection.close()


def filling(kind: str, keys: int, events: int) -> list[str]:
    """The statements that make so many old rows, most of them in the first workspace."""
    now = datetime.now(UTC)
    shares = [0.5, *([0.5 / (WORKSPACES - 1)] * (WORKSPACES - 1))]
    found = []
    for number, share in enumerate(shares):
        common = {"workspace": f"ws_old{number}", "pad": "x" * 100}
        for template, total, age in ((WORKSPACE, events, 30), (KEYS, keys, 2), (EVENTS, events, 30)):
            count = max(1, int(total * share))
            at = (now - timedelta(days=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
            found.append(template.format(**common, at=at, count=count, numbers=NUMBERS[kind].format(count=count)))
    return found


async def counts(database_url: str) -> dict[str, int]:
    async with opened(database_url) as database:
        old = "workspace_id LIKE 'ws_old%'"

        async def work(connection: Connection) -> dict[str, int]:
            return {
                table: (await connection.fetch(database.compile(text(f"SELECT count(*) FROM {table} WHERE {old}")), {}))[0][0]
                for table in ("idempotency_key", "event")
            }

        return await database.read(work)


async def gone(database_url: str) -> None:
    """Until the first of what is left over is gone: counting all of it would be work beside the writes."""
    probe = text(
        "SELECT (SELECT 1 FROM event WHERE workspace_id LIKE 'ws_old%' LIMIT 1), "
        "(SELECT 1 FROM idempotency_key WHERE workspace_id LIKE 'ws_old%' LIMIT 1)"
    )
    async with opened(database_url) as database:
        statement = database.compile(probe)
        while any((await database.fetch(statement, {}))[0]):  # noqa: ASYNC110  it happens in the gateway
            await asyncio.sleep(0.5)


async def run(kind: str, database_url: str, folder: Path, *, keys: int, events: int, seconds: float) -> Report:
    """Measures writes for `seconds` while another process seems to have the turn, and then until all that is old is gone."""
    report = Report(kind, keys, events)
    who = await access(database_url)
    until = (datetime.now(UTC) + timedelta(minutes=50)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await execute(database_url, *filling(kind, keys, events), f"INSERT INTO sweep VALUES ('old rows', 'another', '{until}')")
    async with serving(database_url, folder) as (gateway,):
        writers = Writers(gateway.url, who)
        before = await measure(writers, asyncio.sleep(seconds))
        report.faults += writers.faults
        await writers.client.aclose()
    report.before_p50_ms, report.before_p99_ms = quantile(before, 0.5), quantile(before, 0.99)
    await execute(database_url, "DELETE FROM sweep")
    async with serving(database_url, folder) as (gateway,):
        began, own, mapped = time.perf_counter(), *held(gateway.process.pid)
        writers = Writers(gateway.url, who)
        during = await measure(writers, gone(database_url))
        report.seconds = round(time.perf_counter() - began, 1)
        report.own_growth_kib, report.mapped_growth_kib = (
            now - then for now, then in zip(held(gateway.process.pid), (own, mapped), strict=True)
        )
        report.faults += writers.faults
        await writers.client.aclose()
    report.left, report.writes_during = await counts(database_url), len(during)
    report.during_p50_ms, report.during_p99_ms = quantile(during, 0.5), quantile(during, 0.99)
    report.ratio = round(report.during_p99_ms / report.before_p99_ms, 2)
    return report


async def measure(writers: Writers, work: Any) -> list[float]:
    """Milliseconds of the writes while `work` goes on."""
    deals, ended = await writers.deals(), asyncio.Event()
    writing = asyncio.create_task(writers.write(deals, ended))
    await work
    ended.set()
    return await writing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=sorted(NUMBERS), default="postgresql")
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long writes are measured before")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-sweeps-") as name, fresh(given.database, Path(name)) as url:
        report = asyncio.run(run(given.database, url, Path(name), keys=given.keys, events=given.events, seconds=given.seconds))
    print(json.dumps(asdict(report), indent=2))
    sys.exit(not report.flawless)


if __name__ == "__main__":
    main()
