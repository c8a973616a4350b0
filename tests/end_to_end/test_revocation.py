"""What is sent after a token was taken away does nothing, and what happens afterwards isn't told: in the process that did it, at once.

`SAFE_REVOCATIONS` says how often; `make safety` does it 1,000 times.
"""

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.live.messages import SUBPROTOCOL
from schema.rules.access import Role
from tests.connecting import PATIENCE, connected
from tests.end_to_end.fleet import Access, access, in_process

TIMES = int(os.environ.get("SAFE_REVOCATIONS", "40"))
SECRET = "a-secret-of-an-identity-provider-1"
CREATE_KEY = "mutation($name: String!) { createApiKey(input: {name: $name, role: ADMIN}) { token apiKey { id } userErrors { message } } }"
CREATE_USER = """mutation($name: String!, $email: String!) { createUser(input: {name: $name, email: $email, role: ADMIN}) {
  user { id } userErrors { message } } }"""
CREATE_DEAL = """mutation { createAccount(input: {name: "Account"}) { account { id } } }"""
DEAL = 'mutation($account: ID!) { createOpportunity(input: {name: "Seen?", accountId: $account}) { opportunity { id } } }'
FOLLOW = "subscription { opportunityChanged { opportunityId } }"
#: Ways to write one call: by a variable, by its default, in the document, by an alias within a fragment.
REVOCATIONS: tuple[Callable[[str], dict[str, Any]], ...] = (
    lambda id_: {"query": "mutation($id: ID!) { revokeApiKey(id: $id) { deletedId } }", "variables": {"id": id_}},
    lambda id_: {"query": f'mutation($id: ID! = "{id_}") {{ revokeApiKey(id: $id) {{ deletedId }} }}'},
    lambda id_: {"query": f'mutation {{ revokeApiKey(id: "{id_}") {{ deletedId }} }}'},
    lambda id_: {
        "query": "mutation($k: ID!) { ...Both } fragment Both on Mutation { a: __typename gone: revokeApiKey(id: $k) { deletedId } }",
        "variables": {"k": id_},
    },
)
CHANGES: tuple[dict[str, Any], ...] = ({"isActive": False}, {"role": "MEMBER"}, {"role": "VIEWER"})


@dataclass(slots=True)
class Socket:
    """A client of graphql-transport-ws."""

    connection: ClientConnection

    async def say(self, id_: str, query: str, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.connection.send(orjson.dumps({"id": id_, "type": "subscribe", "payload": payload}).decode())

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            heard: dict[str, Any] = orjson.loads(await self.connection.recv())
            return heard

    async def rest(self) -> tuple[list[dict[str, Any]], int]:
        """What comes until the socket is closed, and with which code."""
        heard = []
        try:
            while True:
                heard.append(await self.hear())
        except ConnectionClosed as closed:
            return heard, closed.rcvd.code if closed.rcvd else 0


@asynccontextmanager
async def socket(address: str, token: str) -> AsyncIterator[Socket]:
    async with connect(f"ws://{address}/graphql", subprotocols=[SUBPROTOCOL], compression=None) as connection:  # type: ignore[list-item]
        await connection.send(orjson.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}).decode())
        opened = Socket(connection)
        assert await opened.hear() == {"type": "connection_ack"}
        yield opened


@dataclass(slots=True)
class Here:
    """A gateway and its admin."""

    address: str
    app: Any
    client: httpx.AsyncClient

    async def ask(self, query: str, **variables: Any) -> Any:
        return await self.post({"query": query, "variables": variables})

    async def post(self, body: dict[str, Any]) -> Any:
        answer = (await self.client.post("/graphql", json=body)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def key(self) -> tuple[str, str]:
        """A new admin key's token and id."""
        made = (await self.ask(CREATE_KEY, name="Doomed"))["createApiKey"]
        return made["token"], made["apiKey"]["id"]

    async def user(self, number: int) -> tuple[str, str]:
        """A new admin's token of the identity provider, and id."""
        id_ = (await self.ask(CREATE_USER, name="Doomed", email=f"doomed{number}@example.com"))["createUser"]["user"]["id"]
        return jwt.encode({"sub": id_, "workspace": "Here", "exp": int(time.time()) + 600}, SECRET), id_

    async def made(self) -> int:
        """How many keys were made by a token that was gone."""
        keys = (await self.ask("{ apiKeys { name } }"))["apiKeys"]
        return sum(key["name"] == "Too late" for key in keys)


@asynccontextmanager
async def gateway(database_url: str, **settings: Any) -> AsyncIterator[Here]:
    who = await access(database_url, Role.ADMIN)
    async with in_process(database_url, jwt_secret=SECRET, **settings) as (address, app), _client(address, who) as client:
        yield Here(address, app, client)


def _client(address: str, who: Access) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{address}", headers=who.headers, timeout=PATIENCE)


async def _taken_away(here: Here, number: int) -> tuple[str, Callable[[], Awaitable[Any]]]:
    """A token, and what takes it away: keys are revoked in every way to write it, users deactivated or given another role."""
    way = number % (len(REVOCATIONS) + len(CHANGES))
    if way < len(REVOCATIONS):
        token, id_ = await here.key()
        return token, lambda: here.post(REVOCATIONS[way](id_))
    token, id_ = await here.user(number)
    change = "mutation($id: ID!, $input: UpdateUserInput!) { updateUser(id: $id, input: $input) { user { id } userErrors { message } } }"

    async def take_away() -> None:
        changed = await here.ask(change, id=id_, input=CHANGES[way - len(REVOCATIONS)])
        assert changed["updateUser"]["userErrors"] == []

    return token, take_away


async def test_an_operation_sent_afterwards(database_url: str) -> None:
    """On an open socket, however the token was taken away: nothing is done, and the socket closes with 4403."""
    async with gateway(database_url) as here:
        await here.user(-1)  # the last admin among the users could not be taken away
        for number in range(TIMES):
            token, take_away = await _taken_away(here, number)
            async with socket(here.address, token) as open_:
                await open_.say("q", "{ viewer { role } }")
                assert (await open_.hear())["payload"]["data"] == {"viewer": {"role": "ADMIN"}}
                await take_away()
                with suppress(ConnectionClosed):
                    await open_.say("late", CREATE_KEY, name="Too late")
                heard, code = await open_.rest()
                assert (code, [each["type"] for each in heard]) == (4403, ["complete"]), number
        assert await here.made() == 0


async def test_an_event_afterwards(database_url: str) -> None:
    """A running subscription, over a socket and a stream: what is committed once the token is gone isn't told."""
    async with gateway(database_url) as here:
        await here.user(-1)
        account = (await here.ask(CREATE_DEAL))["createAccount"]["account"]["id"]
        for number in range(max(1, TIMES // 4)):
            token, take_away = await _taken_away(here, number)
            async with socket(here.address, token) as open_, _stream(here.address, token) as stream:
                await open_.say("s", FOLLOW)
                before = await _told(here, account, open_, stream)
                await take_away()
                after = (await here.ask(DEAL, account=account))["createOpportunity"]["opportunity"]["id"]
                heard, code = await open_.rest()
                streamed = (await stream.read()).decode()
                assert (code, after in str(heard), after in streamed, before in streamed) == (4403, False, False, False)
                assert '"UNAUTHENTICATED"' in streamed
                assert "event: complete" in streamed


@asynccontextmanager
async def _stream(address: str, token: str) -> AsyncIterator[asyncio.StreamReader]:
    """A subscription over SSE, which has begun."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = orjson.dumps({"query": FOLLOW})
    head = f"POST /graphql HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n"
    writer.write(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
    try:
        assert b" 200 " in await reader.readline()
        yield reader
    finally:
        writer.close()
        await writer.wait_closed()


async def _told(here: Here, account: str, open_: Socket, stream: asyncio.StreamReader) -> str:
    """A deal that both were told of, and nothing after it is under way."""
    for _ in itertools.count():
        id_: str = (await here.ask(DEAL, account=account))["createOpportunity"]["opportunity"]["id"]
        if await _comes(open_, id_) and await _is_streamed(stream, id_):
            return id_
    raise AssertionError


async def _comes(open_: Socket, id_: str) -> bool:
    try:
        async with asyncio.timeout(1):
            while id_ not in str(await open_.hear()):
                pass
    except TimeoutError:
        return False
    return True


async def _is_streamed(stream: asyncio.StreamReader, id_: str) -> bool:
    try:
        async with asyncio.timeout(1):
            while id_.encode() not in await stream.readline():
                pass
            await stream.readline()
    except TimeoutError:
        return False
    return True


async def test_a_key_that_revokes_itself(database_url: str) -> None:
    """The answer comes before the end: over the very socket, and over a stream."""
    async with gateway(database_url) as here:
        token, id_ = await here.key()
        async with socket(here.address, token) as open_:
            await open_.say("1", REVOCATIONS[0](id_)["query"], id=id_)
            heard, code = await open_.rest()
            assert (heard[0]["payload"]["data"], code) == ({"revokeApiKey": {"deletedId": id_}}, 4403)
        token, id_ = await here.key()
        headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        streamed = (await here.client.post("/graphql", json=REVOCATIONS[0](id_), headers=headers)).text
        assert id_ in streamed
        assert streamed.endswith("event: complete\ndata:\n\n")


async def test_in_another_process(database_url: str) -> None:
    """What another process has taken away holds when the look-up has aged: nothing is done, and the socket closes."""
    async with gateway(database_url, token_cache=0.5) as here, gateway(database_url) as other:
        token, id_ = await other.key()
        async with socket(here.address, token) as open_:
            await other.post(REVOCATIONS[0](id_))
            began = time.monotonic()
            heard, code = await open_.rest()
            assert (heard, code) == ([], 4403)
            assert time.monotonic() - began < 5


@pytest.mark.parametrize("sent", [0, 10], ids=["whole", "rest"])
async def test_a_body_sent_afterwards(database_url: str, sent: int) -> None:
    """The headers came with a token that was good, the body or its rest came when it wasn't any more: 401, and nothing is done."""
    async with gateway(database_url) as here:
        token, id_ = await here.key()
        body = orjson.dumps({"query": CREATE_KEY, "variables": {"name": "Too late"}})
        async with connected(here.address) as (reader, writer):
            head = f"POST /graphql HTTP/1.1\r\nhost: {here.address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
            writer.write(f"{head}content-length: {len(body)}\r\nexpect: 100-continue\r\n\r\n".encode() + body[:sent])
            assert b" 100 " in await reader.readuntil(b"\r\n\r\n")
            await here.post(REVOCATIONS[0](id_))
            writer.write(body[sent:])
            assert b" 401 " in await reader.readline()
        assert await here.made() == 0
