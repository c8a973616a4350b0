"""What is too old goes in portions, all of it and nothing else, by one process at a time; the table says how far events are gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text

from schema.engine.events.pruning import OldEvents
from schema.engine.write.idempotency import expired_keys
from schema.storage import retention
from schema.storage.database import Connection, Database
from schema.storage.retention import NotOurTurn, Portion, Sweeper
from schema.storage.tables import Event, IdempotencyKey, WorkspaceTable

DAY = 86_400


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def put(database: Database, model: Any, rows: list[dict[str, Any]]) -> None:
    statement = database.compile(insert(model).values({name: text(f":{name}") for name in rows[0]}))

    async def work(connection: Connection) -> None:
        await connection.execute_many(statement, rows)

    await database.write(work)


async def rows(database: Database, query: str) -> list[Any]:
    return [tuple(row) for row in await database.fetch(database.compile(text(query)), {})]


async def make_workspaces(database: Database, *names: str) -> None:
    made = [{"id": name, "name": name, "currency": "EUR", "revision": 1_000, "created_at": ago(DAY)} for name in names]
    await put(database, WorkspaceTable, made)


def events(workspace: str, ages: list[float]) -> list[dict[str, Any]]:
    """An event a revision, each with its age in seconds; the third place of every third revision is taken too."""
    some = {
        "kind": "CREATED",
        "noun": "Opportunity",
        "record_id": "opp_1",
        "changed_fields": "[]",
        "before": None,
        "after": "{}",
        "by_id": None,
    }
    return [
        {"workspace_id": workspace, "revision": revision, "position": place, "at": ago(age), **some}
        for revision, age in enumerate(ages, 1)
        for place in ((0, 2) if revision % 3 == 0 else (0,))
    ]


def keys(workspace: str, age: float, count: int) -> list[dict[str, Any]]:
    made = {"workspace_id": workspace, "token_id": "key_1", "fingerprint": "f", "answer": "{}", "created_at": ago(age)}
    return [{**made, "key": f"{age}-{number}"} for number in range(count)]


async def test_expired_keys(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of before 24 hours ago go, of every workspace, also where more of one second expire than a portion holds."""
    monkeypatch.setattr(retention, "WORKSPACES", 2)
    names = [f"ws_{number}" for number in range(5)]
    await make_workspaces(database, *names)
    for name in names[1:]:
        await put(database, IdempotencyKey, keys(name, DAY + 60, 700) + keys(name, DAY - 60, 3))
    sweeper = Sweeper(database, [expired_keys(database)])
    assert await sweeper.sweep() == {"idempotency keys": 2_800}
    assert await rows(database, "SELECT workspace_id, count(*) FROM idempotency_key GROUP BY 1 ORDER BY 1") == [
        (name, 3) for name in names[1:]
    ]
    assert await sweeper.sweep() == {"idempotency keys": 0}


async def test_old_events(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest of each workspace go, up to the last that is too old; the table says up to where, and for none where none is."""
    monkeypatch.setattr(retention, "LARGEST", 100)
    monkeypatch.setattr(retention, "SMALLEST", 10)
    await make_workspaces(database, "ws_a", "ws_b", "ws_c")
    await put(database, Event, events("ws_a", [8 * DAY] * 600 + [DAY] * 10))
    await put(database, Event, events("ws_b", [DAY] * 10))
    sweeper = Sweeper(database, [OldEvents(database, 7 * DAY)])
    sweeper._portion.size = 90
    assert await sweeper.sweep() == {"events": 800}
    assert await rows(database, "SELECT * FROM pruned_events") == [("ws_a", 600, 2)]
    assert await rows(database, "SELECT workspace_id, min(revision), count(*) FROM event GROUP BY 1 ORDER BY 1") == [
        ("ws_a", 601, 13),
        ("ws_b", 1, 13),
    ]
    assert await sweeper.sweep() == {"events": 0}


async def test_an_event_of_a_clock_that_was_wrong(database: Database) -> None:
    """Events that seem to be of the future are as old as what was committed after them, and stop nothing."""
    await make_workspaces(database, "ws_a")
    await put(database, Event, events("ws_a", [8 * DAY, -365 * DAY, 8 * DAY, DAY]))
    assert await Sweeper(database, [OldEvents(database, 7 * DAY)]).sweep() == {"events": 4}
    assert await rows(database, "SELECT revision FROM event") == [(4,)]


async def test_one_process_at_a_time(database: Database) -> None:
    """While one has the turn others remove nothing; a turn that is over, or that a wrong clock took for years, is taken over."""
    await make_workspaces(database, "ws_a")
    first, second = (Sweeper(database, [expired_keys(database)]) for _ in range(2))
    await put(database, IdempotencyKey, keys("ws_a", 2 * DAY, 3))
    assert await first.sweep() == {"idempotency keys": 3}
    for until, taken in ((ago(-30), False), (ago(1), True), (ago(-30), False), (ago(-400 * DAY), True)):
        await put(database, IdempotencyKey, keys("ws_a", 2 * DAY, 3))
        await database.write(lambda connection, until=until: connection.execute(database.compile(text(UNTIL)), {"until": until}))
        if taken:
            assert await second.sweep() == {"idempotency keys": 3}
            first, second = second, first
        else:
            with pytest.raises(NotOurTurn):
                await second.sweep()
            assert await first.sweep() == {"idempotency keys": 3}


UNTIL = "UPDATE sweep SET until = :until"


def test_the_size_of_a_portion() -> None:
    """It follows the time that portions and their commits take, by no more than double at once; few rows say nothing about many."""
    portion = Portion(0.002, 0.01, 500)
    portion.took(500, 0.000_1, 0.001)
    assert portion.size == 1_000
    portion.took(1_000, 0.008, 0.0)
    assert portion.size == 250
    portion.took(3, 0.000_001, 1.0)
    assert portion.size == 250
    portion.took(250, 0.005, 0.01)
    assert portion.size == 250
    portion.took(250, 60.0, 1.0)
    assert portion.size == retention.SMALLEST
