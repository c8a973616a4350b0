"""Answers have a limit in bytes, which is kept while rows are read; what is counted is never less than what is sent."""

from random import Random

import orjson
import pytest

from schema.documents import RequestError
from schema.graph import Graph
from schema.plan.limits import Limits
from tests.schema.differential.compare import stop_clock
from tests.schema.differential.documents import Operation, draw
from tests.schema.differential.values import Values
from tests.schema.world import World

DRAWN = 250


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
async def test_no_answer_is_larger_than_counted(world: World, plans: bool, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def large_world(world: World, **changed: Any) -> Caller:
    """A workspace of 100 deals of one account, each with a description of 10,000 characters; its caller."""
    tenant = make_tenant(Random(3), "Large", deals=100)
    (account, *_) = tenant.ids("account")
    for deal in tenant.rows("opportunity"):
        deal |= {"account_id": account, "description": LONG, **changed}
    await fill(world.database, tenant)
    return tenant.caller()


def refused(answer: Answer) -> bool:
    """Whether an answer is refused as a whole because it would be too large."""
    if answer.executed:
        return False
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    return "bytes" in answer.errors[0]["message"]


@pytest.mark.parametrize("plans", [True, False])
async def test_rows_that_repeat(world: World, plans: bool) -> None:
    """What is read once and told under many parents and aliases is refused before it is assembled."""
    caller = await large_world(world)
    graph = Graph(world.database, limits=Limits(max_cost=UNLIMITED), plans=plans)
    prepared = graph.prepare(REPEATED)
    tracemalloc.start()
    answer = await graph.run(prepared, {}, caller)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused(answer)
    assert peak < 20_000_000


@pytest.mark.parametrize("plans", [True, False])
async def test_reading_ends_at_the_limit(world: World, plans: bool) -> None:
    """Rows of which an answer can't tell all aren't all read: neither they nor the answer fill the memory."""
    caller = await large_world(world, account_id=None)
    del caller, plans
