"""The migrations make exactly the tables that the nouns and schema/storage/tables.py declare, from any number of processes at once."""

import asyncio
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlmodel import SQLModel

import schema.nouns.all  # noqa: F401  fills the metadata
from gateway.migrations import head, head_is_current, upgrade
from gateway.migrations.runner import SCRIPTS, _config, connected
from schema.storage.database import StorageError
from schema.storage.opening import open_database
from schema.storage.tables import tables_of
from tests.postgres import Postgres

NOW = datetime(2025, 1, 1, tzinfo=UTC)


async def differences(url: str) -> list[Any]:
    """What Alembic would still change in the database at `url`."""
    found: list[Any] = []

    def is_own(_: Any, name: str | None, kind: str, *__: Any) -> bool:
        return kind != "table" or name in tables_of("schema") or name not in SQLModel.metadata.tables

    def compare(connection: Connection) -> None:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_object": is_own}
        )
        found.extend(compare_metadata(context, SQLModel.metadata))

    async with connected(url) as run:
        await run(compare)
    return found


async def test_migrated_database_is_the_declared_one(database_url: str) -> None:
    """After the newest revision nothing is left to change: tables, columns, types, keys and indexes are the declared ones."""
    assert await differences(database_url) == []


async def test_upgrade_twice_changes_nothing(database_url: str) -> None:
    """A database at the newest revision stays as it is."""
    await upgrade(database_url)
    assert await differences(database_url) == []


async def test_head_is_current(database_url: str) -> None:
    """A migrated database is told from one that a newer or older gateway left behind."""
    database = open_database(database_url)
    await database.open()
    try:
        assert await head_is_current(database)
        async with connected(database_url) as run:
            await run(lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'other'"))
        assert not await head_is_current(database)
        async with connected(database_url) as run:
            await run(lambda connection: connection.exec_driver_sql("DROP TABLE alembic_version"))
        assert not await head_is_current(database)
    finally:
        await database.close()


def test_parents_are_clustered_on_sqlite(sqlite_template: Path) -> None:
    """The tables that are read by primary key alone have no rowid: one descent instead of two."""
    with sqlite3.connect(sqlite_template) as raw:
        found = dict(raw.execute("SELECT name, sql LIKE '%WITHOUT ROWID%' FROM sqlite_master WHERE type = 'table'"))
    raw.close()
    declared = {name: not table.dialect_options["sqlite"].get("with_rowid", True) for name, table in tables_of("schema").items()}
    assert {name: bool(found[name]) for name in declared} == declared


def test_text_collates_by_code_point_on_postgresql(postgres_server: Postgres, postgres_url: str) -> None:
    """Every text column sorts by code point, whatever the server's locale, as SQLite does."""
    name = urlsplit(postgres_url).path[1:]
    other = postgres_server.sql(
        "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type = 'character varying' AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'alembic_version'",
        database=name,
    )
    assert other == ""


UPGRADE = "import asyncio, sys; from gateway.migrations import upgrade; asyncio.run(upgrade(sys.argv[1]))"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        with request.getfixturevalue("postgres_server").database(template="template0") as url:
            yield url


async def test_processes_that_start_together(empty_url: str) -> None:
    """Four processes that migrate the same empty database at once all succeed, and it is migrated once."""
    started = [await asyncio.create_subprocess_exec(sys.executable, "-c", UPGRADE, empty_url) for _ in range(4)]
    assert await asyncio.gather(*(process.wait() for process in started)) == [0, 0, 0, 0]
    assert await differences(empty_url) == []


async def test_a_failed_upgrade_leaves_nothing(tmp_path: Path) -> None:
    """A revision that fails half way is taken back whole: SQLite's DDL is in the transaction too."""
    path = tmp_path / "half.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE event (in_the_way)")
    raw.close()
    with pytest.raises(StorageError, match="already exists"):
        await upgrade(f"sqlite:///{path}")
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT name FROM sqlite_master").fetchall() == [("event",)]
    raw.close()


AT = "2026-01-01T00:00:00Z"
OLD_ROWS = (
    f"INSERT INTO workspace VALUES ('ws_1', 'Old', 'EUR', 1, '{AT}')",
    (
        "INSERT INTO event (workspace_id, revision, position, kind, opportunity_id, changed_fields, at, by_id)"
        f" VALUES ('ws_1', 1, 0, 'DELETED', 'opp_1', '[]', '{AT}', 'usr_1'), ('ws_1', 1, 1, 'DELETED', 'opp_2', '[]', '{AT}', NULL)"
    ),
)


async def test_rows_of_the_first_revision_are_kept(empty_url: str) -> None:
    """What was written before it was recorded which key did it says so by null, and is there as it was."""
    async with connected(empty_url) as run:
        await run(lambda connection: command.upgrade(_config(connection), "0001"))
        for statement in OLD_ROWS:
            await run(lambda connection, statement=statement: connection.exec_driver_sql(statement))
    await upgrade(empty_url)
    found: list[Any] = []
    async with connected(empty_url) as run:
        await run(
            lambda connection: found.extend(
                connection.exec_driver_sql("SELECT noun, record_id, by_id, by_key_id FROM event ORDER BY position")
            )
        )
    assert [tuple(row) for row in found] == [("Opportunity", "opp_1", "usr_1", None), ("Opportunity", "opp_2", None, None)]
    assert await differences(empty_url) == []


def test_head() -> None:
    """There is one newest revision, and it is that of the newest file."""
    assert head() == max(path.name[:4] for path in (SCRIPTS / "versions").glob("0*.py"))


NAMES = ("Cafe\u0301", "\u1112\u1161\u11ab", "a\u00a0b", "ＦＵＬＬ", "plain", "ﬁne")
FOLDED = ("café", "한", "a b", "full", "plain", "fine")
ADDRESSES = ("ｊ@example.com", "j@example.com")
"""Alike if their form were folded too; both must stay."""
MANY = 2_500
"""More than two portions, without those that are folded already."""
COMMON = {"workspace_id": "ws_0", "created_at": NOW, "updated_at": NOW, "version": 1}


def _unfolded(number: int) -> dict[str, dict[str, Any]]:
    """A row of each table as it was before: folded by case alone."""
    name = NAMES[number % len(NAMES)]
    address = ADDRESSES[number] if number < len(ADDRESSES) else f"{number}@example.com"
    email = {"email": address, "email_folded": address, "search_folded": f"{name.casefold()}\n{address}"}
    folded, key = {"name": name, "name_folded": name.casefold()}, f"{number:04}"
    deal = {"account_id": f"acc_{key}", "stage": 0, "probability": 10, "probability_manual": False, "stage_since": NOW}
    source = {"source": name, "source_folded": name.casefold()}
    return {
        "account": COMMON | folded | {"id": f"acc_{key}"},
        "user": COMMON | email | {"id": f"usr_{key}", "name": name, "role": "admin", "is_active": True},
        "contact": COMMON | email | {"id": f"cnt_{key}", "name": name},
        "opportunity": COMMON | folded | deal | source | {"id": f"opp_{key}"},
    }


def _fill_unfolded(connection: Connection) -> None:
    tables = MetaData()
    tables.reflect(connection)
    workspace = {"id": "ws_0", "name": "W", "currency": "EUR", "revision": 5, "created_at": NOW}
    connection.execute(tables.tables["workspace"].insert(), [workspace])
    rows = [_unfolded(number) for number in range(MANY)]
    for name in rows[0]:
        connection.execute(tables.tables[name].insert(), [row[name] for row in rows])


OF_DEALS = ("opportunity.name_folded", "opportunity.source_folded")
FOLDED_COLUMNS = ("account.name_folded", "user.search_folded", "contact.search_folded", *OF_DEALS)


async def test_texts_are_folded_anew(empty_url: str) -> None:
    """What was kept folded by case alone is found by its form too after the migration, in all its portions; addresses stay apart."""
    async with connected(empty_url) as run:
        await run(lambda connection: command.upgrade(_config(connection), "0001"))
        await run(_fill_unfolded)
    await upgrade(empty_url)
    found: dict[str, list[Any]] = {}

    def look(connection: Connection) -> None:
        for text in (*FOLDED_COLUMNS, "contact.email_folded", "workspace.revision"):
            table, _, column = text.partition(".")
            found[text] = [row[0] for row in connection.exec_driver_sql(f'SELECT {column} FROM "{table}" ORDER BY id')]

    async with connected(empty_url) as run:
        await run(look)
    for text in FOLDED_COLUMNS:
        assert [each.split("\n")[0] for each in found[text]] == [FOLDED[number % len(FOLDED)] for number in range(MANY)]
    assert found["contact.email_folded"][:2] == [*ADDRESSES]
    assert found["workspace.revision"] == [6]


async def test_short_times_of_a_role(postgres_server: Postgres, postgres_url: str) -> None:
    """Where the database gives each session short times, as it must behind a pooler, a migration takes the time that it needs."""
    name = urlsplit(postgres_url).path[1:]
    short = ("statement_timeout", "idle_in_transaction_session_timeout")
    postgres_server.sql(*(f"ALTER DATABASE {name} SET {setting} = '2s'" for setting in short))
    found: dict[str, str] = {}

    def look(connection: Connection) -> None:
        found.update({setting: connection.exec_driver_sql(f"SHOW {setting}").scalar_one() for setting in short})

    try:
        async with connected(postgres_url) as run:
            await run(look)
    finally:
        postgres_server.sql(f"ALTER DATABASE {name} RESET ALL")
    assert found == {"statement_timeout": "1h", "idle_in_transaction_session_timeout": "0"}
