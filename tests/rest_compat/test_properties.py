"""Whatever is sent: never a defect, every refusal in the one shape and naming what is at fault, and what is taken means what it says.

`REST_EXAMPLES` says how many calls each property tries; 10,000 in the long form.
"""

import json
import operator
import os
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from graphql import GraphQLScalarType
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rest_compat.errors import STATUS
from rest_compat.translate import parameter_types
from rest_compat.translate.parameters import parameter_type
from schema.engine.types.scalars import DATE
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway

MONEY = GraphQLScalarType("Money")
EXAMPLES = int(os.environ.get("REST_EXAMPLES", "150"))
often = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

PARAMETERS = ["page", "limit", "offset", "stage", "accountId", "assignedTo", "closeDateAfter", "closeDateBefore", "valueMin", "valueMax"]
PARAMETERS += ["search", "ordering", "fields", "colour"]
KEYS = ["name", "accountId", "value", "stage", "probability", "closeDate", "closedDate", "lossReason", "assignedTo", "source"]
KEYS += ["contactIds", "description", "id", "createdAt", "colour"]
KEYS += ["firstName", "lastName", "email", "phone", "title", "website", "industry"]

LIKELY = [
    "",
    "0",
    "1",
    "-1",
    "20",
    "1e3",
    "proposal",
    "proposal,closed_won",
    "2025-01-01",
    "2025-02-30T10:00:00Z",
    "acc_1",
    "id,name",
    "-name",
    ",",
]
raw_text = st.one_of(
    st.sampled_from(LIKELY),
    st.text(st.characters(), max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.dates().map(str),
)
raw_query = st.lists(st.tuples(st.sampled_from(PARAMETERS), raw_text), max_size=5).map(
    lambda pairs: urlencode(pairs, errors="surrogatepass", encoding="utf-8")
)
broken_query = st.binary(max_size=60).map(lambda data: quote(data, safe="%&=+,;/?:@"))
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from([*LIKELY, "x" * 300, "x" * 11_000, "a\0b", "\ud800", "PROPOSAL", 9999999999999.99, 1e13, 0.001, -0.0, 100, 101]),
)
bodies = st.one_of(
    st.dictionaries(
        st.sampled_from(KEYS), st.one_of(values, st.lists(values, max_size=3), st.dictionaries(st.text(max_size=3), values, max_size=2))
    ),
    values,
    st.lists(values, max_size=3),
)
headers = st.dictionaries(
    st.sampled_from(["accept", "prefer", "if-match", "if-none-match", "idempotency-key", "content-type"]),
    st.one_of(
        st.sampled_from(["*/*", "application/json", "handling=strict", "*", '"1-x"', "k", ""]),
        st.binary(max_size=12).map(lambda data: data.translate(None, b"\r\n").decode("latin-1")),
    ),
    max_size=3,
)


@pytest.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """One application for all examples: nothing that they do may keep the next from being answered."""
    async with gateway(f"sqlite:///{tmp_path_factory.mktemp('properties') / 'gateway.db'}") as opened:
        await opened.make("/api/accounts/", name="A")
        yield opened


def well_refused(answer: Any, *, named: bool = False) -> None:
    """No defect, and any refusal in the one shape."""
    assert answer.status_code < 500, answer.text
    if answer.status_code < 400:
        return
    body = answer.json()
    assert STATUS[body["code"].upper()] == answer.status_code
    assert isinstance(body["detail"], str)
    assert body["detail"]
    items = body.get("errors", [])
    assert all(item["field"] and item["message"] and item["code"] for item in items)
    assert items or not named


@often
@given(query=st.one_of(raw_query, broken_query), more=headers)
async def test_any_query(here: Gateway, query: str, more: dict[str, str]) -> None:
    """Any query string, however it is broken, with any headers: a page, or a refusal."""
    for path in (OPPORTUNITIES, "/api/contacts/", f"{OPPORTUNITIES}opp_x/"):
        well_refused(await here.client.get(f"{path}?{query}", headers=_encoded(more)))


@often
@given(query=raw_query)
async def test_refused_parameters_are_named(here: Gateway, query: str) -> None:
    """A 400 for parameters always names one of those given."""
    answer = await here.client.get(f"{OPPORTUNITIES}?{query}")
    well_refused(answer, named=answer.status_code == 400)
    if answer.status_code == 400:
        assert {item["field"] for item in answer.json()["errors"]} <= set(PARAMETERS)


@often
@given(body=bodies, more=headers)
async def test_any_body(here: Gateway, body: Any, more: dict[str, str]) -> None:
    """Any JSON, and what only looks like it: a record, or a refusal that names fields of the body."""
    account = (await here.client.get("/api/accounts/")).json()["results"][0]["id"]
    if isinstance(body, dict):
        body = {"name": "N", "accountId": account} | body
    # The standard library also writes what is no JSON: NaN, lone surrogates.
    content = json.dumps(body).encode()
    for method, path in (
        ("POST", OPPORTUNITIES),
        ("PATCH", f"{OPPORTUNITIES}opp_x/"),
        ("POST", "/api/contacts/"),
        ("POST", "/api/accounts/"),
    ):
        answer = await here.client.request(method, path, content=content, headers={"content-type": "application/json"} | _encoded(more))
        well_refused(answer)


@often
@given(
    body=st.binary(max_size=80),
    path=st.text(st.characters(), max_size=20),
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"]),
)
async def test_any_bytes(here: Gateway, body: bytes, path: str, method: str) -> None:
    """Any bytes to any path by any method."""
    target = f"{OPPORTUNITIES}{quote(path, safe='', errors='surrogatepass')}/"
    well_refused(await here.client.request(method, target, content=body, headers={"content-type": "application/json"}))


@often
@given(number=st.decimals(-(10**13) + 1, 10**13 - 1, places=4), cents=st.integers(-(10**15) + 1, 10**15 - 1))
@example(number=Decimal("19.991"), cents=2_000)
def test_bounds_are_rounded_inwards(number: Decimal, cents: int) -> None:
    """Of whole cents, exactly those are within a bound that are within the bound as it was written; none equals what is between two."""
    amount = Decimal(cents) / 100
    for name, within in {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}.items():
        bound = Decimal(str(parameter_type(MONEY, name, None, print).read(str(number))))
        assert within(amount, number) == within(amount, bound), name
    exactly = parameter_type(MONEY, "eq", None, print)
    if number == round(number, 2):
        assert Decimal(str(exactly.read(str(number)))) == number
    else:
        with pytest.raises(ValueError, match="two decimals"):
            exactly.read(str(number))


@often
@given(
    day=st.dates(), clock=st.times(), zone=st.sampled_from(["", "Z", "+02:00", "-0530", " 01:00", "+14"]), between=st.sampled_from("Tt ")
)
def test_the_date_as_written_counts(day: date, clock: Any, zone: str, between: str) -> None:
    """Whatever the time and the zone, the day is the one that was written."""
    assert parameter_types.day(DATE).read(day.isoformat()) == day.isoformat()
    assert parameter_types.day(DATE).read(f"{day.isoformat()}{between}{clock.isoformat()}{zone}") == day.isoformat()


@often
@given(rows=st.integers(0, 3), limit=st.integers(1, 5))
async def test_pages_hold_every_row_once(here: Gateway, rows: int, limit: int) -> None:
    """Whatever the size of the pages, following `next` gives each row once."""
    if not (await here.client.get(OPPORTUNITIES)).json()["count"]:
        account = (await here.client.get("/api/accounts/")).json()["results"][0]["id"]
        for index in range(rows + 3):
            await here.make(OPPORTUNITIES, name=f"N {index}", accountId=account)
    seen: list[str] = []
    url: str | None = f"{OPPORTUNITIES}?limit={limit}"
    count = 0
    while url:
        page = (await here.client.get(url)).json()
        seen += [row["id"] for row in page["results"]]
        count, url = page["count"], page["next"]
        if len(seen) > 60:
            break
    assert len(set(seen)) == len(seen)
    assert len(seen) == count or len(seen) > 60


def _encoded(more: dict[str, str]) -> Any:
    return {name: value.encode("latin-1") for name, value in more.items()}
