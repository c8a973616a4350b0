"""One clock stamps everything: never more than seconds ahead of the wall clock, and never a little behind what it told before."""

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from ulid import ULID

from schema.rules import clock
from schema.storage import ids
from tests.schema.dataset import World, data

HOUR = 3_600_000
CREATE = """mutation($account: ID!) { createOpportunity(input: {name: "Deal", accountId: $account}) {
  opportunity { id createdAt updatedAt stageHistory { at } } userErrors { message } } }"""
UPDATE = """mutation($id: ID!, $name: String!) { updateOpportunity(id: $id, input: {name: $name}) {
  opportunity { createdAt updatedAt } userErrors { message } } }"""


class Wall:
    """The wall clock, in milliseconds since 1970: it stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_770_000_000_500

    def time_ns(self) -> int:
        return self.now * 1_000_000


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wall]:
    told = Wall()
    monkeypatch.setattr(clock, "time", SimpleNamespace(time_ns=told.time_ns))
    monkeypatch.setattr(clock, "_CLOCK", clock.Clock())
    monkeypatch.setattr(ids, "_SOURCE", ids.IdSource())
    return told


def milliseconds(instant: str) -> int:
    return int(datetime.fromisoformat(instant).astimezone(UTC).timestamp()) * 1000


async def create(world: World) -> Any:
    return (await data(world.graph, CREATE, world.here.caller(), {"account": world.here.ids("account")[0]}))["createOpportunity"][
        "opportunity"
    ]


async def test_set_forward_and_back(world: World, wall: Wall) -> None:
    """What is created and what is updated afterwards has the time that it is, in a process that goes on."""
    for step in (0, HOUR, -HOUR, 30 * 24 * HOUR, -30 * 24 * HOUR, 1_000, -1_500, -HOUR):
        wall.now += step
        made = await create(world)
        assert made["createdAt"] == made["updatedAt"] == made["stageHistory"][0]["at"]
        changed = await data(world.graph, UPDATE, world.here.caller(), {"id": made["id"], "name": f"After {step}"})
        told = changed["updateOpportunity"]["opportunity"]
        assert told["createdAt"] == made["createdAt"] == clock.instant(int(ULID.from_str(made["id"][4:]).milliseconds))
        assert 0 <= milliseconds(told["updatedAt"]) - milliseconds(told["createdAt"]) <= 1_000
        for instant in (told["createdAt"], told["updatedAt"]):
            assert -1_000 < milliseconds(instant) - wall.now <= clock.STANDS_STILL


async def test_set_back_by_a_little(world: World, wall: Wall) -> None:
    """By up to two seconds the clock stands still: what comes later is not before what came earlier, in time and in order."""
    made = []
    for step in (0, -300, -400, 500, -1_200, 900, 5_000, -2_000):
        wall.now += step
        made.append(await create(world))
    keys = [(each["createdAt"], each["id"]) for each in made]
    assert keys == sorted(keys)
    newest = (await data(world.graph, "{ opportunities(first: 8) { nodes { id } } }", world.here.caller()))["opportunities"]["nodes"]
    assert [each["id"] for each in newest] == [each["id"] for each in reversed(made)]


def test_ids(wall: Wall) -> None:
    """They grow, a thousand within a millisecond too, and after a great step back they are none that were there before."""
    made = []
    for step in (0, 1, -1, -1_500, 1_600):
        wall.now += step
        made += [ids.new_id("opp")[0] for _ in range(1_000)]
    assert made == sorted(made)
    wall.now -= 10 * HOUR
    again = [ids.new_id("opp") for _ in range(1_000)]
    assert [id_ for id_, _ in again] == sorted(id_ for id_, _ in again)
    assert {milliseconds for _, milliseconds in again} == {wall.now}
    assert not {id_ for id_, _ in again} & set(made)
