"""Following what happens to deals: from where one was, by what one may see, and for as long as events are kept."""

import asyncio
import signal
import subprocess
import time
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from schema.engine.events.cursor import EventPosition, write_cursor
from schema.engine.events.pruning import OldEvents
from schema.rules.access import Role
from schema.rules.cursors import CursorScope, workspace_tag
from schema.storage.database import Connection
from schema.storage.retention import Sweeper
from tests.connecting import PATIENCE
from tests.end_to_end.deals import deals
from tests.end_to_end.event_clients import BOTH, GONE, Event, Events, Follow, Refused, by_socket, by_stream, take
from tests.end_to_end.events import first_cursor, table
from tests.end_to_end.fleet import Access, access, in_process, opened, reap, start
from tests.end_to_end.writing import CREATE

TOLD = "subscription($since: String, $filter: OpportunityFilter) { opportunityChanged(since: $since, filter: $filter) { %s } }"
WITH_VALUE = TOLD % "cursor type opportunityId opportunity { value }"
ways = pytest.mark.parametrize("follow", BOTH)


@ways
async def test_across_a_restart(database_url: str, follow: Follow) -> None:
    """What happened before the stop, while nothing ran and after the start is told once each, in order."""
    who = await access(database_url)
    async with deals(database_url, who) as some:
        async with in_process(database_url) as (address, _):
            began = await first_cursor(database_url, who)
            made = [await some.create() for _ in range(3)]
            before = await take(follow(address, who.token, since=began), 2)
        made += [await some.create() for _ in range(2)]
        async with in_process(database_url) as (address, _):
            waiting = asyncio.create_task(take(follow(address, who.token, since=before[-1]["cursor"]), 4))
            await asyncio.sleep(0.1)
            made.append(await some.create())
            after = await waiting
    told = await table(database_url, who.caller.workspace_id)
    assert before + after == told[-6:]
    assert [event["opportunityId"] for event in told[-6:]] == made


@ways
async def test_nothing_new_for_the_first_who_follows(database_url: str, follow: Follow) -> None:
    """A process whose first follower has seen everything already waits, and others are served meanwhile; then it tells what comes."""
    who = await access(database_url)
    async with deals(database_url, who) as some:
        await some.create()
        # The newest revision has no event: the follower's place lies before the workspace's.
        await some.rename_account("Other")
        since = (await table(database_url, who.caller.workspace_id))[-1]["cursor"]
        async with in_process(database_url) as (address, _):
            waiting = asyncio.create_task(take(follow(address, who.token, since=since), 1))
            began = time.process_time()
            await asyncio.sleep(0.5)
            assert time.process_time() - began < 0.4
            async with httpx.AsyncClient(base_url=f"http://{address}") as client:
                assert (await client.get("/readyz")).status_code == 200
            id_ = await some.create()
            assert [event["opportunityId"] for event in await waiting] == [id_]


async def test_a_process_that_has_run_for_long(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a thousand looks whether others have committed, the next one sees it still (the 334th failed once, and was the last)."""
    monkeypatch.setattr("schema.storage.sqlite.driver.POLL_SECONDS", 0.0005)
    who = await access(sqlite_url)
    async with deals(sqlite_url, who) as some, in_process(sqlite_url) as (address, _):
        waiting = asyncio.create_task(take(by_socket(address, who.token), 1))
        await asyncio.sleep(2)
        id_ = await some.create()
        assert [event["opportunityId"] for event in await waiting] == [id_]


async def test_a_writer_that_is_killed(database_url: str, tmp_path: Path) -> None:
    """Whatever was acknowledged before `kill -9` is told to who resumes elsewhere, and nothing is told twice."""
    who = await access(database_url)
    acknowledged: list[str] = []
    async with AsyncExitStack() as stack:
        doomed = start(database_url, tmp_path)
        stack.callback(reap, doomed)
        address, _ = await stack.enter_async_context(in_process(database_url))
        some = await stack.enter_async_context(deals(database_url, who))
        await doomed.ready()
        began = await first_cursor(database_url, who)
        writers = [asyncio.create_task(_write_until_gone(doomed.url, who, some.account, acknowledged)) for _ in range(4)]
        seen = await _until_gone(doomed.address, who, began, doomed.process)
        await asyncio.gather(*writers)
        truth = await table(database_url, who.caller.workspace_id)
        place = [event["cursor"] for event in truth].index(began) + 1
        await some.create()
        left = len(truth) - place - len(seen)
        seen += (await take(by_stream(address, who.token, since=seen[-1]["cursor"]), left + 1))[:-1]
    assert seen == truth[place:]
    assert len(acknowledged) > 10
    assert set(acknowledged) <= {event["opportunityId"] for event in seen}


async def _write_until_gone(url: str, who: Access, account: str, acknowledged: list[str]) -> None:
    async with httpx.AsyncClient(base_url=url, headers=who.headers, timeout=30) as client:
        try:
            while True:
                body = {"query": CREATE, "variables": {"input": {"name": "Deal", "accountId": account}}}
                answer = (await client.post("/graphql", json=body)).json()
                acknowledged.append(answer["data"]["createOpportunity"]["opportunity"]["id"])
        except httpx.TransportError:
            return


async def _until_gone(address: str, who: Access, since: str, process: subprocess.Popen[bytes]) -> list[Event]:
    """What is told until the connection breaks; the process is killed after the twentieth."""
    seen: list[Event] = []
    try:
        async with asyncio.timeout(PATIENCE), aclosing(by_socket(address, who.token, since=since)) as events:
            async for event in events:
                seen.append(event)
                if len(seen) == 20:
                    process.send_signal(signal.SIGKILL)
    except GONE:
        return seen
    raise AssertionError("the process lives")


@ways
async def test_what_leaves_the_filter(database_url: str, follow: Follow) -> None:
    """A filter matches the state after the change; a deal that leaves it is told once more, and not again until it is back."""
    who = await access(database_url)
    async with deals(database_url, who) as some, in_process(database_url) as (address, _):
        since = await first_cursor(database_url, who)
        id_ = await some.create(value=50)
        for value in (200, 300, 10, 5, 400):
            await some.update(id_, value=value)
        await some.delete(id_)
        gone = await some.create(value=1)
        await some.delete(gone)
        last = await some.create(value=500)
        events = await take(follow(address, who.token, WITH_VALUE, since=since, filter={"value": {"gt": 100}}), 6)
    told = [(event["type"], event["opportunityId"]) for event in events]
    assert told == [("UPDATED", id_)] * 4 + [("DELETED", id_), ("CREATED", last)]
    assert [event["opportunity"] for event in events] == [None] * 5 + [{"value": 500}]


@ways
async def test_a_viewer_of_one_account(database_url: str, follow: Follow) -> None:
    """What comes into sight is CREATED, what leaves it DELETED, and what never was in sight isn't told at all."""
    who = await access(database_url)
    async with deals(database_url, who) as some, in_process(database_url) as (address, _):
        other = await some.another_account()
        viewer = await access(database_url, Role.VIEWER, some.account)
        since = await first_cursor(database_url, who)
        waiting = asyncio.create_task(take(follow(address, viewer.token, WITH_VALUE, since=since), 6))
        hidden = await some.create(accountId=other, value=1)
        await some.update(hidden, value=2)
        await some.update(hidden, accountId=some.account)
        await some.update(hidden, value=3)
        await some.update(hidden, accountId=other)
        await some.update(hidden, value=4)
        await some.delete(hidden)
        seen = await some.create(value=5)
        await some.delete(seen)
        last = await some.create(value=6)
        events = await waiting
    kinds = [(event["type"], event["opportunityId"]) for event in events]
    assert kinds == [("CREATED", hidden), ("UPDATED", hidden), ("DELETED", hidden), ("CREATED", seen), ("DELETED", seen), ("CREATED", last)]
    assert all(event["opportunity"] is None for event in events if event["type"] == "DELETED")


@ways
async def test_revisions_without_events(database_url: str, follow: Follow) -> None:
    """Changes that tell subscribers nothing leave no gap and no stop: what comes after them is told, live and on resuming."""
    who = await access(database_url)
    async with deals(database_url, who) as some, in_process(database_url) as (address, _):
        since = await first_cursor(database_url, who)
        waiting = asyncio.create_task(take(follow(address, who.token, since=since), 3))
        made = []
        for name in "abc":
            await some.rename_account(name)
            await some.rename_account(name * 2)
            made.append(await some.create())
            await asyncio.sleep(0.3)
        events = await waiting
        assert [event["opportunityId"] for event in events] == made
        assert await take(follow(address, who.token, since=events[0]["cursor"]), 2) == events[1:]


@ways
async def test_a_cursor_that_will_not_do(database_url: str, follow: Follow) -> None:
    """None of ours, of a list, of another workspace, or ahead of what has happened: a clear error, at once."""
    who = await access(database_url)
    here, other = who.caller.workspace_id, "ws_other"
    a_list = CursorScope("opportunities", workspace_tag(here)).write((1, 0))
    wrong = [
        "nonsense",
        "",
        "x" * 10_000,
        a_list,
        write_cursor(other, EventPosition(1, 0)),
        _event_cursor(here, -1, 0),
        _event_cursor(here, 1),
    ]
    wrong += [_event_cursor(here, 1.0, 0), _event_cursor(here, "1", 0), _event_cursor(here, 1, 2**31), _event_cursor(here, 2**63, 0)]
    async with in_process(database_url) as (address, _):
        for since, said in [*((cursor, "no cursor") for cursor in wrong), (write_cursor(here, EventPosition(10_000, 0)), "ahead")]:
            refused = await _refused(follow(address, who.token, since=since))
            assert (refused.code, said in refused.errors[0]["message"]) == ("BAD_REQUEST", True)
        refused = await _refused(follow(address, who.token, since=CursorScope("event", workspace_tag(here), epoch=1).write((1, 0))))
        assert refused.code == "CURSOR_EXPIRED"


def _event_cursor(workspace_id: str, *values: Any) -> str:
    return CursorScope("event", workspace_tag(workspace_id)).write(values)


async def _refused(events: Events) -> Refused:
    """What a subscription is refused with."""
    with pytest.raises(Refused) as caught:
        await take(events, 1)
    return caught.value


@ways
async def test_events_that_another_process_has_pruned(database_url: str, follow: Follow) -> None:
    """A cursor with missing events behind it is told so, at once; that of the last pruned event goes on without a gap."""
    who = await access(database_url)
    async with deals(database_url, who) as some, in_process(database_url) as (address, _):
        for _ in range(3):
            await some.create()
        cursors = [event["cursor"] for event in await table(database_url, who.caller.workspace_id)]
        await _prune(database_url)
        assert await table(database_url, who.caller.workspace_id) == []
        for since in cursors[:2]:
            refused = await _refused(follow(address, who.token, since=since))
            assert refused.code == "CURSOR_EXPIRED"
            assert "read the list again" in refused.errors[0]["message"]
        # A quiet workspace: its last event is long gone, and nothing has happened since.
        waiting = asyncio.create_task(take(follow(address, who.token, since=cursors[2]), 1))
        id_ = await some.create()
        assert [event["opportunityId"] for event in await waiting] == [id_]


@ways
async def test_a_follower_for_long(database_url: str, follow: Follow) -> None:
    """Who has seen all that was pruned meanwhile notices nothing."""
    who = await access(database_url)
    async with deals(database_url, who) as some, in_process(database_url) as (address, _):
        began = await first_cursor(database_url, who)
        async with asyncio.timeout(30), aclosing(follow(address, who.token, since=began)) as events:
            for _ in range(4):
                id_ = await some.create()
                assert (await anext(events))["opportunityId"] == id_
                await _prune(database_url)


async def _prune(database_url: str) -> None:
    """Another process lets go of everything that has happened."""
    await _age(database_url)
    async with opened(database_url) as database:
        sweeper = Sweeper(database, [OldEvents(database, 86_400)])
        await database.write(lambda connection: connection.execute(database.compile(text("DELETE FROM sweep")), {}))
        await sweeper.sweep()


async def test_what_is_too_old_is_let_go(database_url: str) -> None:
    """A gateway that starts deletes events that are older than they are kept, and no others; who resumes after them misses nothing."""
    who = await access(database_url)
    async with deals(database_url, who) as some:
        await some.create()
        await _age(database_url)
        await some.create()
        kept = await table(database_url, who.caller.workspace_id)
        async with in_process(database_url, event_retention=1):
            async with asyncio.timeout(PATIENCE):
                while await table(database_url, who.caller.workspace_id) != kept[1:]:  # noqa: ASYNC110  it happens in the gateway
                    await asyncio.sleep(0.05)


async def _age(database_url: str) -> None:
    """Everything that has happened was two days ago."""
    at = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    async with opened(database_url) as database:

        async def work(connection: Connection) -> None:
            await connection.execute(database.compile(text(f"UPDATE event SET at = '{at}'")), {})

        await database.write(work)
