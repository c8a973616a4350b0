"""A PostgreSQL that takes no writes, that another one stands in for, and that refuses reads now and then."""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from schema.graph import Graph
from schema.storage.database import DatabaseUnavailable, ReadOnly
from schema.storage.postgresql.connect_errors import explain_failure
from schema.storage.postgresql.connector import GONE_SECONDS, Connector, hosts
from tests.end_to_end.database_outage import proxied
from tests.end_to_end.deals import Deals, deals
from tests.end_to_end.fleet import Access, access, opened
from tests.schema.conftest import make_world
from tests.schema.dataset import World, data

CREATE = 'mutation($a: ID!) { createOpportunity(input: {name: "New", accountId: $a}) { opportunity { name } } }'
NAMES = "{ opportunities { totalCount nodes { id account { name } } } }"


async def _do(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def read_only(url: str) -> AsyncIterator[None]:
    """New sessions of the database take no writes, as on a standby; and there are none but new ones."""
    await _do(
        url,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    try:
        yield
    finally:
        await _do(
            url,
            "SET default_transaction_read_only = off",
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$",
        )


@pytest.fixture
async def who(postgres_url: str) -> Access:
    return await access(postgres_url)


@pytest.fixture
async def here(postgres_url: str, who: Access) -> AsyncIterator[Deals]:
    async with deals(postgres_url, who) as made:
        yield made


async def test_a_server_that_takes_no_writes(postgres_url: str, who: Access, here: Deals) -> None:
    """Reads are answered, writes are refused in words and leave no read-only connection behind: the next one finds the new primary."""
    async with AsyncExitStack() as stack:
        meanwhile = await stack.enter_async_context(AsyncExitStack())
        await meanwhile.enter_async_context(read_only(postgres_url))
        database = await stack.enter_async_context(opened(postgres_url))
        graph = Graph(database)
        for _ in range(2):
            refused = await graph.run(graph.prepare(CREATE), {"a": here.account}, who.caller)
            assert refused.errors == [
                {"message": "The database takes no changes at the moment: try again later.", "extensions": {"code": "UNAVAILABLE"}}
            ]
        assert await data(graph, NAMES, who.caller) == {"opportunities": {"totalCount": 0, "nodes": []}}
        with pytest.raises(ReadOnly) as told:
            await database.check()
        assert told.value.state.startswith("read-only")
        await meanwhile.aclose()
        # Whoever has one of the old connections may learn it now, once.
        answers = [await graph.run(graph.prepare(CREATE), {"a": here.account}, who.caller) for _ in range(2)]
        assert answers[1].errors is None
        await database.check()


async def test_no_host_takes_writes(postgres_url: str) -> None:
    """An address that wants a server that takes writes, while there is none: the reason is told."""
    async with proxied(postgres_url) as (_, address), read_only(postgres_url):
        with pytest.raises(ReadOnly):
            async with opened(f"{address}?target_session_attrs=read-write"):
                pass


@pytest.mark.parametrize("silent", ["cut", "mute"])
async def test_a_host_that_does_not_answer(postgres_url: str, silent: str) -> None:
    """The next one is asked in time, whether the first refuses or says nothing, and it is asked first from then on; its socket notices
    when it dies.
    """
    async with proxied(postgres_url) as (first, one), proxied(postgres_url) as (_, two):
        first.away(silent)
        both = one.replace("/test_", f",{two.partition('@')[2].partition('/')[0]}/test_")
        connector = Connector(both, 4.0)
        for seconds in (4.0, 1.0):
            raw = await connector.connect(seconds)
            assert await raw.fetchval("SELECT 1") == 1
            kept = raw._transport.get_extra_info("socket")
            assert kept.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert kept.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == GONE_SECONDS * 1000
            raw.terminate()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u@one/name", [{}]),
        ("postgresql:///name?host=/run/a", [{}]),
        ("postgresql://u:p@one:1,two/name", [{"host": "one", "port": 1}, {"host": "two", "port": 5432}]),
        ("postgresql://u@[::1]:1,[::2]/name", [{"host": "::1", "port": 1}, {"host": "::2", "port": 5432}]),
        ("postgresql:///name?host=one,two&port=1,2", [{"host": "one", "port": 1}, {"host": "two", "port": 2}]),
        ("postgresql:///name?host=/run/a,/run/b&port=7", [{"host": "/run/a", "port": 7}, {"host": "/run/b", "port": 7}]),
    ],
)
def test_hosts(url: str, expected: list[Any]) -> None:
    """Each host of an address with its port; one host is left to asyncpg."""
    assert hosts(url) == expected


async def test_a_host_that_is_not_there() -> None:
    """Of several hosts that can't be reached, the first one's reason is told."""
    with pytest.raises(DatabaseUnavailable, match="nothing listens there"):
        await Connector("postgresql://u@127.0.0.1:1,127.0.0.1:2/name", 4.0).connect()


def test_a_server_that_speaks_no_tls() -> None:
    """What OpenSSL says leads to the address's `sslmode`, in whatever case it is written."""
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    assert "look at sslmode" in explain_failure(error, "db:5432")


REFUSE = """CREATE FUNCTION refuse() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('refused') % 3 <> 0 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '{}'; END IF;
  RETURN true; END $$"""


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    """The world on PostgreSQL alone: SQLite's reads meet nobody."""
    async with opened(postgres_url) as database:
        yield await make_world(database)


@pytest.mark.parametrize("code", ["40001", "40P01"])
@pytest.mark.parametrize("query", ["{ opportunities { nodes { id } } }", NAMES], ids=["statement", "snapshot"])
async def test_reads_that_lose_a_race(world: World, query: str, code: str) -> None:
    """A standby ends reads that stand in its way, a distributed database those that met a write: they are tried again, unseen."""
    before = await data(world.graph, query, world.here.caller())
    await _do(
        world.database.url,
        "CREATE SEQUENCE refused",
        REFUSE.format(code),
        "ALTER TABLE opportunity RENAME TO opportunity_kept",
        "CREATE VIEW opportunity AS SELECT * FROM opportunity_kept WHERE (SELECT refuse())",
    )
    try:
        async with opened(world.database.url) as database:
            assert await data(Graph(database), query, world.here.caller()) == before
            refused = await database.fetch(database.compile(text("SELECT last_value FROM refused")), {})
            assert refused[0][0] >= 3
    finally:
        await _do(
            world.database.url,
            "DROP VIEW opportunity",
            "ALTER TABLE opportunity_kept RENAME TO opportunity",
            "DROP FUNCTION refuse",
            "DROP SEQUENCE refused",
        )


async def test_a_read_that_always_loses(postgres_url: str) -> None:
    """There is an end to trying: then the database is busy."""
    await _do(postgres_url, "CREATE SEQUENCE refused MINVALUE 1 INCREMENT 3", REFUSE.format("40001"))
    try:
        async with opened(postgres_url) as database:
            with pytest.raises(DatabaseUnavailable, match="12 times"):
                await database.fetch(database.compile(text("SELECT refuse()")), {})
    finally:
        await _do(postgres_url, "DROP FUNCTION refuse", "DROP SEQUENCE refused")
