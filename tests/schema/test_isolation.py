"""Nothing of another workspace, and nothing out of a limited viewer's sight, comes out of any field, argument, count or error."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any

import orjson
import pytest

from schema.engine.document.documents import RequestError
from schema.engine.document.limits import Limits
from schema.graph import Graph
from schema.rules.access import Caller, Role
from tests.schema.dataset import CANARY, Tenant, World, ask, data
from tests.schema.differential.documents import draw
from tests.schema.differential.values import Values

ROOTS = {
    "opportunities": "{ opportunities(first: 100) { nodes { id name account { name } assignedTo { name } contacts { name } stageHistory { by { name } } } totalCount summary { count totalValue } } }",
    "accounts": "{ accounts(first: 50) { nodes { id name contacts(first: 5) { nodes { name } totalCount } opportunities(first: 5) { totalCount } } totalCount } }",
    "contacts": "{ contacts(first: 100) { nodes { id name email account { name } opportunities(first: 5) { nodes { name } totalCount } } totalCount } }",
    "users": "{ users { nodes { id name email account { name } } totalCount } }",
    "pipeline": '{ pipeline { count totalValue } was: pipeline(asOf: "2025-06-30") { count } }',
    "forecast": '{ forecast(from: "2024-01-01", to: "2026-12-31") { openCount wonCount openValue } }',
    "viewer": "{ viewer { user { name } workspace { id name } } }",
    "keys": "{ apiKeys { id name } }",
}  # fmt: skip
SINGLE = {
    "opportunity": "query($id: ID!) { opportunity(id: $id) { name } }",
    "account": "query($id: ID!) { account(id: $id) { name } }",
    "contact": "query($id: ID!) { contact(id: $id) { name } }",
    "node": "query($id: ID!) { node(id: $id) { id __typename } }",
    "nodes": "query($id: ID!) { nodes(ids: [$id]) { id } }",
    "by id": "query($id: ID!) { opportunities(filter: {id: {in: [$id]}}) { nodes { name } totalCount } }",
    "by account": "query($id: ID!) { opportunities(filter: {accountId: {eq: $id}}) { totalCount summary { count } } }",
    "by owner": "query($id: ID!) { opportunities(filter: {assignedToId: {eq: $id}}) { totalCount } }",
    "by contact": "query($id: ID!) { opportunities(filter: {contactId: {eq: $id}}) { totalCount } }",
    "contacts of": "query($id: ID!) { contacts(accountId: $id) { totalCount nodes { name } } }",
}
TABLES = ("opportunity", "account", "contact", "user", "workspace", "api_key")


def _swapped(world: World, id_: str) -> str:
    """An id of nothing, of the same kind and length."""
    absent = id_[:-4] + "ZZZZ"
    assert all(absent not in tenant.ids(table) for tenant in (world.here, world.there) for table in TABLES)
    return absent


async def test_lists_hold_no_canary(world: World) -> None:
    """Each root field answers with this workspace's rows and counts alone."""
    for name, document in ROOTS.items():
        for caller in (world.here.caller(), world.here.caller(Role.ADMIN, user_id=world.here.ids("user")[0])):
            assert CANARY.encode() not in (await ask(world.graph, document, caller)).encode(), name
    mirrored = await ask(world.graph, ROOTS["opportunities"], world.there.caller())
    assert CANARY.encode() in mirrored.encode()
    counts = await data(world.graph, "{ opportunities { totalCount } accounts { totalCount } pipeline { count } }", world.here.caller())
    assert (counts["opportunities"]["totalCount"], counts["accounts"]["totalCount"]) == (60, 6)
    assert sum(stage["count"] for stage in counts["pipeline"]) == 60


async def test_foreign_ids_are_as_absent_as_none(world: World) -> None:
    """Every way to give an id answers a foreign one byte for byte as one that never was."""
    for name, document in SINGLE.items():
        for table in TABLES:
            id_ = world.there.ids(table)[0]
            answers = [await ask(world.graph, document, world.here.caller(), {"id": each}) for each in (id_, _swapped(world, id_))]
            assert answers[0].encode() == answers[1].encode(), (name, table)


async def test_foreign_references_in_writes(world: World) -> None:
    """A write that refers to another workspace's record is told the same as one that refers to nothing, and changes nothing there."""
    here, there = world.here, world.there
    own = {"o": here.ids("opportunity")[0], "a": here.ids("account")[0]}
    templates = {
        "account": 'mutation($o: ID!, $a: ID!) { createOpportunity(input: {name: "x", accountId: "ID"}) { userErrors { code field message } } }',
        "user": 'mutation($o: ID!, $a: ID!) { updateOpportunity(id: $o, input: {assignedToId: "ID"}) { userErrors { code field message } } }',
        "contact": 'mutation($o: ID!, $a: ID!) { updateOpportunity(id: $o, input: {contactIds: ["ID"]}) { userErrors { code field message } } }',
        "opportunity": 'mutation($o: ID!, $a: ID!) { updateOpportunity(id: "ID", input: {name: "x"}) { userErrors { code field message } } deleteOpportunity(id: "ID") { userErrors { code } } }',
        "opportunity ": '{ previewUpdateOpportunity(id: "ID", input: {name: "x"}) { userErrors { code } } }',
    }
    templates["account "] = (
        'mutation { updateAccount(id: "ID", input: {name: "x"}) { userErrors { code } } deleteAccount(id: "ID") { userErrors { code } } }'
    )
    templates["contact "] = (
        'mutation { updateContact(id: "ID", input: {firstName: "x"}) { userErrors { code } } deleteContact(id: "ID") { userErrors { code } } }'
    )
    templates["user "] = 'mutation { updateUser(id: "ID", input: {name: "x"}) { userErrors { code } } }'
    templates["api_key"] = 'mutation { revokeApiKey(id: "ID") { userErrors { code } } }'
    for table, template in templates.items():
        id_ = there.ids(table.strip())[0]
        bodies = []
        for each in (id_, _swapped(world, id_)):
            document = template.replace('ID"', f'{each}"').replace("($o: ID!, $a: ID!)", "($o: ID!, $a: ID!)" if "$o" in template else "")
            document = document.replace("($o: ID!, $a: ID!)", "($o: ID!)" if "id: $o" in document else "")
            bodies.append((await ask(world.graph, document, here.caller(), own)).encode())
        assert bodies[0] == bodies[1], table
        assert b"NOT_FOUND" in bodies[0], table
    left = await data(
        world.graph, "{ opportunities { totalCount } accounts { totalCount } contacts { totalCount } users { totalCount } }", there.caller()
    )
    assert [each["totalCount"] for each in left.values()] == [40, 6, 15, 5]


async def test_drawn_documents_hold_no_canary(world: World) -> None:
    """Of drawn documents with this and the other workspace's ids, none is answered with the other's texts."""
    graph = Graph(world.database)
    executed = 0
    for seed in range(200):
        operation = draw(graph.graphql_schema, Values(Random(seed), world, 0.05))
        try:
            answer = await ask(graph, operation.text, world.here.caller(), operation.variables)
        except RequestError:
            continue
        executed += answer.executed
        assert CANARY.encode() not in answer.encode(), operation
        foreign = set(world.there.ids("opportunity")) | set(world.there.ids("account")) | set(world.there.ids("contact"))
        shown = set(_ids(orjson.loads(answer.encode()).get("data")))
        # A preview says back what it was given.
        assert "previewUpdateOpportunity" in operation.text or not shown & foreign
    assert executed > 100


async def test_many_in_flight_at_once(world: World) -> None:
    """200 operations of both workspaces under way together, reads and writes: each is answered from its own, and from all of it."""
    tenants = [world.here, world.there]
    rename = "mutation($id: ID!, $name: String!) { updateAccount(id: $id, input: {name: $name}) { account { name } } }"
    before = {name: [(await ask(world.graph, text, each.caller())).encode() for each in tenants] for name, text in ROOTS.items()}

    async def answered(text: str, caller: Caller, variables: dict[str, Any] | None = None) -> bytes:
        while True:
            found = await ask(world.graph, text, caller, variables)
            # All of them wait for ten connections, and a busy machine makes some wait for too long.
            if not found.errors or found.errors[0]["extensions"]["code"] != "UNAVAILABLE":
                return found.encode()

    async def one(number: int) -> None:
        side = number % 2
        name, caller, account = list(ROOTS)[number // 2 % len(ROOTS)], tenants[side].caller(), tenants[side].rows("account")[0]
        if number % 10 < 2:
            assert b"errors" not in await answered(rename, caller, {"id": account["id"], "name": account["name"]})
        assert await answered(ROOTS[name], caller) == before[name][side]

    await asyncio.gather(*(one(number) for number in range(200)))
    assert before["accounts"][0] != before["accounts"][1]


def _ids(value: Any) -> Iterator[str]:
    """Every text in an answer's data."""
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _ids(each)


def _seen(tenant: Tenant, caller: Caller) -> dict[str, set[str]]:
    """What a viewer limited to an account may see, by table."""
    deals = [deal for deal in tenant.rows("opportunity") if deal["account_id"] == caller.account_id]
    owners = {deal["assigned_to_id"] for deal in deals} - {None}
    return {
        "opportunity": {deal["id"] for deal in deals},
        "account": {str(caller.account_id)},
        "contact": {each["id"] for each in tenant.rows("contact") if each["account_id"] == caller.account_id},
        "user": owners | ({caller.user_id} if caller.user_id else set()),
        "workspace": {tenant.id},
    }


@pytest.mark.parametrize("with_user", [False, True])
async def test_a_limited_viewer(world: World, *, with_user: bool) -> None:
    """It sees its account, its account's contacts and deals, their owners and itself: in lists, counts, sums, nodes and below."""
    caller = world.here.viewer()
    if with_user:
        caller = world.here.caller(Role.VIEWER, account_id=caller.account_id, user_id=world.here.ids("user")[4], token_id="usr_x")
    seen = _seen(world.here, caller)
    everything = set().union(*seen.values())
    names = {"opportunities": "opportunity", "accounts": "account", "contacts": "contact", "users": "user"}
    for field, table in names.items():
        found = (await data(world.graph, f"{{ {field}(first: 100) {{ nodes {{ id }} totalCount }} }}", caller))[field]
        assert {node["id"] for node in found["nodes"]} == seen[table], field
        assert found["totalCount"] == len(seen[table])
    for table in ("opportunity", "account", "contact", "user", "workspace", "api_key"):
        ids = world.here.ids(table)
        found = await data(world.graph, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", caller, {"ids": ids})
        assert {node["id"] for node in found["nodes"] if node} == seen.get(table, set()), table
    summed = await data(
        world.graph, '{ opportunities { summary { count } } pipeline { count } past: pipeline(asOf: "2030-01-01") { count } }', caller
    )
    counts = [summed["opportunities"]["summary"]["count"], *(sum(each["count"] for each in summed[name]) for name in ("pipeline", "past"))]
    assert counts == [len(seen["opportunity"])] * 3
    for name in ("opportunities", "accounts", "contacts", "users"):
        answer = orjson.loads((await ask(world.graph, ROOTS[name].replace("name", "id"), caller)).encode())
        shown = {text for text in _ids(answer["data"]) if text[:4] in {"opp_", "acc_", "cnt_", "usr_"}}
        assert shown <= everything


async def test_a_limited_viewer_learns_nothing_by_filters(world: World) -> None:
    """A filter by a contact of another account chooses as if the contact weren't there."""
    caller = world.here.viewer()
    seen = _seen(world.here, caller)
    document = "query($id: ID!) { opportunities(filter: {contactId: {eq: $id}}) { totalCount } }"
    hidden = [id_ for id_ in world.here.ids("contact") if id_ not in seen["contact"]]
    assert any(set(world.here.contacts_of(deal)) & set(hidden) for deal in seen["opportunity"])
    for id_ in hidden:
        assert (await data(world.graph, document, caller, {"id": id_}))["opportunities"]["totalCount"] == 0
    none = (await data(world.graph, "{ opportunities(filter: {contactId: {isNull: true}}) { totalCount } }", caller))["opportunities"]
    visible = [deal for deal in seen["opportunity"] if set(world.here.contacts_of(deal)) & seen["contact"]]
    assert none["totalCount"] == len(seen["opportunity"]) - len(visible)


MUTATIONS = [
    'createOpportunity(input: {name: "x", accountId: "A"}) { userErrors { code } }',
    'updateOpportunity(id: "O", input: {name: "x"}) { userErrors { code } }',
    'deleteOpportunity(id: "O") { userErrors { code } }',
    'createOpportunities(inputs: [{name: "x", accountId: "A"}]) { failed }',
    'updateOpportunities(ids: ["O"], input: {name: "x"}) { failed }',
    'deleteOpportunities(ids: ["O"]) { failed }',
    'createAccount(input: {name: "x"}) { userErrors { code } }',
    'updateAccount(id: "A", input: {name: "x"}) { userErrors { code } }',
    'deleteAccount(id: "A") { userErrors { code } }',
    'createContact(input: {firstName: "x", email: "x@example.com"}) { userErrors { code } }',
    'updateContact(id: "x", input: {firstName: "x"}) { userErrors { code } }',
    'deleteContact(id: "x") { userErrors { code } }',
    'createUser(input: {name: "x", email: "x@example.com", role: ADMIN}) { userErrors { code } }',
    'updateUser(id: "x", input: {role: ADMIN}) { userErrors { code } }',
    'createApiKey(input: {name: "x", role: ADMIN}) { userErrors { code } }',
    'rotateApiKey(id: "x") { userErrors { code } }',
    'revokeApiKey(id: "x") { userErrors { code } }',
]


async def test_who_may_write(world: World) -> None:
    """No viewer carries out any mutation; a member none of those for admins; every mutation is tried."""
    mutation_type: Any = world.graph.graphql_schema.mutation_type
    assert {text.partition("(")[0] for text in MUTATIONS} == set(mutation_type.fields)
    account, deal = world.here.ids("account")[0], world.here.ids("opportunity")[0]
    for text in MUTATIONS:
        document = "mutation { " + text.replace('"A"', f'"{account}"').replace('"O"', f'"{deal}"') + " }"
        for caller in (world.here.caller(Role.VIEWER), world.here.viewer()):
            answer = await ask(world.graph, document, caller)
            assert answer.data == {text.partition("(")[0]: None}
            assert answer.errors is not None
            assert answer.errors[0]["extensions"] == {"code": "FORBIDDEN", "reason": "FORBIDDEN"}, text
        if "User(" in text or "ApiKey(" in text:
            answer = await ask(world.graph, document, world.here.caller(Role.MEMBER))
            assert answer.errors is not None
            assert answer.errors[0]["extensions"]["code"] == "FORBIDDEN", text
    preview = f'{{ previewUpdateOpportunity(id: "{deal}", input: {{name: "x"}}) {{ userErrors {{ code }} }} }}'
    for caller in (world.here.caller(Role.VIEWER), world.here.viewer()):
        answer = await ask(world.graph, preview, caller)
        assert answer.data is None
        assert answer.errors is not None
        assert answer.errors[0]["extensions"]["code"] == "FORBIDDEN"
    assert await data(world.graph, preview, world.here.caller(Role.MEMBER)) == {"previewUpdateOpportunity": {"userErrors": []}}
    for caller in (world.here.caller(Role.MEMBER), world.here.viewer()):
        answer = await ask(Graph(world.database, limits=Limits()), "{ apiKeys { id } }", caller)
        assert answer.errors is not None
        assert answer.errors[0]["extensions"]["code"] == "FORBIDDEN"
