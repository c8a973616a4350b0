"""The list: what parameters become, how pages are linked, and what is said of parameters that are wrong."""

import httpx
import pytest

from rest_compat.translate.parameter_types import MONEY_LIMIT
from tests.rest_compat.fake import FakeGraph

PATH = "/api/opportunities/"
BASE = "https://crm.example.com"


def fill(graph: FakeGraph, number: int) -> None:
    account = graph.add("Account", name="A")
    for index in range(number):
        graph.add("Opportunity", name=f"Deal {index}", accountId=account, stage="PROPOSAL", probability=60, value=index)


@pytest.mark.parametrize(
    ("query", "filter_"),
    [
        ("stage=proposal", {"stage": {"eq": "PROPOSAL"}}),
        ("stage=proposal&stage=closed_won", {"stage": {"in": ["PROPOSAL", "CLOSED_WON"]}}),
        ("stage[]=proposal&stage[]=closed_won", {"stage": {"in": ["PROPOSAL", "CLOSED_WON"]}}),
        ("stage%5B%5D=proposal&stage%5b%5d=closed_won", {"stage": {"in": ["PROPOSAL", "CLOSED_WON"]}}),
        ("stage[0]=proposal&stage[1]=closed_won", {"stage": {"in": ["PROPOSAL", "CLOSED_WON"]}}),
        ("stage[1]=closed_won&stage[0]=proposal", {"stage": {"in": ["PROPOSAL", "CLOSED_WON"]}}),
        ("stage[0]=proposal", {"stage": {"eq": "PROPOSAL"}}),
        ("stage[]=proposal&stage=closed_won", {"stage": {"in": ["PROPOSAL", "CLOSED_WON"]}}),
        ("stage=proposal,closed_lost&stage[]=closed_won", {"stage": {"in": ["PROPOSAL", "CLOSED_LOST", "CLOSED_WON"]}}),
        ("stage[]=&stage[]=proposal&stage=", {"stage": {"eq": "PROPOSAL"}}),
        ("accountId[]=acc_1&accountId[]=acc_2", {"accountId": {"in": ["acc_1", "acc_2"]}}),
        ("assignedTo[0]=usr_1&assignedTo[7]=usr_2", {"assignedToId": {"in": ["usr_1", "usr_2"]}}),
        ("accountId=" + "&accountId=".join(["a"] * 250), {"accountId": {"in": ["a"] * 250}}),
        ("stage[0]=&stage[]=&assignedTo=", None),
        ("stage=proposal,closed_won", {"stage": {"in": ["PROPOSAL", "CLOSED_WON"]}}),
        ("stage=proposal,+,closed_won,", {"stage": {"in": ["PROPOSAL", "CLOSED_WON"]}}),
        ("accountId=acc_1", {"accountId": {"eq": "acc_1"}}),
        ("assignedTo=usr_1,usr_2", {"assignedToId": {"in": ["usr_1", "usr_2"]}}),
        ("closeDateAfter=2025-01-02", {"closeDate": {"gte": "2025-01-02"}}),
        ("closeDateBefore=2025-01-02T23:30:00-05:00", {"closeDate": {"lte": "2025-01-02"}}),
        ("closeDateBefore=2025-01-02T23:30:00%2B05:00", {"closeDate": {"lte": "2025-01-02"}}),
        ("closeDateAfter=2025-01-02&closeDateBefore=2025-02-03", {"closeDate": {"gte": "2025-01-02", "lte": "2025-02-03"}}),
        ("valueMin=10.5&valueMax=1e3", {"value": {"gte": 10.5, "lte": 1000}}),
        ("valueMin=0.001", {"value": {"gte": 0.01}}),
        ("valueMax=0.019", {"value": {"lte": 0.01}}),
        ("valueMin=-0", {"value": {"gte": 0}}),
        ("search=100%25_%C3%A9", {"name": {"contains": "100%_é"}}),
        ("stage=&accountId=&assignedTo=&closeDateAfter=&valueMin=&search=&page=&limit=&offset=&fields=&ordering=", None),
    ],
)
async def test_filters_become_variables(client: httpx.AsyncClient, graph: FakeGraph, query: str, filter_: object) -> None:
    """Each parameter becomes its place in the filter; an empty one is as if absent."""
    answer = await client.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    variables = {"first": 20, "offset": 0} | ({"filter": filter_} if filter_ else {})
    assert graph.asked[-1][1] == variables


async def test_pages_by_next_to_the_end_and_back(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Following `next` from the first page gives every row once, newest first; `previous` leads back the same way."""
    fill(graph, 7)
    url: str | None = f"{BASE}{PATH}?stage=proposal&limit=3"
    seen, pages, last = [], 0, ""
    while url:
        page = (await client.get(url)).json()
        assert page["count"] == 7
        seen += [row["name"] for row in page["results"]]
        url, last, pages = page["next"], url, pages + 1
    assert (pages, seen) == (3, [f"Deal {index}" for index in reversed(range(7))])
    assert last.startswith(f"{BASE}{PATH}?stage=proposal&limit=3&page=3&after=")
    back = (await client.get(last)).json()["previous"]
    assert back.startswith(f"{BASE}{PATH}?stage=proposal&limit=3&page=2&before=")
    assert (await client.get((await client.get(back)).json()["previous"])).json()["previous"] is None


async def test_pages_by_offset(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """`limit` with `offset` pages too; an offset past the end is an empty page, and `previous` leads back."""
    fill(graph, 5)
    page = (await client.get(f"{PATH}?offset=1&limit=2&foo=b%20r")).json()
    assert page["next"].startswith(f"{BASE}{PATH}?limit=2&foo=b+r&offset=3&after=")
    assert page["previous"].startswith(f"{BASE}{PATH}?limit=2&foo=b+r&offset=0&before=")
    assert [row["name"] for row in (await client.get(page["next"])).json()["results"]] == ["Deal 1", "Deal 0"]
    assert [row["name"] for row in (await client.get(page["previous"])).json()["results"]] == ["Deal 4"]
    past = await client.get(f"{PATH}?offset=2147483647")
    assert (past.status_code, past.json()["results"], past.json()["next"]) == (200, [], None)


async def test_the_end_of_pages(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """A page past the end is 404, except the first of an empty list."""
    assert (await client.get(f"{PATH}?page=1")).json() == {"count": 0, "next": None, "previous": None, "results": []}
    assert (await client.get(f"{PATH}?page=2")).status_code == 404
    fill(graph, 40)
    assert len((await client.get(f"{PATH}?page=2")).json()["results"]) == 20
    refused = await client.get(f"{PATH}?page=3")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_a_limit_above_100_is_served_as_100(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """However many digits it has."""
    for limit in ("101", "9" * 5000):
        assert (await client.get(f"{PATH}?limit={limit}")).status_code == 200
        assert graph.asked[-1][1]["first"] == 100


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("page=0", "page", "an integer from 1"),
        ("page=one", "page", "an integer from 1"),
        ("page=%D9%A1", "page", "an integer from 1"),
        ("limit=0", "limit", "an integer from 1"),
        ("limit=-1", "limit", "an integer from 1"),
        ("limit=1_0", "limit", "an integer from 1"),
        ("offset=-1", "offset", "an integer from 0"),
        ("offset=2147483648", "offset", "from 0 to 2147483647"),
        ("page=" + "9" * 5000, "page", "from 1 to 2147483648"),
        ("page=107374184", "page", "beyond offset 2147483647"),
        ("page=1&offset=0", "page", "either page or offset"),
        ("stage=won", "stage", "closed_won"),
        ("stage=PROPOSAL", "stage", "'PROPOSAL'"),
        ("stage=proposal,won", "stage", "'proposal,won'"),
        ("closeDateAfter=01/02/2025", "closeDateAfter", "a date (2025-04-30)"),
        ("closeDateAfter=2025-02-30", "closeDateAfter", "a date"),
        ("closeDateAfter=20250102", "closeDateAfter", "a date"),
        ("closeDateBefore=2025-01-02T25:00:00Z", "closeDateBefore", "a date"),
        ("valueMin=abc", "valueMin", f"a number from -{MONEY_LIMIT}"),
        ("valueMin=NaN", "valueMin", "a number"),
        ("valueMax=1e99", "valueMax", "a number"),
        ("valueMax=10000000000000", "valueMax", "a number"),
        ("search=" + "x" * 201, "search", "at most 200 characters"),
        ("search=%00", "search", "without NUL"),
        ("search=%FF", "search", "UTF-8"),
        ("search=%ED%A0%80", "search", "UTF-8"),
        ("accountId=a%00", "accountId", "without NUL"),
        ("accountId=" + ",".join("abcdefghij" * 26), "accountId", "at most 250"),
        ("page=1&page=1", "page", "more than once"),
        ("search=a&search=b", "search", "more than once"),
        ("closeDateAfter=2025-01-01&closeDateAfter=2025-01-02", "closeDateAfter", "more than once"),
        ("accountId=" + "&accountId=".join("abcdef" * 50), "accountId", "at most 250 values"),
        ("stage[]=won&stage[]=proposal", "stage", "'won,proposal'"),
        ("account_id=a", "account_id", "did you mean accountId?"),
        ("Stage=a", "Stage", "did you mean stage?"),
        ("ACCOUNTID=a", "ACCOUNTID", "did you mean accountId?"),
        ("close_date_after=a", "close_date_after", "did you mean closeDateAfter?"),
        ("value-min=1", "value-min", "did you mean valueMin?"),
        ("closeDate[after]=a", "closeDate[after]", "did you mean closeDateAfter?"),
        ("stage[x]=proposal", "stage[x]", "did you mean stage?"),
        ("stage[0][]=proposal", "stage[0][]", "did you mean stage?"),
        ("stage.0=proposal&stage.1=negotiation", "stage.0", "did you mean stage?"),
        ("stage__in=proposal", "stage__in", "did you mean stage?"),
        ("search:icontains=a", "search:icontains", "did you mean search?"),
        ("page[]=1", "page[]", "did you mean page?"),
        ("page%5Bnumber%5D=1", "page[number]", "did you mean page?"),
        ("limit[0]=1", "limit[0]", "did you mean limit?"),
        ("_page=1", "_page", "did you mean page?"),
        ("After=1", "After", "did you mean after?"),
        ("after=x", "after", "what a `next` or `previous` link of this list holds"),
        ("before=p2", "before", "what a `next`"),
        ("after=p9999999999.x", "after", "what a `next`"),
        ("before=o2147483648.x", "before", "what a `next`"),
        ("after=p0.x", "after", "what a `next`"),
        ("after=p2.x%00", "after", "without NUL"),
        ("after=p2.x&before=p2.x", "after", "either after or before"),
        ("&".join(f"p{place}=1" for place in range(1001)), None, "at most 1000"),
        ("fields=id,colour", "fields", "one of id, name"),
        ("fields=%0C", "fields", "one of id, name"),
        ("stage=,+,", "stage", "one of prospecting"),
        ("ordering=colour", "ordering", "one of name, value"),
        ("ordering=-name,value,stage,closeDate,createdAt,updatedAt,probability,name", "ordering", "at most 7 values"),
    ],
)
async def test_what_is_wrong_with_a_parameter(
    client: httpx.AsyncClient, graph: FakeGraph, query: str, field: str | None, said: str
) -> None:
    """A malformed value is 400 and says which parameter, what it got and what is allowed; nothing is executed."""
    refused = await client.get(f"{PATH}?{query}")
    assert refused.status_code == 400, refused.text
    body = refused.json()
    assert body["code"] == "bad_request"
    if field is None:
        assert said in body["detail"]
    else:
        item = body["errors"][0]
        assert (item["field"], item["code"]) == (field, "bad_request")
        assert said in item["message"]
    assert graph.asked == []
    assert refused.headers["x-graphql-operation"] == "ListOpportunities"


async def test_all_faults_at_once(client: httpx.AsyncClient) -> None:
    """Everything that is wrong with the parameters is named in one answer."""
    body = (await client.get(f"{PATH}?page=x&limit=0&stage=a&valueMin=b&valueMin=c&closeDateAfter=d&search=%FF")).json()
    assert [item["field"] for item in body["errors"]] == ["page", "limit", "stage", "valueMin", "closeDateAfter", "search"]


async def test_unknown_parameters(client: httpx.AsyncClient) -> None:
    """They are ignored but named, percent-encoded, at most 20; on every route."""
    answer = await client.get(f"{PATH}?colour=red&n%C3%A4me=1&%0d%0aX=1&colour=blue")
    assert answer.status_code == 200
    assert answer.headers["x-ignored-parameters"] == "colour, n%C3%A4me, %0D%0AX"
    many = await client.get(f"{PATH}?{'&'.join(f'p{i}=1' for i in range(30))}")
    assert len(many.headers["x-ignored-parameters"].split(", ")) == 20
    assert (await client.get(f"{PATH}opp_1/?page=1")).headers["x-ignored-parameters"] == "page"


async def test_strict_handling(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """`Prefer: handling=strict` makes the unknown an error: 400 for parameters, 422 for keys; and the answer says that it was applied."""
    strict = {"prefer": 'respond-async, handling="strict"'}
    refused = await client.get(f"{PATH}?colour=red&page=0", headers=strict)
    assert refused.status_code == 400
    assert [item["field"] for item in refused.json()["errors"]] == ["page", "colour"]
    account = graph.add("Account", name="A")
    body = await client.post(PATH, json={"name": "N", "accountId": account, "colour": 1}, headers=strict)
    assert (body.status_code, [item["field"] for item in body.json()["errors"]]) == (422, ["colour"])
    fine = await client.get(f"{PATH}?page=1", headers=strict)
    assert (fine.status_code, fine.headers["preference-applied"]) == (200, "handling=strict")
    assert "preference-applied" not in (await client.get(PATH, headers={"prefer": "handling=lenient"})).headers


async def test_ordering(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """`ordering` becomes `orderBy`, `-` for descending, in the given order; a later term by the same key decides nothing."""
    answer = await client.get(f"{PATH}?ordering=-closeDate,name,closeDate,-closeDate")
    assert answer.status_code == 200
    order = [{"field": "CLOSE_DATE", "direction": "DESC"}, {"field": "NAME", "direction": "ASC"}]
    assert graph.asked[-1][1]["orderBy"] == order


async def test_fields(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """`fields` gives only those keys, in their usual order, and the operation selects only what they need."""
    fill(graph, 1)
    page = (await client.get(f"{PATH}?fields=accountName,id")).json()
    assert page["results"] == [{"id": "opp_00000000000000000000000002", "accountName": "A"}]
    document = graph.asked[-1][0]
    assert "ListOpportunities" in document
    assert "totalCount" in document
    for left_out in ("stage", "assignedTo", "value", "createdAt"):
        assert left_out not in document
    detail = await client.get(f"{PATH}opp_00000000000000000000000002/?fields=contactIds")
    assert detail.json() == {"contactIds": []}
    assert detail.headers["etag"].startswith('"1-')
    assert "account" not in graph.asked[-1][0]


async def test_operations_by_fields_are_kept_within_bounds(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """A set of fields is prepared once, in whatever order and however often it is asked for."""
    prepared: list[str] = []
    real = graph.prepare
    graph.prepare = lambda document, **_: prepared.append(document) or real(document)  # type: ignore[method-assign, func-returns-value]
    for query in ("fields=id,name", "fields=name,id", "fields=name,id,id", "fields=id,name&page=1"):
        assert (await client.get(f"{PATH}?{query}")).status_code == 200
    assert len(prepared) == 1
