"""What is asked of the schema has its price and its bounds, and is executed once, beside the event loop."""

import asyncio
from typing import Any

import orjson
import pytest
from graphql import get_introspection_query

from schema.engine.document.documents import RequestError
from schema.engine.document.limits import Limits
from schema.engine.execute import fallback
from schema.graph import Graph
from tests.schema.dataset import World, ask, data

TOOLS = {
    "graphql-core": get_introspection_query(),
    "GraphiQL": get_introspection_query(descriptions=True, schema_description=True, input_value_deprecation=True),
    "code generators": get_introspection_query(
        descriptions=True, specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    ),
}
INNER = "fields { name type { name } args { name } }"
LEVELS = f"fields {{ type {{ {INNER} ofType {{ {INNER} ofType {{ {INNER} }} }} }} }}"
DEAREST = f"{{ __schema {{ types {{ {' '.join(f'a{place}: {LEVELS}' for place in range(15))} }} }} }}"
MIXED = """
query($n: String!) {
  a: __typename
  __type(name: $n) { name }
  deals: opportunities(first: 2) { nodes { id } }
  __schema { queryType { name } }
}
"""


class Executed(fallback.Fallback):
    """Counts what is executed."""

    count = 0

    async def execute_beside(self, call: fallback.Execution, owner: str) -> Any:
        self.count += 1
        return await super().execute_beside(call, owner)


def watched(graph: Graph) -> Executed:
    """Counts what a graph leaves to graphql-core."""
    executed = Executed(graph.graphql_schema, graph._work)
    graph._fallback = graph._introspection._fallback = executed
    return executed


@pytest.mark.parametrize("tool", TOOLS)
async def test_the_tools_own_queries(world_on_sqlite: World, tool: str) -> None:
    """They pass within the limits, twice in one operation as well, and a database isn't needed for them."""
    graph = Graph(world_on_sqlite.database)
    executed = watched(graph)
    found = [await ask(graph, TOOLS[tool], world_on_sqlite.here.caller()) for _ in range(3)]
    assert [answer.errors for answer in found] == [None] * 3
    assert found[0].data == found[2].data
    assert len(found[0].data["__schema"]["types"]) > 50  # type: ignore[index]
    assert executed.count == 1


async def test_beside_other_fields(world: World) -> None:
    """It stands where it was asked for, and the rest is answered by its plan; variables of its own make answers of its own."""
    graph, caller = Graph(world.database), world.here.caller()
    executed = watched(graph)
    completed = Graph(world.database, plans=False)
    for name in ("User", "Account", "User", "Nothing"):
        answer = await ask(graph, MIXED, caller, {"n": name})
        assert answer.encode() == (await ask(completed, MIXED, caller, {"n": name})).encode()
        assert list(answer.data or {}) == ["a", "__type", "deals", "__schema"]
    assert (executed.count, graph.compiled, graph.fallbacks) == (3, 4, 0)


async def test_its_price(world_on_sqlite: World) -> None:
    """200 for each field, of which an operation has two at most, in fragments too."""
    graph, caller = world_on_sqlite.graph, world_on_sqlite.here.caller()
    two = '{ __schema { queryType { name } } __type(name: "User") { name } }'
    assert (await ask(graph, two, caller)).extensions["cost"]["requested"] == 400
    for three in (
        '{ a: __type(name: "User") { name } b: __type(name: "User") { name } c: __type(name: "User") { name } }',
        """
        { ...F ...G }
        fragment F on Query { a: __type(name: "User") { name } b: __type(name: "User") { name } }
        fragment G on Query { __schema { queryType { name } } }
        """,
    ):
        with pytest.raises(RequestError, match="3 fields `__schema` and `__type`; it may have 2"):
            graph.prepare(three)


@pytest.mark.parametrize("plans", [True, False])
async def test_too_much_of_the_schema(world_on_sqlite: World, monkeypatch: pytest.MonkeyPatch, *, plans: bool) -> None:
    """What would tell more values than may be told is refused, by its number and by its bytes."""
    caller = world_on_sqlite.here.caller()
    answer = await ask(Graph(world_on_sqlite.database, plans=plans), DEAREST, caller)
    assert not answer.executed
    assert answer.errors is not None
    assert "15,000 values of the schema" in answer.errors[0]["message"]
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    monkeypatch.setattr(fallback, "MAX_SCHEMA_VALUES", 10**9)
    small = Graph(world_on_sqlite.database, limits=Limits(max_answer=50_000), plans=plans)
    refused = await ask(small, get_introspection_query(), caller)
    assert not refused.executed
    assert "50,000 bytes" in refused.errors[0]["message"]  # type: ignore[index]


async def test_others_are_served_meanwhile(world_on_sqlite: World) -> None:
    """While it is executed the event loop goes on."""
    turns, graph = 0, Graph(world_on_sqlite.database)
    running = asyncio.ensure_future(ask(graph, DEAREST, world_on_sqlite.here.caller()))
    while not running.done():
        await asyncio.sleep(0)
        turns += 1
    assert not running.result().executed
    assert turns > 20


async def test_nobody_waits_any_more(world_on_sqlite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody waits for ends, and the threads are free again."""
    monkeypatch.setattr(fallback, "MAX_SCHEMA_VALUES", 10**9)
    graph = Graph(world_on_sqlite.database)
    running = [asyncio.ensure_future(ask(graph, f"{DEAREST} # {number}", world_on_sqlite.here.caller())) for number in range(6)]
    await asyncio.sleep(0.01)
    for task in running:
        task.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*running, return_exceptions=True))
    monkeypatch.undo()
    assert (await data(graph, get_introspection_query(), world_on_sqlite.here.caller()))["__schema"]
    graph._fallback._threads.shutdown(wait=True)


@pytest.mark.parametrize("document", ["{ __schema { queryType { name } } }", '{ stages { label } a: __type(name: "User") { name } }'])
async def test_switched_off(world_on_sqlite: World, document: str) -> None:
    """Without introspection an error says so; `__typename` stays."""
    graph = Graph(world_on_sqlite.database, limits=Limits(introspection=False))
    with pytest.raises(RequestError, match="introspection has been disabled"):
        graph.prepare(document)
    assert orjson.loads((await ask(graph, "{ __typename stages { __typename } }", world_on_sqlite.here.caller())).encode())["data"]


async def test_whether_a_type_is_one_of(world_on_sqlite: World) -> None:
    """`isOneOf` tells of input objects alone; it is null for all other types, lists and types that may not be null among them."""
    asked = '{ __type(name: "%s") { isOneOf inputFields { type { kind isOneOf ofType { isOneOf } } } fields { type { isOneOf } } } }'
    graph, caller = world_on_sqlite.graph, world_on_sqlite.here.caller()
    order = (await data(graph, asked % "OpportunityOrder", caller))["__type"]
    field = {"kind": "NON_NULL", "isOneOf": None, "ofType": {"isOneOf": None}}
    assert order == {"isOneOf": False, "inputFields": [{"type": field}] * 2, "fields": None}
    deal = (await data(graph, asked % "Opportunity", caller))["__type"]
    assert deal["isOneOf"] is None
    assert {field["type"]["isOneOf"] for field in deal["fields"]} == {None}
