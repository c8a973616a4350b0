"""How far clients have left REST: uses of both doors by token, client and field; lists of them; the share of each token."""

import gc
from datetime import date

import pytest

from gateway.observability.rest_usage import LONGEST_NAME, MAX_NAMES, OTHERS, GraphqlUses, RestUses
from rest_compat.protocol import RestUse
from schema.administration.keys import ApiKeys, NewKey
from schema.administration.usage_report import UsageFilter, graphql_uses, shares
from schema.administration.usage_report import uses as list_uses
from schema.administration.uses import REST, UseTable
from schema.engine.document.documents import PreparedOperation
from schema.engine.document.limits import Limits
from schema.graph import Graph
from schema.rules.access import Caller, Role
from schema.storage.database import Database, DatabaseUnavailable
from tests.rest_compat.real import OPPORTUNITIES, gateway

QUERY = "query Deals { opportunities(first: 1) { nodes { id account { name } } } }"


async def test_operations_are_counted_by_client(database_url: str) -> None:
    """Each operation over HTTP counts for its token and client, with the fields that it asks for; admins read it beside REST's uses."""
    async with gateway(database_url) as here:
        for name, value in (("GraphQL-Client-Name", "board"), ("apollographql-client-name", "board"), ("x-nothing", "x")):
            await here.client.post("/graphql", json={"query": QUERY}, headers={name: value})
        await here.client.get(OPPORTUNITIES)
        await here.app.graphql_uses.flush()
        asked = await here.client.post("/graphql", json={"query": "{ graphqlUsage { client kind name count } }"})
        member = await here.token("Here", Role.MEMBER)
        refused = await here.client.post("/graphql", json={"query": "{ graphqlUsage { name } }"}, headers=member)
    counted = {(one["client"], one["kind"], one["name"]): one["count"] for one in asked.json()["data"]["graphqlUsage"]}
    fields = ("Query.opportunities", "OpportunityConnection.nodes", "Opportunity.id", "Opportunity.account", "Account.name")
    for client, times in (("board", 2), ("", 1)):
        assert counted.pop((client, "OPERATION", "Deals")) == times
        assert [counted.pop((client, "FIELD", name)) for name in fields] == [times] * len(fields)
    assert counted == {}
    assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_counts_stay_what_graphql_can_tell(database: Database) -> None:
    """An Int has 32 bits: a count that went beyond was told by plans, which strict clients can't read, and refused by graphql-core."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.ADMIN, "x"))
    table, row = UseTable(database, REST), (created.workspace_id, created.id, "GET /api/accounts/", "route", "")
    for count in (2**31 - 3, 1, 5, 7):
        await table.add({row: count})
    prepared = Graph(database).prepare("{ restUsage { count } }")
    for plans in (True, False):
        answer = await Graph(database, plans=plans).run(prepared, None, Caller(created.workspace_id, Role.ADMIN, None, None, created.id))
        assert (answer.errors, answer.data) == (None, {"restUsage": [{"count": 2**31 - 1}]})


async def test_names_of_clients_are_bounded(database: Database) -> None:
    """However many names clients think of, only so many are written; the rest are `OTHERS`, and none is long or unprintable."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.ADMIN, "x"))
    caller = Caller(created.workspace_id, Role.ADMIN, None, None, created.id)
    graph = Graph(database)
    prepared = graph.prepare("{ apiKeys { id } }", None)
    counted = GraphqlUses(database, graph.graphql_schema)
    for number in range(MAX_NAMES + 50):
        counted.note(caller, {b"graphql-client-name": b"\xff\n%03d" % number + b"y" * 1000}, prepared)
    await counted.flush()
    rows = await graphql_uses(database, UsageFilter(kind="operation"))
    names = {row[3] for row in rows}
    assert OTHERS in names
    assert len(names) <= MAX_NAMES + 1
    assert max(map(len, names)) <= LONGEST_NAME
    assert all(name.isprintable() for name in names)


async def written(database: Database) -> tuple[str, str]:
    """Two tokens: one calls REST three times and GraphQL once, the other only GraphQL."""
    keys = ApiKeys(database)
    old = await keys.create(NewKey("Acme", Role.ADMIN, "old client"))
    new = await keys.create(NewKey("Acme", Role.ADMIN, "new client"))
    rest, graph = RestUses(database), Graph(database)
    operations = GraphqlUses(database, graph.graphql_schema)
    prepared = graph.prepare("query Mine { apiKeys { id } }", None)
    for key, calls in ((old, 3), (new, 0)):
        caller = Caller(key.workspace_id, Role.ADMIN, None, None, key.id)
        for _ in range(calls):
            rest.note(caller, (RestUse("GET /api/opportunities/", "route"), RestUse("GET /api/opportunities/", "ignored", "page_size")))
        operations.note(caller, {b"graphql-client-name": b"board"}, prepared)
    await rest.flush()
    await operations.flush()
    return old.id, new.id


async def test_the_share_that_has_left(database: Database) -> None:
    """Of each token, how many calls are of either door, and the share that is GraphQL, who is furthest from it first."""
    old, new = await written(database)
    rows = await shares(database, UsageFilter())
    assert [row[:6] for row in rows] == [
        ["Acme", old, "old client", "3", "1", "25"],
        ["Acme", new, "new client", "0", "1", "100"],
    ]
    assert [bool(row[6]) for row in rows] == [True, False]


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        (UsageFilter(), ["ignored", "route"]),
        (UsageFilter(kind="ignored"), ["ignored"]),
        (UsageFilter(workspace="Acme", since=date(2026, 1, 1)), ["ignored", "route"]),
        (UsageFilter(workspace="Other"), []),
        (UsageFilter(token="key_none"), []),
        (UsageFilter(since=date(2999, 1, 1)), []),
    ],
)
async def test_filters(database: Database, wanted: UsageFilter, kinds: list[str]) -> None:
    """Uses of a workspace, a token, a kind, and of a day or later."""
    await written(database)
    assert sorted(row[4] for row in await list_uses(database, wanted)) == kinds


async def test_documents_that_wait_to_be_counted_are_texts(database: Database) -> None:
    """A flood of new documents leaves no more of them in memory than their cache has: what waits to be counted are their texts."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.ADMIN, "x"))
    caller = Caller(created.workspace_id, Role.ADMIN, None, None, created.id)
    graph = Graph(database, limits=Limits(documents=2))
    counted = GraphqlUses(database, graph.graphql_schema)
    for number in range(50):
        counted.note(caller, {}, graph.prepare(f"query Q{number} {{ stages {{ label }} }}", None))
    gc.collect()
    assert sum(isinstance(one, PreparedOperation) and one.text.startswith("query Q") for one in gc.get_objects()) <= 2
    await counted.flush()
    names = {row[5] for row in await graphql_uses(database, UsageFilter(kind="operation"))}
    assert names == {f"Q{number}" for number in range(50)}


async def test_a_workspace_that_is_gone(database: Database, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """Uses of a workspace that is no more are told in a sentence and not kept; those of the others are written."""
    keys = ApiKeys(database)
    created = await keys.create(NewKey("Acme", Role.ADMIN, "x"))
    uses, route = RestUses(database), (RestUse("GET /api/opportunities/", "route"),)
    uses.note(Caller("ws_gone", Role.ADMIN, None, None, "key_gone"), route)
    uses.note(Caller(created.workspace_id, Role.ADMIN, None, None, created.id), route)
    async with uses.running():
        pass
    told = capfd.readouterr()
    assert "Traceback" not in told.out + told.err
    assert caplog.text.count("uses of a workspace that is gone are not written.") == 1
    assert [row[1] for row in await list_uses(database, UsageFilter())] == [created.id]
    await uses.flush()
    assert [row[6] for row in await list_uses(database, UsageFilter())] == ["1"]


async def test_a_database_that_is_away(database: Database, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """That counts can't be written yet is a sentence, since nothing of ours is wrong; they are written later."""
    created = await ApiKeys(database).create(NewKey("Acme", Role.ADMIN, "x"))
    uses = RestUses(database)
    uses.note(Caller(created.workspace_id, Role.ADMIN, None, None, created.id), (RestUse("GET /api/opportunities/", "route"),))

    async def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("connection refused")

    with monkeypatch.context() as broken:
        broken.setattr(database, "write", away)
        async with uses.running():
            pass
    told = capfd.readouterr()
    assert "Traceback" not in told.out + told.err
    assert "Uses are not written yet" in told.out + told.err
    await uses.flush()
    assert len(await list_uses(database, UsageFilter())) == 1
