"""Who did it: `actor` is the user or the API key, on stage changes and on events, over HTTP with tokens of both kinds."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import jwt
import pytest
from sqlalchemy import text

from schema.rules.access import Caller, Role
from schema.storage.database import Connection
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway

SECRET = "a secret of thirty-two bytes or so"
EVERYTHING = "id name role account { id } createdAt expiresAt lastUsedAt revokedAt"
ACTOR = "by { id name } actor { __typename ... on Node { id } ... on User { name email } ... on ApiKey { key: name role createdAt } }"
HISTORY = f"query($id: ID!) {{ opportunity(id: $id) {{ stageHistory {{ to {ACTOR} }} }} }}"
LISTED = f"{{ opportunities(first: 5) {{ nodes {{ id stageHistory {{ to {ACTOR} }} account {{ id }} }} }} }}"
FOLLOW = f"subscription {{ opportunityChanged {{ type opportunityId {ACTOR} }} }}"
PATIENCE = 20


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Gateway]:
    async with gateway(database_url, jwt_secret=SECRET) as opened:
        yield opened


async def signed_in(here: Gateway, role: str = "MEMBER", **members: Any) -> tuple[str, dict[str, str]]:
    """A new user's id, and the header of its token."""
    document = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { message } } }"
    given = {"name": "Ann", "email": "ann@example.com", "role": role, **members}
    id_ = (await here.query(document, {"input": given}))["createUser"]["user"]["id"]
    claims = {"sub": id_, "workspace": "Here", "exp": int(time.time()) + 600}
    return id_, {"authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"}


async def asked(here: Gateway, document: str, who: dict[str, str], **variables: Any) -> Any:
    """The data of an answer without errors."""
    answer = (await here.client.post("/graphql", json={"query": document, "variables": variables}, headers=who)).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def moved(here: Gateway, *stages: tuple[str, dict[str, str]]) -> str:
    """A deal that the admin's key made, and that others have brought to these stages since."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    id_: str = (await here.make(OPPORTUNITIES, name="N", accountId=account))["id"]
    for stage, who in stages:
        answer = await here.client.patch(f"{OPPORTUNITIES}{id_}/", json={"stage": stage}, headers=who)
        assert answer.status_code == 200, answer.text
    return id_


async def own_key(here: Gateway) -> dict[str, Any]:
    """The admin's key."""
    return next(key for key in (await here.query(f"{{ apiKeys {{ {EVERYTHING} }} }}"))["apiKeys"] if key["role"] == "ADMIN")


async def written(here: Gateway, statement: str) -> None:
    """Changes rows behind the gateway's back."""

    async def work(connection: Connection) -> None:
        await connection.execute(here.app.database.compile(text(statement)), {})

    await here.app.database.write(work)


async def test_stage_changes_name_the_user_or_the_key(here: Gateway) -> None:
    """A record and a list tell alike: what a key did names the key, what a user did the user."""
    ann, token = await signed_in(here)
    key = await own_key(here)
    id_ = await moved(here, ("proposal", token))
    by_key = {"__typename": "ApiKey", "id": key["id"], "key": "test", "role": "ADMIN", "createdAt": key["createdAt"]}
    by_ann = {"__typename": "User", "id": ann, "name": "Ann", "email": "ann@example.com"}
    expected = [
        {"to": "PROSPECTING", "by": None, "actor": by_key},
        {"to": "PROPOSAL", "by": {"id": ann, "name": "Ann"}, "actor": by_ann},
    ]
    assert (await here.query(HISTORY, {"id": id_}))["opportunity"]["stageHistory"] == expected
    assert (await here.query(LISTED))["opportunities"]["nodes"][0]["stageHistory"] == expected


async def test_who_is_not_an_admin_sees_id_and_name_of_a_key(here: Gateway) -> None:
    """A member, a viewer and a viewer limited to the account read null for everything else; by `node` the last finds nothing."""
    key = await own_key(here)
    id_ = await moved(here)
    account = (await here.query(LISTED))["opportunities"]["nodes"][0]["account"]["id"]
    _, member = await signed_in(here)
    tokens = [member, await here.token("Here", Role.VIEWER), await here.token("Here", Role.VIEWER, account)]
    document = f"query($id: ID!) {{ opportunity(id: $id) {{ stageHistory {{ actor {{ ... on ApiKey {{ {EVERYTHING} }} }} }} }} }}"
    hidden = dict.fromkeys(("role", "account", "createdAt", "expiresAt", "lastUsedAt", "revokedAt"))
    for who in tokens:
        assert (await asked(here, document, who, id=id_))["opportunity"]["stageHistory"] == [
            {"actor": {"id": key["id"], "name": "test", **hidden}}
        ]
        node = await asked(here, f"query($id: ID!) {{ node(id: $id) {{ ... on ApiKey {{ {EVERYTHING} }} }} }}", who, id=key["id"])
        assert node["node"] == (None if who is tokens[2] else {"id": key["id"], "name": "test", **hidden})
    # The same document, first asked by an admin, then by a member: the plan of the one must not answer the other.
    assert (await here.query(document, {"id": id_}))["opportunity"]["stageHistory"][0]["actor"]["role"] == "ADMIN"
    assert (await asked(here, document, member, id=id_))["opportunity"]["stageHistory"][0]["actor"]["role"] is None


async def test_a_revoked_key_is_still_named(here: Gateway) -> None:
    """What a key did stays its work after it was revoked; an admin sees when that was."""
    token = await here.token("Here", Role.MEMBER)
    id_ = await moved(here, ("proposal", token))
    key = next(key for key in (await here.query("{ apiKeys { id role } }"))["apiKeys"] if key["role"] == "MEMBER")
    await here.query("mutation($id: ID!) { revokeApiKey(id: $id) { deletedId } }", {"id": key["id"]})
    document = "query($id: ID!) { opportunity(id: $id) { stageHistory { actor { ... on ApiKey { id revokedAt } } } } }"
    actor = (await here.query(document, {"id": id_}))["opportunity"]["stageHistory"][1]["actor"]
    assert actor["id"] == key["id"]
    assert actor["revokedAt"] is not None


async def test_what_was_not_recorded_is_null(here: Gateway) -> None:
    """Rows of before the key was recorded have neither `by` nor `actor`."""
    id_ = await moved(here)
    await written(here, "UPDATE stage_change SET by_key_id = NULL")
    assert (await here.query(HISTORY, {"id": id_}))["opportunity"]["stageHistory"] == [{"to": "PROSPECTING", "by": None, "actor": None}]


async def test_a_limited_viewer_does_not_see_every_user(here: Gateway) -> None:
    """A user who owns none of the account's deals is neither `by` nor `actor`; one who owns a deal is both."""
    ann, token = await signed_in(here)
    id_ = await moved(here, ("proposal", token))
    account = (await here.query(LISTED))["opportunities"]["nodes"][0]["account"]["id"]
    viewer = await here.token("Here", Role.VIEWER, account)
    document = "query($id: ID!) { opportunity(id: $id) { stageHistory { by { id } actor { __typename ... on User { id } } } } }"
    change = (await asked(here, document, viewer, id=id_))["opportunity"]["stageHistory"][1]
    assert change == {"by": None, "actor": None}
    await here.client.patch(f"{OPPORTUNITIES}{id_}/", json={"assignedTo": ann})
    change = (await asked(here, document, viewer, id=id_))["opportunity"]["stageHistory"][1]
    assert change == {"by": {"id": ann}, "actor": {"__typename": "User", "id": ann}}


async def told(here: Gateway, caller: Caller, act: Any) -> dict[str, Any]:
    """The first event that `caller` is told of, while `act` is done again and again: nothing says when a subscription has begun."""
    async with aclosing(here.app.graph.subscribe(here.app.graph.prepare(FOLLOW), {}, caller)) as events:
        first = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(PATIENCE):
            while not first.done():
                await act()
                await asyncio.wait([first], timeout=0.2)
        assert first.result().data is not None
        event: dict[str, Any] = first.result().data["opportunityChanged"]
        return event


async def test_events_name_the_user_or_the_key(here: Gateway) -> None:
    """An event tells its actor as a stage change does: all of a key to an admin, id and name to others; and it has no id of its own."""
    ann, token = await signed_in(here)
    key = await own_key(here)
    id_ = await moved(here)
    workspace = (await here.query("{ viewer { workspace { id } } }"))["viewer"]["workspace"]["id"]
    admin = Caller(workspace, Role.ADMIN, None, None, "key_x")
    member = Caller(workspace, Role.MEMBER, ann, None, ann)
    stages = iter(["proposal", "negotiation"] * 100)

    async def by_key() -> None:
        await here.client.patch(f"{OPPORTUNITIES}{id_}/", json={"stage": next(stages)})

    async def by_ann() -> None:
        await here.client.patch(f"{OPPORTUNITIES}{id_}/", json={"stage": next(stages)}, headers=token)

    for_admin, for_member = await asyncio.gather(told(here, admin, by_key), told(here, member, by_key))
    named = {"__typename": "ApiKey", "id": key["id"], "key": "test"}
    assert for_admin == {
        "type": "UPDATED",
        "opportunityId": id_,
        "by": None,
        "actor": {**named, "role": "ADMIN", "createdAt": key["createdAt"]},
    }
    assert for_member["actor"] == {**named, "role": None, "createdAt": None}
    event = await told(here, admin, by_ann)
    assert event["by"] == {"id": ann, "name": "Ann"}
    assert event["actor"] == {"__typename": "User", "id": ann, "name": "Ann", "email": "ann@example.com"}


async def test_an_actor_costs_what_its_dearest_branch_costs(here: Gateway) -> None:
    """A page below one member of the union counts, though no row may turn out to be that member."""
    branch = "... on User { account { opportunities(first: 50) { nodes { id } } } }"
    document = "query($id: ID!) { opportunity(id: $id) { stageHistory { actor { %s ... on ApiKey { id } } } } }"
    costs = []
    for below in (branch, ""):
        answer = await here.client.post("/graphql", json={"query": document % below, "variables": {"id": "opp_x"}})
        cost = answer.json()["extensions"]["cost"]
        costs.append(cost["requested"] if isinstance(cost, dict) else cost)
    assert costs[0] >= costs[1] + 500


async def test_a_key_tells_its_account_to_admins(here: Gateway) -> None:
    """The account that a viewer's key is limited to is shown in the list of keys."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    await here.token("Here", Role.VIEWER, account)
    keys = (await here.query("{ apiKeys { role account { id name } } }"))["apiKeys"]
    assert {"role": "VIEWER", "account": {"id": account, "name": "A"}} in keys
    assert {"role": "ADMIN", "account": None} in keys
