"""Answers have a limit in bytes, which is kept while rows are read; what is counted is never less than what is sent."""

import tracemalloc
from collections.abc import Sequence
from random import Random

import orjson
import pytest

from schema.engine.compile import data_reader, response_size
from schema.engine.document.documents import RequestError
from schema.engine.document.limits import Limits
from schema.engine.execute.responses import GraphQLResponse
from schema.graph import Graph
from schema.rules.access import Caller
from schema.storage.database import Row
from tests.schema.dataset import World, ask, data, fill, make_tenant
from tests.schema.differential.compare import stop_clock
from tests.schema.differential.documents import Operation, draw
from tests.schema.differential.values import Values

DRAWN = 120


def graph_of(world: World, limit: int, *, plans: bool) -> Graph:
    """A graph whose answers may have `limit` bytes."""
    return Graph(world.database, limits=Limits(max_answer=limit), plans=plans)


async def sized(world: World, operation: Operation, limit: int, *, plans: bool) -> int | None:
    """The bytes of the data that an operation answers; None where it was refused as too large."""
    graph = graph_of(world, limit, plans=plans)
    answer = await graph.run(graph.prepare(operation.text), operation.variables, world.here.caller())
    if not answer.executed:
        assert answer.errors is not None
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
        assert f"{limit:,} bytes" in answer.errors[0]["message"]
        return None
    return 0 if answer.errors else len(orjson.dumps(answer.data))


@pytest.mark.parametrize("plans", [True, False])
async def test_no_answer_is_larger_than_counted(world: World, monkeypatch: pytest.MonkeyPatch, *, plans: bool) -> None:
    """Whatever is asked, a limit below the answer's size refuses it, and one of a few times its size doesn't."""
    stop_clock(monkeypatch)
    found = 0
    for seed in range(DRAWN):
        operation = draw(world.graph.graphql_schema, Values(Random(seed), world, 0.0))
        try:
            world.graph.prepare(operation.text)
            size = await sized(world, operation, 10**9, plans=plans)
        except (RequestError, AssertionError):
            continue  # at fault, or too dear
        if not size or size <= len("{}") or "__schema" in operation.text:
            continue
        found += 1
        assert await sized(world, operation, size - 1, plans=plans) is None, operation
        assert await sized(world, operation, 4 * size + 2_000, plans=plans) == size, operation
    assert found > DRAWN // 3


LONG = "x" * 10_000
UNLIMITED = 10**9
ALIASES = " ".join(f"d{place}: description" for place in range(28))
REPEATED = f"{{ opportunities(first: 45) {{ nodes {{ account {{ opportunities(first: 100) {{ nodes {{ {ALIASES} }} }} }} }} }} }}"
DEALS = "{ opportunities(first: 100) { nodes { id } } }"
PLAIN = "{ opportunities(first: 100) { nodes { description } } }"


async def large_world(world: World, deals: int = 100) -> Caller:
    """A workspace of deals of one account, each with a description of 10,000 characters; its caller."""
    tenant = make_tenant(Random(3), "Large", deals=deals)
    (account, *_) = tenant.ids("account")
    for deal in tenant.rows("opportunity"):
        deal |= {"account_id": account, "description": LONG}
    await fill(world.database, tenant)
    return tenant.caller()


def refused(answer: GraphQLResponse) -> bool:
    """Whether an answer is refused as a whole because it would be too large."""
    if answer.executed:
        return False
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    return "bytes" in answer.errors[0]["message"]


async def peak_of(graph: Graph, document: str, caller: Caller) -> tuple[GraphQLResponse, int]:
    """The answer, and the most memory that was taken for it at once, in bytes."""
    prepared = graph.prepare(document)
    await graph.run(prepared, {}, caller)  # Its plan is made.
    tracemalloc.start()
    try:
        answer = await graph.run(prepared, {}, caller)
        return answer, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("plans", [True, False])
async def test_rows_that_repeat(world: World, *, plans: bool) -> None:
    """What is read once and told under many parents and aliases is refused before it is assembled."""
    caller = await large_world(world)
    graph = Graph(world.database, limits=Limits(max_cost=UNLIMITED), plans=plans)
    answer, peak = await peak_of(graph, REPEATED, caller)
    assert refused(answer)
    assert peak < 15_000_000


@pytest.mark.parametrize("plans", [True, False])
async def test_reading_ends_at_the_limit(world: World, monkeypatch: pytest.MonkeyPatch, *, plans: bool) -> None:
    """Rows that an answer can't tell aren't all read: of 1 MB little more than twice the limit, a portion at a time."""
    monkeypatch.setattr(response_size, "PORTION", 100_000)
    portions: list[int] = []
    look = data_reader.Portions.look

    def counted(read: data_reader.Portions, rows: Sequence[Row]) -> None:
        portions.append(len(rows))
        look(read, rows)

    monkeypatch.setattr(data_reader.Portions, "look", counted)
    caller = await large_world(world)
    ids = [deal["id"] for deal in (await data(world.graph, DEALS, caller))["opportunities"]["nodes"]]
    graph = graph_of(world, 200_000, plans=plans)
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Opportunity { description } } }"
    assert refused(await ask(graph, document, caller, {"ids": ids}))
    assert set(portions) == {9}
    assert 400_000 < sum(portions) * len(LONG) < 500_000


async def test_large_answers_that_are_read_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside those that are read already a large one is refused as UNAVAILABLE; alone it is answered, and nothing stays counted."""
    monkeypatch.setattr(data_reader, "READING_BYTES", 300_000)
    monkeypatch.setattr(response_size, "PORTION", 2_000)
    graph, caller = Graph(world.database, limits=Limits(max_answer=100_000)), world.here.caller()
    fields = " ".join(f"a{place}: name" for place in range(30))
    document = f"{{ accounts(first: 100) {{ nodes {{ id opportunities(first: 40) {{ nodes {{ {fields} }} }} }} }} }}"
    assert (await ask(graph, document, caller)).errors is None
    assert not graph._in_flight.held
    other = object()
    graph._in_flight.hold(other, 290_000)
    refused = await ask(graph, document, caller)
    assert refused.errors is not None
    assert (refused.executed, refused.errors[0]["extensions"]["code"]) == (False, "UNAVAILABLE")
    assert [*graph._in_flight.held] == [id(other)]
    assert (await ask(graph, "{ accounts(first: 3) { nodes { id } } }", caller)).errors is None
    graph._in_flight.free(other)
    assert (await ask(graph, document, caller)).errors is None


async def test_portions_make_one_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read in many portions is answered as what is read at once, also when it is asked for again."""
    caller = world.here.caller()
    document = "{ opportunities(first: 60) { nodes { id contacts { name } account { opportunities(first: 9) { nodes { name } } } } } }"
    whole = await data(world.graph, document, caller)
    monkeypatch.setattr(response_size, "PORTION", 2_000)
    for _ in range(3):
        assert await data(world.graph, document, caller) == whole
    assert await data(Graph(world.database, plans=False), document, caller) == whole


@pytest.mark.parametrize("plans", [True, False])
async def test_the_limit(world: World, *, plans: bool) -> None:
    """An answer a little below the limit is given, one a little above it is not."""
    caller = await large_world(world)
    size = len(orjson.dumps(await data(world.graph, PLAIN, caller)))
    assert size > 100 * len(LONG)
    given = await ask(graph_of(world, size + 2_000, plans=plans), PLAIN, caller)
    assert given.errors is None
    assert refused(await ask(graph_of(world, size - 1, plans=plans), PLAIN, caller))


@pytest.mark.parametrize("text", ["\x01", "ä", "🙂", '"', "\n", "\u2028"])
async def test_characters_that_are_written_longer(world: World, text: str) -> None:
    """Texts count as they are encoded, whatever that makes of their characters."""
    tenant = make_tenant(Random(3), "Written", deals=5)
    for deal in tenant.rows("opportunity"):
        deal["description"] = text * 10_000
    await fill(world.database, tenant)
    size = len(orjson.dumps(await data(world.graph, PLAIN, tenant.caller())))
    assert refused(await ask(graph_of(world, size - 1, plans=True), PLAIN, tenant.caller()))
    assert not refused(await ask(graph_of(world, size + 2_000, plans=True), PLAIN, tenant.caller()))


async def test_a_mutation_whose_answer_would_be_too_large(world: World) -> None:
    """It is rolled back, and its error says so; what other fields of the operation did is told."""
    caller = await large_world(world)
    graph = graph_of(world, 100_000, plans=True)
    (deal, *_) = (await data(graph, "{ opportunities(first: 1) { nodes { id version } } }", caller))["opportunities"]["nodes"]
    wide = "opportunity { version account { opportunities(first: 20) { nodes { description } } } }"
    update = 'updateOpportunity(id: "%s", input: {source: "%s"}) { %s userErrors { message } }'
    answer = await ask(graph, f"mutation {{ {update % (deal['id'], 'New', wide)} }}", caller)
    assert answer.errors is not None
    assert "Nothing was done." in answer.errors[0]["message"]
    assert answer.errors[0]["path"] == ["updateOpportunity"]
    found = (await data(graph, '{ opportunity(id: "%s") { version source } }' % deal["id"], caller))["opportunity"]  # noqa: UP031  it has braces
    assert (found["version"], found["source"] == "New") == (deal["version"], False)
