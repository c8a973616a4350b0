"""What happens to a package's records when the one that they refer to is deleted; and a history that goes with its record."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, bindparam, insert
from sqlmodel import Field

from gateway.app import create_app
from gateway.migrations.runner import connected
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, NewKey
from schema.declaring import ID, NAME, Extension, RecordValues, Rules, Stored, Tracked, field, newest, noun, rules_of, stored_enum
from schema.engine.write.write_transaction import WriteTransaction
from schema.graph import Graph
from schema.rules.access import Caller, Role
from schema.storage.columns import CodePointText
from schema.storage.database import Database
from schema.storage.opening import open_database
from tests.connecting import PATIENCE
from tests.gateway.conftest import calling

extension = Extension("visits")
Mood = stored_enum("Mood", "How it went.", {"GOOD": ("good", "Well."), "BAD": ("bad", "Badly.")})


@extension.declares
@noun(label="visit name", key="sequence")
class VisitName(Stored, table=True):
    """A name that a visit had."""

    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "visit_id", "sequence"),
        ForeignKeyConstraint(["workspace_id", "visit_id"], ["visit.workspace_id", "visit.id"]),
    )

    workspace_id: str = Field(sa_type=CodePointText)
    visit_id: str = Field(sa_type=CodePointText)
    sequence: int
    name: str = field("The name.")


@extension.declares
@noun("vis", lists=True, followed=True, creates="A new visit.", updates="A change of a visit.")
class Visit(Tracked, table=True):
    """A visit to an account."""

    name: str = field("What it is about.", NAME, filters=True)
    account_id: ID | None = field("Whom it is to.", to="Account", on_delete="clear", filters=True)
    mood: Mood | None = field("How it went.", filters=True)
    names = newest("The newest names.", "VisitName", "visit_id", "sequence")


@extension.declares
@noun("pho", lists=True, creates="A new photo.")
class Photo(Tracked, table=True):
    """A photo of a visit."""

    visit_id: ID = field("The visit that it was taken on.", to="Visit", on_delete="cascade", filters=True)


@extension.declares
@noun("prn", lists=True, creates="A new print.")
class Print(Tracked, table=True):
    """A print of a photo."""

    photo_id: ID = field("The photo.", to="Photo", filters=True)


_NAMES: Any = VisitName.__table__
_ADD = insert(_NAMES).values({column.name: bindparam(column.name, required=True) for column in _NAMES.c})


@rules_of(Visit)
class VisitRules(Rules):
    """Names are kept."""

    async def written(self, writing: WriteTransaction, before: RecordValues | None, after: RecordValues) -> None:
        if before is None or before["name"] != after["name"]:
            row = {"workspace_id": after["workspace_id"], "visit_id": after["id"], "sequence": after["version"], "name": after["name"]}
            await writing.execute(_ADD, row)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with the tables of this module, which are taken away again: it may be lent to other tests."""
    async with connected(database_url) as run:
        for row in (Visit, VisitName, Photo, Print):
            await run(row.__table__.create)
    yield open_database(database_url)
    async with connected(database_url) as run:
        for row in (Print, Photo, VisitName, Visit):
            await run(row.__table__.drop)


@pytest.fixture
async def ask(database: Database) -> AsyncIterator[Any]:
    """Asks a gateway whose graph was put together by hand."""
    other = open_database(database.url)
    await other.open()
    key = await ApiKeys(other).create(NewKey("Here", Role.ADMIN, "test"))
    await other.close()
    graph = Graph(database, extensions=[extension])
    async with calling(create_app(Settings(database_url=database.url, access_log=False), graph=graph)) as client:
        client.headers["authorization"] = f"Bearer {key.token}"

        async def ask(query: str) -> Any:
            answer = (await client.post("/graphql", json={"query": query})).json()
            assert "errors" not in answer, answer
            return answer["data"]

        ask.graph = graph  # type: ignore[attr-defined]
        yield ask


async def made(ask: Any, mutation: str, given: str) -> str:
    name = mutation.removeprefix("create").lower()
    return str((await ask(f"mutation {{ {mutation}(input: {{{given}}}) {{ {name} {{ id }} }} }}"))[mutation][name]["id"])


async def test_clear(ask: Any) -> None:
    """The visits of an account that is deleted have none: at a new version, with an event each."""
    account = await made(ask, "createAccount", 'name: "A"')
    visit = await made(ask, "createVisit", f'name: "V", accountId: "{account}"')
    workspace = (await ask("{ viewer { workspace { id } } }"))["viewer"]["workspace"]["id"]
    caller = Caller(workspace_id=workspace, role=Role.ADMIN, user_id=None, account_id=None, token_id="key_t")
    follow = ask.graph.prepare("subscription { visitChanged { type visitId changedFields visit { version account { id } } } }")
    async with asyncio.timeout(PATIENCE), aclosing(ask.graph.subscribe(follow, {}, caller)) as events:
        first = asyncio.ensure_future(anext(events))
        while not any(each.followers and each.known for each in ask.graph.events._workspaces.values()):  # noqa: ASYNC110  until it follows
            await asyncio.sleep(0.01)
        gone = await ask(f'mutation {{ deleteAccount(id: "{account}") {{ deletedId userErrors {{ message }} }} }}')
        told = json.loads((await first).encode())["data"]["visitChanged"]
    assert gone["deleteAccount"] == {"deletedId": account, "userErrors": []}
    assert told == {"type": "UPDATED", "visitId": visit, "changedFields": ["accountId"], "visit": {"version": 2, "account": None}}


async def test_cascades_stop_at_what_refuses(ask: Any) -> None:
    """A print keeps its photo, and so the visit to which the photo belongs; nothing is gone. Without it all go, the history too."""
    visit = await made(ask, "createVisit", 'name: "V"')
    photos = [await made(ask, "createPhoto", f'visitId: "{visit}"') for _ in range(2)]
    print_ = await made(ask, "createPrint", f'photoId: "{photos[1]}"')
    remove = f'mutation {{ deleteVisit(id: "{visit}") {{ deletedId userErrors {{ code reason message }} }} }}'
    message = "The photo still has 1 print: delete or move it first."
    assert (await ask(remove))["deleteVisit"]["userErrors"] == [{"code": "CONFLICT", "reason": "IN_USE", "message": message}]
    assert (await ask("{ photos { totalCount } }"))["photos"]["totalCount"] == 2
    await ask(f'mutation {{ deletePrint(id: "{print_}") {{ deletedId }} }}')
    assert (await ask(remove))["deleteVisit"] == {"deletedId": visit, "userErrors": []}
    assert await ask("{ photos { totalCount } visits { totalCount } }") == {"photos": {"totalCount": 0}, "visits": {"totalCount": 0}}


async def test_a_history(ask: Any) -> None:
    """What a noun's rules write beside it is read below it."""
    visit = await made(ask, "createVisit", 'name: "One"')
    await ask(f'mutation {{ updateVisit(id: "{visit}", input: {{name: "Two"}}) {{ visit {{ id }} }} }}')
    found = await ask(f'{{ visit(id: "{visit}") {{ names {{ name }} newest: names(last: 1) {{ name }} }} }}')
    assert found["visit"] == {"names": [{"name": "One"}, {"name": "Two"}], "newest": [{"name": "Two"}]}


async def test_enums_are_filtered(ask: Any) -> None:
    """An enum of a package has a filter of its own, which finds records without a value, too."""
    for mood in ("mood: GOOD", "mood: BAD", "mood: null"):
        await ask(f'mutation {{ createVisit(input: {{name: "{mood}", {mood}}}) {{ visit {{ id }} }} }}')
    for conditions, found in {
        "eq: GOOD": ["mood: GOOD"],
        "in: [GOOD, BAD]": ["mood: BAD", "mood: GOOD"],
        "notIn: [BAD]": ["mood: null", "mood: GOOD"],
        "isNull: true": ["mood: null"],
    }.items():
        visits = await ask(f"{{ visits(filter: {{mood: {{{conditions}}}}}) {{ nodes {{ name }} }} }}")
        assert [visit["name"] for visit in visits["visits"]["nodes"]] == found, conditions
