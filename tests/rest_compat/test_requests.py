"""What legacy clients send beside the reference: other methods, unset fields as nulls, bodies with a mark, names that are almost right."""

from typing import Any

import httpx
import pytest

from rest_compat.protocol import Policy
from tests.rest_compat.conftest import Connect
from tests.rest_compat.fake import FakeGraph

PATH = "/api/opportunities/"
OVERRIDE = "x-http-method-override"
JSON = {"content-type": "application/json"}


def fill(graph: FakeGraph, number: int, **values: Any) -> list[str]:
    """New deals' ids."""
    account = graph.add("Account", name="A")
    given = {"stage": "PROPOSAL", "probability": 60, "accountId": account} | values
    return [graph.add("Opportunity", name=f"Deal {place}", **given) for place in range(number)]


# --- names


@pytest.mark.parametrize(
    ("policy", "near", "other"),
    [("near-miss", 400, 200), ("ignore", 200, 200), ("refuse", 400, 400)],
)
async def test_unknown_parameters_by_setting(connect: Connect, graph: FakeGraph, policy: Policy, near: int, other: int) -> None:
    """The setting says which of the unknown are refused, on every route; what is not refused is named in the answer."""
    graph.unknown_parameters = policy
    (one,) = fill(graph, 1)
    async with connect() as client:
        for target, name in ((PATH, "account_id"), (f"{PATH}{one}/", "Fields"), ("/api/accounts/", "SEARCH"), ("/api/contacts/", "page[]")):
            for query, status in ((f"{name}=x", near), ("sort=x", other)):
                answer = await client.get(f"{target}?{query}")
                assert answer.status_code == status, (target, query, answer.text)
                if status == 200:
                    assert answer.headers["x-ignored-parameters"] == query.partition("=")[0]
        told = await client.get(f"{PATH}?sort=x&account_id=y")
    if near == 400:
        assert "account_id is not a parameter of this route: did you mean accountId?" in told.json()["errors"][-1]["message"]


async def test_a_near_name_beside_the_right_one_is_refused(client: httpx.AsyncClient) -> None:
    """Which of the two is meant is anybody's guess."""
    assert (await client.get(f"{PATH}?stage=proposal&Stage=proposal")).status_code == 400


@pytest.mark.parametrize("query", ["_=1", "stages=won", "x[stage]=a", "stage%255B%255D=a", "[]=1", "=1", "q" * 300 + "=1"])
async def test_names_that_are_not_near(client: httpx.AsyncClient, query: str) -> None:
    """What only looks a little alike is ignored as any other unknown name is: jQuery's `_`, plurals, names without letters."""
    answer = await client.get(f"{PATH}?{query}")
    assert answer.status_code == 200
    assert "x-ignored-parameters" in answer.headers


async def test_empty_parameters_are_named(client: httpx.AsyncClient) -> None:
    """They count as absent, under whatever name they come, and the answer says so."""
    answer = await client.get(f"{PATH}?assignedTo=&stage[]=&stage%5B0%5D=&search=%20&valueMin=")
    assert answer.status_code == 200
    assert answer.headers["x-ignored-parameters"] == "assignedTo, stage[], stage[0], search, valueMin"


async def test_arrays_are_for_lists_only(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """`fields` and `ordering` are lists, too, in the order of the indices; contacts' `accountId` takes one id and says so."""
    assert (await client.get(f"{PATH}?ordering[1]=name&ordering[0]=-value&fields[]=id&fields[]=name")).status_code == 200
    assert [term["field"] for term in graph.asked[-1][1]["orderBy"]] == ["VALUE", "NAME"]
    assert (await client.get("/api/contacts/?accountId[]=a")).json()["errors"][0]["field"] == "accountId[]"
    assert (await client.get("/api/contacts/?accountId=a&accountId=b")).status_code == 400
    assert "allowed is one id" in (await client.get("/api/contacts/?accountId=a,b")).json()["errors"][0]["message"]


async def test_what_is_ignored_is_shown(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """`_graphql` lists it, for parameters and keys of a body, and executes nothing."""
    shown = await client.get("/api/_graphql", params={"method": "GET", "path": f"{PATH}?page_size=5&n%C3%A4me=x&stage=&page=1"})
    assert shown.json()["ignored"] == ["page_size", "n%C3%A4me", "stage"]
    body = {"name": "N", "accountId": "acc_1", "colour": 1}
    posted = await client.post("/api/_graphql", params={"method": "POST", "path": f"{PATH}?sort=x"}, json=body)
    assert posted.json()["ignored"] == ["sort", "colour"]
    assert graph.asked == []


# --- pages


async def test_links_say_the_limit_that_is_served(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Of 1000 results a page, 100 are served, and the links say 100; all else is kept as it came."""
    fill(graph, 101)
    page = (await client.get(f"{PATH}?limit=1000&stage[]=proposal&foo=b%20r&search=")).json()
    assert page["next"].startswith(f"https://crm.example.com{PATH}?limit=100&stage%5B%5D=proposal&foo=b+r&search=&page=2&after=")


async def test_a_position_counts_for_its_page_only(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Where `page` says another page, that is meant, by its number; the position is named as ignored. Alone, a position is enough."""
    fill(graph, 10)
    link = (await client.get(f"{PATH}?limit=3")).json()["next"]
    position = link.rpartition("after=")[2]
    names = [row["name"] for row in (await client.get(link)).json()["results"]]
    assert names == ["Deal 6", "Deal 5", "Deal 4"]
    alone = (await client.get(f"{PATH}?limit=3&after={position}")).json()
    assert [row["name"] for row in alone["results"]] == names
    assert "page=3&" in alone["next"]
    other = await client.get(f"{PATH}?limit=3&page=3&after={position}")
    assert [row["name"] for row in other.json()["results"]] == ["Deal 3", "Deal 2", "Deal 1"]
    assert other.headers["x-ignored-parameters"] == "after"
    offset = await client.get(f"{PATH}?limit=3&offset=1&after={position}")
    assert offset.json()["results"][0]["name"] == "Deal 8"


async def test_pages_without_rows_are_no_dead_ends(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """A position behind which all was deleted is an empty page, never 404, and links back; the same before a position."""
    ids = fill(graph, 6)
    second = (await client.get(f"{PATH}?limit=3")).json()["next"]
    first = (await client.get(second)).json()["previous"]
    kept = {one: graph.rows[one] for one in ids}
    for one in ids[:3]:
        del graph.rows[one]
    empty = await client.get(second)
    assert (empty.status_code, empty.json()["results"], empty.json()["next"]) == (200, [], None)
    assert len((await client.get(empty.json()["previous"])).json()["results"]) == 3
    graph.rows |= kept
    for one in ids[3:]:
        del graph.rows[one]
    empty = await client.get(first)
    assert (empty.status_code, empty.json()["results"], empty.json()["previous"]) == (200, [], None)
    assert len((await client.get(empty.json()["next"])).json()["results"]) == 3
    graph.rows.clear()
    for link in (first, second):
        assert (await client.get(link)).json() == {"count": 0, "next": None, "previous": None, "results": []}


async def test_walking_back_reaches_what_came_meanwhile(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """`previous` leads on while rows stand before the page, and its number never falls below 1."""
    fill(graph, 6)
    url = (await client.get(f"{PATH}?limit=3")).json()["next"]
    fill(graph, 7)
    seen: list[str] = []
    while url:
        page = (await client.get(url)).json()
        seen = [row["id"] for row in page["results"]] + seen
        url = page["previous"]
        assert url is None or "page=1&" in url
    assert len(seen) == len(set(seen)) == 13


# --- methods


@pytest.mark.parametrize("method", ["PATCH", "patch", " Patch "])
async def test_post_in_place_of_patch(client: httpx.AsyncClient, graph: FakeGraph, method: str) -> None:
    """A POST to a record that names PATCH in a header is one, conditions and strictness included."""
    (one,) = fill(graph, 1)
    answer = await client.post(f"{PATH}{one}/", json={"value": 5}, headers={OVERRIDE: method})
    assert (answer.status_code, answer.json()["value"]) == (200, 5)
    assert answer.headers["x-graphql-operation"] == "UpdateOpportunity"
    stale = await client.post(f"{PATH}{one}/", json={"value": 6}, headers={OVERRIDE: method, "if-match": '"1-x"'})
    assert stale.status_code == 412
    assert {use.route for use in graph.uses} == {f"PATCH {PATH}{{id}}/"}


async def test_post_in_place_of_delete(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """With or without a body."""
    for more in ({}, {"json": {}}, {"content": b"x=1"}):
        (one,) = fill(graph, 1)
        assert (await client.post(f"{PATH}{one}", headers={OVERRIDE: "DELETE"}, **more)).status_code == 204  # type: ignore[arg-type]
        assert one not in graph.rows


async def test_methods_that_a_post_can_not_be(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """405, and nothing is done: any other method for a record, and whatever but POST for the collection; other methods read no header."""
    (one,) = fill(graph, 1)
    body = {"name": "N", "accountId": graph.rows[one]["accountId"]}
    for method in ("PUT", "GET", "POST", "QUERY", "PATCH, DELETE", "x" * 500):
        refused = await client.post(f"{PATH}{one}/", json=body, headers={OVERRIDE: method})
        assert refused.status_code == 405, method
        assert refused.headers["allow"] == "GET, HEAD, PATCH, DELETE, OPTIONS"
    for method in ("PATCH", "DELETE", "GET", "QUERY", "PUT"):
        refused = await client.post(PATH, json=body, headers={OVERRIDE: method})
        assert (refused.status_code, len(graph.asked)) == (405, 0)
        assert "X-HTTP-Method-Override" in refused.json()["detail"]
    assert (await client.post(PATH, json=body, headers={OVERRIDE: "post"})).status_code == 201
    assert (await client.get(f"{PATH}{one}/", headers={OVERRIDE: "DELETE"})).status_code == 200
    assert (await client.patch(f"{PATH}{one}/", json={}, headers={OVERRIDE: "DELETE"})).status_code == 200


async def test_an_overridden_method_is_shown(client: httpx.AsyncClient) -> None:
    """`_graphql` reads the header as the call itself does."""
    query = {"method": "POST", "path": f"{PATH}opp_1/"}
    shown = await client.post("/api/_graphql", params=query, json={"value": 5}, headers={OVERRIDE: "PATCH"})
    assert shown.json()["operationName"] == "UpdateOpportunity"


# --- QUERY


async def test_query(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """The parameters as a JSON object; `next` is an address for GET, and leads on."""
    fill(graph, 3, value=10)
    body = {
        "stage": ["proposal", "closed_won"],
        "valueMin": 10.5,
        "valueMax": 1e3,
        "search": "deal",
        "limit": 2,
        "accountId": None,
        "fields": [],
    }
    assert (await client.request("QUERY", PATH, json=body)).json()["count"] == 0
    assert graph.asked[-1][1] == {
        "first": 2,
        "offset": 0,
        "filter": {"stage": {"in": ["PROPOSAL", "CLOSED_WON"]}, "value": {"gte": 10.5, "lte": 1000}, "name": {"contains": "deal"}},
    }
    answer = await client.request("QUERY", f"{PATH}?search=deal&x=1", json={"stage": "proposal", "limit": 2, "fields": ["id"]})
    assert answer.headers["x-graphql-operation"] == "ListOpportunities"
    assert (answer.headers["accept-query"], answer.headers["x-ignored-parameters"]) == ("application/json", "x")
    page = answer.json()
    assert (page["count"], len(page["results"])) == (3, 2)
    assert page["next"].startswith(f"https://crm.example.com{PATH}?search=deal&x=1&stage=proposal&limit=2&fields=id&page=2&after=")
    assert (await client.get(page["next"])).json()["results"] == [{"id": "opp_00000000000000000000000002"}]
    again = await client.request("QUERY", PATH, json={"stage": "proposal"}, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 200
    same = await client.request("QUERY", PATH, json={"stage": "proposal"}, headers={"if-none-match": again.headers["etag"]})
    assert same.status_code == 304


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"stage": {"in": ["proposal"]}}, "stage", "stage is an object; allowed is text, a number, true, false, or a list of those"),
        ({"stage": [["proposal"]]}, "stage.0", "a list within a list"),
        ({"limit": True}, "limit", "limit is 'true'; allowed is an integer from 1"),
        ({"limit": [1, 2]}, "limit", "more than once"),
        ({"valueMin": 1e20}, "valueMin", "; allowed is a number from -9999999999999.99 to 9999999999999.99"),
        ({"stage": ["won"]}, "stage", "'won'; allowed is one of"),
        ({"account_id": "a"}, "account_id", "did you mean accountId?"),
        ([], None, "must be a JSON object of the parameters"),
    ],
)
async def test_queries_that_are_wrong(client: httpx.AsyncClient, body: Any, field: str | None, said: str) -> None:
    """What a body gets wrong is told as of a query string."""
    refused = await client.request("QUERY", PATH, json=body)
    assert refused.status_code == 400
    told = refused.json()
    item = told["errors"][0] if field else {"field": None, "message": told["detail"]}
    assert item["field"] == field
    assert said in item["message"]


async def test_where_there_is_query(client: httpx.AsyncClient) -> None:
    """On collections, as OPTIONS and GET say; its body must be JSON; a record has none."""
    for path in (PATH, "/api/accounts/", "/api/contacts/"):
        options = await client.options(path)
        assert (options.headers["accept-query"], "QUERY" in options.headers["allow"]) == ("application/json", True)
        assert (await client.get(path)).headers["accept-query"] == "application/json"
        assert (await client.request("QUERY", path, json={"limit": 1})).status_code == 200
    assert (await client.request("QUERY", PATH, content=b"stage=proposal")).status_code == 415
    assert (await client.request("QUERY", PATH, content=b"", headers=JSON)).status_code == 400
    refused = await client.request("QUERY", f"{PATH}opp_1/", json={})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, PATCH, DELETE, OPTIONS")
    shown = await client.post("/api/_graphql", params={"method": "QUERY", "path": PATH}, json={"stage": ["proposal"]})
    assert shown.json()["variables"]["filter"] == {"stage": {"eq": "PROPOSAL"}}


# --- nulls


async def test_nulls_may_be_ignored(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """With `Prefer: null=ignore` what is null in a body is as if left out, on create and update; the answer says that it was applied."""
    account = graph.add("Account", name="A")
    prefer = {"prefer": "null=ignore"}
    body = {"name": "N", "accountId": account, "stage": None, "contactIds": None, "value": 5, "colour": None}
    made = await client.post(PATH, json=body, headers=prefer)
    assert (made.status_code, made.json()["stage"], made.json()["value"]) == (201, "prospecting", 5)
    assert made.headers["preference-applied"] == "null=ignore"
    assert "x-ignored-fields" not in made.headers
    url = f"{PATH}{made.json()['id']}/"
    kept = await client.patch(
        url, json={"value": None, "name": None, "source": "S"}, headers={"prefer": 'handling=strict, NULL="ignore"; x=1'}
    )
    assert (kept.json()["value"], kept.json()["source"]) == (5, "S")
    assert kept.headers["preference-applied"] == "handling=strict, null=ignore"
    cleared = await client.patch(url, json={"value": None}, headers={"prefer": "null=keep, null=ignore"})
    assert (cleared.json()["value"], "preference-applied" in cleared.headers) == (None, False)


async def test_what_null_can_not_stand_for(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """A required key that is null is missing; within a list null stays a fault; a read applies no such preference."""
    account = graph.add("Account", name="A")
    prefer = {"prefer": "null=ignore"}
    missing = await client.post(PATH, json={"name": None, "accountId": account}, headers=prefer)
    assert missing.json()["errors"] == [{"field": "name", "code": "validation_error", "message": "This field is required."}]
    inside = await client.post(PATH, json={"name": "N", "accountId": account, "contactIds": [None]}, headers=prefer)
    assert (inside.status_code, inside.json()["errors"][0]["field"]) == (422, "contactIds.0")
    assert "preference-applied" not in (await client.get(PATH, headers=prefer)).headers


async def test_nulls_left_out_make_no_whole_object(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """All twelve keys, most of them null, are not the whole object sent back where nulls count as absent; without that they are.

    The same holds for `updatedAt`, which says by itself that the object was read: null it says nothing, with a value it does.
    """
    (one,) = fill(graph, 1)
    writable = ("name", "accountId", "value", "stage", "probability", "closeDate", "closedDate", "lossReason", "assignedTo", "source")
    body = dict.fromkeys((*writable, "contactIds", "description")) | {"probability": 40, "name": "N"}
    await client.patch(f"{PATH}{one}/", json=body, headers={"prefer": "null=ignore"})
    assert "ignoreUnchanged" not in graph.asked[-1][1]
    assert graph.asked[-1][1]["input"] == {"name": "N", "probability": 40}
    for updated in (None, "2025-01-20T10:00:00Z"):
        await client.patch(f"{PATH}{one}/", json=body | {"updatedAt": updated}, headers={"prefer": "null=ignore"})
        assert graph.asked[-1][1].get("ignoreUnchanged", False) is (updated is not None)
    await client.patch(f"{PATH}{one}/", json=body | {"stage": "proposal", "accountId": graph.rows[one]["accountId"]})
    assert graph.asked[-1][1]["ignoreUnchanged"] is True


# --- versions


async def test_any_of_several_versions_will_do(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """`If-Match` with the tags of several versions goes through if one of them is the record's, whichever; more than ten are 400."""
    (one,) = fill(graph, 1)
    url = f"{PATH}{one}/"
    for wanted, status in (('"7-a", "1-b"', 200), ('"1-b","9-a"', 412), ('"3-a", W/"2-b", "1-c"', 200), ('"9-a","8-b"', 412)):
        answer = await client.patch(url, json={"value": len(graph.asked)}, headers={"if-match": wanted})
        assert answer.status_code == status, wanted
    many = ", ".join(f'"{version}-a"' for version in range(11))
    assert (await client.delete(url, headers={"if-match": many})).json()["errors"][0]["field"] == "If-Match"
    assert (await client.delete(url, headers={"if-match": ", ".join(['"3-a"'] * 50)})).status_code == 204
