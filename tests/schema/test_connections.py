"""PostgreSQL's connections: never more than may be, handed on in turn, and made good for when they break."""

import asyncio
import time
import weakref
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import func, select

from schema.storage.database import Connection, Database, DatabaseUnavailable, StatementTimeout
from schema.storage.opening import open_database
from schema.storage.postgresql.pool import ConnectionPool
from schema.storage.postgresql.session import PostgresqlConnection
from schema.storage.timing import Timing
from tests.memory import Held, uncollected
from tests.schema.backends import each_connection, sleep

SIZE = 3
SECONDS = 0.5
GOODBYE = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    opened = open_database(postgres_url, pool_size=SIZE, acquire_timeout=SECONDS, statement_timeout=1.0)
    await opened.open()
    yield opened
    await opened.close()


async def test_no_more_than_may_be(database: Database) -> None:
    """Many at once share `pool_size` connections, and all are served."""
    assert len(set(await asyncio.gather(*(sleep(database, 0.02) for _ in range(10 * SIZE))))) == SIZE


async def test_waiting_ends(database: Database) -> None:
    """Who waits longer than `acquire_timeout` is told so, and whoever came in time gets its answer."""
    told = await asyncio.gather(*(sleep(database, 0.7) for _ in range(SIZE + 2)), return_exceptions=True)
    assert [isinstance(one, DatabaseUnavailable) for one in told] == [False] * SIZE + [True] * 2
    assert len(await each_connection(database, SIZE)) == SIZE


async def test_who_leaves_takes_nothing_along(database: Database) -> None:
    """Work that is cancelled, in the line or at work, and statements that take too long leave all connections to the others."""
    for _ in range(3):
        tasks = [asyncio.create_task(sleep(database, 0.3)) for _ in range(3 * SIZE)]
        await asyncio.sleep(0.05)
        for task in tasks[1::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(StatementTimeout):
        await sleep(database, 5.0)
    assert len(await each_connection(database, SIZE)) == SIZE


async def test_closing_waits_for_work(database: Database) -> None:
    """What is at work gets its answer, and closing takes no longer than that; then there is nothing more to be had."""
    tasks = [asyncio.create_task(sleep(database, 0.3)) for _ in range(SIZE)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(SECONDS):
        await database.close()
    assert len(set(await asyncio.gather(*tasks))) == SIZE
    with pytest.raises(DatabaseUnavailable):
        await sleep(database, 0.0)


async def test_lost_connections_are_replaced(database: Database, postgres_url: str) -> None:
    """A server that drops all connections, idle or at work, costs those at work their answer; the next are served by new ones."""
    before = await each_connection(database, SIZE)
    at_work = asyncio.create_task(sleep(database, 0.9))
    await asyncio.sleep(0.1)
    other = await asyncpg.connect(postgres_url)
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gateway' AND datname = current_database()"
    )
    await other.close()
    with pytest.raises(DatabaseUnavailable):
        await at_work
    await asyncio.sleep(0.2)
    after = await each_connection(database, SIZE)
    assert len(after) == SIZE
    assert not before & after


IDLE = 0.9


@pytest.mark.parametrize("begin", ["read", "write"])
async def test_a_pause_in_a_transaction(database: Database, begin: str) -> None:
    """The server gives up a transaction in which this process stands still for too long: it is done again, and nobody hears of it."""
    asked = database.compile(select(func.pg_backend_pid()))
    found = []

    async def work(connection: Connection) -> int:
        found.append((await connection.fetch(asked, {}))[0][0])
        if len(found) == 1:
            time.sleep(IDLE)  # noqa: ASYNC251  as a busy machine stops a process
        return int((await connection.fetch(asked, {}))[0][0])

    last = await (database.read(work) if begin == "read" else database.write(work))
    assert found[0] != found[1] == last


@pytest.mark.parametrize("begin", ["fetch", "read", "write"])
async def test_a_goodbye_before_a_statement(database: Database, begin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server says when nothing was asked of it spoils the connection before it is closed: the statement goes out on another."""
    asked = database.compile(select(func.pg_backend_pid()))
    first = await sleep(database, 0.0)
    take = ConnectionPool.take_now

    def say_goodbye(connections: ConnectionPool) -> PostgresqlConnection | None:
        monkeypatch.setattr(ConnectionPool, "take_now", take)
        session = take(connections)
        assert session is not None
        session.raw._protocol.data_received(b"E" + (len(GOODBYE) + 4).to_bytes(4, "big") + GOODBYE)
        return session

    monkeypatch.setattr(ConnectionPool, "take_now", say_goodbye)
    if begin == "fetch":
        rows = await database.fetch(asked, {})
    else:
        rows = await (database.read if begin == "read" else database.write)(lambda connection: connection.fetch(asked, {}))
    assert rows[0][0] != first


async def test_a_request_without_a_connection() -> None:
    """Once it is refused nothing of it is left: each one held its body while the database was away, until the collector came."""

    async def connect() -> None:
        raise DatabaseUnavailable("the server is away")

    pool = ConnectionPool(connect, Timing(), size=1, patience=60, limit=60)

    async def ask() -> "weakref.ref[Held]":
        body = Held()
        with pytest.raises(DatabaseUnavailable):
            await pool.take()
        return weakref.ref(body)

    with uncollected():
        held = await ask()
        await asyncio.sleep(0)  # the event loop still holds the future that has woken this task
        assert held() is None
    await pool.close(0)
