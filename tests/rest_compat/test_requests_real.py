"""What legacy clients send beside the reference, over both databases: positions in the links, characters, retries, what is counted."""

import asyncio
import io
from typing import Any

import httpx
import orjson
import pytest

from gateway.observability.logs import AccessLog
from gateway.observability.rest_usage import MAX_IGNORED, OTHERS, RestUses
from gateway.observability.telemetry import Telemetry
from gateway.settings import Settings
from rest_compat.protocol import RestUse
from schema.rules.access import Caller, Role
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway

JSON = {"content-type": "application/json"}


async def deals(here: Gateway, number: int, account: str | None = None) -> list[str]:
    """New deals, the oldest first."""
    account = account or (await here.make("/api/accounts/", name="A"))["id"]
    return [(await here.make(OPPORTUNITIES, name=f"Deal {place}", accountId=account, value=place % 3))["id"] for place in range(number)]


async def crawl(here: Gateway, url: str | None, link: str = "next", **between: Any) -> list[str]:
    """The ids on the pages from `url` on; `between` is done after each page."""
    seen: list[str] = []
    while url:
        answer = await here.client.get(url)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += [row["id"] for row in page["results"]]
        url = page[link]
        for step in between.values():
            await step()
    return seen


@pytest.mark.parametrize(
    "query",
    ["limit=3", "limit=3&offset=0", "limit=3&ordering=-value,name", "limit=3&ordering=value&fields=id", "page=1&limit=4&search=deal"],
)
async def test_links_lose_and_repeat_nothing(here: Gateway, query: str) -> None:
    """While others create and delete a deal after each page, `next` gives each deal that is there all the time exactly once, and so does
    `previous` on the way back.
    """
    ids = await deals(here, 30)
    account = (await here.make("/api/accounts/", name="B"))["id"]
    doomed = iter((await deals(here, 60, account))[::-1])

    async def disturb() -> None:
        await here.make(OPPORTUNITIES, name="Deal new", accountId=account, value=1)
        if (one := next(doomed, None)) is not None:
            assert (await here.client.delete(f"{OPPORTUNITIES}{one}/")).status_code == 204

    seen = await crawl(here, f"{OPPORTUNITIES}?{query}", disturb=disturb)
    assert len(seen) == len(set(seen))
    assert set(ids) <= set(seen)
    url = f"{OPPORTUNITIES}?{query}"
    while url:
        last, url = url, (await here.client.get(url)).json()["next"]
    back = await crawl(here, last, "previous", disturb=disturb)
    assert len(back) == len(set(back))
    assert set(ids) <= set(back)


async def test_positions_without_rows(here: Gateway) -> None:
    """Where all behind a position was deleted, the page is empty, not 404, and leads back to what is left; the same before a position."""
    ids = await deals(here, 6)
    second = (await here.client.get(f"{OPPORTUNITIES}?limit=3")).json()["next"]
    first = (await here.client.get(second)).json()["previous"]
    for one in ids[:3]:
        await here.client.delete(f"{OPPORTUNITIES}{one}/")
    empty = await here.client.get(second)
    assert (empty.status_code, empty.json()["count"], empty.json()["results"], empty.json()["next"]) == (200, 3, [], None)
    assert await crawl(here, empty.json()["previous"], "previous") == ids[:2:-1]
    more = await deals(here, 1)
    for one in (*ids[3:], *more):
        await here.client.delete(f"{OPPORTUNITIES}{one}/")
    for link in (first, second):
        assert (await here.client.get(link)).json() == {"count": 0, "next": None, "previous": None, "results": []}
    late = await deals(here, 2)
    before = (await here.client.get(first)).json()
    assert [row["id"] for row in before["results"]] == late[::-1]
    for one in late:
        await here.client.delete(f"{OPPORTUNITIES}{one}/")
    assert (await here.client.get(first)).status_code == 200


async def test_links_hold_whatever_a_name_is(here: Gateway) -> None:
    """The longest names, of characters that folding makes eighteen of each, are positions as any other."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    for name in ("\ufdfa" * 200, "\U0001f600" * 200, '"\\' * 100, "\ufdfa" * 199):
        await here.make(OPPORTUNITIES, name=name, accountId=account)
    for ordering in ("name", "-name", "closeDate", "-value,name"):
        assert len(set(await crawl(here, f"{OPPORTUNITIES}?ordering={ordering}&limit=1"))) == 4


async def test_positions_hold_without_their_last_signs(here: Gateway) -> None:
    """A client that splits a link's parameters at each `=` loses those at the end of a position; the page is the same, at both doors."""
    account, lengths = (await here.make("/api/accounts/", name="A"))["id"], set()
    for letters in range(1, 5):
        await here.make(OPPORTUNITIES, name="n" * letters, accountId=account)
    for page in range(1, 4):
        link = (await here.client.get(f"{OPPORTUNITIES}?ordering=name&limit=1&page={page}")).json()["next"]
        bare = link.rstrip("=")
        lengths.add(len(link) - len(bare))
        assert (await here.client.get(bare)).json() == (await here.client.get(link)).json()
        cursor = bare.partition("after=p")[2].partition(".")[2]
        names = "query($after: String) { opportunities(orderBy: {field: NAME}, after: $after, first: 1) { nodes { name } } }"
        data = await here.query(names, {"after": cursor})
        assert data["opportunities"]["nodes"] == [{"name": "n" * (page + 1)}]
    assert lengths == {0, 1, 2}


async def test_every_list_is_linked_by_positions(here: Gateway) -> None:
    """Accounts and contacts, too, forward and back."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    for place in range(4):
        await here.make("/api/accounts/", name=f"B{place}")
        await here.make("/api/contacts/", firstName=f"C{place}", email=f"c{place}@example.com", accountId=account)
    for path in ("/api/accounts/", "/api/contacts/"):
        forward = await crawl(here, f"{path}?limit=2")
        assert len(set(forward)) == len(forward) == (5 if "accounts" in path else 4)
        second = (await here.client.get(f"{path}?limit=2")).json()["next"]
        assert "after=p2." in second
        first = (await here.client.get(second)).json()["previous"]
        assert "before=p1." in first
        assert [row["id"] for row in (await here.client.get(first)).json()["results"]] == forward[:2]


async def test_positions_of_elsewhere_are_refused(here: Gateway) -> None:
    """One of another list, order or workspace, or one that was made up, is 400 and says where positions come from."""
    await deals(here, 3)
    link = (await here.client.get(f"{OPPORTUNITIES}?limit=1")).json()["next"]
    position = link.rpartition("after=")[2]
    other = {"authorization": (await here.token("Elsewhere"))["authorization"]}
    wrong: list[tuple[str, dict[str, str]]] = [
        (f"{OPPORTUNITIES}?limit=1&ordering=name&page=2&after={position}", {}),
        (f"/api/accounts/?after={position}", {}),
        (f"{OPPORTUNITIES}?after={position}", other),
        (f"{OPPORTUNITIES}?after={position[:-4]}AAAA", {}),
        (f"{OPPORTUNITIES}?after=p2.AAAA", {}),
        (f"{OPPORTUNITIES}?before=p2.AAAA", {}),
    ]
    for target, headers in wrong:
        refused = await here.client.get(target, headers=headers)
        assert refused.status_code == 400, target
        item = refused.json()["errors"][0]
        assert item["field"] == ("before" if "before=" in target else "after")
        assert "what a `next` or `previous` link of it holds" in item["message"]


async def test_characters_that_no_text_may_have(here: Gateway) -> None:
    """A NUL or a lone surrogate is 422 and names each field that has one; in a QUERY, too."""
    (one,) = await deals(here, 1)
    url = f"{OPPORTUNITIES}{one}/"
    bodies: list[tuple[bytes, list[str]]] = [
        (rb'{"name":"a\u0000b"}', ["name"]),
        (
            rb'{"name":"\ud800","source":"x","description":"\u0000","contactIds":["cnt_1","\u0000"]}',
            ["name", "description", "contactIds.1"],
        ),
        (rb'{"colour":{"deep":["\u0000"]}}', ["colour.deep.0"]),
        (rb'{"na\u0000me":1}', [r"na\x00me"]),
        (rb'{"":"\u0000"}', ['""']),
    ]
    for body, fields in bodies:
        for method, target in (("PATCH", url), ("POST", OPPORTUNITIES), ("QUERY", OPPORTUNITIES)):
            refused = await here.client.request(method, target, content=body, headers=JSON)
            assert refused.status_code == 422, refused.text
            assert [item["field"] for item in refused.json()["errors"]] == fields
    whole = await here.client.patch(url, content=rb'"\u0000"', headers=JSON)
    assert (whole.status_code, "errors" in whole.json()) == (422, False)
    graphql = await here.client.post(
        "/graphql", content=rb'{"query":"query($x:ID!){account(id:$x){id}}","variables":{"x":"\u0000"}}', headers=JSON
    )
    assert "a NUL character in a string at variables.x" in graphql.json()["errors"][0]["message"]


async def test_a_body_may_begin_with_a_mark(here: Gateway) -> None:
    """A byte-order mark is passed over, by both doors."""
    (one,) = await deals(here, 1)
    answer = await here.client.patch(f"{OPPORTUNITIES}{one}/", content=b'\xef\xbb\xbf{"value": 7, "name": "\xc3\xa4"}', headers=JSON)
    assert (answer.status_code, answer.json()["value"], answer.json()["name"]) == (200, 7, "ä")
    graphql = await here.client.post("/graphql", content=b'\xef\xbb\xbf{"query":"{viewer{role}}"}', headers=JSON)
    assert graphql.json()["data"] == {"viewer": {"role": "ADMIN"}}


async def test_a_retry_with_several_versions_is_replayed(here: Gateway) -> None:
    """The first call went through for the older of two versions; the same call again, with its key, gets the same answer."""
    (one,) = await deals(here, 1)
    url = f"{OPPORTUNITIES}{one}/"
    sent = {"if-match": '"5-a", "1-b"', "idempotency-key": "k"}
    first = await here.client.patch(url, json={"value": 77}, headers=sent)
    again = await here.client.patch(url, json={"value": 77}, headers=sent)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await here.client.patch(url, json={"value": 78}, headers=sent)
    assert other.status_code == 422
    assert (await here.client.get(url)).json()["value"] == 77


async def test_what_is_ignored_is_counted(here: Gateway) -> None:
    """By token, route and name, as `restUsage` shows; names are percent-encoded, so that any name can be kept."""
    (one,) = await deals(here, 1)
    for _ in range(3):
        await here.client.get(f"{OPPORTUNITIES}?page_size=5&cursor=x&n%C3%A4me=y&%00=z&%FF=z&assignedTo=")
    await here.client.patch(f"{OPPORTUNITIES}{one}/", json={"colour": 1, "n\u0001": 1})
    await here.app.uses.flush()
    found = (await here.query("{ restUsage { route kind name count } }"))["restUsage"]
    told = {(use["route"], use["name"]): use["count"] for use in found if use["kind"] == "IGNORED"}
    listed, patched = f"GET {OPPORTUNITIES}", f"PATCH {OPPORTUNITIES}{{id}}/"
    names = ("page_size", "cursor", "n%C3%A4me", "%00", "%FF", "assignedTo")
    assert told == dict.fromkeys([(listed, name) for name in names], 3) | {(patched, "colour"): 1, (patched, "n%01"): 1}


async def test_made_up_names_are_counted_within_bounds(here: Gateway) -> None:
    """However many names a client makes up, the table has a row each for so many, and one for all others."""
    uses = RestUses(here.app.database)
    caller = Caller("ws", Role.ADMIN, None, None, "key")
    for place in range(MAX_IGNORED + 50):
        uses.note(caller, (RestUse("GET /", "ignored", f"x{place}"),))
    rows = await flushed(uses)
    assert len(rows) == MAX_IGNORED + 1
    assert [row["count"] for row in rows if row["name"] == OTHERS] == [50]
    uses.note(caller, (RestUse("GET /", "ignored", "x1"), RestUse("GET /", "ignored", "new")))
    assert {row["name"] for row in await flushed(uses)} == {"x1", OTHERS}


async def flushed(uses: RestUses) -> list[dict[str, Any]]:
    """The rows that would be written."""
    found: list[dict[str, Any]] = []

    class Kept:
        async def execute_many(self, _: Any, rows: list[dict[str, Any]]) -> None:
            found.extend(rows)

    async def write(work: Any) -> None:
        await work(Kept())

    uses._table._database = type("Kept", (), {"write": staticmethod(write)})()
    await uses.flush()
    return found


async def test_what_is_ignored_is_in_the_log_line(here: Gateway) -> None:
    """The line of the request names it; a line without anything ignored has no such member."""
    stream = io.BytesIO()
    telemetry = Telemetry(here.app.metrics, AccessLog(Settings(), stream))
    here.app.telemetry.note = telemetry.note  # type: ignore[method-assign]
    for layer in _layers(here.app.asgi):
        if hasattr(layer, "observe"):
            layer.observe = telemetry.note
    await here.client.get(f"{OPPORTUNITIES}?page_size=5&sort=y&stage=")
    await here.client.get(OPPORTUNITIES)
    telemetry.report()
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert [line.get("ignored") for line in lines] == [["page_size", "sort", "stage"], None]


def _layers(app: Any) -> list[Any]:
    found = []
    while app is not None:
        found.append(app)
        app = getattr(app, "app", None)
    return found


@pytest.mark.parametrize(("policy", "status"), [("ignore", 200), ("refuse", 400)])
async def test_the_setting(sqlite_url: str, policy: str, status: int) -> None:
    """`GATEWAY_UNKNOWN_PARAMETERS` reaches the routes."""
    async with gateway(sqlite_url, unknown_parameters=policy) as here:
        assert (await here.client.get(f"{OPPORTUNITIES}?account_id=x")).status_code == status
        shown = await here.client.get("/api/_graphql", params={"method": "GET", "path": f"{OPPORTUNITIES}?account_id=x"})
        assert shown.status_code == status


async def test_budgets_in_both_forms(sqlite_url: str) -> None:
    """`RateLimit` and `RateLimit-Policy` say beside `X-RateLimit-*` what is left and for how long, also where nothing is left."""
    async with gateway(sqlite_url, rate_limit="3/minute") as here:
        answers: list[httpx.Response] = [await here.client.get(OPPORTUNITIES) for _ in range(4)]
        graphql = await here.client.post("/graphql", json={"query": "{ viewer { role } }"})
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    for answer, left in zip((*answers, graphql), (2, 1, 0, 0, 0), strict=True):
        assert answer.headers["ratelimit-policy"] == '"token";q=3;w=60'
        name, remaining, seconds = answer.headers["ratelimit"].split(";")
        assert (name, remaining, answer.headers["x-ratelimit-remaining"]) == ('"token"', f"r={left}", str(left))
        assert 0 <= int(seconds.removeprefix("t=")) <= 60


async def test_costs_are_told_by_both_doors(sqlite_url: str) -> None:
    """REST by header, GraphQL in `extensions.cost`, with what remains of a budget; a page by position costs as one by number."""
    async with gateway(sqlite_url, rate_limit="300/minute") as here:
        await deals(here, 3)
        first = await here.client.get(f"{OPPORTUNITIES}?limit=1")
        following = await here.client.get(first.json()["next"])
        asked = await here.client.request("QUERY", OPPORTUNITIES, json={"limit": 1})
        assert first.headers["x-graphql-cost"] == following.headers["x-graphql-cost"] == asked.headers["x-graphql-cost"]
        answer = (await here.client.post("/graphql", json={"query": "{ opportunities(first: 1) { nodes { id } } }"})).json()
        assert answer["extensions"]["cost"].keys() == {"requested", "maximum", "remaining", "resetAt"}
        written = await here.client.patch(f"{OPPORTUNITIES}{first.json()['results'][0]['id']}/", json={"value": 1})
        assert int(written.headers["x-graphql-cost"]) > 0
        assert int((await here.client.get(f"{OPPORTUNITIES}opp_nowhere/")).headers["x-graphql-cost"]) > 0


async def test_pages_beside_a_writer(here: Gateway) -> None:
    """A crawl while another task writes without pause: nothing that was there at the beginning is missed, and nothing comes twice."""
    ids = await deals(here, 60)
    account = (await here.make("/api/accounts/", name="B"))["id"]
    done = asyncio.Event()

    async def write() -> None:
        while not done.is_set():
            made = await here.make(OPPORTUNITIES, name="Deal new", accountId=account)
            assert (await here.client.delete(f"{OPPORTUNITIES}{made['id']}/")).status_code == 204

    writer = asyncio.create_task(write())
    try:
        seen = await crawl(here, f"{OPPORTUNITIES}?limit=7")
    finally:
        done.set()
        await writer
    assert len(seen) == len(set(seen))
    assert set(ids) <= set(seen)


async def test_a_name_that_folds_to_very_much(database_url: str) -> None:
    """Of U+FDFA folding makes 18 characters, and a name is kept by its first 600: it is found by all of itself, through both doors."""
    name = "\ufdfa" * 200
    async with gateway(database_url) as here:
        made = await here.query("mutation($name: String!) { createAccount(input: {name: $name}) { account { id } } }", {"name": name})
        id_ = made["createAccount"]["account"]["id"]
        for operator in ("contains", "startsWith"):
            document = f"query($text: String!) {{ accounts(filter: {{name: {{{operator}: $text}}}}, first: 1) {{ nodes {{ id }} }} }}"
            assert (await here.query(document, {"text": name}))["accounts"]["nodes"] == [{"id": id_}]
        found = await here.client.get("/api/accounts/", params={"search": name})
        assert [each["id"] for each in found.json()["results"]] == [id_]
