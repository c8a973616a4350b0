"""API keys: who they make of a caller, and how soon a change of them holds."""

import re
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from gateway.auth import Authenticator, AuthError
from gateway.auth.authenticator import CACHE_SIZE, UNKNOWN_CACHE_SIZE
from gateway.auth.cache import TokenCache
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, KeyFault, NewKey
from schema.nouns.users.keys import new_token
from schema.rules.access import Caller, Role
from schema.storage.database import Connection, Database
from schema.storage.opening import open_database


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = time.time()

    def __call__(self) -> float:
        return self.seconds


class Counted:
    """A database that counts its reads and writes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect, self.url = database.dialect, database.url
        self.compile = database.compile
        self.reads = self.writes = 0

    async def fetch(self, statement: Any, values: Any) -> Any:
        self.reads += 1
        return await self._database.fetch(statement, values)

    async def read(self, work: Any) -> Any:
        self.reads += 1
        return await self._database.read(work)

    async def write(self, work: Any) -> Any:
        self.writes += 1
        return await self._database.write(work)


async def sql(database: Database, statement: str) -> list[Any]:
    """The rows that a statement gives, by hand."""

    async def work(connection: Connection) -> Any:
        return await connection.fetch(database.compile(text(statement)), {})

    return [tuple(row) for row in await database.write(work)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counted(database: Database) -> Counted:
    return Counted(database)


@pytest.fixture
def authenticator(counted: Any, clock: Clock) -> Authenticator:
    return Authenticator(counted, Settings(), clock=clock, wall=clock)


@pytest.fixture
async def header(database: Database) -> str:
    """The header of an admin's key."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.ADMIN, "test", days=1))
    return f"Bearer {created.token}"


async def test_a_key_makes_a_caller(database: Database, authenticator: Authenticator) -> None:
    """A key's caller has its workspace, role, id and name, and no user."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.MEMBER, "sync job", days=2))
    caller = await authenticator.authenticate(f"Bearer {created.token}")
    listed = (await ApiKeys(database).list())[0]
    assert caller == Caller(created.workspace_id, Role.MEMBER, None, None, created.id, "sync job", listed.expires_at)


async def test_only_the_hash_is_kept(database: Database) -> None:
    """The token itself is nowhere in the database."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.ADMIN, "test"))
    row = (await sql(database, "SELECT * FROM api_key"))[0]
    assert created.token not in map(str, row)
    assert created.token.removeprefix("pk_live_") not in "".join(map(str, row))


def test_tokens_are_of_256_bits() -> None:
    """A token is `pk_live_` and 43 URL-safe characters, never the same twice."""
    tokens = {new_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert all(re.fullmatch(r"pk_live_[\w-]{43}", token, re.ASCII) for token in tokens)


@pytest.mark.parametrize(
    ("authorization", "says"),
    [
        (None, "This needs a token"),
        ("", "This needs a token"),
        ("   ", "This needs a token"),
        ("pk_live_abc", "no scheme"),
        ("Basic dXNlcjpwYXNz", "another scheme than Bearer"),
        ("Bearer", "no token behind 'Bearer'"),
        ("Bearer ", "no token behind 'Bearer'"),
        ("Bearer a b", "more than one token"),
        ("Bearer a, Bearer b", "more than one token"),
        ("Bearer tok\u00e9n", "characters that no token has"),
        ("Bearer tok\x00n", "characters that no token has"),
        ("Bearer " + "a" * 9_000, "a token has at most 8,192"),
        ("Bearer pk_live_short", "incomplete or has been altered"),
        ("Bearer pk_live_" + "a" * 43, "unknown"),
        ("Bearer something", "neither an API key nor"),
        ("Bearer a.b.c", "neither an API key nor"),
    ],
)
async def test_a_bad_header_says_what_is_wrong(sqlite_authenticator: Authenticator, authorization: str | None, says: str) -> None:
    """Each way of getting the header wrong has its own message, and none repeats the token."""
    with pytest.raises(AuthError, match=re.escape(says)) as caught:
        await sqlite_authenticator.authenticate(authorization)
    token = (authorization or "").rpartition(" ")[2]
    assert len(token) < 8 or token not in caught.value.detail


@pytest.fixture
async def sqlite_authenticator(sqlite_url: str) -> AsyncIterator[Authenticator]:
    """For what doesn't depend on the database."""
    database = open_database(sqlite_url)
    await database.open()
    yield Authenticator(database, Settings(jwt_secret="s" * 32))
    await database.close()


async def test_the_scheme_ignores_case(authenticator: Authenticator, header: str) -> None:
    """RFC 9110 section 11.1: the scheme is case-insensitive."""
    assert await authenticator.authenticate(header.replace("Bearer", "bEARER")) == await authenticator.authenticate(header)


async def test_a_known_token_costs_no_query(authenticator: Authenticator, counted: Counted, header: str, clock: Clock) -> None:
    """For as long as `token_cache` says, a token is looked up once; `cached` gives it without waiting."""
    assert authenticator.cached(header) is None
    caller = await authenticator.authenticate(header)
    assert [await authenticator.authenticate(header) for _ in range(9)] == [caller] * 9
    assert authenticator.cached(header) is caller
    assert counted.reads == 1
    clock.seconds += 5.0
    assert authenticator.cached(header) is None
    await authenticator.authenticate(header)
    assert counted.reads == 2


async def test_revocation_holds_at_once_here(database: Database, authenticator: Authenticator, header: str) -> None:
    """In the process that revokes a key it is refused from then on."""
    caller = await authenticator.authenticate(header)
    await ApiKeys(database).revoke(caller.token_id)
    authenticator.forget(caller.token_id)
    assert authenticator.cached(header) is None
    with pytest.raises(AuthError, match="revoked"):
        await authenticator.authenticate(header)


async def test_revocation_holds_elsewhere_within_five_seconds(
    database: Database, authenticator: Authenticator, header: str, clock: Clock
) -> None:
    """A process that isn't told of a revocation believes a key for five seconds more at most."""
    caller = await authenticator.authenticate(header)
    await ApiKeys(database).revoke(caller.token_id)
    clock.seconds += 4.9
    assert await authenticator.authenticate(header) == caller
    clock.seconds += 0.1
    with pytest.raises(AuthError, match="revoked"):
        await authenticator.authenticate(header)


async def test_revocation_during_the_look_up_is_not_missed(authenticator: Authenticator, counted: Counted, header: str) -> None:
    """A key that is revoked between its look-up and its being remembered isn't remembered."""
    fetch = counted.fetch

    async def fetch_then_forget(statement: Any, values: Any) -> Any:
        rows = await fetch(statement, values)
        authenticator.forget(rows[0][1])
        return rows

    counted.fetch = fetch_then_forget  # type: ignore[method-assign]
    await authenticator.authenticate(header)
    assert authenticator.cached(header) is None


async def test_a_key_expires_on_the_second(authenticator: Authenticator, header: str, clock: Clock) -> None:
    """A remembered key is refused when its time has come, not when its place in the cache has."""
    caller = await authenticator.authenticate(header)
    assert caller.expires_at is not None
    expires = datetime.fromisoformat(caller.expires_at).timestamp()
    clock.seconds = expires - 1
    assert await authenticator.authenticate(header) == caller
    clock.seconds = expires
    with pytest.raises(AuthError, match="expired"):
        await authenticator.authenticate(header)


async def test_an_unknown_key_is_remembered_briefly(authenticator: Authenticator, counted: Counted, clock: Clock) -> None:
    """A client that keeps sending a dead key doesn't cost a query each time."""
    for _ in range(5):
        with pytest.raises(AuthError, match="unknown"):
            await authenticator.authenticate("Bearer pk_live_" + "x" * 43)
    assert counted.reads == 1
    clock.seconds += 2.0
    with pytest.raises(AuthError, match="unknown"):
        await authenticator.authenticate("Bearer pk_live_" + "x" * 43)
    assert counted.reads == 2


async def test_the_caches_are_bounded(sqlite_authenticator: Authenticator) -> None:
    """A flood of made-up keys fills no memory."""
    for number in range(UNKNOWN_CACHE_SIZE + 50):
        with pytest.raises(AuthError):
            await sqlite_authenticator.authenticate(f"Bearer pk_live_{number:043}")
    assert len(sqlite_authenticator._unknown) == UNKNOWN_CACHE_SIZE
    assert len(sqlite_authenticator._known) == 0
    assert CACHE_SIZE <= 10_000


async def test_a_token_is_remembered_once(authenticator: Authenticator, counted: Counted, header: str) -> None:
    """However a header writes its token, it is looked up once and kept once; with very many blanks it is refused unread."""
    token = header.removeprefix("Bearer ")
    for number in range(50):
        await authenticator.authenticate(f"{' ' * (number % 3)}{'bEARER' if number % 2 else 'Bearer'}{' ' * (1 + number)}{token}")
    for blanks in (9_000, 50_000, 65_000):
        with pytest.raises(AuthError, match="a token has at most"):
            await authenticator.authenticate(f"Bearer{' ' * blanks}{token}")
    assert (len(authenticator._known), len(authenticator._unknown), counted.reads) == (1, 0, 1)
    assert authenticator.believed(f"bearer   {token}") == authenticator.believed(header) > 0


async def test_tokens_that_nobody_shows_are_dropped(authenticator: Authenticator, header: str, clock: Clock) -> None:
    """What isn't fresh any more leaves the memory without being asked for."""
    await authenticator.authenticate(header)
    with pytest.raises(AuthError):
        await authenticator.authenticate("Bearer pk_live_" + "x" * 43)
    clock.seconds += 61
    authenticator._known.sweep()
    authenticator._unknown.sweep()
    assert (len(authenticator._known), len(authenticator._unknown)) == (0, 0)


def test_a_memory_is_bounded_in_characters(clock: Clock) -> None:
    """Few long tokens take no more memory than many short ones, and what is dropped gives its room back."""
    memory: TokenCache[int] = TokenCache(1_000, 10_000, clock)
    for number in range(100):
        memory.put(f"{number:03}" + "x" * 997, number, 5)
        memory.put(f"{number:03}" + "x" * 997, number, 5)
    assert [memory.get(f"{number:03}" + "x" * 997) for number in (89, 90, 99)] == [None, 90, 99]
    memory.forget(lambda number: number >= 95)
    assert len(memory) == 5
    for number in range(1_500):
        memory.put(str(number), number, 5)
    assert len(memory) == 1_000


async def test_a_limited_viewer(database: Database, authenticator: Authenticator, header: str) -> None:
    """A viewer's key may be limited to one account of its workspace; other keys may not."""
    workspace = (await authenticator.authenticate(header)).workspace_id
    account = "acc_00000000000000000000000001"
    await sql(
        database,
        "INSERT INTO account (workspace_id, id, name, name_folded, created_at, updated_at, version)"
        f" VALUES ('{workspace}', '{account}', 'A', 'a', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 1)",
    )
    created = await ApiKeys(database).create(NewKey("Acme", Role.VIEWER, "portal", account_id=account))
    assert (await authenticator.authenticate(f"Bearer {created.token}")).account_id == account
    with pytest.raises(KeyFault, match="only a `VIEWER` is limited to an account"):
        await ApiKeys(database).create(NewKey("Acme", Role.MEMBER, "portal", account_id=account))
    with pytest.raises(KeyFault, match="no account"):
        await ApiKeys(database).create(NewKey("Other", Role.VIEWER, "portal", account_id=account))
    assert [row[0] for row in await sql(database, "SELECT name FROM workspace")] == ["Acme"]


async def last_used(database: Database) -> str | None:
    """When the only key was last used."""
    return (await ApiKeys(database).list())[0].last_used_at


async def test_last_use_is_written_once_a_minute(
    database: Database, authenticator: Authenticator, counted: Counted, header: str, clock: Clock
) -> None:
    """Uses are written in batches, once a minute a key at most, and leave the workspace's revision alone."""
    revision = await sql(database, "SELECT revision FROM workspace")
    await authenticator.authenticate(header)
    assert counted.writes == 0
    await authenticator._usage.flush()
    first = await last_used(database)
    assert first is not None
    for _ in range(5):
        clock.seconds += 10
        await authenticator.authenticate(header)
        await authenticator._usage.flush()
    assert counted.writes == 1
    assert await last_used(database) == first
    clock.seconds += 10
    await authenticator._usage.flush()
    assert counted.writes == 2
    assert await last_used(database) > first  # type: ignore[operator]
    assert await sql(database, "SELECT revision FROM workspace") == revision


async def test_last_use_is_kept_at_the_end(database: Database, authenticator: Authenticator, header: str) -> None:
    """A process that stops writes what it still holds."""
    async with authenticator.running():
        await authenticator.authenticate(header)
        assert await last_used(database) is None
    assert await last_used(database) is not None


async def test_keys_raise_the_revision(database: Database) -> None:
    """Making and revoking a key are changes of the workspace; revoking twice is one."""
    keys = ApiKeys(database)
    created = await keys.create(NewKey("Acme", Role.ADMIN, "one"))
    assert await sql(database, "SELECT revision FROM workspace") == [(1,)]
    for _ in range(2):
        assert (await keys.revoke(created.id)).name == "one"
        assert await sql(database, "SELECT revision FROM workspace") == [(2,)]
    with pytest.raises(KeyFault, match="no key key_none"):
        await keys.revoke("key_none")


def test_a_cached_look_up_takes_no_time(sqlite_url: str) -> None:
    """The hot path is one dictionary look-up: far under 5 µs, on any machine."""
    authenticator = Authenticator(open_database(sqlite_url), Settings())
    authenticator._known.put("Bearer x", Caller("ws_1", Role.ADMIN, None, None, "key_1"), 60)
    began = time.process_time()
    for _ in range(10_000):
        authenticator.cached("Bearer x")
    assert (time.process_time() - began) / 10_000 < 5e-6
