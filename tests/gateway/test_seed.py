"""Seeded data is believable, obeys the rules of the graph's own writes, and is the same for the same seed."""

import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Table, select
from sqlmodel import SQLModel
from ulid import ULID

from gateway.seed import SeedFault, SeedSpec, seed
from schema.administration import bulk
from schema.rules.stages import FIRST_CLOSED, LOST, STAGES
from schema.rules.text import fold
from schema.storage.database import Connection, Database
from schema.storage.opening import open_database
from schema.storage.tables import tables_of

TODAY = date(2026, 11, 24)
SPEC = SeedSpec(workspace="Seeded", opportunities=400, accounts=30, users=20, contacts=90, seed=7, today=TODAY)


async def rows(database: Database, table: str) -> list[dict[str, Any]]:
    """A table's rows, by primary key."""
    declared: Table = SQLModel.metadata.tables[table]
    clause = select(declared).order_by(*declared.primary_key.columns)

    async def work(connection: Connection) -> Any:
        return await connection.fetch(database.compile(clause), {})

    names = [column.name for column in declared.columns]
    return [dict(zip(names, row, strict=True)) for row in await database.read(work)]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_counts(database: Database) -> None:
    """As many rows as asked for, in batches that each raise the revision."""
    heard: list[int] = []
    seeded = await seed(database.url, SPEC, progress=heard.append)
    counts = {table: len(await rows(database, table)) for table in tables_of("schema")}
    assert {name: counts[name] for name in ("workspace", "account", "user", "contact", "opportunity")} == {
        "workspace": 1,
        "account": 30,
        "user": 20,
        "contact": 90,
        "opportunity": 400,
    }
    assert counts["event"] == 0
    assert seeded.rows == sum(counts.values()) - 1
    assert heard == [400]
    assert (await rows(database, "workspace"))[0]["revision"] == 2


async def test_deals_obey_the_rules(database: Database) -> None:
    """Probability, closed date and loss reason are what the stage rules would have made of them."""
    await seed(database.url, SPEC)
    deals = await rows(database, "opportunity")
    assert {deal["stage"] for deal in deals} == set(range(len(STAGES)))
    for deal in deals:
        closed = deal["stage"] >= FIRST_CLOSED
        assert (deal["closed_date"] is not None) == closed
        assert (deal["loss_reason"] is not None) == (deal["stage"] == LOST)
        assert deal["probability"] == STAGES[deal["stage"]].default_probability or (deal["probability_manual"] and not closed)
        assert deal["value_cents"] is None or 0 < deal["value_cents"] < 10**15
        assert 1 <= len(deal["name"]) <= 200
        assert deal["name_folded"] == fold(deal["name"])
        assert deal["closed_date"] is None or deal["closed_date"] == deal["stage_since"][:10]


async def test_history_agrees_with_the_deal(database: Database) -> None:
    """Each deal's history begins with it, goes up to its stage without gaps in time, and its times stand in order."""
    await seed(database.url, SPEC)
    changes = defaultdict(list)
    for change in await rows(database, "stage_change"):
        changes[change["opportunity_id"]].append(change)
    for deal in await rows(database, "opportunity"):
        steps = changes[deal["id"]]
        assert [step["sequence"] for step in steps] == list(range(1, len(steps) + 1))
        assert deal["version"] >= len(steps)
        assert (steps[0]["from_stage"], steps[0]["at"], steps[0]["duration"]) == (None, deal["created_at"], None)
        assert (steps[-1]["to_stage"], steps[-1]["at"]) == (deal["stage"], deal["stage_since"])
        for before, after in pairwise(steps):
            assert after["from_stage"] == before["to_stage"] != after["to_stage"]
            assert after["duration"] == (moment(after["at"]) - moment(before["at"])).total_seconds() >= 0
        assert deal["stage_since"] <= deal["updated_at"] <= datetime(*TODAY.timetuple()[:3], tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_links(database: Database) -> None:
    """A deal has none to three contacts, all of its own account, in places counted from 0."""
    await seed(database.url, SPEC)
    account_of = {row["id"]: row["account_id"] for table in ("contact", "opportunity") for row in await rows(database, table)}
    places = defaultdict(list)
    for link in await rows(database, "opportunity_contact"):
        places[link["opportunity_id"]].append(link["position"])
        assert account_of[link["contact_id"]] == account_of[link["opportunity_id"]]
    assert all(found == list(range(len(found))) for found in places.values())
    assert {len(found) for found in places.values()} == {1, 2, 3}


@pytest.mark.parametrize("table", ["account", "user", "contact", "opportunity"])
async def test_ids_tell_the_time(sqlite_seeded: Database, table: str) -> None:
    """An id's ULID holds the same instant as `createdAt`."""
    for row in await rows(sqlite_seeded, table):
        stamp = ULID.from_str(row["id"].partition("_")[2]).datetime
        assert stamp == moment(row["created_at"])


async def test_people_are_believable(sqlite_seeded: Database) -> None:
    """The first account is Acme Corp, names go beyond ASCII, roles differ, and addresses are in names that nobody owns (RFC 2606)."""
    accounts, users, contacts = [await rows(sqlite_seeded, table) for table in ("account", "user", "contact")]
    assert "Acme Corp" in {account["name"] for account in accounts}
    assert len({account["name"] for account in accounts}) == len(accounts)
    assert any(not account["name"].isascii() for account in accounts)
    assert Counter(user["role"] for user in users) == {"admin": 1, "member": 17, "viewer": 2}
    assert all(person["email"].isascii() and person["email"].endswith(".example") for person in [*users, *contacts])
    assert all(user["account_id"] is None or user["role"] == "viewer" for user in users)
    assert all(contact["search_folded"] == fold(f"{contact['name']}\n{contact['email']}") for contact in contacts)


@pytest.fixture
async def sqlite_seeded(sqlite_url: str) -> Any:
    """A seeded SQLite database."""
    await seed(sqlite_url, SPEC)
    database = open_database(sqlite_url)
    await database.open()
    yield database
    await database.close()


DIGEST = """
import hashlib, sys, datetime
from gateway.seed import SeedSpec
from gateway.seed.fill import _people, deal
from gateway.seed.values import RandomValues
spec = SeedSpec(opportunities=50, seed=int(sys.argv[1]), today=datetime.date(2026, 11, 24))
source = RandomValues(f"{spec.seed}:{spec.workspace}", "ws_1", spec.midnight)
cast, people = _people(source, spec)
print(hashlib.sha256(repr([people, [deal(source, cast) for _ in range(50)]]).encode()).hexdigest())
"""


def test_the_same_seed_gives_the_same_rows() -> None:
    """Nothing depends on the process: hashes, clocks and orders are out of it. Another seed gives other rows."""
    digests = [subprocess.check_output([sys.executable, "-c", DIGEST, number], text=True) for number in ("1", "1", "2")]
    assert digests[0] == digests[1] != digests[2]


async def test_a_filled_workspace_is_left_alone(database: Database) -> None:
    """Filling twice is refused and changes nothing; another workspace may have the same seed."""
    await seed(database.url, SPEC)
    with pytest.raises(SeedFault, match="Seeded has accounts already"):
        await seed(database.url, SPEC)
    assert (await rows(database, "workspace"))[0]["revision"] == 2
    await seed(database.url, SeedSpec(workspace="Second", opportunities=20, seed=7, today=TODAY))
    ids = [row["id"] for row in await rows(database, "opportunity")]
    assert len(ids) == len(set(ids)) == 420


async def test_a_full_disk(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told by the database's own words, and nothing half-done is left."""

    def connect(*place: Any, **options: Any) -> sqlite3.Connection:
        raw = sqlite3.connect(*place, **options)
        raw.execute("PRAGMA max_page_count=1")  # no more than there are
        return raw

    monkeypatch.setattr(bulk, "sqlite3", SimpleNamespace(connect=connect))
    with pytest.raises(sqlite3.OperationalError, match="database or disk is full"):
        await seed(sqlite_url, SPEC)
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as raw:
        assert raw.execute("SELECT count(*) FROM opportunity").fetchone() == (0,)
    raw.close()


async def test_nothing_at_all(database: Database) -> None:
    """No opportunities is a size too."""
    await seed(database.url, SeedSpec(opportunities=0))
    assert await rows(database, "opportunity") == []
