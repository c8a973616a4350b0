"""No lost update: writers that check the version they have seen, many at once, on each database."""

import asyncio

from tests.schema.dataset import World, ask, data

TASKS, INCREMENTS = 8, 50
READ = "query($id: ID!) { opportunity(id: $id) { version value } }"
WRITE = """mutation($id: ID!, $input: UpdateOpportunityInput!, $version: Int) {
  updateOpportunity(id: $id, input: $input, expectedVersion: $version) { opportunity { version value } userErrors { code } } }"""


async def _increment(world: World, id_: str, lost: list[int]) -> None:
    caller = world.here.caller()
    while True:
        seen = (await data(world.graph, READ, caller, {"id": id_}))["opportunity"]
        variables = {"id": id_, "input": {"value": seen["value"] + 1}, "version": seen["version"]}
        payload = (await data(world.graph, WRITE, caller, variables))["updateOpportunity"]
        if payload["opportunity"]:
            assert payload["opportunity"] == {"version": seen["version"] + 1, "value": seen["value"] + 1}
            return
        assert payload["userErrors"] == [{"code": "PRECONDITION_FAILED"}]
        lost.append(1)


async def test_no_lost_update(world: World) -> None:
    """Eight tasks of fifty increments with expectedVersion: acknowledged minus final is 0, and some met each other."""
    id_ = world.here.ids("opportunity")[0]
    await data(world.graph, WRITE, world.here.caller(), {"id": id_, "input": {"value": 0}})
    start = (await data(world.graph, READ, world.here.caller(), {"id": id_}))["opportunity"]["version"]
    lost: list[int] = []

    async def task() -> int:
        for _ in range(INCREMENTS):
            await _increment(world, id_, lost)
        return INCREMENTS

    acknowledged = sum(await asyncio.gather(*(task() for _ in range(TASKS))))
    final = (await data(world.graph, READ, world.here.caller(), {"id": id_}))["opportunity"]
    assert acknowledged - final["value"] == 0
    assert final["version"] == start + acknowledged
    assert lost


async def test_one_effect_for_parallel_retries(world: World) -> None:
    """Eight retries at once under one idempotency key create one deal, and all are answered alike."""
    document = 'mutation($a: ID!) { createOpportunity(input: {name: "Once", accountId: $a}, idempotencyKey: "k") { opportunity { id } } }'
    variables = {"a": world.here.ids("account")[0]}
    answers = await asyncio.gather(*(ask(world.graph, document, world.here.caller(), variables) for _ in range(8)))
    assert len({answer.encode().partition(b'"extensions"')[0] for answer in answers}) == 1
    assert sum("idempotencyReplayed" in answer.extensions for answer in answers) == 7
    found = await data(world.graph, '{ opportunities(filter: {name: {eq: "Once"}}) { totalCount } }', world.here.caller())
    assert found == {"opportunities": {"totalCount": 1}}
