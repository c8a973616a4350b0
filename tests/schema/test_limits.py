"""What an operation may be: each limit served at it and refused above, in time that grows no faster than the document."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

import gc
import time
import tracemalloc
from typing import Any

import pytest

from schema.engine.document.documents import RequestError
from schema.engine.document.limits import Limits
from schema.graph import Graph
from schema.storage.opening import open_database
from tests.schema.dataset import World, ask, data

NESTED = "{ accounts { nodes { contacts { nodes { opportunities { nodes { account { contacts { nodes { %s } } } } } } } } } }"


pytestmark = pytest.mark.usefixtures("validated_each_time")


@pytest.fixture
def graph() -> Graph:
    """Preparing needs no database."""
    return Graph(open_database("sqlite:///nowhere.db"))


def refused(graph: Graph, document: str) -> str:
    """The message that a document is refused with."""
    with pytest.raises(RequestError) as caught:
        graph.prepare(document)
    assert caught.value.code == "BAD_REQUEST"
    assert 1 <= len(caught.value.errors) <= 5
    assert all(error["extensions"]["code"] == "BAD_REQUEST" for error in caught.value.errors)
    return str(caught.value)


def _padded(length: int) -> str:
    return "{ stages { label } } #".ljust(length, "x")


def _directives(count: int) -> str:
    return "{ stages { " + " ".join(["label @skip(if: false)"] * count) + " } }"


def _ids(tokens: int) -> str:
    return "{ nodes(ids: [" + '"x" ' * (tokens - 12) + "]) { id } }"


AT_AND_ABOVE: dict[str, tuple[str, str]] = {
    "characters": (_padded(15_000), _padded(15_001)),
    "tokens": (_ids(1_000), _ids(1_001)),
    "depth": (NESTED % "id", NESTED % "account { id }"),
    "aliases": ("{ stages { " + " ".join(f"a{place}: label" for place in range(30)) + " } }", "{ stages { " + " ".join(f"a{place}: label" for place in range(31)) + " } }"),
    "directives": (_directives(50), _directives(51)),
    "root fields": ("{ " + "__typename " * 20 + "}", "{ " + "__typename " * 21 + "}"),
    "mutations": ("mutation { " + "__typename " * 5 + "}", "mutation { " + "__typename " * 6 + "}"),
}  # fmt: skip


@pytest.mark.parametrize("limit", AT_AND_ABOVE)
def test_limits(graph: Graph, limit: str) -> None:
    """At the limit a document is prepared; above it is refused, within 50 ms."""
    at, above = AT_AND_ABOVE[limit]
    graph.prepare(at)
    refused(graph, above)
    assert min(_seconds(graph, above) for _ in range(5)) < 0.05


def test_limits_count_what_fragments_expand_to(graph: Graph) -> None:
    """Aliases, directives and root fields in a fragment count wherever it is spread."""
    alias = "fragment F on StageDefinition { " + " ".join(f"a{place}: label" for place in range(16)) + " }"
    assert "32 aliases" in refused(graph, "{ stages { ...F ...F } } " + alias)
    directive = "fragment F on StageDefinition { " + "label @skip(if: false) " * 26 + "}"
    assert "directives" in refused(graph, "{ stages { ...F ...F } } " + directive)
    roots = "fragment F on Query { " + "__typename " * 11 + "}"
    assert "22 root fields" in refused(graph, "{ ...F ...F } " + roots)
    graph.prepare("{ ...F } " + roots)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (NESTED % "account { id }", "The operation has 11 levels of fields; it may have 10."),
        (
            "{ stages { " + "label " * 300 + "} }",
            "The document names the same fields or fragments too many times to be checked: name each of them once.",
        ),
    ],
)
def test_refusals_say_what_to_mend(graph: Graph, document: str, message: str) -> None:
    """graphql-core says no more than "Validation aborted." of fields that are named over and over."""
    assert refused(graph, document) == message


def test_introspection_has_a_depth_of_its_own(graph: Graph) -> None:
    """graphql-core's introspection query, 15 deep, passes; 21 levels don't."""
    from graphql import get_introspection_query  # noqa: PLC0415

    graph.prepare(get_introspection_query())
    refused(graph, "{ __schema { types { fields { type " + "{ ofType " * 20 + "{ name }" + " }" * 20 + " } } } }")


def _chain(length: int) -> str:
    """Each fragment spreads the next one twice: 2^length fields, if expanded."""
    links = " ".join(f"fragment F{place} on Query {{ ...F{place + 1} ...F{place + 1} }}" for place in range(length))
    return f"{{ ...F0 }} {links} fragment F{length} on Query {{ __typename }}"


def test_fragment_chains_take_linear_time(graph: Graph) -> None:
    """A chain of 90 fragments, each spreading the next twice, is refused at once; twice the chain takes at most 2.5 times as long."""
    refused(graph, _chain(90))
    seconds = {length: min(_seconds(graph, _chain(length)) for _ in range(5)) for length in (45, 90)}
    assert seconds[90] < 0.05
    assert seconds[90] < 2.5 * seconds[45] + 0.002


def _seconds(graph: Graph, document: str) -> float:
    began = time.process_time()
    refused(graph, document)
    return time.process_time() - began


@pytest.mark.parametrize("depth", [5, 50, 100, 150, 200, 240, 245])
@pytest.mark.parametrize("kind", ["fields", "inline fragments", "filters", "lists"])
async def test_any_depth_is_answered(world_on_sqlite: World, kind: str, depth: int) -> None:
    """However deep a document within the token limit is nested, it is answered or refused, never a defect."""
    documents = {
        "fields": "{ stages " + "{ a " * depth + "{ b }" + " }" * depth + " }",
        "inline fragments": "{ " + "... { " * depth + "__typename" + " }" * depth + " }",
        "filters": "{ opportunities(filter: " + "{ not: " * depth + "{}" + " }" * depth + ") { totalCount } }",
        "lists": "{ nodes(ids: " + "[" * depth + '"x"' + "]" * depth + ") { id } }",
    }
    try:
        answer = await ask(world_on_sqlite.graph, documents[kind], world_on_sqlite.here.caller())
    except RequestError as error:
        told = error.errors
    else:
        told = answer.errors or []
    assert {error["extensions"]["code"] for error in told} <= {"BAD_REQUEST"}


@pytest.mark.parametrize("text", ['"\\u0000"', '"a\\u0000b"', '"""\0"""'])
def test_no_text_in_a_document_has_a_nul(graph: Graph, text: str) -> None:
    """A NUL, which PostgreSQL can't hold, is refused wherever it stands in a document."""
    for document in (
        "{ opportunity(id: %s) { id } }",
        "{ accounts(search: %s) { totalCount } }",
        "{ opportunities(filter: {name: {eq: %s}}) { totalCount } }",
    ):
        refused(graph, document % text)


@pytest.mark.parametrize("value", ["\0", "a\0", "\ud800"])
async def test_no_text_in_a_variable_has_a_nul(world: World, value: str) -> None:
    """A NUL or half a surrogate pair in a variable is the caller's fault, on either database, whatever it is for."""
    documents = (
        "query($v: ID!) { opportunity(id: $v) { id } }",
        "query($v: ID!) { node(id: $v) { id } }",
        "query($v: String) { accounts(search: $v) { totalCount } }",
        "query($v: String) { opportunities(filter: {name: {contains: $v}}) { totalCount } }",
        "query($v: [ID!]) { opportunities(filter: {accountId: {in: $v}}) { totalCount } }",
        "query($v: StringFilter) { opportunities(filter: {source: $v}) { totalCount } }",
        "query($v: String) { opportunities(after: $v) { totalCount } }",
        "mutation($v: ID!) { deleteOpportunity(id: $v) { deletedId } }",
    )
    for document in documents:
        given: Any = [value] if "[ID!]" in document else {"eq": value} if "StringFilter" in document else value
        answer = await ask(world.graph, document, world.here.caller(), {"v": given})
        assert answer.errors is not None, document
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST", document


COSTS = {
    "{ stages { label } }": 10,
    "{ __typename }": 0,
    "{ __schema { types { name fields { name } } } }": 200,
    '{ __schema { queryType { name } } __type(name: "User") { name } stages { label } }': 200 + 200 + 10,
    '{ opportunity(id: "x") { id name value } }': 1,
    '{ opportunity(id: "x") { account { name } assignedTo { id } } }': 3,
    '{ opportunity(id: "x") { contacts { id } stageHistory { by { name } } } }': 1 + 10 + 20,
    "{ opportunities(first: 3) { nodes { account { id } } totalCount } }": 1 + 3 * 2 + 1,
    "{ opportunities(first: 3) { edges { cursor node { id } } pageInfo { endCursor } } }": 1 + 1 + 3 * 2,
    "{ opportunities { nodes { contacts { id } } } }": 1 + 20 * 11,
    "{ accounts(first: 10) { nodes { opportunities(first: 7) { nodes { id } } } } }": 1 + 10 * (1 + 1 + 7),
    '{ nodes(ids: ["a", "b", "c"]) { id } }': 3,
}


async def test_costs(world_on_sqlite: World) -> None:
    """An object costs 1, a scalar nothing, times the page; a list without paging counts as 10; introspection is free."""
    told = {
        document: (await ask(world_on_sqlite.graph, document, world_on_sqlite.here.caller())).extensions["cost"]["requested"]
        for document in COSTS
    }
    assert told == COSTS


async def test_the_limit_of_cost(world_on_sqlite: World) -> None:
    """5,000 is served, 5,001 refused before anything is read, also where variables decide."""
    document = "query($n: Int) { opportunities(first: 100) { nodes { id contacts { id } } } accounts(first: $n) { nodes { id } } stages { label } users(first: 100) { nodes { name account { id } } } }"
    base = 1 + 100 * 11 + 1 + 10 + 1 + 100 * 2
    graph, caller = Graph(world_on_sqlite.database), world_on_sqlite.here.caller()
    graph.limits = type(graph.limits)(max_cost=base + 40)
    assert (await ask(graph, document, caller, {"n": 40})).extensions["cost"] == {"requested": base + 40, "maximum": base + 40}
    answer = await ask(graph, document, caller, {"n": 41})
    assert not answer.executed
    assert answer.errors is not None
    assert answer.extensions["cost"] == {"requested": base + 41, "maximum": base + 40}
    assert str(base + 41) in answer.errors[0]["message"]
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"


async def test_the_number_of_ids(world_on_sqlite: World) -> None:
    """`nodes` takes 100 ids."""
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert len((await data(world_on_sqlite.graph, document, world_on_sqlite.here.caller(), {"ids": ["opp_0"] * 100}))["nodes"]) == 100
    answer = await ask(world_on_sqlite.graph, document, world_on_sqlite.here.caller(), {"ids": ["opp_0"] * 101})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"


FRAGMENTS = "fragment F0 on Account { id } " + " ".join(
    f"fragment F{level} on Account {{ opportunities(first: 1) {{ nodes {{ account {{ ...F{level - 1} }} contacts {{ account {{ ...F{level - 1} }} }}"
    f" assignedTo {{ account {{ ...F{level - 1} }} }} }} }} }}"
    for level in range(1, 4)
)


async def test_fields_are_counted_where_fragments_are_spread(world_on_sqlite: World) -> None:
    """A few fragments that are spread again and again are as many fields as if they were written out, and are refused as fast."""
    graph, caller = Graph(world_on_sqlite.database, limits=Limits(max_depth=20)), world_on_sqlite.here.caller()
    once = f"{{ accounts(first: 1) {{ nodes {{ ...F3 }} }} }} {FRAGMENTS}"
    assert (await ask(graph, once, caller)).executed
    often = f"{{ {' '.join(f'a{place}: accounts(first: 1) {{ nodes {{ ...F3 }} }}' for place in range(20))} }} {FRAGMENTS}"
    with pytest.raises(RequestError, match=r"^The operation has 2400 fields; it may have 1000\.$"):
        graph.prepare(often)


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("query($v: [ID!]!) { nodes(ids: $v) { id } }", ["opp_0"] * 20_000),
        ("query($v: [ID!]!) { nodes(ids: $v) { id } }", [None] * 20_000),
        ("query($v: OpportunityFilter) { opportunities(filter: $v) { totalCount } }", {f"k{number}": 1 for number in range(20_000)}),
        ("mutation($v: [CreateOpportunityInput!]!) { createOpportunities(inputs: $v) { succeeded } }", [{"name": "x"}] * 20_000),
        ("mutation($v: CreateOpportunityInput!) { createOpportunity(input: $v) { opportunity { id } } }", {"contactIds": ["x"] * 20_000}),
        ("mutation($v: CreateOpportunityInput!) { createOpportunity(input: $v) { opportunity { id } } }", [1] * 20_000),
    ],
)
async def test_long_lists_in_variables(world_on_sqlite: World, document: str, variables: Any) -> None:
    """They are refused by their length alone, before anything looks at each of their items; the error names the variable."""
    answer = await ask(world_on_sqlite.graph, document, world_on_sqlite.here.caller(), {"v": variables})
    assert not answer.executed
    assert answer.errors is not None
    message = answer.errors[-1]["message"]
    assert message.startswith("Variable '$v'")
    assert message.endswith(("A list or an object has 20,000 items; it may have 1,000.", "ask for less at once."))
    assert answer.errors[-1]["extensions"]["code"] == "BAD_REQUEST"


async def test_plans_and_documents_are_bounded(world_on_sqlite: World) -> None:
    """Neither booleans nor the number of documents, nor another operation's variables, fill the memory."""
    graph, caller = Graph(world_on_sqlite.database), world_on_sqlite.here.caller()
    names = [f"b{place}" for place in range(8)]
    fields = " ".join(f"k{name}: label @include(if: ${name})" for name in names)
    prepared = graph.prepare(f"query({', '.join(f'${name}: Boolean!' for name in names)}) {{ stages {{ label {fields} }} }}")
    for number in range(256):
        await graph.run(prepared, {name: bool(number >> place & 1) for place, name in enumerate(names)}, caller)
    assert len(prepared.plans) <= 32
    both = "query A($n: Int) { accounts(first: $n) { totalCount } } query B($n: Boolean!) { stages { label @skip(if: $n) } }"
    prepared = graph.prepare(both, "A")
    for number in range(10):
        await graph.run(prepared, {"n": number}, caller)
    assert len(prepared.plans) == 1
    for number in range(1_100):
        graph.prepare(f"{{ a{number}: __typename }}")
    assert len(graph._documents._kept) == 1_000


async def test_documents_are_bounded_in_bytes(world_on_sqlite: World) -> None:
    """However large documents and their plans are, the memory that they take together is bounded; what is let go leaves nothing behind."""
    graph, caller = Graph(world_on_sqlite.database), world_on_sqlite.here.caller()
    fields = " ".join(
        f"l{place}: accounts(first: 1, search: $text) {{ nodes {{ id contacts {{ nodes {{ id }} }} }} }}" for place in range(15)
    )
    tracemalloc.start()
    for number in range(60):
        await ask(graph, f"query N{number}($text: String) {{ {fields} }} # {'x' * 2_000}", caller, {"text": str(number)})
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(graph._documents._kept) < 40
    assert graph._documents._kept.bytes <= 24_000_000
    # All sixty would take 19 MB.
    assert taken < 16_000_000


async def test_variables_are_bounded(world_on_sqlite: World) -> None:
    """Lists asked for with ever other variables are forgotten again, long ones at once, and what their plans read out of them, too."""
    graph, caller = Graph(world_on_sqlite.database), world_on_sqlite.here.caller()
    prepared = graph.prepare("query($text: String) { accounts(search: $text) { totalCount } }")
    for number in range(1_100):
        await graph.run(prepared, {"text": str(number)}, caller)
    assert 100 < len(graph._documents._remembered) <= 1_024
    assert graph._documents._remembered.bytes <= 8_000_000
    last = {"text": "1099"}
    values = graph._documents.coerce(prepared, last)
    assert graph._documents.coerce(prepared, last) is values
    for _ in range(1_000):
        values.keep(object(), None, 100)
    assert len(values.read) <= 8
    for _ in range(3):
        values.keep(large := object(), None, 99_999)
        assert [*values.read] == [large]
    values.keep(object(), None, 100_001)
    assert [*values.read] == [large]
    long = {"text": "x" * 1_000}
    assert graph._documents.coerce(prepared, long) is not graph._documents.coerce(prepared, long)
    lone = graph.prepare("query($id: ID!) { account(id: $id) { name } }")
    assert graph._documents.coerce(lone, {"id": "x"}) is not graph._documents.coerce(lone, {"id": "x"})
