"""PostgreSQL's connections: never more than may be, handed on in turn, and made good for when they break."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import Double, bindparam, func, select

from schema.storage.database import Database, StatementTimeout, Unavailable, open_database

SIZE = 3
SECONDS = 0.5


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    opened = open_database(postgres_url, pool_size=SIZE, acquire_timeout=SECONDS, statement_timeout=1.0)
    await opened.open()
    yield opened
    await opened.close()


async def _sleep(database: Database, seconds: float) -> int:
    """The process that slept, in PostgreSQL."""
    slept = database.compile(select(func.pg_backend_pid(), func.pg_sleep(bindparam("seconds", required=True, type_=Double()))))
    return int((await database.fetch(slept, {"seconds": seconds}))[0][0])


async def _all(database: Database) -> set[int]:
    return set(await asyncio.gather(*(_sleep(database, 0.1) for _ in range(SIZE))))


async def test_no_more_than_may_be(database: Database) -> None:
    """Many at once share `pool_size` connections, and all are served."""
    assert len(set(await asyncio.gather(*(_sleep(database, 0.02) for _ in range(10 * SIZE))))) == SIZE


async def test_waiting_ends(database: Database) -> None:
    """Who waits longer than `acquire_timeout` is told so, and whoever came in time gets its answer."""
    told = await asyncio.gather(*(_sleep(database, 0.8) for _ in range(SIZE + 2)), return_exceptions=True)
    assert [isinstance(one, Unavailable) for one in told] == [False] * SIZE + [True] * 2
    assert len(await _all(database)) == SIZE


async def test_who_leaves_takes_nothing_along(database: Database) -> None:
    """Work that is cancelled, in the line or at work, and statements that take too long leave all connections to the others."""
    for _ in range(3):
        tasks = [asyncio.create_task(_sleep(database, 0.3)) for _ in range(3 * SIZE)]
        await asyncio.sleep(0.05)
        for task in tasks[1::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(StatementTimeout):
        await _sleep(database, 5.0)
    assert len(await _all(database)) == SIZE


async def test_closing_waits_for_work(database: Database) -> None:
    """What is at work gets its answer, and closing takes no longer than that; then there is nothing more to be had."""
    tasks = [asyncio.create_task(_sleep(database, 0.3)) for _ in range(SIZE)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(SECONDS):
        await database.close()
    assert len(set(await asyncio.gather(*tasks))) == SIZE
    with pytest.raises(Unavailable):
        await _sleep(database, 0.0)


async def test_lost_connections_are_replaced(database: Database, postgres_url: str) -> None:
    """A server that drops all connections, idle or at work, costs those at work their answer; the next are served by new ones."""
    before = await _all(database)
    at_work = asyncio.create_task(_sleep(database, 0.9))
    await asyncio.sleep(0.1)
    other = await asyncpg.connect(postgres_url)
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gateway' AND datname = current_database()"
    )
    await other.close()
    with pytest.raises(Unavailable):
        await at_work
    await asyncio.sleep(0.2)
    after = await _all(database)
    assert len(after) == SIZE
    assert not before & after
