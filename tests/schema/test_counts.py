"""Counts are exact at every revision, kept without being shared between those who see different things, and bounded."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest

from schema.engine.document.limits import Limits
from schema.graph import Graph
from schema.storage.database import Row
from schema.storage.statements import Statement
from tests.schema.dataset import World, ask, data
from tests.schema.query_recorder import Heard

ROUNDS = 40
COUNTS = """query($a: ID!) {
  all: opportunities(first: 100) { nodes { id value stage account { id } } totalCount summary { count totalValue wonCount } }
  some: opportunities(filter: {accountId: {eq: $a}}) { totalCount } }"""


ALONE = "{ all: opportunities(first: 100) { nodes { id value stage account { id } } totalCount summary { count totalValue wonCount } } }"
"""The same, which needs no transaction."""


def _recounted(found: Any, account: str) -> list[Any]:
    nodes = found["all"]["nodes"]
    total = sum(round((node["value"] or 0) * 100) for node in nodes)
    mine = sum(node["account"]["id"] == account for node in nodes)
    return [len(nodes), len(nodes), total, sum(node["stage"] == "CLOSED_WON" for node in nodes), mine]


async def test_writers_and_readers_in_parallel(world: World) -> None:
    """Every count and sum equals a recount of the rows read in the same snapshot, while others create, change and delete."""
    account, caller = world.here.ids("account")[0], world.here.caller()
    create = 'mutation($a: ID!, $v: Money) { createOpportunity(input: {name: "x", accountId: $a, value: $v}) { opportunity { id account { opportunities { totalCount } } } } }'
    update = "mutation($id: ID!) { updateOpportunity(id: $id, input: {stage: CLOSED_WON}) { opportunity { account { opportunities { totalCount } } } } }"
    delete = "mutation($id: ID!) { deleteOpportunity(id: $id) { deletedId } }"
    done = asyncio.Event()

    async def write(seed: int) -> None:
        random = Random(seed)
        mine: list[str] = []
        for _ in range(ROUNDS):
            if len(mine) < 4 or random.random() < 0.3:
                made = await data(world.graph, create, caller, {"a": account, "v": random.choice((None, 1, 10.5))})
                mine.append(made["createOpportunity"]["opportunity"]["id"])
            elif random.random() < 0.5:
                await data(world.graph, update, caller, {"id": random.choice(mine)})
            else:
                await data(world.graph, delete, caller, {"id": mine.pop()})

    async def read(document: str) -> int:
        reads = 0
        while not done.is_set() or reads < 3:
            found = await data(world.graph, document, caller, {"a": account})
            told, summary = found["all"]["totalCount"], found["all"]["summary"]
            cents = round(summary["totalValue"] * 100) if isinstance(summary["totalValue"], int | float) else _cents(summary["totalValue"])
            counted = [told, summary["count"], cents, summary["wonCount"]]
            if "some" in found:
                counted.append(found["some"]["totalCount"])
            assert counted == _recounted(found, account)[: len(counted)]
            reads += 1
            await asyncio.sleep(0)
        return reads

    readers = [asyncio.create_task(read(document)) for document in (COUNTS, COUNTS, ALONE, ALONE)]
    await asyncio.gather(*(write(seed) for seed in range(2)))
    done.set()
    assert min(await asyncio.gather(*readers)) >= 3


def _cents(fragment: Any) -> int:
    """A sum too large for a double, as the bytes of its digits."""
    import orjson  # noqa: PLC0415

    whole, _, rest = orjson.dumps(fragment).decode().partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0"))


async def test_a_count_in_a_transaction_that_never_was_is_not_kept(world: World) -> None:
    """A no-op update counts under a revision that is rolled back; the next writer's revision has that number and another count."""
    deal, caller = world.here.rows("opportunity")[0], world.here.caller()
    noop = "mutation($id: ID!, $n: String) { updateOpportunity(id: $id, input: {name: $n}) { opportunity { account { opportunities { totalCount } } } } }"
    counted = "query($a: ID!) { account(id: $a) { opportunities { totalCount } } }"
    create = 'mutation($a: ID!) { createOpportunity(input: {name: "x", accountId: $a}) { opportunity { id } } }'
    told = await data(world.graph, noop, caller, {"id": deal["id"], "n": deal["name"]})
    before = told["updateOpportunity"]["opportunity"]["account"]["opportunities"]["totalCount"]
    await data(world.graph, create, caller, {"a": deal["account_id"]})
    after = await data(world.graph, counted, caller, {"a": deal["account_id"]})
    assert after["account"]["opportunities"]["totalCount"] == before + 1


async def test_a_count_is_kept_until_the_next_write(world: World) -> None:
    """At one revision a count is made once."""
    from schema.engine.compile.data_reader import Counts  # noqa: PLC0415

    class Counting(Counts):
        made = 0

        def put(self, *arguments: Any) -> None:
            Counting.made += 1
            super().put(*arguments)

    graph = Graph(world.database)
    graph._counts = Counting(10)
    for _ in range(3):
        await data(graph, "{ opportunities { totalCount } }", world.here.caller())
    assert Counting.made == 1
    create = 'mutation($a: ID!) { createAccount(input: {name: "New"}) { account { id } } }'.replace("($a: ID!)", "")
    await data(graph, create, world.here.caller())
    await data(graph, "{ opportunities { totalCount } }", world.here.caller())
    assert Counting.made == 2


async def test_callers_who_see_different_things_share_no_count(world: World) -> None:
    """The same document counts for an admin, a limited viewer and another workspace each for itself, in any order."""
    document = "{ opportunities { totalCount summary { count } } accounts { totalCount } contacts { totalCount } users { totalCount } }"
    callers = [world.here.caller(), world.here.viewer(), world.there.caller(), world.there.viewer()]
    for order in (callers, callers[::-1]):
        shared = Graph(world.database)
        told = {id(caller): await data(shared, document, caller) for caller in order for _ in range(2)}
        alone = {id(caller): await data(Graph(world.database, limits=Limits(counts=0)), document, caller) for caller in order}
        assert told == alone
    assert len({str(each) for each in told.values()}) == 4


async def test_bounded_memory(world: World) -> None:
    """However many counts are asked for, no more are kept than the limit says."""
    graph = Graph(world.database, limits=Limits(counts=20))
    for number in range(60):
        answer = await ask(graph, f'{{ opportunities(filter: {{name: {{contains: "{number}"}}}}) {{ totalCount }} }}', world.here.caller())
        assert answer.errors is None
    assert len(graph._counts) == 20


async def _written_between(world: World, patch: pytest.MonkeyPatch, writes: int) -> int:
    """Another deal comes right after each of the first `writes` statements of a list. How many statements the list took."""
    fetch, made = world.database.fetch, 0
    create = 'mutation($a: ID!) { createOpportunity(input: {name: "between", accountId: $a}) { opportunity { id } } }'

    async def written(statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        nonlocal made
        rows = await fetch(statement, values)
        made += 1
        if made <= writes:
            await data(world.graph, create, world.here.caller(), {"a": world.here.ids("account")[0]})
        return rows

    with patch.context() as patched:
        patched.setattr(world.database, "fetch", written)
        found = await data(world.graph, "{ opportunities(first: 100) { nodes { id } totalCount } }", world.here.caller())
    assert len(found["opportunities"]["nodes"]) == found["opportunities"]["totalCount"]
    return made


async def test_page_and_count_are_of_one_revision(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is written between page and count, they agree; where it never ends, they are read in one snapshot."""
    assert await _written_between(world, monkeypatch, 0) == 2
    assert await _written_between(world, monkeypatch, 0) == 1
    # What comes after a page whose count is known doesn't matter; a count that is out of date is made again, and then the page.
    assert await _written_between(world, monkeypatch, 1) == 1
    assert await _written_between(world, monkeypatch, 2) == 4
    assert await _written_between(world, monkeypatch, 0) == 1
    assert await _written_between(world, monkeypatch, 1) == 1
    assert await _written_between(world, monkeypatch, 10) == 6


async def test_an_empty_page_is_not_looked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the count says that there are no rows, or none so far on, only the revision is read beside it: a slow filter runs once."""
    heard = Heard(monkeypatch)
    for arguments, total in (('filter: {name: {contains: "no such name"}}', 0), ("first: 5, offset: 60", 60), ("first: 5, offset: 61", 60)):
        for document in ("{ %s }", "{ %s stages { label } }"):
            heard.clear()
            found = await data(world.graph, document % f"opportunities({arguments}) {{ nodes {{ id }} totalCount }}", world.here.caller())
            assert found["opportunities"] == {"nodes": [], "totalCount": total}
            assert [text for text in heard.reading() if "count(" not in text] == []


async def test_a_list_that_was_empty(world: World) -> None:
    """That a page was empty, by a count that is out of date, says nothing of it now."""
    caller, account = world.here.caller(), world.here.ids("account")[0]
    lists = [
        '{ opportunities(filter: {name: {eq: "late"}}) { nodes { name } totalCount } }',
        "{ opportunities(offset: 60) { nodes { name } totalCount } }",
    ]
    for document in lists:
        assert (await data(world.graph, document, caller))["opportunities"]["nodes"] == []
    create = 'mutation($a: ID!) { createOpportunity(input: {name: "late", accountId: $a}) { opportunity { id } } }'
    await data(world.graph, create, caller, {"a": account})
    found = [(await data(world.graph, document, caller))["opportunities"] for document in lists]
    assert found[0] == {"nodes": [{"name": "late"}], "totalCount": 1}
    assert (len(found[1]["nodes"]), found[1]["totalCount"]) == (1, 61)
