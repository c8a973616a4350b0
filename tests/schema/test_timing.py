"""What statements take is noted once each, in the context of whoever asked for them, also where they fail or run in a thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import bindparam, text

from schema.storage.database import Connection, Database, StatementTimeout
from schema.storage.opening import open_database
from schema.storage.statements import Statement
from schema.storage.timing import FAILED, MOST_DURATIONS, Timing

WHOSE: ContextVar[str] = ContextVar("whose", default="nobody")
ENDLESS = {
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(600)",
}


@pytest.fixture
def told(database: Database) -> Iterator[list[tuple[str, int, str]]]:
    """Of each statement: whose it was, its rows, and the thread in which it ended."""
    found: list[tuple[str, int, str]] = []

    def report(_statement: Statement, _seconds: float, rows: int) -> None:
        found.append((WHOSE.get(), rows, threading.current_thread().name))

    [*database.timing.taken()]
    database.timing.above, database.timing.report = -1.0, report
    yield found
    database.timing.above = float("inf")


def numbers(database: Database) -> Statement:
    return database.compile(text("SELECT 1 UNION SELECT 2"))


async def test_each_is_noted_once(database: Database, told: list[tuple[str, int, str]]) -> None:
    """One alone, in a snapshot, in portions and in a transaction: a duration and a report each, with the rows."""
    statement = numbers(database)

    async def work(connection: Connection) -> None:
        await connection.fetch(statement, {})
        await connection.fetch_portions(database.compile(text("SELECT 1 AS n UNION SELECT 2")), {}, 1, lambda _: None)

    async def write(connection: Connection) -> None:
        await connection.execute(database.compile(text("DELETE FROM account")), {})

    WHOSE.set("mine")
    await database.fetch(statement, {})
    await database.read(work)
    await database.write(write)
    assert [(whose, rows) for whose, rows, _ in told] == [("mine", 2)] * 3 + [("mine", 0)]
    durations = database.timing.taken()
    assert len(durations) == 4
    assert min(durations) > 0
    assert database.timing.taken() == []


async def test_writes_that_are_committed_together(database: Database, told: list[tuple[str, int, str]]) -> None:
    """Each statement is reported as its own caller's, whoever's write began the batch."""
    statement = numbers(database)

    async def one(name: str) -> None:
        WHOSE.set(name)
        await database.write(lambda connection: connection.fetch(statement, {}))

    await asyncio.gather(*(one(name) for name in "abcd"))
    assert sorted(whose for whose, *_ in told) == ["a", "b", "c", "d"]


async def test_in_a_thread(sqlite_url: str) -> None:
    """What is read in a thread is reported as its caller's."""
    database: Any = open_database(sqlite_url)
    await database.open()
    found: list[tuple[str, bool]] = []
    database.timing.above = -1.0
    database.timing.report = lambda *_: found.append((WHOSE.get(), threading.current_thread() is threading.main_thread()))
    statement = numbers(database)
    database._slow[hash(statement.text)] = float("inf")
    WHOSE.set("mine")
    try:
        await database.fetch(statement, {})
    finally:
        await database.close()
    assert found == [("mine", False)]


@pytest.mark.parametrize("alone", [True, False])
async def test_one_that_is_stopped(database_url: str, *, alone: bool) -> None:
    """A statement that ran out of time is reported as failed, once: it is the slowest of all."""
    database = open_database(database_url, statement_timeout=0.2)
    await database.open()
    found: list[tuple[int, float]] = []
    database.timing.above, database.timing.report = 0.1, lambda _, seconds, rows: found.append((rows, seconds))
    statement = database.compile(text(ENDLESS[database.dialect.name]))
    try:
        with pytest.raises(StatementTimeout):
            await (database.fetch(statement, {}) if alone else database.read(lambda connection: connection.fetch(statement, {})))
    finally:
        await database.close()
    assert [rows for rows, _ in found] == [FAILED]


async def test_one_that_is_wrong(database: Database, told: list[tuple[str, int, str]]) -> None:
    """A statement that fails at once is noted, too."""
    statement = database.compile(text("SELECT CAST(:value AS INTEGER) FROM nowhere").bindparams(bindparam("value", 1)))
    with pytest.raises(Exception, match="nowhere"):
        await database.fetch(statement, {"value": 1})
    assert [rows for _, rows, _ in told] == [FAILED]


def test_nobody_takes_them() -> None:
    """Where nobody counts durations they don't fill the memory."""
    timing = Timing()
    for _ in range(MOST_DURATIONS + 10):
        timing.note(1.0)
    assert len(timing.taken()) == MOST_DURATIONS
