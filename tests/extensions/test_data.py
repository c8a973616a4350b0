"""What a package's records hold, and what lists and groups tell of it: flags that may be null, references out of a viewer's sight."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import func

from gateway.app import create_app
from gateway.migrations.runner import connected
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, NewKey
from schema.declaring import ID, NAME, SHORT, Extension, Money, Opportunity, OwnedBy, Tracked, field, noun, seen_with
from schema.graph import Graph
from schema.rules.access import Caller, Role
from schema.storage.database import Database
from schema.storage.opening import open_database
from tests.connecting import PATIENCE
from tests.gateway.conftest import calling

extension = Extension("crates")


@extension.declares
@noun("cra", lists=True, visible=OwnedBy("account_id"), creates="A new crate.")
class Crate(Tracked, table=True):
    """A crate that belongs to an account."""

    name: str = field("What is written on it.", NAME, filters=True)
    account_id: ID = field("Whose it is.", to="Account", filters=True)


@extension.declares
@noun(
    "sam",
    lists=True,
    followed=True,
    visible=seen_with("opportunity_id", Opportunity),
    creates="A new sample.",
    updates="A change of a sample.",
)
class Sample(Tracked, table=True):
    """A sample that was shown for an opportunity."""

    name: str = field("What it is.", NAME, filters=True, orders="a")
    opportunity_id: ID = field("The opportunity.", to="Opportunity", filters=True, groups=("DEAL", "The opportunity."))
    crate_id: ID | None = field("The crate that it lies in.", to="Crate", filters=True, groups=("CRATE", "The crate."))
    made_by: str | None = field("Who made it.", SHORT, filters=True, folded=lambda sample: func.lower(sample.c.made_by))
    sent: bool = field("Whether it was sent.", default=False, filters=True, orders="b")
    liked: bool | None = field("Whether it was liked, as far as anyone knows.", filters=True, orders="c")
    price: Money | None = field("What it is sold for.")
    cost: Money | None = field("What it costs us.", admins=True)


Ask = Callable[..., Awaitable[Any]]
CREATE = "mutation($input: CreateSampleInput!) { createSample(input: $input) { sample { id } userErrors { message } } }"
UPDATE = """mutation($id: ID!, $input: UpdateSampleInput!) {
  updateSample(id: $id, input: $input) { sample { liked version } userErrors { message } }
}"""


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with the tables of this module, which are taken away again: it may be lent to other tests."""
    async with connected(database_url) as run:
        for row in (Crate, Sample):
            await run(row.__table__.create)
    yield open_database(database_url)
    async with connected(database_url) as run:
        for row in (Sample, Crate):
            await run(row.__table__.drop)


@pytest.fixture
async def ask(database: Database) -> AsyncIterator[Ask]:
    """Asks with an admin's token, or with another one."""
    other = open_database(database.url)
    await other.open()
    key = await ApiKeys(other).create(NewKey("Here", Role.ADMIN, "test"))
    await other.close()
    app = create_app(Settings(database_url=database.url, access_log=False), graph=Graph(database, extensions=[extension]))
    async with calling(app) as client:

        async def ask(query: str, token: str = key.token, **variables: Any) -> Any:
            headers = {"authorization": f"Bearer {token}"}
            answer = (await client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)).json()
            assert "errors" not in answer, answer
            return answer["data"]

        ask.graph = app.graph  # type: ignore[attr-defined]
        yield ask


async def new(ask: Ask, noun: str, **given: Any) -> str:
    """The id of a new record."""
    document = f"mutation($input: Create{noun}Input!) {{ create{noun}(input: $input) {{ {noun.lower()} {{ id }} }} }}"
    return str((await ask(document, input=given))[f"create{noun}"][noun.lower()]["id"])


async def new_deal(ask: Ask, **account: Any) -> str:
    """An opportunity of a new account, or of one that is given."""
    return await new(ask, "Opportunity", name="D", accountId=account.get("id") or await new(ask, "Account", name="A"))


async def test_null_is_no_false(ask: Ask) -> None:
    """A flag that is null can be made false and null again, each is a change, and what is the same is none."""
    sample = await new(ask, "Sample", name="S", opportunityId=await new_deal(ask))
    found = [(await ask(UPDATE, id=sample, input={"liked": liked}))["updateSample"]["sample"] for liked in (None, False, False, None, True)]
    assert [(each["liked"], each["version"]) for each in found] == [(None, 1), (False, 2), (False, 2), (None, 3), (True, 4)]


@pytest.mark.parametrize("way", ["first", "last"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_pages_in_the_order_of_a_flag(ask: Ask, way: str, direction: str) -> None:
    """Page by page each sample comes once, in the order of its flags: false before true, and what has none last."""
    deal, liked = await new_deal(ask), {}
    for place, flag in enumerate((True, None, False, True, None, False)):
        liked[await new(ask, "Sample", name=f"S{place}", opportunityId=deal, liked=flag, sent=place % 2 == 0)] = (flag, place % 2 == 0)
    cursor = "after" if way == "first" else "before"
    document = f"""query($cursor: String, $by: [SampleOrder!]) {{ samples({way}: 1, {cursor}: $cursor, orderBy: $by) {{
      nodes {{ id }} pageInfo {{ startCursor endCursor }} }} }}"""
    by = [{"field": "LIKED", "direction": direction}, {"field": "SENT", "direction": direction}]
    pages, at = [], None
    while (page := (await ask(document, cursor=at, by=by))["samples"])["nodes"]:
        pages.append(page["nodes"][0]["id"])
        at = page["pageInfo"]["endCursor" if way == "first" else "startCursor"]
    down = -1 if direction == "DESC" else 1
    keys = {id_: (flag is None, down * bool(flag), down * sent, id_) for id_, (flag, sent) in liked.items()}
    wanted = sorted(sorted(keys, reverse=down < 0), key=lambda id_: keys[id_][:3])
    assert pages == (wanted if way == "first" else wanted[::-1])


async def test_groups_do_not_tell_what_is_out_of_sight(ask: Ask) -> None:
    """To a viewer limited to an account all samples whose crate is another account's are one group, with those that lie in none."""
    mine, other = await new(ask, "Account", name="Mine"), await new(ask, "Account", name="Other")
    deal = await new_deal(ask, id=mine)
    crates = [await new(ask, "Crate", name=f"C{place}", accountId=account) for place, account in enumerate((mine, other, other))]
    for crate in (crates[0], *crates, None):
        await new(ask, "Sample", name="S", opportunityId=deal, crateId=crate)
    made = await ask('mutation($id: ID!) { createApiKey(input: {name: "v", role: VIEWER, accountId: $id}) { token } }', id=mine)
    document = "{ sampleGroups(groupBy: [CRATE, DEAL]) { crate { id } deal { id } summary { count } } }"
    seen = (await ask(document, made["createApiKey"]["token"]))["sampleGroups"]
    told = [(each["crate"] and each["crate"]["id"], each["deal"]["id"], each["summary"]["count"]) for each in seen]
    assert told == [(None, deal, 3), (crates[0], deal, 2)]
    assert len((await ask(document))["sampleGroups"]) == 4


async def test_sums_do_not_tell_what_only_admins_see(ask: Ask) -> None:
    """An amount that others read as null isn't among the sums: that of one record would be its amount."""
    sums = (await ask('{ __type(name: "SampleSummary") { fields { name } } }'))["__type"]["fields"]
    assert [each["name"] for each in sums] == ["count", "totalPrice"]


async def test_following_by_a_text_that_is_folded_in_sql(ask: Any) -> None:
    """Followers get the records that the list finds by the same filter, whatever the case of the text."""
    deal, graph = await new_deal(ask), ask.graph
    workspace = (await ask("{ viewer { workspace { id } } }"))["viewer"]["workspace"]["id"]
    caller = Caller(workspace_id=workspace, role=Role.ADMIN, user_id=None, account_id=None, token_id="key_t")
    given = {"filter": {"madeBy": {"contains": "STEEL"}}}
    follow = graph.prepare("subscription($filter: SampleFilter) { sampleChanged(filter: $filter) { sampleId } }")
    began = asyncio.Event()
    async with asyncio.timeout(PATIENCE), aclosing(graph.subscribe(follow, given, caller, began=began.set)) as events:
        first = asyncio.ensure_future(anext(events))
        await began.wait()
        await new(ask, "Sample", name="S", opportunityId=deal, madeBy="Wood & Co")
        wanted = await new(ask, "Sample", name="S", opportunityId=deal, madeBy="Steel Ltd")
        told = json.loads((await first).encode())["data"]["sampleChanged"]
    listed = await ask("query($filter: SampleFilter) { samples(filter: $filter) { nodes { id } } }", **given)
    assert told == {"sampleId": wanted}
    assert listed["samples"]["nodes"] == [{"id": wanted}]
