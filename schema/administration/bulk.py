"""Rows into tables by the hundred thousand: `executemany` on SQLite, COPY on PostgreSQL, thousands in one transaction."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime
from typing import Protocol, TypeAlias

from sqlalchemy import insert
from sqlmodel import SQLModel

import schema.nouns.all  # noqa: F401  fills the metadata
from schema.rules.clock import instant
from schema.storage.columns import Instant
from schema.storage.postgresql.connector import connected
from schema.storage.statements import POSTGRESQL, SQLITE, compile_statement
from schema.storage.workspace import advance_revision
from schema.values import Value

SeedRow: TypeAlias = Mapping[str, object]
InsertRows = Mapping[str, Iterable[SeedRow]]


class Bulk(Protocol):
    """A database that takes rows in bulk. Instants are given in seconds since 1970."""

    async def write(self, workspace_id: str, batch: InsertRows) -> int:
        """Writes the rows of each table in one transaction that raises the workspace's revision by one, and says how many they were."""

    async def finish(self) -> None:
        """Lets the database take note of what it holds now."""


STATEMENT_SECONDS = 600.0


@asynccontextmanager
async def bulk(database_url: str) -> AsyncIterator[Bulk]:
    """The database at `sqlite:///path` or `postgresql://…`, already migrated."""
    if database_url.startswith("sqlite"):
        path = database_url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)) as raw:
            yield _Sqlite(raw)
    else:
        async with connected(database_url, command_timeout=STATEMENT_SECONDS) as connection:
            yield _Postgresql(connection)


class _Sqlite:
    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-262144", "temp_store=MEMORY"):
            raw.execute(f"PRAGMA {pragma}")

    async def write(self, workspace_id: str, batch: InsertRows) -> int:
        return await asyncio.to_thread(self._write, workspace_id, batch)

    def _write(self, workspace_id: str, batch: InsertRows) -> int:
        raised = compile_statement(SQLITE, advance_revision())
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            count = sum(self._insert(table, rows) for table, rows in batch.items())
            self._raw.execute(raised.text, raised.bind({"workspace": workspace_id}))
            self._raw.execute("COMMIT")
        except BaseException:
            # A full disk has rolled back by itself.
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
            raise
        return count

    def _insert(self, table: str, rows: Iterable[SeedRow]) -> int:
        clause = insert(SQLModel.metadata.tables[table])
        return self._raw.executemany(
            compile_statement(SQLITE, clause).text, _tuples(table, rows, lambda seconds: instant(seconds * 1000), date.isoformat)
        ).rowcount

    async def finish(self) -> None:
        """Nothing: with ANALYZE's statistics SQLite plans ordered lists from the parents outwards, eighty times slower."""


class _Postgresql:
    def __init__(self, connection: Value) -> None:
        self._connection = connection

    async def write(self, workspace_id: str, batch: InsertRows) -> int:
        count, raised = 0, compile_statement(POSTGRESQL, advance_revision())
        async with self._connection.transaction():
            for table, rows in batch.items():
                records = list(_tuples(table, rows, lambda seconds: datetime.fromtimestamp(seconds, UTC), lambda day: day))
                await self._connection.copy_records_to_table(table, records=records, columns=_columns(table))
                count += len(records)
            await self._connection.execute(raised.text, *raised.bind({"workspace": workspace_id}))
        return count

    async def finish(self) -> None:
        """Statistics, which autovacuum would gather a minute later."""
        await self._connection.execute("ANALYZE")


def _columns(table: str) -> list[str]:
    return [column.name for column in SQLModel.metadata.tables[table].columns]


def _tuples(
    table: str, rows: Iterable[SeedRow], to_instant: Callable[[Value], Value], to_day: Callable[[Value], Value]
) -> Iterator[tuple[Value, ...]]:
    """The rows in the order of the table's columns, as the driver takes them."""
    instants = [isinstance(column.type, Instant) for column in SQLModel.metadata.tables[table].columns]
    columns = list(zip(_columns(table), instants, strict=True))
    for row in rows:
        yield tuple(
            [
                to_instant(value) if is_instant and value is not None else to_day(value) if isinstance(value, date) else value
                for value, is_instant in [(row.get(name), is_instant) for name, is_instant in columns]
            ]
        )
