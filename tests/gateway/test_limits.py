"""Each limit through the front door, as it is by default: at it a request is served, above it refused, with its status, within 50 ms."""

import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway

PAGE = "query($n: Int) { opportunities(first: $n) { nodes { id } } }"
SEARCH = "query($s: String) { accounts(search: $s) { totalCount } }"
IDS = "query($ids: [ID!]!) { opportunities(filter: {accountId: {in: $ids}}) { totalCount } }"
SECONDS = 0.05


pytestmark = pytest.mark.usefixtures("validated_each_time")


@pytest.fixture
async def here(sqlite_url: str) -> AsyncIterator[Gateway]:
    async with gateway(sqlite_url) as opened:
        yield opened


def _nested(levels: int) -> Any:
    """That many levels of lists."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _extended(levels: int) -> dict[str, Any]:
    """A query whose body has that many levels."""
    return {"query": "{ __typename }", "extensions": {"x": _nested(levels - 2)}}


def _document(text: str, **variables: Any) -> dict[str, Any]:
    return {"query": text, "variables": variables}


def _aliases(count: int) -> dict[str, Any]:
    return {"query": "{ stages { " + " ".join(f"a{place}: label" for place in range(count)) + " } }"}


GRAPHQL: dict[str, tuple[Callable[[int], Any], int, int]] = {
    # The body at a number, the limit, and the status above it: an argument's value is only known when the operation runs.
    "page": (lambda n: _document(PAGE, n=n), 100, 200),
    "search": (lambda n: _document(SEARCH, s="x" * n), 200, 200),
    "levels of JSON": (_extended, 32, 400),
    "integer": (lambda n: {"query": "{ __typename }", "extensions": {"x": n}}, 2**53 - 1, 400),
    "characters": (lambda n: {"query": "{ __typename } #".ljust(n, "x")}, 15_000, 400),
    "aliases": (_aliases, 30, 400),
    "root fields": (lambda n: {"query": "{ " + "__typename " * n + "}"}, 20, 400),
    "directives": (lambda n: {"query": "{ stages { " + "label @skip(if: false) " * n + "} }"}, 50, 400),
}


async def _timed(call: Callable[[], Any]) -> tuple[httpx.Response, float]:
    """The answer, and how long it took, in seconds of the processor.

    It is called until it comes in time, a hundred times at most: another test at work on the same core doubles what one call takes.
    """
    for _ in range(100):
        began = time.process_time()
        response = await call()
        seconds = time.process_time() - began
        if seconds < SECONDS:
            break
    return response, seconds


@pytest.mark.parametrize("limit", GRAPHQL)
async def test_graphql(here: Gateway, limit: str) -> None:
    """Of a GraphQL request, under the type that tells by status; the refusal has a code."""
    make, most, status = GRAPHQL[limit]
    headers = {"accept": "application/graphql-response+json"}
    fits = await here.client.post("/graphql", json=make(most), headers=headers)
    assert (fits.status_code, "errors" in fits.json()) == (200, False)
    response, seconds = await _timed(lambda: here.client.post("/graphql", json=make(most + 1), headers=headers))
    assert response.status_code == status, response.text
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert len(response.json()["errors"]) <= 5
    assert seconds < SECONDS


@pytest.mark.parametrize(
    "query", ["{ stages { " + "label " * 990 + "} }", "{ stages { " + "label " * 996 + "} }"], ids=["compared", "counted"]
)
async def test_tokens(here: Gateway, query: str) -> None:
    """1,001 tokens aren't parsed; 1,000 that repeat one field, which all have to be compared, aren't for long."""
    response, seconds = await _timed(
        lambda: here.client.post("/graphql", json={"query": query}, headers={"accept": "application/graphql-response+json"})
    )
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert seconds < SECONDS


async def test_errors_told(here: Gateway) -> None:
    """Of any number of faults in one document five are told."""
    fields = " ".join(f"none{number}" for number in range(20))
    response, seconds = await _timed(lambda: here.client.post("/graphql", json={"query": "{ " + fields + " }"}))
    assert len(response.json()["errors"]) == 5
    assert seconds < SECONDS


async def test_ids_of_a_filter(here: Gateway) -> None:
    """A list of ids has 250 at most."""
    fits = await here.client.post("/graphql", json=_document(IDS, ids=["acc_1"] * 250))
    assert "errors" not in fits.json()
    response, seconds = await _timed(lambda: here.client.post("/graphql", json=_document(IDS, ids=["acc_1"] * 251)))
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert seconds < SECONDS


async def _post(here: Gateway, **body: Any) -> tuple[int, Any, float]:
    response, seconds = await _timed(lambda: here.client.post(OPPORTUNITIES, json=body))
    return response.status_code, response.json(), seconds


@pytest.mark.parametrize(
    ("field", "fits", "above", "status"),
    [
        ("name", "x" * 200, "x" * 201, 422),
        ("value", 9_999_999_999_999.99, 10_000_000_000_000, 422),
        ("probability", 100, 101, 422),
        ("description", "x" * 10_000, "x" * 10_001, 422),
        ("source", "x" * 100, "x" * 101, 422),
        ("contactIds", [], [f"cnt_{number}" for number in range(251)], 422),
        ("colour", 2**53 - 1, 2**53, 400),
        ("colour", _nested(31), _nested(32), 400),
    ],
)
async def test_rest_bodies(here: Gateway, field: str, fits: Any, above: Any, status: int) -> None:
    """Of a body's fields, and of JSON as such."""
    account = (await here.make("/api/accounts/", name="Acme"))["id"]
    given = {"name": "Deal", "accountId": account}
    assert (await _post(here, **{**given, field: fits}))[0] == 201
    told, body, seconds = await _post(here, **{**given, field: above})
    assert told == status
    assert status == 400 or [fault["field"] for fault in body["errors"]] == [field]
    assert seconds < SECONDS


async def test_rest_parameters(here: Gateway) -> None:
    """A search of 200 characters is served, a longer one refused; more than 100 a page are served as 100."""
    assert (await here.client.get(OPPORTUNITIES, params={"search": "x" * 200})).status_code == 200
    response, seconds = await _timed(lambda: here.client.get(OPPORTUNITIES, params={"search": "x" * 201}))
    assert (response.status_code, seconds < SECONDS) == (400, True)
    assert (await here.client.get(OPPORTUNITIES, params={"limit": 5_000})).status_code == 200


async def test_bodies(here: Gateway) -> None:
    """A body that is too large is refused in time, through each door."""
    for path, most, place in (("/graphql", 1_048_576, "errors"), (OPPORTUNITIES, 262_144, "detail")):
        content = json.dumps({"query": "{ __typename }", "x": ""}).ljust(most + 1)
        response, seconds = await _timed(
            lambda path=path, content=content: here.client.post(path, content=content, headers={"content-type": "application/json"})
        )
        assert (response.status_code, place in response.json(), seconds < SECONDS) == (413, True, True)
