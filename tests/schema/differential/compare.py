"""Sends documents down both ways of answering and compares the bytes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from schema.documents import RequestError
from schema.graph import Graph
from schema.plan.limits import Limits
from schema.rules import clock
from schema.rules.access import Caller, Role
from tests.schema.differential.documents import Operation, draw
from tests.schema.differential.values import Values
from tests.schema.world import World

NOW = "2026-01-15T08:00:00Z"


@dataclass(slots=True)
class Outcome:
    """What became of the documents: how many were refused, planned, completed; and those answered differently."""

    counts: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)


class Comparison:
    """Two graphs over one database: with plans, and without."""

    def __init__(self, world: World, *, share: float = 0.12) -> None:
        self.world = world
        self.share = share
        self.planned = Graph(world.database)
        self.completed = Graph(world.database, limits=Limits(counts=0), plans=False)
        self.cursors: list[str] = []
        self.outcome = Outcome()

    async def run(self, seeds: Iterable[int]) -> Outcome:
        """Compares the document of each seed."""
        for seed in seeds:
            await self._one(seed)
        self.outcome.counts["planned"] = self.planned.planned
        self.outcome.counts["fell back"] = self.planned.completed
        self.outcome.counts["completed"] = self.completed.completed
        return self.outcome

    async def _one(self, seed: int) -> None:
        random = Random(seed)
        values = Values(random, self.world, self.share)
        values.cursors += self.cursors[-20:]
        operation = draw(self.planned.graphql_schema, values)
        caller = _caller(random, self.world)
        counts = self.outcome.counts
        counts["documents"] += 1
        try:
            prepared = self.planned.prepare(operation.text)
        except RequestError:
            counts["refused"] += 1
            return
        answers = [await graph.run(prepared, operation.variables, caller) for graph in (self.planned, self.completed)]
        one, other = (answer.encode() for answer in answers)
        counts["executed"] += answers[0].executed
        counts["with errors"] += bool(answers[0].errors)
        self._remember(answers[0].data)
        if one != other:
            self.outcome.different.append(_report(seed, operation, caller, one, other))

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


def _caller(random: Random, world: World) -> Caller:
    user = random.choice(world.here.ids("user"))
    choices = (
        world.here.caller(),
        world.here.caller(Role.MEMBER, user_id=user),
        world.here.viewer(),
        world.here.caller(Role.VIEWER, user_id=user, account_id=world.here.ids("account")[2]),
    )
    return random.choice(choices)


def _report(seed: int, operation: Operation, caller: Caller, one: bytes, other: bytes) -> str:
    variables = orjson.dumps(operation.variables).decode()
    return (
        f"seed {seed} as {caller.role} of {caller.account_id}\n{operation.text}\n{variables}\nplan {one.decode()}\ncore {other.decode()}\n"
    )


def stop_clock(patch: Any) -> None:
    """The age of a deal must not depend on when a way is gone."""
    patch.setattr(clock, "now", lambda: NOW)
