"""Backups: the short form of `tests.end_to_end.backups`, and what clients hold from before a restore."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import Application
from gateway.cli.backups import back_up, renew, restore
from tests.connecting import until
from tests.end_to_end import backups
from tests.end_to_end.deals import Deals, deals
from tests.end_to_end.event_clients import BOTH, Follow, Refused, take
from tests.end_to_end.events import first_cursor
from tests.end_to_end.fleet import Access, access, in_process
from tests.postgres import POSTGRES_BIN_PATH, Postgres

REVISIONS = "SELECT sum(revision) FROM workspace"
LIST = "/api/opportunities/?limit=2"
PAGE = "query($after: String) { opportunities(first: 2, after: $after) { totalCount pageInfo { endCursor } } }"
BELOW = "query($after: String) { accounts { nodes { opportunities(first: 2, after: $after) { totalCount } } } }"


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's programs are those of the tests' server."""
    monkeypatch.setenv("PATH", f"{POSTGRES_BIN_PATH}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def empty_url(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty place of the same kind."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'restored.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.database(template="template0") as url:
        yield url


async def test_a_backup_under_writers(database_url: str, empty_url: str, tmp_path: Path) -> None:
    """50 clients write while it is taken: what is put back is, row by row, what the database was at the manifest's revision."""
    async with in_process(database_url, **backups.PATIENT) as (address, _):
        ways = backups.Ways([address], _back_up_beside_a_write, _restore)
        report = await backups.run(database_url, [empty_url], tmp_path, ways, least=60)
    assert report.flawless, report
    assert report.written_meanwhile[0] > 0
    assert report.rows > 200


def _untold(done: int, total: int) -> None:
    """Nobody looks how far it is."""


async def _back_up(database_url: str, file: Path) -> str:
    """As the command does, in this process."""
    await asyncio.to_thread(back_up, database_url, file, _untold)
    return ""


async def _back_up_beside_a_write(database_url: str, file: Path) -> str:
    """The same; it goes on once a write is done that isn't in it, since a small file is else copied in between two."""
    told = _after_a_write(database_url) if database_url.startswith("sqlite") else _untold
    await asyncio.to_thread(back_up, database_url, file, told)
    return ""


def _after_a_write(database_url: str) -> Callable[[int, int], None]:
    """Waits for the revision to go on, when first told how far the backup is; it reads what it read when it began."""
    path = database_url.removeprefix("sqlite:///")
    waited = False

    def told(_done: int, _total: int) -> None:
        nonlocal waited
        if waited:
            return
        waited, late = True, time.monotonic() + 20
        with contextlib.closing(sqlite3.connect(path)) as looking:
            before = looking.execute(REVISIONS).fetchone()
            while looking.execute(REVISIONS).fetchone() == before:
                assert time.monotonic() < late, "nobody writes"
                time.sleep(0.01)

    return told


async def _restore(database_url: str, file: Path) -> str:
    await asyncio.to_thread(restore, database_url, file, _untold)
    return ""


@dataclass(frozen=True, slots=True)
class Held:
    """What a client holds of a database."""

    next_link: str
    list_tag: str
    record_tag: str
    deal: str
    cursor: str
    position: str


async def _hold(http: httpx.AsyncClient, database_url: str, who: Access, some: Deals) -> Held:
    """Looks at everything that a client may keep."""
    position = await first_cursor(database_url, who)
    deal, *_ = [await some.create(value=number) for number in range(5)]
    listed = await http.get(LIST)
    record = await http.get(f"/api/opportunities/{deal}/")
    paged = (await http.post("/graphql", json={"query": PAGE})).json()["data"]["opportunities"]
    link = listed.json()["next"].partition("/api/")[2]
    return Held(f"/api/{link}", listed.headers["etag"], record.headers["etag"], deal, paged["pageInfo"]["endCursor"], position)


@asynccontextmanager
async def _client(address: str, who: Access) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=who.headers, timeout=60) as http:
        yield http


async def _check_fits(http: httpx.AsyncClient, address: str, who: Access, held: Held) -> None:
    """All of it is good where it was given."""
    assert (await http.get(held.next_link)).status_code == 200
    assert (await http.get(LIST, headers={"if-none-match": held.list_tag})).status_code == 304
    assert "errors" not in (await http.post("/graphql", json={"query": PAGE, "variables": {"after": held.cursor}})).json()
    for follow in BOTH:
        assert await take(follow(address, who.token, since=held.position), 5)


async def _check_refused(http: httpx.AsyncClient, address: str, who: Access, held: Held) -> None:
    """None of it fits any more, and what refuses it names the reason."""
    link = await http.get(held.next_link)
    assert (link.status_code, "restored" in link.text) == (410, True), link.text
    assert (await http.get(LIST, headers={"if-none-match": held.list_tag})).status_code == 200
    for query in (PAGE, BELOW):
        (error,) = (await http.post("/graphql", json={"query": query, "variables": {"after": held.cursor}})).json()["errors"]
        assert (error["extensions"]["code"], "restored" in error["message"]) == ("CURSOR_EXPIRED", True)
    for follow in BOTH:
        refused = await _refused(follow, address, who, held.position)
        assert (refused.code, "restored" in refused.errors[0]["message"]) == ("CURSOR_EXPIRED", True)
    change: dict[str, Any] = {"json": {"name": "From before"}, "headers": {"if-match": held.record_tag}}
    assert (await http.patch(f"/api/opportunities/{held.deal}/", **change)).status_code == 412
    seen = (await http.get(f"/api/opportunities/{held.deal}/")).headers["etag"]
    assert (await http.patch(f"/api/opportunities/{held.deal}/", **{**change, "headers": {"if-match": seen}})).status_code == 200


async def _refused(follow: Follow, address: str, who: Access, position: str) -> Refused:
    with pytest.raises(Refused) as refused:
        await take(follow(address, who.token, since=position), 1)
    return refused.value


async def test_what_was_given_before_a_restore_is_refused(database_url: str, empty_url: str, tmp_path: Path) -> None:
    """Links, cursors, positions of events and entity tags fit the database that gave them, and not the one that was put back."""
    who, file = await access(database_url), tmp_path / "backup"
    async with deals(database_url, who) as some, in_process(database_url) as (address, _), _client(address, who) as http:
        held = await _hold(http, database_url, who, some)
        await _check_fits(http, address, who, held)
        await _back_up(database_url, file)
    await _restore(empty_url, file)
    async with in_process(empty_url) as (address, _), _client(address, who) as http:
        await _check_refused(http, address, who, held)
        async with deals(empty_url, who) as some:
            await _check_fits(http, address, who, await _hold(http, empty_url, who, some))


async def test_a_restore_beneath_a_running_gateway(database_url: str) -> None:
    """A gateway that was serving notices a new epoch by itself, and its followers are told that history was set back."""
    who = await access(database_url)
    async with deals(database_url, who) as some, in_process(database_url) as (address, app), _client(address, who) as http:
        held = await _hold(http, database_url, who, some)
        following = [asyncio.create_task(_ended(follow, address, who, held.position)) for follow in BOTH]
        await _followed(app, len(following))
        await _seen(app, await renew(database_url))
        assert [(await each).code for each in following] == ["CURSOR_EXPIRED"] * len(following)
        await _check_refused(http, address, who, held)


async def _ended(follow: Follow, address: str, who: Access, position: str) -> Refused:
    """What ends a subscription that began well."""
    with pytest.raises(Refused) as refused:
        await take(follow(address, who.token, since=position), 1_000)
    return refused.value


async def _followed(app: Application, count: int) -> None:
    """Until so many follow."""
    feed = app.graph.events
    await until(lambda: sum(len(workspace.followers) for workspace in feed._workspaces.values()) >= count)


async def _seen(app: Application, number: int) -> None:
    """Until the gateway knows the epoch."""
    await until(lambda: app.database.epoch == number)


async def test_a_file_swapped_beneath_a_running_gateway(sqlite_url: str, tmp_path: Path) -> None:
    """A restored file at the place of the open one: writes are refused and readiness says so, until the gateway is started anew."""
    who, file = await access(sqlite_url), tmp_path / "backup"
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    async with deals(sqlite_url, who) as some:
        await some.create()
    await _back_up(sqlite_url, file)
    async with in_process(sqlite_url) as (address, _), _client(address, who) as http:
        assert (await http.get("/readyz")).status_code == 200
        for end in ("", "-wal", "-shm"):
            shutil.move(f"{path}{end}", f"{path}.away{end}")
        await _restore(sqlite_url, file)
        assert "replaced" in (await http.get("/readyz")).text
        refused = await http.post("/api/opportunities/", json={"name": "Lost", "accountId": some.account})
        assert refused.status_code == 503
    async with in_process(sqlite_url) as (address, _), _client(address, who) as http:
        assert (await http.get("/readyz")).status_code == 200
        assert (await http.post("/api/opportunities/", json={"name": "Kept", "accountId": some.account})).status_code == 201
