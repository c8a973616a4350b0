"""Tokens with scopes at the public doors: REST, GraphQL, streams, sockets, and how such a token is made."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from gateway.live.messages import SUBPROTOCOL
from schema.extensions import load
from schema.graph import Graph
from schema.rules.access import Role
from schema.rules.scopes import KNOWN
from schema.storage.opening import open_database
from tests.end_to_end.fleet import access, in_process
from tests.gateway.conftest import Run
from tests.gateway.test_socket import Socket, subscribe
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway

WHOLE = ("accounts:read", "users:read")
CREATE = """mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) {
  token apiKey { id scopes } userErrors { code reason field message } } }"""


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Gateway]:
    async with gateway(database_url) as opened:
        yield opened


async def deal(here: Gateway) -> str:
    """A deal that is there."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    return str((await here.make(OPPORTUNITIES, name="N", accountId=account))["id"])


async def with_scopes(here: Gateway, *scopes: str) -> dict[str, str]:
    return await here.token("Here", Role.ADMIN, None, *scopes)


async def ask(here: Gateway, who: dict[str, str], query: str, **variables: Any) -> httpx.Response:
    headers = {**who, "accept": "application/graphql-response+json"}
    return await here.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


@pytest.mark.parametrize("package", ["examples.tasks", "tests.extensions.deals", "tests.extensions.mutations"])
def test_what_packages_add_is_decided(sqlite_url: str, package: str) -> None:
    """Each root field that a package adds, by a noun or by a resolver, has a scope that tokens can be given, without a word of it there."""
    graph = Graph(open_database(sqlite_url), extensions=load((package,)))
    schema = graph.graphql_schema
    for type_ in (schema.query_type, schema.mutation_type, schema.subscription_type):
        assert type_ is not None
        for name in type_.fields:
            needed = graph._plans.scopes.of_field(type_.name, name)
            assert needed is not None, name
            assert needed <= KNOWN, name


async def test_rest_reads(here: Gateway) -> None:
    """A list and a record need the scopes of all that they show; `fields` that show less need less. The refusal is REST's own, 403."""
    id_ = await deal(here)
    who = await with_scopes(here, "opportunities:read")
    for path in (OPPORTUNITIES, f"{OPPORTUNITIES}{id_}/"):
        refused = await here.client.get(path, headers=who)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert refused.json()["detail"].startswith("The token lacks the scope")
        assert "accounts:read" in refused.headers["www-authenticate"]
        assert refused.headers["www-authenticate"].startswith('Bearer error="insufficient_scope", scope="accounts:read')
        assert (await here.client.get(path, headers=await with_scopes(here, "opportunities:read", *WHOLE))).status_code == 200
    small = await here.client.get(OPPORTUNITIES, params={"fields": "id,name,accountId"}, headers=who)
    assert (small.status_code, small.json()["results"][0]["name"]) == (200, "N")


async def test_rest_writes(here: Gateway) -> None:
    """Who may change records may read them; who may read them may not change them. Nothing of a refused write is done."""
    id_ = await deal(here)
    reader = await with_scopes(here, "opportunities:read", *WHOLE)
    writer = await with_scopes(here, "opportunities:write", *WHOLE)
    for method, path, body in (
        ("POST", OPPORTUNITIES, {"name": "M", "accountId": "acc_x"}),
        ("PATCH", f"{OPPORTUNITIES}{id_}/", {"name": "M"}),
    ):
        refused = await here.client.request(method, path, json=body, headers=reader)
        assert (refused.status_code, refused.json()["detail"]) == (403, "The token lacks the scope opportunities:write.")
    assert (await here.client.delete(f"{OPPORTUNITIES}{id_}/", headers=reader)).status_code == 403
    shown = (await here.client.get(f"{OPPORTUNITIES}{id_}/", headers=writer)).json()
    assert shown["name"] == "N"
    changed = await here.client.patch(f"{OPPORTUNITIES}{id_}/", json={"name": "M"}, headers=writer)
    assert (changed.status_code, changed.json()["name"]) == (200, "M")
    assert (await here.client.delete(f"{OPPORTUNITIES}{id_}/", headers=writer)).status_code == 204


async def test_a_tag_opens_nothing(here: Gateway) -> None:
    """A list that hasn't changed isn't told to be unchanged to a token that may not read it."""
    await deal(here)
    tag = (await here.client.get(OPPORTUNITIES)).headers["etag"]
    for known in (tag, "*"):
        asked = {"if-none-match": known}
        assert (await here.client.get(OPPORTUNITIES, headers=asked)).status_code == 304
        refused = await here.client.get(OPPORTUNITIES, headers={**asked, **await with_scopes(here, "accounts:read")})
        assert refused.status_code == 403


async def test_graphql(here: Gateway) -> None:
    """FORBIDDEN names each scope that is missing, for people and for programs, and nothing of the operation is carried out."""
    who = await with_scopes(here, "opportunities:read")
    refused = await ask(here, who, "{ opportunities { nodes { account { name } assignedTo { name } } } }")
    assert refused.status_code == 403
    assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="accounts:read users:read"'
    (error,) = refused.json()["errors"]
    assert error["message"] == "The token lacks the scopes accounts:read and users:read."
    assert error["extensions"] == {"code": "FORBIDDEN", "reason": "FORBIDDEN", "missingScopes": ["accounts:read", "users:read"]}
    both = """mutation { createAccount(input: {name: "B"}) { account { name } }
      createContact(input: {email: "a@b.example", firstName: "F"}) { contact { id } } }"""
    half = await ask(here, await with_scopes(here, "accounts:write"), both)
    assert half.status_code == 403
    assert (await here.query("{ accounts { totalCount } }"))["accounts"]["totalCount"] == 0
    seen = (await ask(here, who, "{ viewer { scopes role } opportunities { totalCount } }")).json()
    assert seen["data"] == {"viewer": {"scopes": ["opportunities:read"], "role": "ADMIN"}, "opportunities": {"totalCount": 0}}
    assert (await here.query("{ viewer { scopes } }"))["viewer"]["scopes"] is None


async def test_a_role_is_not_widened(here: Gateway) -> None:
    """Scopes narrow a role: a viewer with a scope to write still may only read, and a member is no admin."""
    viewer = await here.token("Here", Role.VIEWER, None, "opportunities:write")
    refused = (await ask(here, viewer, 'mutation { deleteOpportunity(id: "opp_x") { deletedId } }')).json()
    assert refused["errors"][0]["message"] == "A viewer may only read."
    member = await here.token("Here", Role.MEMBER, None, "tokens:read")
    assert (await ask(here, member, "{ apiKeys { id } }")).json()["errors"][0]["message"] == "Only an admin may do this."


async def test_streams_and_sockets(sqlite_url: str) -> None:
    """A subscription needs its scopes like a query: over SSE and WebSocket it is refused at once, and others go on."""
    key = await access(sqlite_url, Role.ADMIN, None, "accounts:read")
    async with in_process(sqlite_url) as (address, _):
        follow = "subscription { opportunityChanged { type } }"
        async with httpx.AsyncClient(base_url=f"http://{address}", headers=key.headers) as client:
            told = await client.post("/graphql", json={"query": follow}, headers={"accept": "text/event-stream"})
            assert "The token lacks the scope opportunities:read." in told.text
        async with connect(f"ws://{address}/graphql", subprotocols=[SUBPROTOCOL], additional_headers=key.headers) as connection:  # type: ignore[list-item]
            socket = Socket(connection)
            await socket.say({"type": "connection_init"})
            assert (await socket.hear())["type"] == "connection_ack"
            await socket.say(subscribe(follow), subscribe("{ accounts { totalCount } }", "2"))
            heard = {message["id"] + message["type"]: message for message in [await socket.hear() for _ in range(3)]}
            assert heard["1error"]["payload"][0]["extensions"]["missingScopes"] == ["opportunities:read"]
            assert heard["2next"]["payload"]["data"] == {"accounts": {"totalCount": 0}}


async def test_made_through_graphql(here: Gateway) -> None:
    """A key's scopes are given when it is made, shown in lists, and must be there; none at all is refused, left out is no limit."""
    made = await here.query(CREATE, {"input": {"name": "K", "role": "MEMBER", "scopes": ["accounts:read", "contacts:write"]}})
    assert made["createApiKey"]["apiKey"]["scopes"] == ["accounts:read", "contacts:write"]
    listed = {key["name"]: key["scopes"] for key in (await here.query("{ apiKeys { name scopes } }"))["apiKeys"]}
    assert listed == {"test": None, "K": ["accounts:read", "contacts:write"]}
    given = {"name": "K", "role": "MEMBER"}
    wrong = (await here.query(CREATE, {"input": {**given, "scopes": ["accounts:read", "deals:write"]}}))["createApiKey"]
    assert [(fault["reason"], fault["field"]) for fault in wrong["userErrors"]] == [("NOT_FOUND", ["scopes"])]
    assert "deals:write; the scopes are: accounts:read" in wrong["userErrors"][0]["message"]
    none = (await here.query(CREATE, {"input": {**given, "scopes": []}}))["createApiKey"]
    assert none["userErrors"][0]["reason"] == "TOO_SHORT"
    twice = (await here.query(CREATE, {"input": {**given, "scopes": ["users:read"] * 2}}))["createApiKey"]
    assert twice["userErrors"][0]["reason"] == "DUPLICATE"


async def test_no_token_makes_a_wider_one(here: Gateway) -> None:
    """A token with scopes makes and rotates only keys that may do no more than itself."""
    who = await with_scopes(here, "tokens:write", "accounts:read")
    for scopes, allowed in ((None, False), (["users:read"], False), (["accounts:read"], True), (["tokens:read"], True)):
        given = {"name": "K", "role": "ADMIN", **({} if scopes is None else {"scopes": scopes})}
        answer = (await ask(here, who, CREATE, input=given)).json()
        assert ("errors" not in answer) is allowed, answer
    wide = next(key["id"] for key in (await here.query("{ apiKeys { id scopes } }"))["apiKeys"] if key["scopes"] is None)
    refused = (await ask(here, who, "mutation($id: ID!) { rotateApiKey(id: $id) { token } }", id=wide)).json()
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert refused["data"] == {"rotateApiKey": None}


def test_made_on_the_command_line(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--scope` may be repeated; one that doesn't exist is named with those that do, and nothing is made."""
    monkeypatch.setenv("GATEWAY_DATABASE_URL", database_url)
    wrong = run("token", "create", "--workspace", "W", "--role", "admin", "--scope", "deals:write")
    assert (wrong.code, wrong.out) == (2, "")
    assert "there is no scope deals:write; the scopes are: accounts:read, accounts:write" in wrong.err
    assert run("token", "create", "--workspace", "W", "--role", "admin", "--scope", "accounts:read", "--scope", "users:read").code == 0
    head, row = (line.split("\t") for line in run("token", "list").out.splitlines())
    assert dict(zip(head, row, strict=True))["scopes"] == "accounts:read users:read"


def test_scopes_of_an_extension(run: Run, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's own queries need a scope of the package's name, which keys can be given where the package is loaded."""
    monkeypatch.setenv("GATEWAY_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("GATEWAY_EXTENSIONS", "tests.extensions.deals")
    made = run("token", "create", "--workspace", "W", "--role", "admin", "--scope", "deals:read")
    assert made.code == 0, made.err
