"""What plans leave to graphql-core: when, for how long, and what the log says of it."""

import sqlite3
from time import monotonic

import pytest
from graphql import GraphQLError

from schema.engine.execute.response_errors import errors_of
from schema.graph import Graph
from tests.schema.dataset import World, ask, data


async def test_a_plan_that_meets_null(world_on_sqlite: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Where the types rule null out, graphql-core tells of it; the log names the field once, and later the plan is tried again."""
    graph, caller = Graph(world_on_sqlite.database), world_on_sqlite.here.caller()
    deal = world_on_sqlite.here.rows("opportunity")[0]
    account = next(row for row in world_on_sqlite.here.rows("account") if row["id"] == deal["account_id"])
    document = f'query Deal {{ opportunity(id: "{deal["id"]}") {{ account {{ name }} }} }}'
    with sqlite3.connect(world_on_sqlite.database.url.removeprefix("sqlite:///"), isolation_level=None) as connection:
        connection.execute("UPDATE opportunity SET account_id = 'acc_gone' WHERE id = ?", [deal["id"]])
        for _ in range(2):
            answer = await ask(graph, document, caller)
            assert answer.errors is not None
            assert answer.errors[0]["path"] == ["opportunity", "account"]
            assert answer.errors[0]["extensions"]["code"] == "INTERNAL_ERROR"
        connection.execute("UPDATE opportunity SET account_id = ? WHERE id = ?", [account["id"], deal["id"]])
    connection.close()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "Opportunity.account" in warnings[0]
    assert "operation Deal" in warnings[0]
    assert (await data(graph, document, caller))["opportunity"] == {"account": {"name": account["name"]}}
    assert (graph.compiled, graph.fallbacks) == (0, 3)
    now = monotonic()
    monkeypatch.setattr("schema.graph.monotonic", lambda: now + 61)
    assert (await data(graph, document, caller))["opportunity"] == {"account": {"name": account["name"]}}
    assert (graph.compiled, graph.fallbacks) == (1, 3)


async def test_each_null_has_its_error(world: World) -> None:
    """A client takes a null without an error for a record that isn't there: of six ids at fault, six errors are told, not five."""
    document = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Account { opportunities(after: "bad") { totalCount } } } }'
    answer = await ask(world.graph, document, world.here.caller(), {"ids": world.here.ids("account")[:6]})
    assert answer.data == {"nodes": [None] * 6}
    assert answer.errors is not None
    assert [error["path"] for error in answer.errors] == [["nodes", place, "opportunities"] for place in range(6)]


def test_very_many_errors() -> None:
    """1,000 errors of fields are told, and of more how many there are."""
    assert len(errors_of([GraphQLError("no")] * 1_000, 5)) == 1_000
    *told, last = errors_of([GraphQLError("no")] * 1_500, 5)
    assert len(told) == 1_000
    assert last["message"].startswith("The answer has 1,500 errors, of which 1,000 are told")
