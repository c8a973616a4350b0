"""A PostgreSQL whose connections stay open while nobody answers on them: every wait has its end, and new connections are made."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from schema.graph import Graph
from schema.rules.access import Caller, Role
from schema.storage.database import Connection, Database, DatabaseUnavailable, OutcomeUnknown
from schema.storage.opening import open_database
from schema.storage.postgresql.driver import GRACE_SECONDS
from schema.storage.postgresql.pool import TICK_SECONDS
from tests.connecting import beside
from tests.end_to_end.database_outage import Proxy, proxied
from tests.end_to_end.deals import deals
from tests.end_to_end.fleet import access
from tests.schema.backends import each_connection, sleep

SIZE = 3
STATEMENT = 1.0
#: Seconds after which a statement is given up, and a little for a busy machine.
LIMIT = STATEMENT + GRACE_SECONDS + 2 * TICK_SECONDS + 1.0


@asynccontextmanager
async def behind(postgres_url: str, **options: Any) -> AsyncIterator[tuple[Proxy, Database]]:
    """A database behind a proxy, with all its connections made."""
    async with proxied(postgres_url) as (proxy, address):
        given = {"pool_size": SIZE, "acquire_timeout": 5.0, "statement_timeout": STATEMENT, **options}
        database = open_database(address, **given)
        await database.open()
        try:
            await each_connection(database, SIZE)
            yield proxy, database
        finally:
            async with asyncio.timeout(LIMIT):
                await database.close()


async def _many(connection: Connection) -> None:
    """More than a socket holds: the driver waits for it to empty."""
    statement = open_database("postgresql://nowhere").compile(text("SELECT CAST(:value AS text)"))
    await connection.execute_many(statement, [{"value": "x" * 10_000}] * 2_000)


async def _one(connection: Connection) -> None:
    await connection.fetch(open_database("postgresql://nowhere").compile(text("SELECT 1")), {})


WAYS = {
    "statement": lambda database: sleep(database, 0),
    "snapshot": lambda database: database.read(_one),
    "transaction": lambda database: database.write(_one),
    "many rows": lambda database: database.write(_many),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_silent_connection(postgres_url: str, way: str) -> None:
    """Who waits for it is told after the statement's time, and the idle connections, which are as dead, are not tried one by one."""
    async with behind(postgres_url) as (proxy, database):
        proxy.silence()
        async with asyncio.timeout(LIMIT):
            with pytest.raises(DatabaseUnavailable):
                await WAYS[way](database)
        async with asyncio.timeout(LIMIT):
            assert len(await each_connection(database, SIZE)) == SIZE


async def test_who_leaves_a_silent_connection(postgres_url: str) -> None:
    """Work that is cancelled ends at once, as does the wait for its connection: nobody waits for the server to confirm it."""
    async with behind(postgres_url) as (proxy, database):
        proxy.silence()
        tasks = [asyncio.create_task(way(database)) for way in list(WAYS.values())[:SIZE]]
        await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        done, _ = await asyncio.wait(tasks, timeout=STATEMENT)
        assert done == set(tasks)
        async with asyncio.timeout(LIMIT):
            assert len(await each_connection(database, SIZE)) == SIZE


async def test_a_server_that_nobody_reaches(postgres_url: str) -> None:
    """While new connections get no answer either, whoever wants one is told within the time for that, and is served once it is back."""
    async with behind(postgres_url, acquire_timeout=0.5) as (proxy, database):
        proxy.away("mute")
        began = time.monotonic()
        for told in await asyncio.gather(*(sleep(database, 0) for _ in range(3 * SIZE)), return_exceptions=True):
            assert isinstance(told, DatabaseUnavailable)
        assert time.monotonic() - began < LIMIT
        proxy.back()
        async with asyncio.timeout(10):
            while True:
                try:
                    await sleep(database, 0)
                    break
                except DatabaseUnavailable:
                    await asyncio.sleep(0.05)


async def test_the_listener_asks(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that listens hears nothing when it is dead, and nothing when nothing happens: it asks, and is replaced."""
    monkeypatch.setattr("schema.storage.postgresql.driver.POLL_SECONDS", 0.2)
    async with behind(postgres_url) as (proxy, database):
        woken = asyncio.Event()
        following = asyncio.ensure_future(database.follow(lambda _: woken.set()))
        async with asyncio.timeout(5):
            await woken.wait()
        proxy.silence()
        async with asyncio.timeout(LIMIT):
            with pytest.raises(DatabaseUnavailable):
                await following


async def test_a_commit_that_nobody_confirms(postgres_url: str) -> None:
    """The answer to a COMMIT is lost: the client hears that nobody knows, it is not tried again blindly, and the key tells the truth."""
    who = await access(postgres_url)
    create = """mutation($a: ID!) { createOpportunity(input: {name: "Once", accountId: $a}, idempotencyKey: "k") {
      opportunity { name } userErrors { code } } }"""
    async with deals(postgres_url, who) as here, behind(postgres_url) as (proxy, database):
        graph = Graph(database)
        proxy.last_word = b"COMMIT\0"
        lost = await graph.run(graph.prepare(create), {"a": here.account}, who.caller)
        proxy.last_word = b""
        assert lost.errors is not None
        assert lost.errors[0]["extensions"] == {"code": "UNAVAILABLE"}
        assert "may have been made" in lost.errors[0]["message"]
        again = await graph.run(graph.prepare(create), {"a": here.account}, who.caller)
        assert again.errors is None
        assert again.extensions["idempotencyReplayed"] is True
        found = await graph.run(graph.prepare('{ opportunities(filter: {name: {eq: "Once"}}) { totalCount } }'), {}, who.caller)
        assert found.data == {"opportunities": {"totalCount": 1}}


async def test_work_lost_before_its_commit(postgres_url: str) -> None:
    """A connection that is lost before the COMMIT was sent leaves no doubt: nothing was made."""
    async with behind(postgres_url) as (proxy, database):

        async def work(connection: Connection) -> None:
            proxy.silence()
            await _one(connection)

        with pytest.raises(DatabaseUnavailable) as told:
            await database.write(work)
        assert not isinstance(told.value, OutcomeUnknown)


async def test_a_busy_loop_cuts_nobody_off(postgres_url: str) -> None:
    """An event loop that was held up finds answers that nobody has read yet: their connections are not taken for silent ones."""
    async with behind(postgres_url, statement_timeout=1.0) as (_, database):
        before = await each_connection(database, SIZE)
        work = [asyncio.create_task(sleep(database, 0.1)) for _ in range(SIZE)]
        await asyncio.sleep(0.05)
        time.sleep(1.0 + GRACE_SECONDS + 0.3)  # noqa: ASYNC251  it is what holds up the loop
        assert set(await asyncio.gather(*work)) == before


async def test_a_gateway_frozen_within_a_transaction(postgres_url: str) -> None:
    """Its locks are given up by the server before the writes of other gateways have waited for too long: theirs succeed."""
    who = await access(postgres_url)
    rename = 'mutation($id: ID!) { updateAccount(id: $id, input: {name: "B"}) { account { name } } }'
    async with deals(postgres_url, who) as here:
        frozen, other = (open_database(postgres_url, statement_timeout=2.0) for _ in range(2))
        await frozen.open()
        await other.open()
        stopped = asyncio.Event()

        async def work(connection: Connection) -> None:
            await connection.fetch(frozen.compile(text("SELECT 1 FROM workspace FOR UPDATE")), {})
            stopped.set()
            await asyncio.sleep(60)

        async with beside(frozen.write(work)):
            await stopped.wait()
            graph = Graph(other)
            caller = Caller(who.caller.workspace_id, Role.ADMIN, None, None, "key_other")
            answer = await graph.run(graph.prepare(rename), {"id": here.account}, caller)
            assert answer.errors is None
            assert answer.data == {"updateAccount": {"account": {"name": "B"}}}
        await frozen.close()
        await other.close()
