"""Health, readiness and both doors over a database that takes no writes, is locked, has lost its file, or doesn't answer."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from gateway.auth import Authenticator
from gateway.migrations import head_is_current, runner, upgrade
from schema.rules.access import Caller
from schema.storage.database import Database, StorageError
from tests.gateway.conftest import MakeApp, calling
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway
from tests.schema.test_failover import read_only

CREATE = 'mutation { createAccount(input: {name: "B"}) { account { id } } }'


async def doors(here: Gateway) -> tuple[list[tuple[int, str | None, str]], list[int]]:
    """Status, Retry-After and message of a write, and the status of a read, through both doors."""
    writes = [
        await here.client.post("/graphql", json={"query": CREATE}, headers={"accept": "application/graphql-response+json"}),
        await here.client.post("/api/accounts/", json={"name": "B"}),
    ]
    told = [(each.status_code, each.headers.get("retry-after"), _message(each.json())) for each in writes]
    reads = [await here.client.post("/graphql", json={"query": "{ accounts { totalCount } }"}), await here.client.get(OPPORTUNITIES)]
    return told, [each.status_code for each in reads]


def _message(body: dict[str, Any]) -> str:
    return str(body.get("detail") or body.get("errors", [{"message": ""}])[0]["message"])


async def ready(here: Gateway) -> tuple[int, str]:
    """The status of `/readyz`, and what it says of the database."""
    answer = await here.client.get("/readyz", headers={"authorization": ""})
    return answer.status_code, answer.json()["checks"]["database"]


UNCHANGED = "The database takes no changes at the moment: try again later."


async def test_a_server_that_takes_no_writes(postgres_url: str) -> None:
    """Not ready, in words; reads are answered, writes are 503 with Retry-After."""
    async with gateway(postgres_url) as here:
        assert await ready(here) == (200, "ok")
        async with read_only(postgres_url):
            # Those who were in the middle of something hear that it is away, once for each connection.
            for _ in range(10):
                found = await doors(here)
                assert {status for status, _, _ in found[0]} == {503}
            assert found == ([(503, "1", UNCHANGED)] * 2, [200, 200])
            status, said = await ready(here)
            assert (status, said.partition(":")[0]) == (503, "read-only")
            assert (await here.client.get("/healthz")).status_code == 200


async def test_a_file_that_was_replaced(sqlite_url: str) -> None:
    """Not ready, in words; reads are answered, writes are 503 with Retry-After; all is well when the file is back."""
    path = sqlite_url.removeprefix("sqlite:///")
    async with gateway(sqlite_url) as here:
        os.rename(path, f"{path}.away")  # noqa: PTH104  the loop has nothing else to do
        sqlite3.connect(path).close()
        assert await doors(here) == ([(503, "1", UNCHANGED)] * 2, [200, 200])
        status, said = await ready(here)
        assert (status, said.partition(":")[0]) == (503, "replaced")
        os.rename(f"{path}.away", path)  # noqa: PTH104
        assert await ready(here) == (200, "ok")
        assert [status for status, _, _ in (await doors(here))[0]] == [200, 201]


@contextmanager
def held(sqlite_url: str) -> Any:
    """Another program has the file's lock."""
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


async def test_a_file_that_is_locked(sqlite_url: str) -> None:
    """A write that waits for another program's lock is 503 with Retry-After before its operation's time is over, never 504."""
    async with gateway(sqlite_url, operation_timeout=2.0, statement_timeout=0.5) as here:
        with held(sqlite_url):
            async with asyncio.timeout(10):
                many = await asyncio.gather(*(here.client.post("/api/accounts/", json={"name": "B"}) for _ in range(20)))
            assert {(each.status_code, each.headers["retry-after"]) for each in many} == {(503, "1")}
            assert await ready(here) == (200, "ok")
        assert (await here.client.post("/api/accounts/", json={"name": "B"})).status_code == 201


async def test_the_time_that_a_token_took_counts(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation's time begins when the request came, not when a slow database has said whose token it is."""

    async def slowly(authenticator: Authenticator, _: str) -> Caller | None:
        await asyncio.sleep(1.5)
        return authenticator.cached("Bearer test")

    monkeypatch.setattr(Authenticator, "authenticate", slowly)
    async with calling(make_app(operation_timeout=2)) as client:
        asked = (
            client.post("/graphql", json={"query": "{ slow(seconds: 1) }"}, headers={"authorization": token})
            for token in ("Bearer test", "Bearer other")
        )
        answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers] == [200, 504]


@pytest.fixture
async def counted(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[httpx.AsyncClient, list[int]]]:
    """An application whose looks at the database take a while, and are counted."""
    looks = [0]

    async def slowly(database: Database, packages: Any) -> bool:
        looks[0] += 1
        await asyncio.sleep(0.3)
        return await head_is_current(database, packages)

    async with calling(make_app()) as client:
        monkeypatch.setattr("gateway.observability.health.head_is_current", slowly)
        yield client, looks


async def test_one_look_for_all_who_ask(counted: tuple[httpx.AsyncClient, list[int]]) -> None:
    """Readiness needs no token: whoever asks a thousand times takes no more of the database than one who asks once."""
    client, looks = counted
    answers = await asyncio.gather(*(client.get("/readyz") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert looks == [1]
    assert (await client.get("/readyz")).status_code == 200
    assert looks == [2]


async def test_a_database_that_does_not_answer(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness has a deadline of its own."""
    monkeypatch.setattr("gateway.observability.health.PROBE_SECONDS", 0.2)

    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    async with calling(make_app()) as client:
        monkeypatch.setattr("gateway.observability.health.head_is_current", never)
        async with asyncio.timeout(5):
            assert (await client.get("/readyz")).json()["checks"]["database"] == "unavailable"


async def test_figures_of_the_database(database_url: str) -> None:
    """The metrics have those of the database that there is."""
    async with gateway(database_url) as here:
        await here.make("/api/accounts/", name="A")
        text = (await here.client.get("/metrics")).text
    found = {line.split()[0] for line in text.splitlines() if line.startswith(("gateway_sqlite", "gateway_database"))}
    if database_url.startswith("sqlite"):
        assert found == {"gateway_sqlite_wal_bytes", "gateway_database_writes_waiting"}
    else:
        assert found == {
            "gateway_database_connections_in_use",
            "gateway_database_connections_limit",
            "gateway_database_connections_waiting",
        }


async def test_a_migration_that_waits_for_another(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is an end to it, and a sentence."""
    monkeypatch.setattr(runner, "WAIT_SECONDS", 0.3)
    async with runner.connected(postgres_url):
        with pytest.raises(StorageError, match="another program holds a lock"):
            await upgrade(postgres_url)
    await upgrade(postgres_url)
