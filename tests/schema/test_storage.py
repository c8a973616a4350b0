"""What both databases hold to: keys of tenants, durable and honest SQLite, and databases that can't write for a while."""

import asyncio
import sqlite3
import weakref
from typing import Any

import pytest
from sqlalchemy import UniqueConstraint

import schema.nouns.all  # noqa: F401  fills the metadata
from schema.storage.database import Connection, Database
from schema.storage.sqlite.driver import SqliteDatabase
from schema.storage.tables import tables_of
from tests.memory import Held, uncollected
from tests.schema.dataset import World, ask, data

RENAME = "mutation($id: ID!, $name: String!) { updateAccount(id: $id, input: {name: $name}) { account { name } } }"
#: The workspace's own key and name, the hash by which a key is found before there is a workspace, the turn at sweeping, and the epoch.
OTHERS = {("workspace", "id"), ("workspace", "name"), ("api_key", "token_hash"), ("sweep", "name"), ("epoch", "id")}


def test_every_key_begins_with_the_workspace() -> None:
    """Primary, unique and foreign keys: a row's place is its tenant's, and no reference leaves it."""
    first = set()
    for table in tables_of("schema").values():
        keys: list[Any] = [table.primary_key, *table.foreign_key_constraints]
        keys += [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        first |= {(table.name, next(iter(key.columns)).name) for key in keys}
    assert {each for each in first if each[1] != "workspace_id"} == OTHERS


@pytest.fixture
def sqlite(world_on_sqlite: World) -> SqliteDatabase:
    assert isinstance(world_on_sqlite.database, SqliteDatabase)
    return world_on_sqlite.database


async def test_every_connection_is_durable_and_keeps_references(sqlite: SqliteDatabase) -> None:
    """WAL, synchronous=FULL, foreign keys, for reading in the event loop, in a thread, and writing."""
    await asyncio.get_running_loop().run_in_executor(sqlite._readers, sqlite._thread_connection)
    assert len(sqlite._opened) >= 3
    for connection in sqlite._opened:
        found = [connection.raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")]
        assert found == ["wal", 2, 1]


async def test_a_write_takes_the_lock_at_its_beginning(world_on_sqlite: World, sqlite: SqliteDatabase) -> None:
    """A transaction that reads first and writes then would fail whenever another one wrote in between."""
    said: list[str] = []
    sqlite._writer._connection.raw.set_trace_callback(said.append)
    await data(world_on_sqlite.graph, RENAME, world_on_sqlite.here.caller(), {"id": world_on_sqlite.here.ids("account")[0], "name": "A"})
    begins = [text for text in said if text.startswith("BEGIN")]
    assert begins
    assert set(begins) == {"BEGIN IMMEDIATE"}


async def _code(world: World, document: str, variables: dict[str, Any]) -> str:
    """The code of the error that answers it."""
    answer = await ask(world.graph, document, world.here.caller(), variables)
    assert answer.errors is not None
    return str(answer.errors[0]["extensions"]["code"])


async def test_a_disk_that_is_full(world_on_sqlite: World, sqlite: SqliteDatabase) -> None:
    """A write that finds no room is unavailable, not a defect, leaves nothing behind, and the next one that finds room succeeds."""
    caller, id_ = world_on_sqlite.here.caller(), world_on_sqlite.here.ids("account")[0]
    raw = sqlite._writer._connection.raw
    pages = raw.execute("PRAGMA page_count").fetchone()[0]
    raw.execute(f"PRAGMA max_page_count={pages}")
    create = "mutation($i: [CreateOpportunityInput!]!) { createOpportunities(inputs: $i) { failed } }"
    many = [{"name": "Full", "accountId": id_, "description": "x" * 9_000} for _ in range(90)]
    assert await _code(world_on_sqlite, create, {"i": many}) == "UNAVAILABLE"
    found = await data(world_on_sqlite.graph, '{ opportunities(filter: {name: {eq: "Full"}}) { totalCount } }', caller)
    assert found["opportunities"]["totalCount"] == 0
    raw.execute("PRAGMA max_page_count=1000000")
    assert await data(world_on_sqlite.graph, create, caller, {"i": many}) == {"createOpportunities": {"failed": 0}}


async def test_a_file_that_another_program_holds(world_on_sqlite: World, sqlite: SqliteDatabase) -> None:
    """A write that doesn't get its turn is unavailable after its patience; reads go on meanwhile, and writes once the file is free."""
    caller, id_ = world_on_sqlite.here.caller(), world_on_sqlite.here.ids("account")[0]
    sqlite._writer._patience = 2
    other = sqlite3.connect(sqlite.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(_code(world_on_sqlite, RENAME, {"id": id_, "name": "Held"}))
        await asyncio.sleep(0.05)
        assert (await data(world_on_sqlite.graph, "{ accounts { totalCount } }", caller))["accounts"]["totalCount"] > 0
        assert not writing.done()
        assert await writing == "UNAVAILABLE"
        other.execute("ROLLBACK")
        renamed = await data(world_on_sqlite.graph, RENAME, caller, {"id": id_, "name": "Free"})
        assert renamed["updateAccount"]["account"]["name"] == "Free"
    finally:
        other.close()


class RefusedError(Exception):
    """A write that isn't done."""


async def test_a_write_that_fails_holds_nothing_of_its_request(database: Database) -> None:
    """Once it is handled: the error's traceback and the place in line would hold each other, and the request's body with them."""

    async def work(_: Connection) -> None:
        raise RefusedError

    async def ask() -> "weakref.ref[Held]":
        body = Held()
        with pytest.raises(RefusedError):
            await database.write(work)
        return weakref.ref(body)

    with uncollected():
        held = await ask()
        await asyncio.sleep(0)  # the event loop still holds the future that has woken this task
        assert held() is None
