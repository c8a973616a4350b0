"""Answers drawn documents and walks by plans, by graphql-core's completion, and by the oracle, and compares the bytes."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from schema.engine.document.documents import PreparedOperation, RequestError
from schema.engine.document.limits import Limits
from schema.engine.execute.responses import GraphQLResponse
from schema.graph import Graph
from schema.rules import clock
from schema.rules.access import Caller, Role
from tests.reference.oracle import Oracle, make_oracle
from tests.schema.dataset import World
from tests.schema.differential.documents import Operation, draw
from tests.schema.differential.values import Values
from tests.schema.differential.walks import Walk, draw_walk

NOW = "2026-01-15T08:00:00Z"
UNSAID = "previewUpdateOpportunity"
"""The root field of which the oracle says nothing: its answers are compared with each other alone."""
_TOO_MUCH = ("The operation costs ", "The answer would have ")
_UNDECIDED = re.compile(r"Variable '\$(\w+)' must not be null, since @skip or @include")
"""What the gateway refuses, and the oracle doesn't."""
Told = tuple[bytes, list[tuple[Any, str]]]
"""An answer's data, and the path and the message of each error."""


@dataclass(slots=True)
class Outcome:
    """What became of documents and walks: how many were refused, planned, completed; and those answered differently."""

    counts: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)


class Comparison:
    """Two graphs over one database, with plans and without, and the oracle. `share` of the drawn values are at fault."""

    def __init__(self, world: World, oracle: Oracle, *, share: float = 0.12) -> None:
        self.world = world
        self.share = share
        self.oracle = oracle
        self.planned = Graph(world.database)
        self.completed = Graph(world.database, limits=Limits(counts=0), plans=False)
        self.cursors: list[str] = []
        self.outcome = Outcome()

    async def documents(self, seeds: Iterable[int]) -> Outcome:
        """Compares the document of each seed."""
        for seed in seeds:
            await self._document(seed)
        self.outcome.counts["planned"] = self.planned.compiled
        self.outcome.counts["fell back"] = self.planned.fallbacks
        self.outcome.counts["completed"] = self.completed.fallbacks
        return self.outcome

    async def walks(self, seeds: Iterable[int]) -> Outcome:
        """Compares the pages of the walk of each seed."""
        for seed in seeds:
            random = Random(f"walk {seed}")
            caller = _caller(random, self.world)
            walk: Walk | None = draw_walk(self.planned.graphql_schema, random, self.world, seed, limited=caller.account_id is not None)
            self.outcome.counts["walks"] += 1
            while walk is not None:
                walk = await self._page(seed, walk, caller)
        return self.outcome

    async def _page(self, seed: int, walk: Walk, caller: Caller) -> Walk | None:
        """Compares a page, and gives the walk that goes on from it; None where it ends."""
        self.outcome.counts["pages"] += 1
        operation = Operation(walk.text, walk.variables)
        try:
            prepared = self.planned.prepare(walk.text)
        except RequestError:
            self.outcome.counts["refused"] += 1
            return None
        answer = await self.planned.run(prepared, walk.variables, caller)
        self.outcome.counts["empty pages" if b'"edges":[]' in answer.encode() else "full pages"] += 1
        expected = self._expected(prepared, operation, caller)
        if not _agree(answer, operation.variables, expected):
            self._report(f"walk {seed}", operation, caller, [("plan", _told(answer)), ("oracle", expected)])
            return None
        return walk.next(answer.data) if answer.data and not answer.errors else None

    async def _document(self, seed: int) -> None:
        random = Random(seed)
        caller = _caller(random, self.world)
        values = Values(random, self.world, self.share, caller.account_id)
        values.cursors += self.cursors[-20:]
        operation = draw(self.planned.graphql_schema, values)
        counts = self.outcome.counts
        counts["documents"] += 1
        try:
            prepared = self.planned.prepare(operation.text)
        except RequestError:
            counts["refused"] += 1
            return
        answers = [await graph.run(prepared, operation.variables, caller) for graph in (self.planned, self.completed)]
        counts["executed"] += answers[0].executed
        counts["with errors"] += bool(answers[0].errors)
        self._remember(answers[0].data)
        self._compare(seed, prepared, operation, caller, answers)

    def _compare(
        self, seed: int, prepared: PreparedOperation, operation: Operation, caller: Caller, answers: list[GraphQLResponse]
    ) -> None:
        one, other = map(_told, answers)
        told = [("plan", one), ("core", other)]
        if UNSAID in operation.text:
            alike = answers[0].encode() == answers[1].encode()
        else:
            told.append(("oracle", self._expected(prepared, operation, caller)))
            alike = one == other and _agree(answers[0], operation.variables, told[-1][1])
            self.outcome.counts["foretold"] += answers[0].executed
        if not alike:
            self._report(f"seed {seed}", operation, caller, told)

    def _expected(self, prepared: PreparedOperation, operation: Operation, caller: Caller) -> Told:
        result = self.oracle.answer(prepared.document, operation.variables, caller)
        errors = [(error.path, error.message) for error in result.errors or ()]
        return orjson.dumps(result.data), errors

    def _remember(self, data: Any) -> None:
        """Keeps the cursors of an answer, to page on from them."""
        if isinstance(data, dict):
            for key, value in data.items():
                if key in {"cursor", "endCursor", "startCursor"} and isinstance(value, str):
                    self.cursors.append(value)
                self._remember(value)
        elif isinstance(data, list):
            for each in data:
                self._remember(each)

    def _report(self, name: str, operation: Operation, caller: Caller, told: list[tuple[str, Told]]) -> None:
        variables = orjson.dumps(operation.variables).decode()
        ways = [f"{way:6} {data.decode()} {errors}" for way, (data, errors) in told]
        head = f"{name} as {caller.role}, user {caller.user_id}, of {caller.account_id}"
        self.outcome.different.append("\n".join([head, operation.text, variables, *ways, ""]))


def _told(answer: GraphQLResponse) -> Told:
    return orjson.dumps(answer.data), [(error.get("path"), error["message"]) for error in answer.errors or ()]


def _agree(answer: GraphQLResponse, variables: dict[str, Any], expected: Told) -> bool:
    """Whether an answer is the oracle's: both refuse the request, each in its words, or both say the same."""
    if answer.executed:
        return _told(answer) == expected
    assert answer.errors
    message = answer.errors[0]["message"]
    undecided = _UNDECIDED.match(message)
    if undecided:
        return variables.get(undecided[1], "absent") is None
    refused = expected[0] == b"null" and all(path is None for path, _ in expected[1])
    return refused or message.startswith(_TOO_MUCH)


def _caller(random: Random, world: World) -> Caller:
    user = random.choice(world.here.ids("user"))
    choices = (
        world.here.caller(),
        world.here.caller(Role.MEMBER, user_id=user),
        world.here.viewer(),
        world.here.caller(Role.VIEWER, user_id=user, account_id=world.here.ids("account")[2]),
    )
    return random.choice(choices)


async def compare(world: World) -> Comparison:
    """A comparison over a world, whose rows the oracle reads now."""
    graph = world.graph
    return Comparison(world, await make_oracle(world.database.url, graph.sdl, graph.graphql_schema.type_map, NOW))


def stop_clock(patch: Any) -> None:
    """The age of a deal must not depend on when a way is gone."""
    patch.setattr(clock, "now", lambda: NOW)
