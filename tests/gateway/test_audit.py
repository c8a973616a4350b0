"""The audit list: each change of a key or a user, by whom, in the transaction of the change, and never with a secret."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from schema.rules.access import Role
from schema.storage.database import Connection
from tests.gateway.conftest import Run
from tests.rest_compat.real import Gateway, gateway

ENTRIES = """query($kind: AuditKindFilter, $first: Int, $after: String) {
  auditEntries(filter: {kind: $kind}, first: $first, after: $after) {
  totalCount pageInfo { endCursor hasNextPage }
  nodes { id kind at changedFields details actor { __typename ... on Node { id } } user { id name } apiKey { id name } } } }"""
CREATE_USER = """mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { message } } }"""
UPDATE_USER = """mutation($id: ID!, $input: UpdateUserInput!) { updateUser(id: $id, input: $input) { user { id } userErrors { code } } }"""
CREATE_KEY = """mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { token apiKey { id } userErrors { message } } }"""
REVOKE = "mutation($id: ID!) { revokeApiKey(id: $id) { deletedId } }"
ROTATE = "mutation($id: ID!) { rotateApiKey(id: $id) { token } }"


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Gateway]:
    async with gateway(database_url) as opened:
        yield opened


async def entries(here: Gateway, **variables: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await here.query(ENTRIES, variables))["auditEntries"]["nodes"]
    return found


async def test_each_change_has_an_entry(here: Gateway) -> None:
    """Who, what, when, about whom, and which rights before and after; newest first. Looking, and a change of nothing, leave none."""
    (first,) = await entries(here)
    assert (first["kind"], first["actor"], first["apiKey"]["name"], first["details"]) == ("KEY_CREATED", None, "test", "role: admin")
    given = {"name": "Ann", "email": "ann@example.com", "role": "MEMBER"}
    ann = (await here.query(CREATE_USER, {"input": given}))["createUser"]["user"]["id"]
    await here.query(UPDATE_USER, {"id": ann, "input": {"name": "Anne", "role": "ADMIN"}})
    await here.query(UPDATE_USER, {"id": ann, "input": {"name": "Anne"}})
    made = (await here.query(CREATE_KEY, {"input": {"name": "K", "role": "VIEWER", "scopes": ["accounts:read"]}}))["createApiKey"]
    key = made["apiKey"]["id"]
    rotated = (await here.query(ROTATE, {"id": key}))["rotateApiKey"]["token"]
    await here.query(REVOKE, {"id": key})
    await here.query(REVOKE, {"id": key})
    await here.query(UPDATE_USER, {"id": "usr_none", "input": {"name": "X"}})
    found = await entries(here)
    assert [(each["kind"], each["details"]) for each in found] == [
        ("KEY_REVOKED", None),
        ("KEY_ROTATED", None),
        ("KEY_CREATED", "role: viewer; scopes: accounts:read"),
        ("USER_CHANGED", "role: member → admin"),
        ("USER_CREATED", "role: member; isActive: true"),
        ("KEY_CREATED", "role: admin"),
    ]
    assert {(each["actor"]["__typename"], each["actor"]["id"]) for each in found[:-1]} == {("ApiKey", first["apiKey"]["id"])}
    assert [each["user"] and each["user"]["id"] for each in found] == [None, None, None, ann, ann, None]
    assert (found[3]["changedFields"], found[2]["changedFields"]) == (["name", "role"], ["name", "role", "scopes"])
    told = json.dumps(found)
    for secret in (made["token"], rotated, "ann@example.com", "token_hash", "previous"):
        assert secret not in told


async def test_pages_and_kinds(here: Gateway) -> None:
    """It is a list like others: in pages, and narrowed to kinds."""
    for number in range(4):
        await here.query(CREATE_KEY, {"input": {"name": f"K{number}", "role": "VIEWER"}})
    page = (await here.query(ENTRIES, {"first": 2}))["auditEntries"]
    assert [each["apiKey"]["name"] for each in page["nodes"]] == ["K3", "K2"]
    assert page["totalCount"] == 5
    following = await entries(here, first=2, after=page["pageInfo"]["endCursor"])
    assert [each["apiKey"]["name"] for each in following] == ["K1", "K0"]
    assert await entries(here, kind={"in": ["USER_CREATED", "USER_CHANGED", "KEY_REVOKED"]}) == []
    assert len(await entries(here, kind={"eq": "KEY_CREATED"})) == 5


async def test_only_admins_of_the_workspace(here: Gateway) -> None:
    """Nobody else sees an entry, be it by the list or by an id; another workspace's are not there."""
    await here.token("There")
    (entry,) = await entries(here)
    for role in (Role.MEMBER, Role.VIEWER):
        who = await here.token("Here", role)
        refused = (await here.client.post("/graphql", json={"query": ENTRIES}, headers=who)).json()
        assert (refused["data"], refused["errors"][0]["extensions"]["code"]) == (None, "FORBIDDEN")
        hidden = {"query": f'{{ node(id: "{entry["id"]}") {{ __typename }} }}'}
        assert (await here.client.post("/graphql", json=hidden, headers=who)).json()["data"] == {"node": None}


async def test_what_is_not_done_is_not_noted(here: Gateway) -> None:
    """An entry is written with the change or not at all: what is refused leaves none."""
    before = await entries(here)
    refused = {"query": CREATE_USER, "variables": {"input": {"name": "", "email": "no address", "role": "MEMBER"}}}
    assert (await here.client.post("/graphql", json=refused)).json()["data"]["createUser"]["user"] is None
    wide = {"query": CREATE_KEY, "variables": {"input": {"name": "K", "role": "ADMIN"}}}
    who = await here.token("Here", Role.ADMIN, None, "tokens:write")
    assert "errors" in (await here.client.post("/graphql", json=wide, headers=who)).json()
    assert len(await entries(here)) == len(before) + 1  # that token's own


def test_on_the_command_line(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`gateway audit` lists the same, as a table or as JSON, of a workspace and of a kind; what it did itself has no actor."""
    monkeypatch.setenv("GATEWAY_DATABASE_URL", database_url)
    token = run("token", "create", "--workspace", "W", "--role", "admin", "--name", "a", "--scope", "tokens:write").out.strip()
    run("token", "create", "--workspace", "V", "--role", "viewer", "--name", "²")
    rotated = run("token", "rotate", "a").out.strip()
    listed = run("audit", "--workspace", "W")
    head, *rows = (line.split("\t") for line in listed.out.splitlines())
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [(each["kind"], each["by"], each["of_name"]) for each in found] == [
        ("key_rotated", "command line", "a"),
        ("key_created", "command line", "a"),
    ]
    assert found[1]["details"] == "role: admin; scopes: tokens:write"
    assert token not in listed.out
    assert rotated not in listed.out
    assert [each["of_name"] for each in json.loads(run("audit", "--json", "--kind", "key_created", "--limit", "1").out)] == ["²"]
    assert "--kind: write one of key_created" in run("audit", "--kind", "logins").err
    key_id = next(row.split("\t")[1] for row in run("token", "list").out.splitlines()[1:] if "\ta\t" in row)
    run("token", "revoke", key_id)
    assert run("audit").out.splitlines()[1].split("\t")[2] == "key_revoked"


async def test_old_entries_go(here: Gateway) -> None:
    """Entries go when they are older than they are kept, portion by portion, and others stay; counts and pages tell no others."""
    await here.token("There")
    for number in range(3):
        await here.query(CREATE_KEY, {"input": {"name": f"K{number}", "role": "VIEWER"}})
    store = here.app.database

    async def age(connection: Connection) -> None:
        others = "(SELECT id FROM api_key WHERE name <> 'K2')"
        oldest = f"UPDATE audit_entry SET created_at = '2020-01-01T00\\:00\\:00Z' WHERE api_key_id IN {others}"
        await connection.execute(store.compile(text(oldest)), {})

    assert (await here.query(ENTRIES))["auditEntries"]["totalCount"] == 4
    await store.write(age)
    await here.app.sweeper.sweep()
    left = (await here.query(ENTRIES))["auditEntries"]
    assert (left["totalCount"], [each["apiKey"]["name"] for each in left["nodes"]]) == (1, ["K2"])
    assert (await here.app.sweeper.sweep())["audit entries"] == 0
