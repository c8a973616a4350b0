"""Mutations of several root fields: what is told when one of them fails, and what is looked at before anything is written."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

from typing import Any

import pytest

from schema.engine.write.mutation_call import Action
from schema.graph import Graph
from schema.rules.access import Role
from schema.storage.database import DatabaseUnavailable, StatementTimeout
from tests.schema.dataset import World, ask
from tests.schema.deals import create, marks

ACCOUNT = 'createAccount(input: {name: "x"}) { account { name } }'
MADE = {"account": {"name": "x"}}
FAULTY = {
    "a page too large": "account { opportunities(first: 101) { totalCount } }",
    "a page too large below another": "account { opportunities(first: 1) { nodes { account { contacts(first: -1) { totalCount } } } } }",
    "contradicting arguments": "account { opportunities(first: 1, last: 1) { totalCount } }",
    "no cursor of ours": 'account { opportunities(after: "x") { totalCount } }',
    "a search too long": f'account {{ opportunities(filter: {{name: {{contains: "{"x" * 201}"}}}}) {{ totalCount }} }}',
    "a variable": "account { opportunities(first: $first) { totalCount } }",
    "a fragment": "account { ...F }",
}


@pytest.mark.parametrize("name", FAULTY)
async def test_nothing_is_written_where_a_page_can_not_be_read(world: World, name: str) -> None:
    """A fault of a page anywhere in a payload is told before any root field of the mutation is carried out."""
    before = await marks(world)
    last = f'b: createAccount(input: {{name: "y"}}) {{ {FAULTY[name]} }}'
    head = "mutation($first: Int)" if "$first" in last else "mutation"
    fragment = "fragment F on Account { opportunities(offset: -1) { totalCount } }" if "...F" in last else ""
    answer = await ask(world.graph, f"{head} {{ a: {ACCOUNT} {last} }} {fragment}", world.here.caller(), {"first": 101})
    assert (answer.data, answer.executed) == (None, False)
    assert answer.errors is not None
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [(["b"], "BAD_REQUEST")]
    assert await marks(world) == before


async def test_nothing_is_written_that_costs_too_much(world: World) -> None:
    """What a payload asks for costs as in a query, and is refused before anything is written."""
    before = await marks(world)
    costly = f"b: {ACCOUNT.replace('name }', 'opportunities(first: 100) { nodes { account { opportunities(first: 100) { nodes { id } } } } } }')}"
    answer = await ask(world.graph, f"mutation {{ a: {ACCOUNT} {costly} }}", world.here.caller())
    assert answer.data is None
    assert answer.errors is not None
    assert "costs" in answer.errors[0]["message"]
    assert await marks(world) == before


async def test_many_results_cost_as_many(world: World) -> None:
    """What is asked of each result counts for every item: a page below it is refused for many, and the whole record isn't for 250."""
    before = await marks(world)
    page = "opportunity { account { opportunities(first: 100) { nodes { id } } } }"
    whole = "opportunity { name account { id name } assignedTo { id name } contacts { id } description } userErrors { code reason index field message }"
    document = "mutation($ids: [ID!]!) { updateOpportunities(ids: $ids, input: {}) { results { SELECTION } } }"
    for selection, count, refused in ((page, 50, True), (page, 10, False), (whole, 250, False)):
        answer = await ask(world.graph, document.replace("SELECTION", selection), world.here.caller(), {"ids": ["opp_0"] * count})
        assert (answer.data is None) == refused, (selection, answer.errors)
    assert await marks(world) == before


async def test_a_malformed_key_stops_all(world: World) -> None:
    """A key that is none is the request's fault: no root field is carried out, also those before it."""
    before = await marks(world)
    for key in ("", "a\\nb"):
        answer = await ask(
            world.graph,
            f'mutation {{ a: {ACCOUNT} b: createAccount(input: {{name: "y"}}, idempotencyKey: "{key}") {{ account {{ id }} }} }}',
            world.here.caller(),
        )
        assert answer.data is None
    assert await marks(world) == before


async def test_what_was_done_is_told(world: World) -> None:
    """A root field that fails is null with an error at its path; those before and after it are done, and their answers are there."""
    before = await marks(world)
    document = f'mutation {{ a: {ACCOUNT} __typename b: createUser(input: {{name: "x", email: "x@example.com", role: ADMIN}}) {{ user {{ id }} }} c: {ACCOUNT} }}'
    answer = await ask(world.graph, document, world.here.caller(Role.MEMBER))
    assert answer.data == {"a": MADE, "__typename": "Mutation", "b": None, "c": MADE}
    assert list(answer.data) == ["a", "__typename", "b", "c"]
    assert answer.errors is not None
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [(["b"], "FORBIDDEN")]
    assert await marks(world) == (before[0] + 2, before[1])


class _Failing:
    """A database whose writes fail as told, by their number from 1."""

    def __init__(self, database: Any, failures: dict[int, Exception]) -> None:
        self._database = database
        self._failures = failures
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def write(self, work: Any, *, long: bool = False) -> Any:
        self.writes += 1
        if self.writes in self._failures:
            raise self._failures[self.writes]
        return await self._database.write(work, long=long)


async def _three(world: World, failures: dict[int, Exception]) -> tuple[Any, _Failing]:
    database = _Failing(world.database, failures)
    graph = Graph(database)  # type: ignore[arg-type]
    return await ask(graph, f"mutation {{ a: {ACCOUNT} b: {ACCOUNT} c: {ACCOUNT} }}", world.here.caller()), database


@pytest.mark.parametrize("failure", [DatabaseUnavailable("away"), StatementTimeout("slow")])
async def test_a_database_that_goes_away_in_between(world: World, failure: Exception) -> None:
    """What was done before is told; what comes after isn't tried, and told to be worth another try."""
    answer, database = await _three(world, {2: failure})
    assert (answer.data, database.writes) == ({"a": MADE, "b": None, "c": None}, 2)
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [(["b"], "UNAVAILABLE"), (["c"], "UNAVAILABLE")]


async def test_a_database_that_is_away(world: World) -> None:
    """Where nothing could be done, the request as a whole is worth another try."""
    answer, database = await _three(world, {1: DatabaseUnavailable("away")})
    assert (answer.data, answer.executed, database.writes) == (None, False, 1)
    assert answer.errors[0]["extensions"]["code"] == "UNAVAILABLE"


async def test_a_defect_in_between(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect takes back its own root field alone, leaks nothing, and leaves the others to be told; alone it is the process's to answer."""

    async def broken(*_: object) -> dict[str, Any]:
        raise KeyError("secret")

    monkeypatch.setitem(world.graph._mutations.actions, "deleteAccount", Action(broken))
    defect = 'deleteAccount(id: "x") { deletedId }'
    answer = await ask(world.graph, f"mutation {{ a: {ACCOUNT} b: {defect} c: {ACCOUNT} }}", world.here.caller())
    assert answer.data == {"a": MADE, "b": None, "c": MADE}
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert b"secret" not in answer.encode()
    with pytest.raises(KeyError):
        await ask(world.graph, f"mutation {{ {defect} }}", world.here.caller())


async def test_root_fields_are_nullable(world_on_sqlite: World) -> None:
    """The schema lets each root field of a mutation be null by itself."""
    mutation_type: Any = world_on_sqlite.graph.graphql_schema.mutation_type
    assert [name for name, field in mutation_type.fields.items() if str(field.type).endswith("!")] == []


async def test_each_committed_field_wakes_followers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Followers hear of what was committed though the root field after it fails."""
    woken: list[str | None] = []
    monkeypatch.setattr(world.graph.events, "wake", woken.append)
    deal = await create(world)
    woken.clear()
    document = f'mutation {{ a: deleteOpportunity(id: "{deal["id"]}") {{ deletedId }} b: createUser(input: {{name: "x", email: "x@example.com", role: ADMIN}}) {{ user {{ id }} }} }}'
    await ask(world.graph, document, world.here.caller(Role.MEMBER))
    assert world.here.id in woken
