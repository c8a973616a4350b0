"""A backup under writers, put back into an empty place and compared row by row at its revision with what the live database tells.

`python -m tests.end_to_end.backups --database sqlite` is the long form: two gateways, fifty clients that write through REST and GraphQL,
and three backups meanwhile. What must be in a backup is told by another path than the backup's: the events of the live database, read
after all writers have ended, give each deal as it was at the manifest's revision.
"""

import argparse
import asyncio
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson

from gateway.migrations import upgrade
from gateway.seed import SeedSpec, seed
from tests.connecting import until
from tests.end_to_end import crash
from tests.end_to_end.crash import Client
from tests.end_to_end.deals import deals
from tests.end_to_end.fleet import ROOT, access, serving
from tests.postgres import POSTGRES_BIN_PATH, start_postgres

GATEWAYS, WRITERS = 2, 50
#: Fifty writers who send again are more than a busy machine takes at once: here they wait rather than being told to come back.
PATIENT = {"queue_size": 1_000, "queue_timeout": 60.0, "pool_timeout": 60.0, "statement_timeout": 60.0, "operation_timeout": 90.0}
Rows = list[dict[str, Any]]
Dump = dict[str, Rows]


@dataclass(slots=True)
class Report:
    """What happened. The last four are empty, or 0, where the backups are what the database was."""

    database: str
    backups: int = 0
    seconds: list[float] = field(default_factory=list)
    acknowledged: int = 0
    written_meanwhile: list[int] = field(default_factory=list)
    rows: int = 0
    faults: list[str] = field(default_factory=list)
    lost: int = 0
    different: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def flawless(self) -> bool:
        return not (self.faults or self.lost or self.different or self.failed)


@dataclass(slots=True)
class Taken:
    """A backup, and what was acknowledged before it began: names that were created, and what each client had counted to."""

    file: Path
    created: set[str]
    counted: dict[str, int]

    @classmethod
    def of(cls, clients: list[Client], file: Path) -> "Taken":
        """One that is about to be taken into `file`."""
        return cls(file, {name for client in clients for name in client.created}, {client.name: client.counted for client in clients})


def environment(database_url: str) -> dict[str, str]:
    """Variables for a gateway's command, whose PostgreSQL tools are those of the tests' server."""
    path = f"{POSTGRES_BIN_PATH}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PYTHONPATH": str(ROOT), "GATEWAY_DATABASE_URL": database_url, "PATH": path}


async def gateway(database_url: str, *arguments: str) -> tuple[int, str, str]:
    """What a command of the gateway's did, in a process of its own: its code, its output, and what it told people."""
    command = [sys.executable, "-m", "gateway", *arguments]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=environment(database_url), stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def dump(url: str) -> Dump:
    """All rows of all tables, read without the gateway's own code; instants are told alike."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
            raw.row_factory = sqlite3.Row
            names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: [dict(row) for row in raw.execute(f'SELECT * FROM "{name}"')] for name in names}
    connection = await asyncpg.connect(url)
    try:
        names = [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        found = {}
        for name in names:
            rows = await connection.fetch(f'SELECT row_to_json(t)::text FROM "{name}" t')
            found[name] = [json.loads(row[0].replace('+00:00"', 'Z"')) for row in rows]
        return found
    finally:
        await connection.close()


def at_revision(live: Dump, workspace: str, revision: int) -> dict[str, dict[str, Any]]:
    """Each deal of a workspace as its events say that it was at a revision, with its version: how many events it has had."""
    events = [event for event in live["event"] if event["workspace_id"] == workspace and event["revision"] <= revision]
    events.sort(key=lambda event: (event["record_id"], event["revision"], event["position"]))
    found = {}
    for id_, group in groupby(events, key=lambda event: event["record_id"]):
        of_deal = list(group)
        if of_deal[-1]["after"] is not None:
            found[id_] = {**orjson.loads(of_deal[-1]["after"]), "version": len(of_deal)}
    return found


def compare(report: Report, taken: Taken, live: Dump, back: Dump, workspace: str) -> None:
    """Counts what is lost of a backup that was put back, and what is in it that was not so at its revision."""
    manifest = json.loads(taken.file.with_name(taken.file.name + ".manifest.json").read_text("utf-8"))
    revision = manifest["workspaces"][workspace]
    _compare_deals(report, at_revision(live, workspace, revision), back, workspace)
    for table in ("event", "account", "stage_change"):
        expected = [row for row in live[table] if _is_of(row, table, back, workspace, revision)]
        _compare_rows(report, table, expected, back[table])
    for table in ("contact", "user", "opportunity_contact", "alembic_version", "api_key"):
        _compare_rows(report, table, [_timeless(row) for row in live[table]], [_timeless(row) for row in back[table]])
    here = [row for row in back["idempotency_key"] if row["workspace_id"] == workspace]
    if len(here) != len([row for row in back["event"] if row["workspace_id"] == workspace]):
        report.different.append(f"{len(here)} kept answers: each write has one, and one event")
    _compare_kept(report, live, here)
    names = {row["name"]: row["value_cents"] for row in back["opportunity"] if row["workspace_id"] == workspace}
    report.lost += len(taken.created - names.keys())
    report.lost += sum((names.get(f"{name} counts") or 0) // 100 < count for name, count in taken.counted.items())
    report.rows += sum(map(len, back.values()))


def _is_of(row: dict[str, Any], table: str, back: Dump, workspace: str, revision: int) -> bool:
    """Whether a row of the live database, in which these tables only grow, was there at the revision."""
    if row.get("workspace_id") != workspace or table == "account":
        return True
    if table == "event":
        return bool(row["revision"] <= revision)
    return bool(row["opportunity_id"] in {deal["id"] for deal in back["opportunity"]} and row["sequence"] <= 1)


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is written beside the requests."""
    return {name: value for name, value in row.items() if name != "last_used_at"}


def _compare_rows(report: Report, table: str, expected: Rows, found: Rows) -> None:
    one, other = ({json.dumps(row, sort_keys=True) for row in rows} for rows in (expected, found))
    if one != other:
        report.different.append(f"{table}: {len(one - other)} are missing, {len(other - one)} too many")


def _compare_kept(report: Report, live: Dump, here: Rows) -> None:
    known = {(row["key"], row["answer"]) for row in live["idempotency_key"]}
    report.different += [f"the kept answer of {row['key']}" for row in here if (row["key"], row["answer"]) not in known]


def _compare_deals(report: Report, expected: dict[str, dict[str, Any]], back: Dump, workspace: str) -> None:
    found = {row["id"]: row for row in back["opportunity"] if row["workspace_id"] == workspace}
    report.different += [f"deal {id_}: is in one of both" for id_ in expected.keys() ^ found.keys()]
    for id_ in expected.keys() & found.keys():
        wrong = [name for name, value in expected[id_].items() if name in found[id_] and found[id_][name] != value]
        report.different += [f"deal {id_}: {name}" for name in wrong]


Command = Callable[[str, Path], Awaitable[str]]
"""What backs up a database into a file, or restores one from it; it tells what went wrong, or nothing."""


async def by_command(name: str, database_url: str, file: Path) -> str:
    """`gateway backup` or `gateway restore`."""
    code, _, said = await gateway(database_url, name, str(file))
    return said if code else ""


@dataclass(frozen=True, slots=True)
class Ways:
    """How it is done: `addresses` of gateways over the database, a backup, and a restore."""

    addresses: list[str]
    back_up: Command
    restore: Command


async def run(database_url: str, target_urls: list[str], folder: Path, ways: Ways, *, least: int) -> Report:
    """Writers, a backup for each of `target_urls` while they write, `least` writes before each; each put back there and compared."""
    report, who = Report(database_url.partition(":")[0]), await access(database_url)
    async with deals(database_url, who) as here:
        account = here.account
    told, taken = crash.Report(report.database), []
    async with httpx.AsyncClient(headers=who.headers, timeout=60) as http:
        clients = [Client(f"client {number}", bool(number % 2), http, ways.addresses, account, told) for number in range(WRITERS)]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        for number, _ in enumerate(target_urls):
            goal = told.acknowledged + least
            await until(lambda goal=goal: told.acknowledged >= goal or any(task.done() for task in tasks))  # type: ignore[misc]
            taken.append(Taken.of(clients, folder / f"backup-{number}"))
            await _back_up(report, told, partial(ways.back_up, database_url, taken[-1].file))
        await crash._stop(clients, tasks, told)
    report.acknowledged, report.faults = told.acknowledged, told.faults
    live = await dump(database_url)
    for each, url in zip(taken, target_urls, strict=True):
        if said := await ways.restore(url, each.file):
            report.failed.append(said)
        else:
            compare(report, each, live, await dump(url), who.caller.workspace_id)
    return report


async def _back_up(report: Report, told: crash.Report, back_up: Callable[[], Awaitable[str]]) -> None:
    before, began = told.acknowledged, time.perf_counter()
    report.failed += filter(None, [await back_up()])
    report.seconds.append(round(time.perf_counter() - began, 2))
    report.written_meanwhile.append(told.acknowledged - before)
    report.backups += 1


async def long_form(url: str, targets: list[str], folder: Path, rows: int) -> Report:
    """`rows` deals are there before, two gateways serve, and the command line backs up and restores."""
    await seed(url, SeedSpec("Full", rows, None, None, None, 7))
    async with serving(url, folder, GATEWAYS, **PATIENT) as gateways:
        ways = Ways([each.address for each in gateways], partial(by_command, "backup"), partial(by_command, "restore"))
        return await run(url, targets, folder, ways, least=300)


@contextmanager
def places(kind: str, folder: Path, count: int) -> Iterator[tuple[str, list[str]]]:
    """A new database of this kind, and empty places to restore into."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'gateway.db'}"
        asyncio.run(upgrade(url))
        yield url, [f"sqlite:///{folder / f'restored-{number}.db'}" for number in range(count)]
        return
    server = start_postgres()
    try:
        names = ["live", *(f"restored_{number}" for number in range(count))]
        server.sql(*(f"CREATE DATABASE {name} TEMPLATE template0" for name in names))
        asyncio.run(upgrade(server.url("live")))
        yield server.url("live"), [server.url(name) for name in names[1:]]
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--backups", type=int, default=3)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gateway-backups-"))
    try:
        with places(given.database, folder, given.backups) as (url, targets):
            report = asyncio.run(long_form(url, targets, folder, given.rows))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(asdict(report), indent=2))
    sys.exit(not report.flawless)


if __name__ == "__main__":
    main()
