"""Filters mean one thing: in SQL on each database, in the predicate for events, and in a plain model over the rows."""

from typing import Any

import pytest
from graphql import coerce_input_value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.plan.conditions import FilterModel
from tests.schema.model import chosen
from tests.schema.strategies import filters
from tests.schema.world import Row, World, ask, data

DOCUMENT = "query($filter: OpportunityFilter) { opportunities(filter: $filter, first: 100) { nodes { id } totalCount } }"

# What is easily got wrong, each a filter of its own.
EDGES: dict[str, Any] = {
    "no conditions": {},
    "in nothing": {"stage": {"in": []}},
    "not in nothing": {"stage": {"notIn": []}},
    "in nothing, negated": {"not": {"assignedToId": {"in": []}}},
    "no alternative": {"or": []},
    "no alternative, negated": {"not": {"or": []}},
    "all of nothing": {"and": []},
    "absent and not this": {"assignedToId": {"notIn": ["usr_0"]}},
    "absent under not": {"not": {"value": {"gt": 1}}},
    "absent under not in a list": {"not": {"source": {"in": ["Web"]}}},
    "negated twice": {"not": {"not": {"closeDate": {"lt": "2025-02-01"}}}},
    "an operator that is null": {"value": {"gt": None}},
    "a field that is null": {"value": None, "not": None},
    "is absent, negated": {"not": {"closeDate": {"isNull": True}}},
    "case beyond ASCII": {"name": {"contains": "ωMeGa"}},
    "sharp s": {"name": {"startsWith": "strass"}},
    "a ligature": {"name": {"contains": "FIne"}},
    "full width": {"name": {"contains": "ｆｕ"}},
    "a dotted capital": {"name": {"contains": "i̇stan"}},
    "an emoji": {"name": {"contains": "🙂"}},
    "percent": {"name": {"contains": "%"}},
    "underscore": {"name": {"contains": "a_b"}},
    "underscore at the start": {"source": {"startsWith": "a_"}},
    "backslash": {"name": {"contains": "\\"}},
    "quotes": {"name": {"contains": "'q\""}},
    "the empty text in it": {"source": {"contains": ""}},
    "the empty text": {"source": {"eq": ""}},
    "exact, with its case": {"source": {"eq": "web"}},
    "beyond sixteen bits": {"probability": {"lt": 40_000}},
    "the most that an amount may be": {"value": {"eq": 9_999_999_999_999.99}},
    "below nothing": {"value": {"gte": -1}},
    "no contact": {"contactId": {"isNull": True}},
    "an id with a quote": {"id": {"eq": "opp_'"}},
}


async def _agree(world: World, filter_: Row) -> None:
    expected = [deal["id"] for deal in chosen(world.here, filter_)]
    found = (await data(world.graph, DOCUMENT, world.here.caller(), {"filter": filter_}))["opportunities"]
    assert [node["id"] for node in found["nodes"]] == expected
    assert found["totalCount"] == len(expected)


async def test_edges(world: World) -> None:
    """Nulls, empty lists, negations, case and wildcards mean what the schema says, alike on both databases."""
    for name, filter_ in EDGES.items():
        try:
            await _agree(world, filter_)
        except AssertionError as error:
            raise AssertionError(name) from error


async def test_some_edges_match_and_some_do_not(world: World) -> None:
    """The rows are such that the edges tell right from wrong."""
    sizes = {len(chosen(world.here, filter_)) for filter_ in EDGES.values()}
    assert {0, 60} < sizes
    assert len(sizes) > 10


async def test_any_filter(world: World) -> None:
    """Drawn filter trees choose the rows that the model chooses, in order, and count them."""
    drawn: list[Row] = []

    @settings(max_examples=120, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(filters(world.here))
    def draw(filter_: Row) -> None:
        drawn.append(filter_)

    draw()
    for filter_ in drawn:
        try:
            await _agree(world, filter_)
        except AssertionError as error:
            raise AssertionError(filter_) from error


async def test_the_predicate_agrees(world: World) -> None:
    """What is asked of an event's state is what SQL asks of the row."""
    graph_type: Any = world.graph.graphql_schema.type_map["OpportunityFilter"]
    model = FilterModel(graph_type)
    states = [deal | {"contact_ids": world.here.contacts_of(deal["id"])} for deal in world.here.rows("opportunity")]

    @settings(max_examples=300, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(list(EDGES.values())) | filters(world.here))
    def agree(filter_: Row) -> None:

        conditions = model.read(coerce_input_value(filter_, graph_type))
        found = {state["id"] for state in states if model.holds(conditions.shape, conditions.values, state)}
        assert found == {deal["id"] for deal in chosen(world.here, filter_)}

    agree()


@pytest.mark.parametrize(
    ("filter_", "told"),
    [
        ({"and": [{"isClosed": True}] * 101}, "at most 100 conditions"),
        ({"id": {"in": ["x"] * 251}}, "at most 250 items"),
        ({"name": {"contains": "x" * 201}}, "at most 200 characters"),
    ],
)
async def test_filters_have_limits(world: World, filter_: Row, told: str) -> None:
    """A filter that is too long is the caller's fault, and says so; at the limit it is served."""
    answer = await ask(world.graph, DOCUMENT, world.here.caller(), {"filter": filter_})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    assert told in answer.errors[0]["message"]
    ((name, value),) = filter_.items()
    less = value[:-1] if name == "and" else {key: each[:-1] for key, each in value.items()}
    await data(world.graph, DOCUMENT, world.here.caller(), {"filter": {name: less}})
