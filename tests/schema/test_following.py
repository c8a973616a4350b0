"""The feed of a process: nothing is missed in silence, nothing stays in memory, whatever happens to those who follow."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from weakref import WeakSet

import pytest
from sqlalchemy import text

from schema.engine.document.documents import RequestError
from schema.engine.events import feed as feeds
from schema.engine.events.cursor import BEGINNING
from schema.engine.events.feed import Feed
from schema.engine.events.pruning import OldEvents
from schema.engine.events.table import EventRecord, EventTable
from schema.engine.execute.responses import EventResponse
from schema.graph import Graph
from schema.storage.database import Database, StatementTimeout
from schema.storage.retention import Sweeper
from tests.schema.dataset import World, data

FOLLOW = "subscription($since: String) { opportunityChanged(since: $since) { cursor opportunity { name } } }"
WITH = """subscription($size: Int, $filter: OpportunityFilter, $since: String) { opportunityChanged(filter: $filter, since: $since) {
  cursor ...More } }
fragment More on OpportunityEvent { opportunity { description account { opportunities(first: $size) { totalCount } } } }"""
RENAME = "mutation($id: ID!, $input: UpdateOpportunityInput!) { updateOpportunity(id: $id, input: $input) { userErrors { message } } }"


async def rename(world: World, name: str, **more: Any) -> None:
    deal = world.here.ids("opportunity")[0]
    assert (await data(world.graph, RENAME, world.here.caller(), {"id": deal, "input": {"name": name, **more}}))["updateOpportunity"]


def follow(world: World, document: str = FOLLOW, graph: Graph | None = None, **variables: Any) -> AsyncGenerator[EventResponse, None]:
    graph = graph or world.graph
    return graph.subscribe(graph.prepare(document), variables, world.here.caller())


#: Those who were asked once follow, and are asked again.
_BEGUN: WeakSet[AsyncGenerator[EventResponse, None]] = WeakSet()


async def begun(graph: Graph, *events: AsyncGenerator[EventResponse, None]) -> "list[asyncio.Task[EventResponse]]":
    """Each is asked for its next answer; all who follow have seen everything, and wait."""
    expected = _followers(graph) + len({*events} - {*_BEGUN})
    _BEGUN.update(events)
    tasks = [asyncio.create_task(anext(each)) for each in events]
    async with asyncio.timeout(10):
        await asyncio.sleep(0)
        while not (_followers(graph) >= expected or any(task.done() for task in tasks)) or not _all_wait(graph):  # noqa: ASYNC110  the feed tells nobody
            await asyncio.sleep(0.001)
    return tasks


def _followers(graph: Graph) -> int:
    return sum(len(each.followers) for each in graph.events._workspaces.values())


def _all_wait(graph: Graph) -> bool:
    workspaces = graph.events._workspaces.values()
    return not any(each.behind or any(follower.position == BEGINNING for follower in each.followers) for each in workspaces)


async def cursor_of(world: World) -> str:
    """The newest event's."""
    async with aclosing(follow(world)) as events:
        (first,) = await begun(world.graph, events)
        await rename(world, "Cursor")
        return str((await first).data["opportunityChanged"]["cursor"])


async def prune(database: Database) -> None:
    await database.write(lambda connection: connection.execute(database.compile(text("DELETE FROM sweep")), {}))
    await Sweeper(database, [OldEvents(database, -60)]).sweep()


async def test_a_pruning_while_one_catches_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is in the middle of what is pruned is told so, and not handed what comes behind the gap."""
    monkeypatch.setattr(feeds, "BATCH", 2)
    since = await cursor_of(world)
    for number in range(6):
        await rename(world, f"Name {number}")
    async with aclosing(follow(world, since=since)) as events:
        assert [(await anext(events)).data["opportunityChanged"]["opportunity"] for _ in range(2)]
        await prune(world.database)
        await rename(world, "After the gap")
        with pytest.raises(RequestError) as caught:
            await anext(events)
    assert caught.value.code == "CURSOR_EXPIRED"


async def test_a_pruning_between_the_look_and_the_reading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor that was good when it was looked at, and no longer is when events are read."""
    since = await cursor_of(world)
    await rename(world, "Missed")
    read, looks = EventTable.read, 0

    async def read_and_prune(self: EventTable, *arguments: Any) -> Any:
        nonlocal looks
        found = await read(self, *arguments)
        looks += 1
        if looks == 1:
            await prune(world.database)
        return found

    monkeypatch.setattr(EventTable, "read", read_and_prune)
    async with aclosing(follow(world, since=since)) as events:
        with pytest.raises(RequestError) as caught:
            await anext(events)
    assert (caught.value.code, looks) == ("CURSOR_EXPIRED", 2)


async def test_a_process_that_fell_behind_a_pruning(world: World) -> None:
    """Its followers, who all wait for what comes next, are told that something is missing."""
    graph = Graph(world.database)  # nothing wakes its followers but the test: a process that sleeps
    events = [follow(world, graph=graph) for _ in range(2)]
    waiting = await begun(graph, *events)
    for number in range(3):
        await rename(world, f"Name {number}")
    await prune(world.database)
    await rename(world, "After the gap")
    graph.events.wake(None)
    for task in waiting:
        with pytest.raises(RequestError) as caught:
            await task
        assert caught.value.code == "CURSOR_EXPIRED"


async def test_a_database_that_was_set_back(world: World) -> None:
    """A backup that is older than what was told: followers learn it, and aren't left waiting for revisions that come again."""
    events = follow(world)
    (first,) = await begun(world.graph, events)
    await rename(world, "Told")
    await first
    (second,) = await begun(world.graph, events)
    back = world.database.compile(text("UPDATE workspace SET revision = 1"))
    await world.database.write(lambda connection: connection.execute(back, {}))
    world.graph.events.wake(None)
    with pytest.raises(RequestError) as caught:
        await second
    assert caught.value.code == "CURSOR_EXPIRED"


@pytest.mark.parametrize("turns", range(12))
async def test_who_leaves_at_any_moment_is_counted_down(world: World, turns: int) -> None:
    """A follower that is cancelled after so many turns of the event loop leaves nothing behind."""
    feed = world.graph.events
    staying = follow(world)
    (first,) = await begun(world.graph, staying)
    leaving = follow(world, since=None if turns % 2 else await cursor_of(world))
    task = asyncio.create_task(anext(leaving))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await leaving.aclose()
    (workspace,) = feed._workspaces.values()
    assert len(workspace.followers) == 1
    await rename(world, "Still told")
    await first
    await staying.aclose()
    assert (feed._workspaces, feed._room.bytes, feed._reading.bytes, feed.answers.room.bytes) == ({}, 0, 0, 0)


async def test_a_database_that_is_too_slow_as_one_begins(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stays of a follower that failed right after it came, nor of one that never began."""

    async def late(*_: Any) -> Any:
        raise StatementTimeout

    monkeypatch.setattr(EventTable, "read", late)
    events, never = follow(world), follow(world)
    with pytest.raises(StatementTimeout):
        await anext(events)
    await never.aclose()
    assert world.graph.events._workspaces == {}


async def test_what_is_made_is_shared_and_dropped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """All who are told the same are told by one reading, whatever they filter by and since when; then nothing of it is kept."""
    reads = 0
    read = world.database.read

    async def counted(work: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(work)

    monkeypatch.setattr(world.database, "read", counted)
    since = await cursor_of(world)
    asked: list[dict[str, Any]] = [{}, {"filter": {"value": {"gte": -1}}}, {"filter": {"not": {"id": {"eq": "opp_0"}}}}, {"since": since}]
    events = [follow(world, WITH, **each) for each in [*asked, *asked]] + [follow(world, WITH, size=2, **each) for each in asked]
    waiting = await begun(world.graph, *events)
    reads = 0
    await rename(world, "Shared", value=5)
    answers = {answer.encode() for answer in await asyncio.gather(*waiting)}
    assert (reads, len(answers)) == (2, 2 - 1)
    waiting = await begun(world.graph, *events)
    feed = world.graph.events
    assert (feed.answers.room.bytes, feed._room.bytes, len(feed.answers._kept)) == (0, 0, 0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for each in events:
        await each.aclose()


async def test_memory_is_bounded_while_one_stands_still(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events and answers that wait for who doesn't go on are kept up to their bounds; who comes back to them misses nothing."""
    monkeypatch.setattr(feeds, "EVENT_BYTES", 20_000)
    monkeypatch.setattr(feeds, "ANSWER_BYTES", 50_000)
    graph = world.graph
    graph.events = graph._event_streams._feed = Feed(world.database)
    still, going = follow(world, WITH, size=1), follow(world, WITH, size=2)
    first = await begun(world.graph, still, going)
    seen: list[Any] = []
    for number in range(40):
        await rename(world, f"Name {number}", description=f"{number} " + "x" * 9_000)
        seen.append((await (first[1] if not number else asyncio.create_task(anext(going)))).data["opportunityChanged"]["cursor"])
        assert graph.events._room.bytes <= 20_000
        assert graph.events.answers.room.bytes <= 50_000
    told = [(await first[0]).data["opportunityChanged"]["cursor"]]
    told += [(await anext(still)).data["opportunityChanged"]["cursor"] for _ in range(39)]
    assert told == seen
    await going.aclose()
    await still.aclose()
    assert (graph.events._room.bytes, graph.events.answers.room.bytes) == (0, 0)


async def test_many_who_catch_up_hold_little(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where much is read already, each reads one event at a time, and all get there."""
    since = await cursor_of(world)
    for number in range(12):
        await rename(world, f"Name {number}")
    monkeypatch.setattr(feeds, "READING_BYTES", 1_000)
    graph = world.graph
    graph.events = graph._event_streams._feed = Feed(world.database)
    events = [follow(world, since=since) for _ in range(5)]
    for number in range(12):
        names = [(await anext(each)).data["opportunityChanged"]["opportunity"]["name"] for each in events]
        assert names == ["Name 11"] * 5, number
        assert graph.events._reading.bytes <= 1_000 + 5 * 4_000
    for each in events:
        await each.aclose()
    assert graph.events._reading.bytes == 0


def test_the_size_of_an_event() -> None:
    """What counts as its memory grows with its texts."""
    from schema.engine.events.table import _happened  # noqa: PLC0415

    def size(after: str) -> int:
        found: EventRecord = _happened((1, 0, "CREATED", "Opportunity", "opp_1", "[]", None, after, "2026-01-01T00:00:00Z", None, None), 0)
        return found.size

    assert size('{"a":"' + "x" * 1_000 + '"}') - size('{"a":""}') == 3_000
