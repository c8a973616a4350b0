"""What plans leave to graphql-core: when, for how long, and what the log says of it."""

import sqlite3
from time import monotonic

import pytest

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
