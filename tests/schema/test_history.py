"""The stage history: the newest steps of a deal, the oldest of them first, however many the deal has and by whatever way it is read."""

from random import Random
from typing import Any

import orjson
import pytest

from schema.engine.document.limits import Limits
from schema.graph import Graph
from schema.storage.database import Connection
from tests.schema.dataset import Tenant, World, ask, data, fill, make_tenant
from tests.schema.query_recorder import Heard

LENGTHS = (1, 2, 99, 100, 101, 250)
FIELDS = "from to at duration by { name } actor { ... on User { email } }"


async def long_histories(world: World) -> Tenant:
    """A workspace whose deals have histories of these lengths, with gaps in their numbers."""
    tenant = make_tenant(Random(5), "History", deals=len(LENGTHS))
    users = tenant.ids("user")
    tenant.tables["stage_change"] = [
        {
            "workspace_id": tenant.id,
            "opportunity_id": deal,
            "sequence": 3 * place + 1,
            "from_stage": place % 5 if place else None,
            "to_stage": (place + 1) % 5,
            "at": f"2025-01-01T{place // 60:02}:{place % 60:02}:00Z",
            "by_id": users[place % len(users)],
            "duration": place or None,
        }
        for deal, length in zip(tenant.ids("opportunity"), LENGTHS, strict=True)
        for place in range(length)
    ]
    await fill(world.database, tenant)
    return tenant


def expected(tenant: Tenant, deal: str, last: int) -> list[str]:
    """The instants of the newest steps."""
    steps = [row["at"] for row in tenant.rows("stage_change") if row["opportunity_id"] == deal]
    return steps[-last:] if last else []


def instants(deal: dict[str, Any], key: str = "stageHistory") -> list[str]:
    return [step["at"] for step in deal[key]]


@pytest.mark.parametrize("plans", [True, False])
async def test_the_newest_steps(world: World, *, plans: bool) -> None:
    """100 unless given, 0 to 100; alike in a list, for one deal, for many by their ids, and twice with different numbers."""
    tenant = await long_histories(world)
    graph, caller = Graph(world.database, limits=Limits(max_cost=100_000), plans=plans), tenant.caller()
    ids = tenant.ids("opportunity")
    listed = "query($n: Int) { opportunities(first: 100) { nodes { id stageHistory { at } n: stageHistory(last: $n) { %s } } } }"
    steps = "stageHistory { at } n: stageHistory(last: $n) { %s }"
    one = f"query($id: ID!, $n: Int) {{ opportunity(id: $id) {{ id {steps} two: stageHistory(last: 2) {{ at }} }} }}"
    many = f"query($ids: [ID!]!, $n: Int) {{ nodes(ids: $ids) {{ ... on Opportunity {{ id {steps} }} }} }}"
    for last in (0, 1, 2, 99, 100):
        found = (await data(graph, listed % FIELDS, caller, {"n": last}))["opportunities"]["nodes"]
        found += (await data(graph, many % FIELDS, caller, {"ids": ids, "n": last}))["nodes"]
        for deal in ids:
            alone = (await data(graph, one % FIELDS, caller, {"id": deal, "n": last}))["opportunity"]
            assert instants(alone, "two") == expected(tenant, deal, 2)
            found.append(alone)
        assert len(found) == 3 * len(ids)
        for deal in found:
            assert instants(deal) == expected(tenant, deal["id"], 100)
            assert instants(deal, "n") == expected(tenant, deal["id"], last)
    unset = (await data(graph, one % FIELDS, caller, {"id": ids[-1], "n": None}))["opportunity"]
    assert instants(unset, "n") == expected(tenant, ids[-1], 100)


@pytest.mark.parametrize("last", [-1, 101, 2**31 - 1])
@pytest.mark.parametrize("plans", [True, False])
async def test_a_number_out_of_range(world: World, last: int, *, plans: bool) -> None:
    """It is an error of the field, wherever it stands; before a mutation does anything, and before a subscription begins."""
    tenant = world.here
    graph, caller = Graph(world.database, plans=plans), tenant.caller()
    (deal, *_) = tenant.ids("opportunity")
    steps = f"{{ stageHistory(last: {last}) {{ at }} }}"
    for document in (
        f"{{ opportunities {{ nodes {steps} }} }}",
        f'{{ opportunity(id: "{deal}") {steps} }}',
        f'mutation {{ updateOpportunity(id: "{deal}", input: {{name: "New"}}) {{ opportunity {steps} }} }}',
    ):
        answer = await ask(graph, document, caller)
        assert answer.errors is not None
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
        assert "from 0 to 100" in answer.errors[0]["message"]
    assert (await data(graph, f'{{ opportunity(id: "{deal}") {{ name }} }}', caller))["opportunity"]["name"] != "New"


async def test_an_index_finds_the_newest(world_on_sqlite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of deals on a page that have thousands of steps, only those that are told are read."""
    tenant = await long_histories(world_on_sqlite)
    heard = Heard(monkeypatch)
    await data(world_on_sqlite.graph, "{ opportunities(first: 100) { nodes { stageHistory { at } } } }", tenant.caller())
    (statement, values) = next(each for each in heard.statements if "stage_change" in each[0].text)

    async def explain(connection: Connection) -> list[str]:
        rows = connection.raw.execute(f"EXPLAIN QUERY PLAN {statement.text}", statement.bind(values))  # type: ignore[attr-defined]
        return [row[3] for row in rows]

    steps = await world_on_sqlite.database.read(explain)
    assert any("opportunity_id=? AND sequence>?" in step for step in steps), steps


async def test_its_cost_and_size(world: World) -> None:
    """It costs as a list without a page; 250 steps of each deal count no more than the 100 that are told."""
    tenant = await long_histories(world)
    document = "{ opportunities(first: 100) { nodes { stageHistory { at } } } }"
    answer = await ask(world.graph, document, tenant.caller())
    size = len(orjson.dumps(answer.data))
    small = Graph(world.database, limits=Limits(max_answer=2 * size))
    assert (await ask(small, document, tenant.caller())).errors is None
    refusing = Graph(world.database, limits=Limits(max_answer=size - 1))
    assert not (await ask(refusing, document, tenant.caller())).executed
