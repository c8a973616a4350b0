"""The stage rules of a deal, through the graph's own writes: as a table, and as a property over random walks."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from schema.rules.stages import BY_NAME
from tests.schema.dataset import World
from tests.schema.deals import WRITABLE, create, marks, read, update

TODAY = datetime.now(UTC).date().isoformat()
DAY = "2025-05-05"
CLOSED = {"CLOSED_WON", "CLOSED_LOST"}


@pytest.fixture(autouse=True)
def _one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays the day on which these tests were read, also where they run over midnight."""
    monkeypatch.setattr("schema.rules.clock.now", lambda: f"{TODAY}T12:00:00Z")


# (what it is created with, what it is changed by, what must hold then)
TABLE: dict[str, tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any]]] = {
    "defaults": ({}, None, {"stage": "PROSPECTING", "probability": 10, "probabilitySource": "STAGE_DEFAULT", "value": None, "contacts": []}),
    "a probability given": ({"probability": 35}, None, {"probability": 35, "probabilitySource": "MANUAL"}),
    "nulls take defaults": ({"stage": None, "probability": None}, None, {"stage": "PROSPECTING", "probability": 10}),
    "created won": ({"stage": "CLOSED_WON"}, None, {"probability": 100, "closedDate": TODAY, "lossReason": None}),
    "created lost": ({"stage": "CLOSED_LOST", "lossReason": "x"}, None, {"probability": 0, "closedDate": TODAY, "lossReason": "x"}),
    "created won at a day": ({"stage": "CLOSED_WON", "closedDate": DAY}, None, {"closedDate": DAY}),
    "created won, unsure": ({"stage": "CLOSED_WON", "probability": 90}, None, {"probability": 90, "probabilitySource": "STAGE_DEFAULT"}),
    "open to open": ({}, {"stage": "PROPOSAL"}, {"probability": 60, "probabilitySource": "STAGE_DEFAULT"}),
    "open to open by hand": ({"probability": 35}, {"stage": "PROPOSAL"}, {"probability": 35, "probabilitySource": "MANUAL"}),
    "open to open, given": ({}, {"stage": "PROPOSAL", "probability": 61}, {"probability": 61, "probabilitySource": "MANUAL"}),
    "backwards": ({"stage": "NEGOTIATION"}, {"stage": "QUALIFICATION"}, {"probability": 20}),
    "won": ({}, {"stage": "CLOSED_WON"}, {"probability": 100, "closedDate": TODAY, "probabilitySource": "STAGE_DEFAULT"}),
    "won by hand": ({"probability": 35}, {"stage": "CLOSED_WON"}, {"probability": 100, "probabilitySource": "STAGE_DEFAULT"}),
    "won, given": ({}, {"stage": "CLOSED_WON", "probability": 99, "closedDate": DAY}, {"probability": 99, "closedDate": DAY, "probabilitySource": "STAGE_DEFAULT"}),
    "lost": ({"value": 5}, {"stage": "CLOSED_LOST", "lossReason": "Price"}, {"probability": 0, "closedDate": TODAY, "lossReason": "Price"}),
    "reopened": ({"stage": "CLOSED_LOST", "lossReason": "x"}, {"stage": "PROPOSAL"}, {"probability": 60, "closedDate": None, "lossReason": None}),
    "reopened, given": ({"stage": "CLOSED_WON"}, {"stage": "PROPOSAL", "probability": 5}, {"probability": 5, "probabilitySource": "MANUAL", "closedDate": None}),
    "lost to won": ({"stage": "CLOSED_LOST", "lossReason": "x", "closedDate": DAY}, {"stage": "CLOSED_WON"}, {"probability": 100, "closedDate": TODAY, "lossReason": None}),
    "the stage left alone": ({"stage": "PROPOSAL"}, {"name": "y"}, {"probability": 60, "name": "y"}),
    "what a rule would refuse, equal": ({"stage": "CLOSED_LOST", "lossReason": "x", "closedDate": DAY}, {"stage": "PROPOSAL", "lossReason": "x", "closedDate": DAY}, {"closedDate": None, "lossReason": None}),
    "a reason while winning, equal": ({"stage": "CLOSED_LOST", "lossReason": "x"}, {"stage": "CLOSED_WON", "lossReason": "x"}, {"lossReason": None}),
    "named and equal, open to open": ({"stage": "NEGOTIATION"}, {"stage": "PROPOSAL", "probability": 80}, {"probability": 80, "probabilitySource": "MANUAL"}),
    "named and equal, the stage left alone": ({"stage": "PROPOSAL"}, {"probability": 60}, {"probability": 60, "probabilitySource": "MANUAL", "version": 2}),
    "named and equal, reopened": ({"stage": "CLOSED_WON"}, {"stage": "PROPOSAL", "probability": 100}, {"probability": 100, "probabilitySource": "MANUAL"}),
    "named and equal, closed": ({"stage": "CLOSED_WON", "closedDate": DAY}, {"stage": "CLOSED_WON", "closedDate": DAY, "probability": 100}, {"probabilitySource": "STAGE_DEFAULT", "version": 1}),
    "named and equal, won to lost": ({"stage": "CLOSED_WON", "closedDate": DAY}, {"stage": "CLOSED_LOST", "closedDate": DAY}, {"closedDate": DAY, "probability": 0}),
    "a probability of a closed deal": ({"stage": "CLOSED_WON"}, {"probability": 35}, {"probability": 35, "probabilitySource": "MANUAL"}),
    "null where nothing is": ({}, {"stage": "CLOSED_LOST", "closedDate": None, "lossReason": None}, {"closedDate": TODAY, "lossReason": None}),
    "null where nothing is, left open": ({}, {"closedDate": None, "lossReason": None}, {"closedDate": None, "version": 1}),
    "created with nulls": ({"stage": "CLOSED_WON", "closedDate": None, "lossReason": None}, None, {"closedDate": TODAY}),
    "reopened with null": ({"stage": "CLOSED_WON"}, {"stage": "PROPOSAL", "closedDate": None}, {"closedDate": None}),
    "the reason cleared": ({"stage": "CLOSED_LOST", "lossReason": "x"}, {"lossReason": None}, {"lossReason": None}),
    "the reason blank": ({"stage": "CLOSED_LOST", "lossReason": "x"}, {"lossReason": " "}, {"lossReason": None}),
    "a blank reason of an open deal": ({}, {"lossReason": "  "}, {"lossReason": None, "version": 1}),
    "blank texts, created": ({"source": "", "description": " \n", "lossReason": ""}, None, {"source": None, "description": None}),
    "blank texts": ({"source": "Web", "description": "x"}, {"source": "\t", "description": "\u200b"}, {"source": None, "description": None}),
    "texts with blanks around": ({"source": " Web "}, {"description": " x\n"}, {"source": " Web ", "description": " x\n"}),
    "trimmed": ({"name": "  x "}, {"name": " y\n"}, {"name": "y"}),
}  # fmt: skip

# (what it is created with, what the whole object is sent back with, what must hold then)
WHOLE: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "unchanged": ({"stage": "PROPOSAL"}, {}, {"version": 1, "probabilitySource": "STAGE_DEFAULT"}),
    "another name": ({"stage": "PROPOSAL"}, {"name": "y"}, {"version": 2, "probability": 60, "probabilitySource": "STAGE_DEFAULT"}),
    "another stage": ({"stage": "PROPOSAL"}, {"stage": "NEGOTIATION"}, {"probability": 80, "probabilitySource": "STAGE_DEFAULT"}),
    "another stage by hand": ({"stage": "PROPOSAL", "probability": 5}, {"stage": "NEGOTIATION"}, {"probability": 5, "probabilitySource": "MANUAL"}),
    "another probability too": ({"stage": "PROPOSAL"}, {"stage": "NEGOTIATION", "probability": 61}, {"probability": 61, "probabilitySource": "MANUAL"}),
    "reopened": ({"stage": "CLOSED_LOST", "lossReason": "x", "closedDate": DAY}, {"stage": "PROPOSAL"}, {"closedDate": None, "lossReason": None, "probability": 60}),
    "closed": ({"stage": "PROPOSAL"}, {"stage": "CLOSED_WON"}, {"closedDate": TODAY, "probability": 100}),
    "won to lost": ({"stage": "CLOSED_WON", "closedDate": DAY}, {"stage": "CLOSED_LOST"}, {"closedDate": TODAY, "probability": 0}),
}  # fmt: skip

# (what it is created with, what it is changed by, the fields at fault)
FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    "a closed deal without its day": ({"stage": "CLOSED_WON"}, {"closedDate": None}, {"closedDate"}),
    "won to lost without a day": ({"stage": "CLOSED_WON"}, {"stage": "CLOSED_LOST", "closedDate": None}, {"closedDate"}),
    "a closed day on an open deal": ({}, {"closedDate": DAY}, {"closedDate"}),
    "a reason on an open deal": ({}, {"lossReason": "x"}, {"lossReason"}),
    "a reason on a won deal": ({"stage": "CLOSED_WON"}, {"lossReason": "x"}, {"lossReason"}),
    "a reason while winning": ({"stage": "CLOSED_LOST", "lossReason": "x"}, {"stage": "CLOSED_WON", "lossReason": "y"}, {"lossReason"}),
    "a new day while reopening": ({"stage": "CLOSED_WON"}, {"stage": "PROPOSAL", "closedDate": DAY}, {"closedDate"}),
    "nulls": ({}, {"name": None, "accountId": None, "stage": None, "probability": None}, {"name", "accountId", "stage", "probability"}),
    "lengths": ({}, {"name": " ", "lossReason": "x" * 501, "source": "x" * 101, "description": "x" * 10_001}, {"name", "lossReason", "source", "description"}),
    "ranges": ({}, {"value": -0.01, "probability": 101}, {"value", "probability"}),
    "references": ({}, {"accountId": "acc_0", "assignedToId": "usr_0", "contactIds": ["cnt_0", "cnt_1"]}, {"accountId", "assignedToId", "contactIds.0", "contactIds.1"}),
    "twice": ({}, {"contactIds": ["cnt_0", "cnt_0"]}, {"contactIds.1"}),
    "too many": ({}, {"contactIds": ["x"] * 251}, {"contactIds"}),
    "all at once": ({}, {"name": "", "probability": -1, "closedDate": DAY, "assignedToId": "usr_0"}, {"name", "probability", "closedDate", "assignedToId"}),
}  # fmt: skip


async def test_the_table(world: World) -> None:
    """Each rule of stage, probability, closed day and reason gives what the table says."""
    for name, (given, change, expected) in TABLE.items():
        deal = await create(world, **given)
        if change is not None:
            payload = await update(world, deal["id"], change)
            assert payload["userErrors"] == [], name
            deal = payload["opportunity"]
        assert {key: deal[key] for key in expected} == expected, name
        assert deal == await read(world, deal["id"])


async def test_whole_objects_sent_back(world: World) -> None:
    """Where the whole object is sent back, what equals the stored value counts as absent: the rules do with it what they do without."""
    for name, (given, change, expected) in WHOLE.items():
        deal = await create(world, **given)
        whole = {name: deal[name] for name in WRITABLE} | {
            "accountId": world.here.ids("account")[0],
            "assignedToId": None,
            "contactIds": [],
        }
        payload = await update(world, deal["id"], whole | change, whole=True)
        assert payload["userErrors"] == [], name
        assert {key: payload["opportunity"][key] for key in expected} == expected, name


async def test_a_stored_value_that_would_be_refused_today(world: World) -> None:
    """A text that was stored before a limit was drawn may be sent back as it is; another one like it is refused."""
    deal = await create(world, description="x")
    long = "x" * 10_001
    clause = text("UPDATE opportunity SET description = :long WHERE workspace_id = :workspace AND id = :id")
    statement = world.database.compile(clause)
    await world.database.write(
        lambda connection: connection.execute(statement, {"long": long, "workspace": world.here.id, "id": deal["id"]})
    )
    assert (await update(world, deal["id"], {"name": "y", "description": long}))["userErrors"] == []
    refused = await update(world, deal["id"], {"description": f"{long}y"})
    assert [error["field"] for error in refused["userErrors"]] == [["description"]]


async def test_pinning_is_a_change(world: World) -> None:
    """Naming the probability that a deal has pins it, once: a version, an event that says so, and never again."""
    deal = await create(world, stage="PROPOSAL")
    before = await marks(world)
    for _ in range(2):
        pinned = (await update(world, deal["id"], {"probability": 60}))["opportunity"]
        assert pinned["version"] == 2
        assert await marks(world) == (before[0] + 1, before[1] + 1)
    moved = (await update(world, deal["id"], {"stage": "NEGOTIATION"}))["opportunity"]
    assert (moved["probability"], moved["probabilitySource"]) == (60, "MANUAL")


async def test_faults_all_at_once(world: World) -> None:
    """Whatever is wrong is told at once, each fault with its field, and nothing is written."""
    for name, (given, change, fields) in FAULTS.items():
        deal = await create(world, **given)
        before = await marks(world)
        payload = await update(world, deal["id"], change)
        assert payload["opportunity"] is None
        assert {".".join(error["field"]) for error in payload["userErrors"]} == fields, name
        codes = {error["code"] for error in payload["userErrors"]}
        assert codes <= {"VALIDATION_ERROR", "NOT_FOUND"}
        assert await marks(world) == before
        assert await read(world, deal["id"]) == deal


async def test_limits_of_an_input_at_the_limit(world: World) -> None:
    """What just fits is taken."""
    contacts = world.here.ids("contact")
    given = {
        "name": "x" * 200,
        "value": 9_999_999_999_999.99,
        "probability": 0,
        "source": "s" * 100,
        "description": "d" * 10_000,
        "contactIds": contacts,
    }
    deal = await create(world, **given, stage="CLOSED_LOST", lossReason="r" * 500)
    assert [contact["id"] for contact in deal["contacts"]] == contacts
    assert deal["value"] == 9_999_999_999_999.99


async def test_what_changes_nothing_leaves_no_trace(world: World) -> None:
    """An empty update, or one of equal values, makes no version, event or revision and leaves updatedAt; a real one makes one of each."""
    contacts = world.here.ids("contact")[:2]
    deal = await create(
        world, value=5.5, closeDate=DAY, source="web", contactIds=contacts, assignedToId=world.here.ids("user")[0], probability=10
    )
    before = await marks(world)
    same = {
        "name": " Deal ", "accountId": world.here.ids("account")[0], "value": "5.50", "stage": "PROSPECTING", "probability": 10, "closeDate": DAY,
        "closedDate": None, "lossReason": None, "assignedToId": world.here.ids("user")[0], "source": "web", "contactIds": contacts, "description": None,
    }  # fmt: skip
    for given in ({}, same, {"contactIds": contacts}):
        payload = await update(world, deal["id"], given)
        assert payload == {"opportunity": deal, "userErrors": []}
        assert await marks(world) == before
    payload = await update(world, deal["id"], {**same, "contactIds": contacts[::-1]})
    assert payload["opportunity"]["version"] == deal["version"] + 1
    assert [contact["id"] for contact in payload["opportunity"]["contacts"]] == contacts[::-1]
    assert await marks(world) == (before[0] + 1, before[1] + 1)


async def test_the_expected_version(world: World) -> None:
    """Another version than expected stops a change and a removal; the version itself lets them pass."""
    deal = await create(world)
    for version in (0, 2, -1):
        payload = await update(world, deal["id"], {"name": "y"}, version=version)
        assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("PRECONDITION_FAILED", None)]
    payload = await update(world, deal["id"], {"name": "y"}, version=1)
    assert payload["opportunity"]["version"] == 2


@pytest.mark.parametrize("seed", range(3))
async def test_random_walks(world: World, seed: int) -> None:
    """Whatever is written, what must always hold of a deal holds, and its history tells each step."""
    random = Random(seed)
    deal = await create(world)
    stages = ["PROSPECTING"]
    for _ in range(40):
        given: dict[str, Any] = {}
        if random.random() < 0.7:
            given["stage"] = random.choice(list(BY_NAME))
        if random.random() < 0.3:
            given["probability"] = random.randrange(101)
        if random.random() < 0.3:
            given["closedDate"] = random.choice((None, DAY, TODAY))
        if random.random() < 0.3:
            given["lossReason"] = random.choice((None, "Price", "Time"))
        payload = await update(world, deal["id"], given)
        if payload["userErrors"]:
            assert await read(world, deal["id"]) == deal
            continue
        _step(deal, payload["opportunity"], given)
        deal = payload["opportunity"]
        if deal["stage"] != stages[-1]:
            stages.append(deal["stage"])
        history = deal["stageHistory"]
        assert [step["to"] for step in history] == stages
        assert [step["from"] for step in history] == [None, *stages[:-1]]
        assert all(step["duration"] is not None and step["duration"] >= 0 for step in history[1:])


def _step(before: Any, after: Any, given: dict[str, Any]) -> None:
    """What must hold of a step: what was named holds, and the rules filled in the rest."""
    closed, moved = after["stage"] in CLOSED, after["stage"] != before["stage"]
    assert (after["closedDate"] is not None) == closed
    assert (after["lossReason"] is None) or after["stage"] == "CLOSED_LOST"
    changed = {key for key in before if key not in {"version", "updatedAt"} and before[key] != after[key]}
    assert after["version"] == before["version"] + bool(changed)
    for name, value in given.items():
        if name not in {"closedDate", "lossReason"} or value not in {None, before[name]}:
            assert after[name] == value
    if "probability" in given:
        if not closed:
            assert after["probabilitySource"] == "MANUAL"
    elif moved and ({before["stage"], after["stage"]} & CLOSED or before["probabilitySource"] == "STAGE_DEFAULT"):
        default = BY_NAME[after["stage"]].default_probability
        assert (after["probability"], after["probabilitySource"]) == (default, "STAGE_DEFAULT")
    else:
        assert (after["probability"], after["probabilitySource"]) == (before["probability"], before["probabilitySource"])
    if closed and moved and given.get("closedDate") is None:
        assert after["closedDate"] == TODAY
