"""Filters mean one thing: in SQL on each database, in the predicate for events, and in a plain model over the rows."""

from typing import Any

import pytest
from graphql import coerce_input_value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.engine.compile.conditions import FilterModel
from schema.engine.document.documents import RequestError
from schema.rules.errors import BadRequest
from tests.schema.dataset import Row, World, ask, data
from tests.schema.differential.values import literal
from tests.schema.model import chosen
from tests.schema.strategies import filters

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
    "a field that is null": {"value": None, "not": None, "stage": None, "isClosed": None, "and": None},
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
    "no probability": {"probability": {"isNull": True}},
    "a time of creation": {"createdAt": {"isNull": False}},
    "an id with a quote": {"id": {"eq": "opp_'"}},
    "between two seconds, after": {"updatedAt": {"gt": "2025-01-01T00:00:00.5Z"}},
    "between two seconds, after or at": {"updatedAt": {"gte": "2025-01-01T00:00:00.5Z"}},
    "between two seconds, before": {"updatedAt": {"lt": "2025-01-01T00:00:00.000001Z"}},
    "between two seconds, before or at": {"createdAt": {"lte": "2025-01-01T00:00:00.999Z"}},
    "between two seconds, negated": {"not": {"createdAt": {"lt": "2025-01-01T01:00:00.1+01:00"}}},
    "on a second, with a fraction of nothing": {"createdAt": {"lt": "2025-01-01T00:00:01.000Z"}},
    "at the beginning of time": {"createdAt": {"gte": "0001-01-01T00:00:00Z"}, "closeDate": {"gt": "0001-01-01"}},
    "before the beginning of time, by its offset": {"createdAt": {"lt": "0001-01-01T00:00:00.5-23:59"}},
    "at the end of days": {"closeDate": {"lte": "9999-12-31"}},
    "at the end of time": {"createdAt": {"gte": "9999-12-31T23:59:59.9Z"}},
    "an accent by itself": {"name": {"contains": "FE\u0301"}},
    "a syllable": {"name": {"contains": "한"}},
    "a blank": {"name": {"contains": "a b"}},
    "blanks are not trimmed": {"name": {"startsWith": " "}},
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
    model = FilterModel(graph_type, {}, None)
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
        ({"and": [{"isClosed": True}] * 99}, "more than 100 objects and lists"),
        ({"or": [{}] * 99}, "more than 100 objects and lists"),
        ({"and": [*[{"not": {}}] * 49, {}]}, "more than 100 objects and lists"),
        ({"id": {"in": ["x"] * 251}}, "has 251 items; it may have 250"),
        ({"name": {"contains": "x" * 201}}, "`contains` of `name` has 201 characters in the filter; it may have 200."),
    ],
)
async def test_filters_have_limits(world: World, filter_: Row, told: str) -> None:
    """A filter that is too long is the caller's fault, and says so; at the limit it is served."""
    answer = await ask(world.graph, DOCUMENT, world.here.caller(), {"filter": filter_})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    assert told in answer.errors[0]["message"]
    ((name, value),) = filter_.items()
    less = value[:-1] if isinstance(value, list) else {key: each[:-1] for key, each in value.items()}
    await data(world.graph, DOCUMENT, world.here.caller(), {"filter": {name: less}})


def _nested(kind: str, levels: int) -> Row:
    """A filter of two nodes a level, and a condition in its innermost."""
    filter_: Row = {"id": {"eq": "opp_0"}}
    for level in range(levels):
        filter_ = {"not": {"not": filter_}} if kind == "not" else {("or" if level % 2 else "and"): [filter_], "isClosed": True}
    return filter_


def every_operator() -> Row:
    """Every operator of every field: fifty conditions in eighteen nodes."""
    ids: Row = {"eq": "a", "in": ["a", "b"], "isNull": False}
    span: Row = dict.fromkeys(("eq", "gt", "gte", "lt", "lte"), "2025-01-01") | {"isNull": True}
    instants = dict.fromkeys(("gt", "gte", "lt", "lte"), "2025-01-01T00:00:00.5Z") | {"isNull": False}
    numbers = dict.fromkeys(("eq", "gt", "gte", "lt", "lte"), 1) | {"isNull": False}
    texts: Row = {"eq": "a", "contains": "b", "startsWith": "c", "isNull": True}
    found: Row = dict.fromkeys(("id", "accountId", "assignedToId", "contactId"), ids) | {"isClosed": True, "stage": {"eq": "PROPOSAL"}}
    found |= {"value": numbers, "probability": numbers, "closeDate": span, "closedDate": span}
    return found | {"createdAt": instants, "updatedAt": instants, "name": texts, "source": texts}


@pytest.mark.parametrize("filter_", [{"not": every_operator(), "and": [every_operator()] * 4}, {"or": [{"not": every_operator()}] * 4}])
async def test_the_largest_filters_are_served(world: World, filter_: Row) -> None:
    """As many conditions as a filter can hold are no more than either database takes: the fault would look like the database's."""
    await _agree(world, filter_)


@pytest.mark.parametrize("kind", ["not", "or"])
async def test_the_deepest_filters_are_served(world: World, kind: str) -> None:
    """Nested as deeply as a hundred nodes can be, a filter is served; a level deeper it is the caller's fault, in a document too."""
    await _agree(world, _nested(kind, 48))
    for document, variables in ((DOCUMENT, {"filter": _nested(kind, 51)}), (_literal(_nested(kind, 51)), {})):
        answer = await ask(world.graph, document, world.here.caller(), variables)
        assert answer.errors is not None
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
        assert "more than 100 objects and lists" in answer.errors[0]["message"]


def _literal(filter_: Row) -> str:
    return f"{{ opportunities(filter: {literal(filter_)}) {{ totalCount }} }}"


@pytest.mark.parametrize(
    "filter_", [{"or": [{"or": [{"or": []}] * 250}] * 4}, {"or": [{"or": [{}] * 250}] * 250}, {"or": [{"f": [[]] * 250}] * 250}]
)
async def test_what_is_too_large_is_refused_at_once(world_on_sqlite: World, monkeypatch: pytest.MonkeyPatch, filter_: Row) -> None:
    """However large, a filter is refused before it is coerced or compiled, also where another variable is at fault."""
    graph, caller = world_on_sqlite.graph, world_on_sqlite.here.caller()
    document = "query($first: Int, $filter: OpportunityFilter) { opportunities(filter: $filter, first: $first) { totalCount } }"
    prepared = graph.prepare(document)
    monkeypatch.setattr("schema.engine.document.documents.get_variable_values", None)
    monkeypatch.setattr("schema.engine.document.documents.coerce_plainly", None)
    for first in (1, "x"):
        answer = await graph.run(prepared, {"first": first, "filter": filter_}, caller)
        assert answer.errors is not None
        assert "more than 100 objects and lists" in answer.errors[0]["message"]
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_variable_used_many_times_counts_each_time(world_on_sqlite: World) -> None:
    """A filter put together from variables counts all that is in it."""
    document = f"query($f: OpportunityFilter!) {{ opportunities(filter: {{or: [{'$f ' * 40}]}}) {{ totalCount }} }}"
    caller = world_on_sqlite.here.caller()
    await data(world_on_sqlite.graph, document, caller, {"f": {"stage": {"eq": "PROPOSAL"}}})
    answer = await ask(world_on_sqlite.graph, document, caller, {"f": {"stage": {"in": ["PROPOSAL"]}, "id": {"eq": "x"}}})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"


FIELDS = {
    "assignedToId": ("ID", True),
    "contactId": ("ID", True),
    "id": ("ID", True),
    "stage": ("OpportunityStage", False),
    "value": ("Money", True),
    "probability": ("Int", True),
    "closeDate": ("Date", True),
    "name": ("String", True),
}
AROUND = ["{%s}", "{or: [{isClosed: true}, {%s}]}", "{and: [{%s}]}", "{not: {%s}}", "{not: {or: [{not: {%s}}]}}"]


@pytest.mark.parametrize("field", FIELDS)
async def test_null_operators_are_refused(world_on_sqlite: World, field: str) -> None:
    """A variable that is null or absent, wherever it stands in a filter, shows an error that names `isNull`, and nobody's deals."""
    type_, nullable = FIELDS[field]
    documents = [
        f"query($me: {type_}) {{ opportunities(filter: {around % f'{field}: {{eq: $me}}'}) {{ totalCount }} }}" for around in AROUND
    ]
    documents += [f"query($me: [{type_}!]) {{ opportunities(filter: {{{field}: {{in: $me}}}}) {{ totalCount }} }}"] if type_ == "ID" else []
    documents += [f"query($me: Boolean) {{ opportunities(filter: {{{field}: {{isNull: $me}}}}) {{ totalCount }} }}"] if nullable else []
    for document in documents:
        for variables in ({}, {"me": None}):
            answer = await ask(world_on_sqlite.graph, document, world_on_sqlite.here.caller(), variables)
            assert answer.errors is not None, document
            assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
            assert f"`{field}`" in answer.errors[0]["message"]
            assert "`isNull`" in answer.errors[0]["message"]


@pytest.mark.parametrize(
    "filter_", [{"assignedToId": {}}, {"not": {"stage": {}}}, {"or": [{"contactId": {"eq": None}}]}, {"value": {"gte": 1, "lte": None}}]
)
async def test_conditions_that_say_nothing_are_refused_everywhere(world_on_sqlite: World, filter_: Row) -> None:
    """An object without operators, and one of several operators that is null: in lists, sums, and what follows events."""
    graph, caller = world_on_sqlite.graph, world_on_sqlite.here.caller()
    for part in (
        "opportunities(filter: $f) { totalCount }",
        "pipeline(filter: $f) { count }",
        'forecast(filter: $f, from: "2025-01-01", to: "2025-02-01") { start }',
    ):
        answer = await ask(graph, f"query($f: OpportunityFilter) {{ {part} }}", caller, {"f": filter_})
        assert answer.errors is not None
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
        assert "`isNull`" in answer.errors[0]["message"]
    prepared = graph.prepare("subscription($f: OpportunityFilter) { opportunityChanged(filter: $f) { cursor } }")
    with pytest.raises((BadRequest, RequestError)) as caught:
        await anext(graph.subscribe(prepared, {"f": filter_}, caller))
    assert "`isNull`" in str(caught.value)


async def test_a_filter_that_is_null_is_absent(world_on_sqlite: World) -> None:
    """`filter: null`, a filter of a null variable, and fields that are null narrow nothing."""
    for filter_ in (None, {}, {"stage": None}, {"stage": None, "or": None, "isClosed": None}):
        found = await data(world_on_sqlite.graph, DOCUMENT, world_on_sqlite.here.caller(), {"filter": filter_})
        assert found["opportunities"]["totalCount"] == 60


async def test_states_folded_by_another_version_match(world_on_sqlite: World) -> None:
    """An event kept when accents were not yet folded is still found by the name that it holds."""
    model = FilterModel(world_on_sqlite.graph.graphql_schema.type_map["OpportunityFilter"], {}, None)  # type: ignore[arg-type]
    state = {"name": "Cafe\u0301 Ltd", "name_folded": "cafe\u0301 ltd", "source": None, "source_folded": None}
    for operators, wanted in ({"contains": "CAFÉ"}, True), ({"startsWith": "café l"}, True), ({"contains": "cafe "}, False):
        conditions = model.read({"name": operators})
        assert model.holds(conditions.shape, conditions.values, state) == wanted
    conditions = model.read({"source": {"contains": ""}})
    assert not model.holds(conditions.shape, conditions.values, state)
