"""What a subscription can be refused for is refused as it begins, over both doors: there may be no event for long."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.asyncio.client import connect

from gateway.live.messages import SUBPROTOCOL
from schema.engine.events.feed import Feed
from schema.rules.access import Role
from tests.connecting import PATIENCE, connected
from tests.end_to_end.deals import deals
from tests.end_to_end.event_clients import BOTH, Follow, Refused, take
from tests.end_to_end.fleet import access, in_process

PAGES = "opportunity { account { opportunities(%s) { totalCount } } }"
DEEP = "opportunity { account { opportunities(first: 100) { nodes { account { opportunities(first: 100) { nodes { id } } } } } } }"
#: What is asked of an event, with which variables, and a word of the refusal.
BELOW: dict[str, tuple[str, dict[str, Any], str]] = {
    "a page that is too large": (PAGES % "first: 101", {}, "first"),
    "a page that is too large, by a variable": (PAGES % "first: $n", {"n": 101}, "first"),
    "a page below nothing": (PAGES % "last: -1", {}, "last"),
    "both ends": (PAGES % "first: 1, last: 1", {}, "last"),
    "a cursor of nothing": (PAGES % 'first: 1, after: "nonsense"', {}, "cursor"),
    "an offset below nothing": (PAGES % "offset: $n", {"n": -5}, "offset"),
    "a filter of too much": (PAGES % "filter: {or: $many}", {"many": [{"isClosed": True}] * 101}, "filter"),
    "a fragment's page": ("...F", {}, "first"),
    "a cost": (DEEP, {}, "cost"),
}
FRAGMENT = " fragment F on OpportunityEvent { opportunity { assignedTo { id } account { opportunities(first: 500) { totalCount } } } }"
ROOT = {
    "too many conditions": ({"or": [{"isClosed": True}] * 101}, "filter"),
    "a null operator": ({"value": {"gt": None}}, "null"),
    "no such field": ({"nothing": {"eq": 1}}, "nothing"),
}
ways = pytest.mark.parametrize("follow", BOTH)


def document(asked: str, variables: dict[str, Any]) -> str:
    """Only variables that are used may be declared."""
    declared = {"n": "$n: Int", "many": "$many: [OpportunityFilter!]", "filter": "$filter: OpportunityFilter"}
    named = ", ".join(declared[name] for name in variables)
    filtered = "(filter: $filter)" if "filter" in variables else ""
    head = f"subscription({named})" if named else "subscription"
    return f"{head} {{ opportunityChanged{filtered} {{ cursor type opportunityId {asked} }} }}{FRAGMENT if '...F' in asked else ''}"


async def refused(follow: Follow, address: str, token: str, query: str, variables: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        await take(follow(address, token, query, **variables), 1)
    return caught.value


@ways
async def test_what_stands_below_an_event(sqlite_url: str, follow: Follow) -> None:
    """Pages, filters and cost, written out, by variables and in fragments; no event is needed to find them."""
    who = await access(sqlite_url)
    async with in_process(sqlite_url) as (address, _):
        for name, (asked, variables, said) in BELOW.items():
            found = await refused(follow, address, who.token, document(asked, variables), variables)
            assert (name, found.code) == (name, "BAD_REQUEST")
            assert said in found.errors[0]["message"], (name, found.errors)


@ways
async def test_the_filter(sqlite_url: str, follow: Follow) -> None:
    """That of the subscription itself."""
    who = await access(sqlite_url)
    async with in_process(sqlite_url) as (address, _):
        for name, (filter_, said) in ROOT.items():
            found = await refused(follow, address, who.token, document("", {"filter": filter_}), {"filter": filter_})
            assert (name, found.code, said in str(found.errors)) == (name, "BAD_REQUEST", True), found.errors


@ways
async def test_a_limited_viewer_and_contacts(database_url: str, follow: Follow) -> None:
    """It can't follow by contact, however deep in the filter that stands; by anything else it can."""
    who = await access(database_url)
    async with deals(database_url, who) as some, in_process(database_url) as (address, _):
        viewer = await access(database_url, Role.VIEWER, some.account)
        contact = {"contactId": {"eq": "cnt_1"}}
        for filter_ in (contact, {"not": contact}, {"or": [{"isClosed": True}, {"and": [contact]}]}):
            found = await refused(follow, address, viewer.token, document("", {"filter": filter_}), {"filter": filter_})
            assert (found.code, "contactId" in found.errors[0]["message"]) == ("BAD_REQUEST", True)


@pytest.fixture
def beginning(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Set when the database is asked where a subscription begins, and what to set for it to answer."""
    asked, may_begin, begin = asyncio.Event(), asyncio.Event(), Feed._begin

    async def slowly(feed: Feed, *place: Any) -> None:
        asked.set()
        await may_begin.wait()
        await begin(feed, *place)

    monkeypatch.setattr(Feed, "_begin", slowly)
    return asked, may_begin


async def test_a_stream_that_is_open_misses_nothing(database_url: str, beginning: tuple[asyncio.Event, asyncio.Event]) -> None:
    """Its head and its comment come once it is known where it begins, however long the database takes to say so."""
    asked, may_begin = beginning
    who = await access(database_url)
    query = quote("subscription { opportunityChanged { changedFields } }")
    async with in_process(database_url) as (address, _), connected(address) as (reader, writer), asyncio.timeout(PATIENCE):
        head = f"GET /graphql?query={query} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {who.token}\r\n"
        writer.write(f"{head}accept: text/event-stream\r\n\r\n".encode())
        opened = asyncio.create_task(reader.readuntil(b":\n\n"))
        async with httpx.AsyncClient(base_url=f"http://{address}", headers=who.headers) as client:
            await asked.wait()
            # Whatever the stream had to say by now would come before the answer to another request.
            account = (await client.post("/api/accounts/", json={"name": "A"})).json()["id"]
            assert not opened.done()
            may_begin.set()
            assert (await opened).startswith(b"HTTP/1.1 200 OK\r\n")
            await client.post("/api/opportunities/", json={"name": "N", "accountId": account})
        while b"opportunityChanged" not in await reader.readline():
            pass


async def test_a_write_after_a_subscription_is_told(database_url: str, beginning: tuple[asyncio.Event, asyncio.Event]) -> None:
    """On one socket a query or a mutation waits until the subscriptions that were sent before it have begun, or are over."""
    asked, may_begin = beginning
    who = await access(database_url)
    deal = 'mutation($id: ID!) { createOpportunity(input: {name: "N", accountId: $id}) { opportunity { id } } }'
    follow = {"query": "subscription { opportunityChanged { type } }"}
    async with (
        in_process(database_url) as (address, _),
        httpx.AsyncClient(base_url=f"http://{address}", headers=who.headers) as client,
        connect(f"ws://{address}/graphql", subprotocols=[SUBPROTOCOL]) as socket,  # type: ignore[list-item]
        asyncio.timeout(PATIENCE),
    ):
        account = (await client.post("/api/accounts/", json={"name": "A"})).json()["id"]
        for message in (
            {"type": "connection_init", "payload": {"Authorization": f"Bearer {who.token}"}},
            {"type": "subscribe", "id": "1", "payload": follow},
            {"type": "subscribe", "id": "gone", "payload": follow},
            {"type": "complete", "id": "gone"},
            {"type": "subscribe", "id": "2", "payload": {"query": deal, "variables": {"id": account}}},
        ):
            await socket.send(json.dumps(message))
        await asked.wait()
        for _ in range(30):
            # Writes of a workspace come one after the other: this one would come after the socket's.
            await client.patch(f"/api/accounts/{account}/", json={"industry": None})
            assert (await client.get("/api/opportunities/")).json()["count"] == 0
        may_begin.set()
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        assert {json.loads(await socket.recv())["id"] for _ in range(3)} == {"1", "2"}


@asynccontextmanager
async def impatient(url: str) -> AsyncIterator[tuple[str, str]]:
    """The address of a gateway whose operations have little time, and a token that it knows, so that nothing else has to hurry."""
    who = await access(url)
    async with in_process(url, operation_timeout=0.3) as (address, app):
        await app.authenticator.authenticate(f"Bearer {who.token}")
        yield address, who.token


@ways
@pytest.mark.usefixtures("beginning")
async def test_a_database_that_does_not_say_where(sqlite_url: str, follow: Follow) -> None:
    """A subscription begins within the time of an operation, or ends with UNAVAILABLE: it waited for as long as the database was away."""
    async with impatient(sqlite_url) as (address, token):
        assert (await refused(follow, address, token, "subscription { opportunityChanged { type } }", {})).code == "UNAVAILABLE"


@pytest.mark.usefixtures("beginning")
async def test_a_read_after_a_subscription_that_can_not_begin(sqlite_url: str) -> None:
    """On one socket it waits no longer than the subscription may take to begin."""
    async with (
        impatient(sqlite_url) as (address, token),
        connect(f"ws://{address}/graphql", subprotocols=[SUBPROTOCOL]) as socket,  # type: ignore[list-item]
        asyncio.timeout(PATIENCE),
    ):
        await socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
        for number, query in enumerate(("subscription { opportunityChanged { type } }", "{ stages { value } }")):
            await socket.send(json.dumps({"type": "subscribe", "id": str(number), "payload": {"query": query}}))
        heard = [json.loads(await socket.recv()) for _ in range(3)]
    assert sorted(each.get("id", "") for each in heard) == ["", "0", "1"]
