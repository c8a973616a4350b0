"""A key is given a new token, and the former one works until the overlap ends: through GraphQL, the command line, open sockets."""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from websockets.asyncio.client import connect

from gateway.auth import Authenticator, AuthError
from gateway.live.messages import SUBPROTOCOL
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, KeyFault, NewKey
from schema.rules.access import Role
from schema.storage.database import Connection, Database
from tests.end_to_end.fleet import access, in_process
from tests.gateway.conftest import Run
from tests.gateway.test_socket import Socket, subscribe
from tests.rest_compat.real import Gateway, gateway

DAY = 24 * 60
TOKEN = re.compile(r"pk_live_[\w-]{43}", re.ASCII)
ROTATE = """mutation($id: ID!, $overlap: Int! = 10080, $key: String) {
  rotateApiKey(id: $id, overlapMinutes: $overlap, idempotencyKey: $key) {
  token apiKey { id rotatedAt previousTokenExpiresAt } userErrors { code reason field message } } }"""


class Wall:
    """Seconds since 1970 that a test moves on, from the database's own time on."""

    def __init__(self, start: str) -> None:
        self.seconds = datetime.fromisoformat(start).timestamp()

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Gateway]:
    async with gateway(database_url) as opened:
        yield opened


async def listed(database: Database, id_: str) -> Any:
    return next(key for key in await ApiKeys(database).list() if key.id == id_)


async def test_both_tokens_work_until_the_overlap_ends(database: Database) -> None:
    """During the overlap both tokens make the same caller; at its end the former one is refused, and says why."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.MEMBER, "sync"))
    rotated = await ApiKeys(database).rotate(created.id, 7 * DAY)
    assert TOKEN.fullmatch(rotated.token)
    assert rotated.token != created.token
    key = await listed(database, created.id)
    assert rotated.until == key.previous_token_expires_at
    wall = Wall(key.rotated_at)
    authenticator = Authenticator(database, Settings(), clock=wall, wall=wall)
    former, present = f"Bearer {created.token}", f"Bearer {rotated.token}"
    assert (await authenticator.authenticate(former)).has_rights_of(await authenticator.authenticate(present))
    assert (await authenticator.authenticate(former)).expires_at == rotated.until
    wall.seconds += 7 * 86_400 - 1
    assert await authenticator.authenticate(former)
    wall.seconds += 1
    assert authenticator.cached(former) is None
    with pytest.raises(AuthError, match="was given a new token, and this one has ended"):
        await authenticator.authenticate(former)
    assert await authenticator.authenticate(present)


async def test_no_overlap_ends_all_former_tokens(database: Database) -> None:
    """A leaked token is ended at once by an overlap of 0, and so is one whose overlap still ran; else a second overlap is refused."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.MEMBER, "sync"))
    second = await ApiKeys(database).rotate("sync", DAY)
    with pytest.raises(KeyFault, match=r"works until .*: wait for that, or rotate with no overlap"):
        await ApiKeys(database).rotate("sync", DAY)
    third = await ApiKeys(database).rotate("sync", 0)
    authenticator = Authenticator(database, Settings())
    for dead in (created, second):
        with pytest.raises(AuthError, match="unknown"):
            await authenticator.authenticate(f"Bearer {dead.token}")
    assert (await authenticator.authenticate(f"Bearer {third.token}")).token_id == created.id
    assert (await listed(database, created.id)).previous_token_expires_at is None


async def test_a_key_that_ends_before_the_overlap(database: Database) -> None:
    """The former token works no longer than its key; one that was revoked is refused with its key."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.MEMBER, "sync", days=1))
    await ApiKeys(database).rotate(created.id, 7 * DAY)
    authenticator = Authenticator(database, Settings())
    caller = await authenticator.authenticate(f"Bearer {created.token}")
    assert caller.expires_at == (await listed(database, created.id)).expires_at
    await ApiKeys(database).revoke(created.id)
    authenticator.forget(created.id)
    with pytest.raises(AuthError, match="revoked"):
        await authenticator.authenticate(f"Bearer {created.token}")
    with pytest.raises(KeyFault, match="was revoked"):
        await ApiKeys(database).rotate(created.id, 0)


async def test_last_use_is_told_of_both(database: Database) -> None:
    """Each token's last use is told by itself, so that one sees when nobody sends the former one any more."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.MEMBER, "sync"))
    authenticator = Authenticator(database, Settings())
    await authenticator.authenticate(f"Bearer {created.token}")
    await authenticator._usage.flush()
    before = (await listed(database, created.id)).last_used_at
    rotated = await ApiKeys(database).rotate(created.id, DAY)
    key = await listed(database, created.id)
    assert (key.last_used_at, key.previous_token_last_used_at) == (None, before)
    later = Authenticator(database, Settings())
    await later.authenticate(f"Bearer {rotated.token}")
    await later._usage.flush()
    key = await listed(database, created.id)
    assert key.last_used_at >= before
    assert key.previous_token_last_used_at == before

    async def long_ago(connection: Connection) -> None:
        await connection.execute(database.compile(text("UPDATE api_key SET previous_token_last_used_at = NULL")), {})

    await database.write(long_ago)
    await Authenticator(database, Settings()).authenticate(f"Bearer {rotated.token}")
    third = Authenticator(database, Settings())
    await third.authenticate(f"Bearer {created.token}")
    await third._usage.flush()
    assert (await listed(database, created.id)).previous_token_last_used_at >= before


async def test_through_graphql(here: Gateway) -> None:
    """Admins rotate keys like they make and revoke them; the token is shown once, and a retry under the same key doesn't rotate again."""
    created = await ApiKeys(here.app.database).create(NewKey("Here", Role.MEMBER, "sync"))
    made = (await here.query(ROTATE, {"id": created.id, "key": "once"}))["rotateApiKey"]
    assert TOKEN.fullmatch(made["token"])
    assert made["apiKey"]["previousTokenExpiresAt"] > made["apiKey"]["rotatedAt"]
    again = (await here.query(ROTATE, {"id": created.id, "key": "once"}))["rotateApiKey"]
    assert again == {**made, "token": None}
    for token in (made["token"], created.token):
        answer = await here.client.get("/api/accounts/", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 200
    ended = (await here.query(ROTATE, {"id": created.id, "overlap": 0}))["rotateApiKey"]
    for token, status in ((made["token"], 401), (created.token, 401), (ended["token"], 200)):
        assert (await here.client.get("/api/accounts/", headers={"authorization": f"Bearer {token}"})).status_code == status


async def test_what_graphql_refuses(here: Gateway) -> None:
    """A key that isn't there, an overlap out of range or within another, a caller who is no admin: each in words."""
    created = await ApiKeys(here.app.database).create(NewKey("Here", Role.MEMBER, "sync"))
    elsewhere = await ApiKeys(here.app.database).create(NewKey("There", Role.ADMIN, "sync"))
    wrong = ((created.id, -1, "VALIDATION_ERROR"), (created.id, 129_601, "VALIDATION_ERROR"), (elsewhere.id, 1, "NOT_FOUND"))
    for id_, overlap, code in wrong:
        refused = (await here.query(ROTATE, {"id": id_, "overlap": overlap}))["rotateApiKey"]
        assert (refused["token"], refused["userErrors"][0]["code"]) == (None, code)
    await here.query(ROTATE, {"id": created.id})
    for reason in ("OVERLAP", "KEY_ENDED"):
        (fault,) = (await here.query(ROTATE, {"id": created.id}))["rotateApiKey"]["userErrors"]
        assert (fault["code"], fault["reason"]) == ("CONFLICT", reason)
        await ApiKeys(here.app.database).revoke(created.id)
    who = await here.token("Here", Role.MEMBER)
    answer = await here.client.post("/graphql", json={"query": ROTATE, "variables": {"id": created.id}}, headers=who)
    assert answer.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_on_the_command_line(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new token is alone on standard output; the key is named by its id or its name, and a name that several have is refused."""
    monkeypatch.setenv("GATEWAY_DATABASE_URL", database_url)
    first = run("token", "create", "--workspace", "W", "--role", "admin", "--name", "sync").out.strip()
    done = run("token", "rotate", "sync", "--overlap", "12h")
    assert done.code == 0, done.err
    assert TOKEN.fullmatch(done.out.strip())
    assert done.out.strip() != first
    assert "the former one works until 20" in done.err
    assert "refused from now on" in run("token", "rotate", "sync", "--overlap", "0").err
    for overlap in ("7", "1w", "91d", "-1d", "", "7d ", "\u0667d"):
        assert "--overlap: write a time of at most 90 days" in run("token", "rotate", "sync", "--overlap", overlap).err
    assert "there is no key nobody" in run("token", "rotate", "nobody").err
    run("token", "create", "--workspace", "W", "--role", "admin", "--name", "sync")
    twice = run("token", "rotate", "sync")
    assert (twice.code, twice.out) == (2, "")
    assert "2 keys are called sync: give the id, one of key_" in twice.err


async def test_a_socket_outlives_the_rotation(sqlite_url: str) -> None:
    """What is open under the former token goes on until the overlap ends: rotating breaks nothing off."""
    admin, key = await access(sqlite_url), await access(sqlite_url, Role.MEMBER)
    async with in_process(sqlite_url) as (address, app):
        spoken: Any = [SUBPROTOCOL]
        async with connect(f"ws://{address}/graphql", subprotocols=spoken, additional_headers=key.headers) as connection:
            socket = Socket(connection)
            await socket.say({"type": "connection_init"})
            assert (await socket.hear())["type"] == "connection_ack"
            async with httpx.AsyncClient(base_url=f"http://{address}", headers=admin.headers) as client:
                answer = await client.post("/graphql", json={"query": ROTATE, "variables": {"id": key.caller.token_id}})
                assert answer.json()["data"]["rotateApiKey"]["token"], answer.text
            await socket.say(subscribe("{ accounts { totalCount } }"))
            assert (await socket.hear())["type"] == "next"
            assert (await socket.hear())["type"] == "complete"
        assert app.authenticator.believed(f"Bearer {key.token}") > 0
