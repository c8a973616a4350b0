"""Fair turns: who waits for heavy work, in which order, and what the event loop does meanwhile."""

import asyncio
import time
import weakref
from collections import Counter

import pytest

from schema.engine.execute.fairness import FairQueue, HeavyWork
from schema.rules.errors import ServiceUnavailable
from tests.connecting import beside
from tests.memory import Held, uncollected


class FullError(Exception):
    """There is no place in the line."""


async def turn() -> None:
    """What is ready runs."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_owners_are_served_in_rotation() -> None:
    """One with many places delays only itself; among its own, what is half done goes first."""
    line = FairQueue(10, FullError)
    places = {line.join(owner): f"{owner}{number}" for number, owner in enumerate("aaabca")}
    places[line.join("a", ahead=True)] = "a!"
    served = []
    while (place := line.next()) is not None:
        served.append(places[place])
    assert served == ["a!", "b3", "c4", "a0", "a1", "a2", "a5"]
    assert line.length == 0


async def test_a_full_line() -> None:
    """The newest place of the owner with the most makes room for others; its own new one finds none."""
    line = FairQueue(3, FullError)
    many = [line.join("a") for _ in range(3)]
    with pytest.raises(FullError):
        line.join("a")
    other = line.join("b")
    assert isinstance(many[-1].exception(), FullError)
    assert line.length == 3
    with pytest.raises(FullError):
        line.join("a")
    line.leave("a", many[0])
    line.leave("a", many[0])
    assert (line.next(), line.next(), line.next()) == (many[1], other, None)


async def test_no_line_at_all() -> None:
    """Where nobody may wait, everybody is refused."""
    with pytest.raises(FullError):
        FairQueue(0, FullError).join("a")


async def test_others_have_half_of_the_time() -> None:
    """Between two pieces of work the event loop is left to whoever has something to do, and at once where nobody has."""
    work = HeavyWork()
    pieces, turns = 5, Counter[str]()

    def piece() -> None:
        time.sleep(0.01)
        turns["between"] = 0

    async def busy() -> None:
        while True:
            time.sleep(0.001)  # noqa: ASYNC251  it is what keeps the loop busy
            turns["between"] += 1
            turns["all"] += 1
            await asyncio.sleep(0)

    async with beside(busy()):
        await asyncio.gather(*(work.run(str(owner), [piece]) for owner in range(pieces)))
    assert turns["all"] > 2 * pieces
    began = time.perf_counter()
    await work.run("a", [lambda: time.sleep(0.2)] * 3)
    assert time.perf_counter() - began < 1.15


async def test_work_is_done_once_for_all() -> None:
    """Who asks for the same meanwhile gets the same, or the same error; afterwards it is done anew."""
    work, done = HeavyWork(), Counter[str]()

    def fail() -> None:
        done["failed"] += 1
        raise ValueError("so it is")

    def count() -> int:
        done["worked"] += 1
        return done["worked"]

    assert await asyncio.gather(*(work.once("k", str(owner), count) for owner in range(9))) == [1] * 9
    assert await work.once("k", "a", count) == 2
    ends = await asyncio.gather(*(work.once("f", "a", fail) for _ in range(9)), return_exceptions=True)
    assert [str(end) for end in ends] == ["so it is"] * 9
    assert done == {"worked": 2, "failed": 1}


async def test_who_gives_up() -> None:
    """Another one does the work for which somebody waited who has left; no turn is lost, and a full line is told to who finds it."""
    work, done, held = HeavyWork(waiting=2), Counter[str](), asyncio.Event()

    async def hold() -> None:
        async with work.turn("holder"):
            await held.wait()

    holding = asyncio.create_task(hold())
    await turn()
    first = asyncio.create_task(work.once("k", "a", lambda: done.update(["first"])))
    await turn()
    second = asyncio.create_task(work.once("k", "a", lambda: done.update(["second"])))
    await turn()
    first.cancel()
    await turn()
    other = asyncio.create_task(work.run("a", []))
    await turn()
    with pytest.raises(ServiceUnavailable):
        await work.run("a", [])
    held.set()
    await asyncio.gather(holding, second, other)
    assert done == {"second": 1}
    cancelled = asyncio.create_task(hold())
    await turn()
    cancelled.cancel()
    await work.run("b", [])


async def test_a_turn_that_was_lost_holds_nothing_of_the_request() -> None:
    """A new document that gave its place in a full line to another caller's is gone with its error, and the request's body with it."""
    work = HeavyWork(1)

    async def ask() -> "weakref.ref[Held]":
        body = Held()
        with pytest.raises(ServiceUnavailable):
            await work.run("many", [])
        return weakref.ref(body)

    with uncollected():
        async with work.turn("first"):
            asked = asyncio.create_task(ask())
            await turn()
            async with beside(work.run("other", [])):
                assert (await asked)() is None


async def test_a_failure_holds_nothing_of_the_request() -> None:
    """Once it is handled: its traceback and the future that tells others of it would hold each other, and the request's body with them."""
    work = HeavyWork()

    def fail() -> None:
        raise FullError

    async def ask() -> "weakref.ref[Held]":
        body = Held()
        with pytest.raises(FullError):
            await work.once("key", "a", fail)
        return weakref.ref(body)

    with uncollected():
        assert (await ask())() is None
