"""Errors: one shape, one table, everything at fault at once and by its REST name."""

import httpx
import orjson
import pytest
from graphql import GraphQLEnumType

from rest_compat.errors import STATUS, HttpError, Unavailable, error_answer
from tests.rest_compat.conftest import Connect
from tests.rest_compat.fake import FakeGraph, schema

PATH = "/api/opportunities/"
JSON = {"content-type": "application/json"}


def test_every_code_of_the_schema_has_a_status() -> None:
    """A user error's code without a status would be a 500."""
    codes = schema().type_map["ErrorCode"]
    assert isinstance(codes, GraphQLEnumType)
    assert set(codes.values) <= set(STATUS)


@pytest.mark.parametrize("code", sorted(STATUS))
async def test_every_code_is_answered_with_its_status(client: httpx.AsyncClient, graph: FakeGraph, code: str) -> None:
    """A GraphQL error of the request as a whole becomes its one status, in the one shape; a defect tells nothing but its id."""
    graph.fail = code
    answer = await client.get(PATH)
    assert answer.status_code == STATUS[code]
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == code.lower()
    assert ("requestId" in answer.json()) == (code == "INTERNAL_ERROR")
    assert ("As told." in answer.text) == (code != "INTERNAL_ERROR")
    assert answer.headers["x-graphql-operation"] == "ListOpportunities"


async def test_types_are_refused_all_at_once(client: httpx.AsyncClient) -> None:
    """Missing, null, wrong type, unknown stage, no list, no id: each is named in REST's words, in one answer."""
    body = {
        "name": None,
        "value": "a lot",
        "stage": "won",
        "probability": "high",
        "closeDate": "soon",
        "assignedTo": 5,
        "contactIds": ["cnt_1", 7, None, []],
        "description": ["x"],
    }
    refused = await client.post(PATH, json=body)
    assert refused.status_code == 422
    assert refused.json()["code"] == "validation_error"
    items = {item["field"]: item["message"] for item in refused.json()["errors"]}
    assert items.keys() == {
        "name", "accountId", "value", "stage", "probability", "closeDate", "assignedTo",
        "contactIds.1", "contactIds.2", "contactIds.3", "description",
    }  # fmt: skip
    assert items["accountId"] == "This field is required."
    assert items["name"] == "This field may not be null."
    assert "prospecting" in items["stage"]
    assert {item["code"] for item in refused.json()["errors"]} == {"validation_error"}


@pytest.mark.parametrize(
    "faulty", [{"contactIds": [7] * 5_000}, {"contactIds": [None] * 5_000}, {f"unknown{number}": 1 for number in range(5_000)}]
)
async def test_of_many_faults_a_hundred_are_told(client: httpx.AsyncClient, faulty: dict[str, object]) -> None:
    """The answer to a body with thousands of faults isn't many times as long as the body."""
    refused = await client.post(PATH, json={"name": "N", "accountId": "acc_1", **faulty}, headers={"prefer": "handling=strict"})
    assert (refused.status_code, len(refused.json()["errors"])) == (422, 100)


async def test_stages_are_lower_case(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Neither GraphQL's names nor their look-alikes are stages here."""
    for stage in ("PROPOSAL", "Proposal", "negot\u0131at\u0131on", "", 5, True, ["proposal"], {}):
        refused = await client.post(PATH, json={"name": "N", "accountId": "acc_1", "stage": stage})
        assert (refused.status_code, [item["field"] for item in refused.json()["errors"]]) == (422, ["stage"])
    assert graph.asked == []


async def test_rules_are_refused_by_rest_names(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """A user error with a field is about the body: 422, by the name that the body uses, also inside a list."""
    account = graph.add("Account", name="A")
    refused = await client.post(PATH, json={"name": "N", "accountId": account, "assignedTo": "usr_x"})
    assert refused.status_code == 422
    assert refused.json() == {
        "detail": "The body is not valid: see assignedTo.",
        "code": "validation_error",
        "errors": [{"field": "assignedTo", "code": "not_found", "message": "Nothing has this id."}],
    }
    refused = await client.post(PATH, json={"name": "N", "accountId": account, "contactIds": ["cnt_x"]})
    assert [item["field"] for item in refused.json()["errors"]] == ["contactIds.0"]


async def test_absent_records_are_all_alike(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Whatever the id and the method, an absent record is the same bytes; ids that no database could hold are asked of none."""
    other = graph.add("Account", name="A")
    ids = ["opp_00000000000000000000009999", other, "x", "%00", "a%0Ab", "%FF", "x" * 5000, "..", "%F0%9F%A6%84"]
    answers = [await client.get(f"{PATH}{one}/") for one in ids if one != ".."]
    answers += [await client.delete(f"{PATH}{ids[0]}/"), await client.patch(f"{PATH}{ids[0]}/", json={})]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (404, b'{"detail":"There is no such opportunity.","code":"not_found"}')
    }
    assert not any("\0" in str(variables) for _, variables in graph.asked)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"5", 400),
        (b"null", 400),
        (b'"x"', 400),
        (b'{"name": "a\\u0000b", "accountId": "x"}', 422),
        (b'{"name": "a\\ud800b", "accountId": "x"}', 422),
    ],
)
async def test_bad_bodies(client: httpx.AsyncClient, graph: FakeGraph, body: bytes, status: int) -> None:
    """What isn't a JSON object is 400; text that no database holds is 422; nothing is executed."""
    for answer in (await client.post(PATH, content=body, headers=JSON), await client.patch(f"{PATH}opp_1/", content=body, headers=JSON)):
        assert (answer.status_code, graph.asked) == (status, []), answer.text


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=UTF-8", 201),
        ('application/json;charset="utf-8"', 201),
        ("application/json; charset=us-ascii", 201),
        ("application/merge-patch+json", 201),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
async def test_content_types(client: httpx.AsyncClient, graph: FakeGraph, content_type: str, status: int) -> None:
    """JSON in UTF-8, or in ASCII, which is a part of it, is taken, also as a +json type; anything else is 415."""
    body = orjson.dumps({"name": "N", "accountId": graph.add("Account", name="A")})
    answer = await client.post(PATH, content=body, headers={"content-type": content_type} if content_type else {})
    assert answer.status_code == status, answer.text


async def test_long_bodies(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """A body at the limit passes; one byte more is 413, told by its length or counted while it comes."""
    graph.max_body = 1000
    start = orjson.dumps({"name": "N", "accountId": graph.add("Account", name="A")})
    assert (await client.post(PATH, content=start.ljust(1000), headers=JSON)).status_code == 201
    told = await client.post(PATH, content=start.ljust(1001), headers=JSON)
    assert (told.status_code, told.json()["code"]) == (413, "too_large")

    async def pieces() -> object:
        for _ in range(100):
            yield b" " * 100

    assert (await client.post(PATH, content=pieces(), headers=JSON)).status_code == 413  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("application/*;q=0.1", 200),
        ("text/html, */*;q=0.5", 200),
        ("application/problem+json", 200),
        ("application/json;q=0, application/problem+json", 200),
        ("text/html", 406),
        ("application/json;q=0, */*", 406),
        ("application/json;q=x", 406),
    ],
)
async def test_accept(client: httpx.AsyncClient, accept: str, status: int) -> None:
    """JSON is what there is: a client that excludes it gets 406, in JSON all the same."""
    answer = await client.get(PATH, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")


async def test_problem_json(client: httpx.AsyncClient) -> None:
    """Where `Accept` names application/problem+json, errors have RFC 9457's members too."""
    answer = await client.get(f"{PATH}?page=0", headers={"accept": "application/json, application/problem+json"})
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["type"], body["title"], body["status"], body["code"]) == ("about:blank", "Bad Request", 400, "bad_request")
    assert body["errors"][0]["field"] == "page"
    excluded = await client.get(f"{PATH}?page=0", headers={"accept": "application/json, application/problem+json;q=0"})
    assert excluded.headers["content-type"] == "application/json"


def test_the_process_words_its_own_errors_alike() -> None:
    """What the process refuses under /api/ has the same shape and the headers that its status must have."""
    assert error_answer(HttpError("No token.", code="UNAUTHENTICATED")) == (
        401,
        [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"www-authenticate", b"Bearer")],
        b'{"detail":"No token.","code":"unauthenticated"}',
    )
    status, headers, body = error_answer(Unavailable("Busy.", 7), problem=True)
    assert (status, dict(headers)[b"retry-after"]) == (503, b"7")
    assert orjson.loads(body)["title"] == "Service Unavailable"


async def test_an_account_with_opportunities_stays(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """A user error without a field is about the record, and has the status of its code."""
    account = graph.add("Account", name="A")
    graph.add("Opportunity", name="N", accountId=account, stage="PROPOSAL", probability=1)
    refused = await client.delete(f"/api/accounts/{account}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_a_viewer_cannot_tell_by_errors(connect: Connect, graph: FakeGraph) -> None:
    """A refusal by role comes before anything is said of the record."""
    account = graph.add("Account", name="A")
    async with connect(caller="viewer") as viewer:
        answers = [await viewer.delete(f"/api/accounts/{one}/") for one in (account, "acc_nowhere")]
    assert answers[0].content == answers[1].content
    assert answers[0].status_code == 403
