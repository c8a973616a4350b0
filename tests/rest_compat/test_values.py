"""Odd numbers, dates and instants by every door, on both databases: refused in plain words, never a defect."""

import re
from itertools import product
from typing import Any

import pytest

from tests.end_to_end.event_clients import BOTH, Follow, Refused, take
from tests.end_to_end.fleet import access, in_process
from tests.rest_compat.real import OPPORTUNITIES, Gateway

AMOUNTS: list[Any] = [
    "1e999999",
    "1_000",
    "１０",
    "٣",
    "+5",
    "5e2",
    "1.0000000000000000000000000000001",
    "1e-2000000000",
    "NaN",
    " 5",
    "5\n",
]
AMOUNTS += ["", "1.", ".5", "1.000", "x" * 500, 5.001, 1e300, True, [1], {"a": 1}]
DATES: list[Any] = [
    "2025-W14-3",
    "20250402  ",
    "20250402",
    "2025-02-29",
    "0000-01-01",
    "２025-04-02",
    "2025-04-02T00:00:00Z",
    "2025-04-02\n",
    5,
    True,
]
INSTANTS: list[Any] = [
    "2025-W11-6T09:30Z",
    "20250315T093000Z",
    "2025-03-15x09:30:00Z",
    "2025-03-15 09:30:00Z",
    "2025-03-15T09:30:00+00:00:30",
]
INSTANTS += [
    "2025-03-15T09:30Z",
    "2025-03-15T09:30:00",
    "2025-03-15T24:00:00Z",
    "2025-03-15T09:30:60Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-00:01",
]
INSTANTS += ["2025-03-15T09:30:00,5Z", " 2025-03-15T09:30:00Z", "2025-03-15T09:30:00+0100", 5, True]
FILTERED = "query($filter: OpportunityFilter) { opportunities(filter: $filter) { totalCount } }"
FOLLOWED = "subscription($filter: OpportunityFilter) { opportunityChanged(filter: $filter) { cursor } }"
INTERNAL = re.compile(r"\b(True|False|None|NoneType|decimal|int_max_str_digits|Traceback|Error|Exception)\b")


async def said(here: Gateway, query: str, **variables: Any) -> tuple[str, str]:
    """Code and message of the only error."""
    answer = await here.client.post("/graphql", json={"query": query, "variables": variables})
    assert answer.status_code in {200, 400}
    (error,) = answer.json()["errors"]
    assert len(error["message"]) <= 400
    assert not INTERNAL.search(error["message"]), error["message"]
    return error["extensions"]["code"], error["message"]


async def refused(here: Gateway, path: str, body: dict[str, Any]) -> dict[str, str]:
    """The only fault of a body, which is 422."""
    answer = await here.client.patch(path, json=body)
    assert answer.status_code == 422, answer.text
    (item,) = answer.json()["errors"]
    assert len(item["message"]) < 300
    assert not INTERNAL.search(item["message"]), item["message"]
    return dict(item)


async def a_deal(here: Gateway) -> str:
    account = (await here.make("/api/accounts/", name="A"))["id"]
    return f"{OPPORTUNITIES}{(await here.make(OPPORTUNITIES, name='N', accountId=account, value=1000))['id']}/"


async def test_amounts_that_are_none(here: Gateway) -> None:
    """A text that is no plain decimal, and all that is no number, is refused in a filter and in a body; both say what to write."""
    deal = await a_deal(here)
    for value in AMOUNTS:
        code, message = await said(here, FILTERED, filter={"value": {"gte": value}})
        assert (code, "at value.gte" in message, "at most two decimals" in message) == ("BAD_REQUEST", True, True)
        item = await refused(here, deal, {"value": value})
        assert (item["field"], "at most two decimals" in item["message"]) == ("value", True)
    assert (await here.client.get(deal)).json()["value"] == 1000


async def test_amounts_that_are_some(here: Gateway) -> None:
    """JSON numbers with an exponent and minus zero stay amounts, and so do digits as text."""
    deal = await a_deal(here)
    for given, wanted in (
        (b"1e3", b"1000"),
        (b"-0", b"0"),
        (b"-0.0", b"0"),
        (b'"12.5"', b"12.5"),
        (b'"9999999999999.99"', b"9999999999999.99"),
    ):
        answer = await here.client.patch(deal, content=b'{"value": %s}' % given, headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
        assert b'"value":%s,' % wanted in answer.content


async def test_dates_that_are_none(here: Gateway) -> None:
    """Only RFC 3339's full-date is a date, in a filter and in a body."""
    deal = await a_deal(here)
    for value in DATES:
        code, message = await said(here, FILTERED, filter={"closeDate": {"gte": value}})
        assert (code, "write YYYY-MM-DD" in message) == ("BAD_REQUEST", True)
        item = await refused(here, deal, {"closeDate": value})
        assert (item["field"], "write YYYY-MM-DD" in item["message"]) == ("closeDate", True)


async def test_instants_that_are_none(here: Gateway) -> None:
    """Only RFC 3339's date-time is an instant, in a filter and in an input."""
    create = 'mutation($at: DateTime) { createApiKey(input: {name: "k", role: VIEWER, expiresAt: $at}) { apiKey { id } } }'
    for value in INSTANTS:
        code, message = await said(here, FILTERED, filter={"updatedAt": {"gte": value}})
        assert (code, "with Z or an offset" in message) == ("BAD_REQUEST", True)
        code, message = await said(here, create, at=value)
        assert (code, "with Z or an offset" in message) == ("BAD_REQUEST", True)


async def test_instants_that_are_some(here: Gateway) -> None:
    """Small letters and any offset are read; of a fraction the second is kept, and a leap second is the second before it."""
    create = 'mutation($at: DateTime) { createApiKey(input: {name: "k", role: VIEWER, expiresAt: $at}) { apiKey { expiresAt } } }'
    for given, wanted in {
        "2035-03-15t09:30:00z": "2035-03-15T09:30:00Z",
        "2035-03-15T09:30:00.999+05:30": "2035-03-15T04:00:00Z",
        "2035-12-31T23:59:60Z": "2035-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999Z": "9999-12-31T23:59:59Z",
    }.items():
        assert (await here.query(create, {"at": given}))["createApiKey"]["apiKey"]["expiresAt"] == wanted


@pytest.mark.parametrize("follow", BOTH)
async def test_subscriptions_refuse_them_too(sqlite_url: str, follow: Follow) -> None:
    """A filter with a value that is none is refused when it is subscribed with, over both transports."""
    who = await access(sqlite_url)
    filters = [{"value": {"gte": value}} for value in AMOUNTS] + [{"updatedAt": {"lt": value}} for value in INSTANTS]
    async with in_process(sqlite_url) as (address, _):
        for given in filters:
            with pytest.raises(Refused) as caught:
                await take(follow(address, who.token, FOLLOWED, filter=given), 1)
            assert caught.value.code == "BAD_REQUEST"


LITERALS = ["1e999999", "1" * 5_000, "-" + "1" * 5_000, "1." + "1" * 5_000, "true", "[1]", "{a: 1}", "X", '"x"']


async def test_literals_in_plain_words(here: Gateway) -> None:
    """Whatever stands in a document where a number, a text, a boolean is wanted, the error is short, and in no programming language."""
    fields = ("value: {gte: %s}", "probability: {eq: %s}", "isClosed: %s", "name: {eq: %s}", "closeDate: {eq: %s}", "stage: {eq: %s}")
    for literal, field in product(LITERALS, fields):
        if (literal, field[:4]) not in {('"x"', "name"), ("true", "isCl")}:
            code, _ = await said(here, f"{{ opportunities(filter: {{{field % literal}}}) {{ totalCount }} }}")
            assert code == "BAD_REQUEST"


async def test_nulls_in_plain_words(here: Gateway) -> None:
    """What must not be null is said to be null, in a document and in a variable."""
    assert "null" in (await said(here, "{ opportunity(id: null) { id } }"))[1]
    assert await said(here, "query($id: ID!) { opportunity(id: $id) { id } }", id=None) == (
        "BAD_REQUEST",
        "Variable '$id': The value must not be null.",
    )
    assert await said(here, "query($id: ID!) { opportunity(id: $id) { id } }") == ("BAD_REQUEST", "Variable '$id': A value is required.")
    # Only a place with a default takes a variable that may be null: it is found out once the variable's value is known.
    for document in (
        "query($d: Direction) { opportunities(orderBy: [{field: NAME, direction: $d}]) { totalCount } }",
        "query($d: Boolean) { previewUpdateOpportunity(id: 1, input: {}, ignoreUnchanged: $d) { changes { field } } }",
        'mutation($d: Boolean) { updateOpportunity(id: 1, input: {name: "A"}, ignoreUnchanged: $d) { opportunity { id } } }',
    ):
        code, message = await said(here, document, d=None)
        assert (code, "null" in message, "None" in message) == ("BAD_REQUEST", True, False), message


VARIABLES: list[tuple[dict[str, Any], str]] = [
    ({"first": "5"}, "Variable '$first': \"5\" is not a whole number."),
    ({"first": 2**31}, "Variable '$first': 2147483648 is not a whole number"),
    ({"first": True}, "Variable '$first': true is not a whole number"),
    ({"filter": 5}, "Variable '$filter': 5 is not an object of the type OpportunityFilter."),
    ({"filter": {"nope": 1}}, "Variable '$filter', at nope: There is no such field in OpportunityFilter."),
    ({"filter": {"stage": {"eq": "won"}}}, "Variable '$filter', at stage.eq: \"won\" is not one of PROSPECTING, QUALIFICATION"),
    ({"filter": {"or": [{}, {"name": {"eq": 5}}]}}, "Variable '$filter', at or.1.name.eq: 5 is not a text."),
    ({"filter": {"isClosed": "true"}}, "Variable '$filter', at isClosed: \"true\" is not true or false."),
    ({"filter": {"id": {"eq": 1.5}}}, "Variable '$filter', at id.eq: 1.5 is not an id"),
]


async def test_variables_in_plain_words(here: Gateway) -> None:
    """An error names the variable, the place in it, the value and what is allowed."""
    query = "query($filter: OpportunityFilter, $first: Int) { opportunities(filter: $filter, first: $first) { totalCount } }"
    for variables, wanted in VARIABLES:
        code, message = await said(here, query, **variables)
        assert (code, message[: len(wanted)]) == ("BAD_REQUEST", wanted)


PARAMETERS: list[tuple[str, int | None]] = [
    ("valueMin=1e3", 1),
    ("valueMin=1e+3", 1),
    ("valueMin=1E%2B03", 1),
    ("valueMin=1000.000000000000000000000000000000000000000000000001", 0),
    ("valueMax=1000.000000000000000000000000000000000000000000000001", 1),
    ("valueMin=" + "0" * 5_000 + "1000", 1),
    ("valueMin=0." + "9" * 5_000, 1),
    ("valueMin=0.000000000001e15", 1),
    ("valueMin=1e-999", 1),
    ("valueMax=-0.0001", 0),
    ("valueMin=-1e12&valueMax=1e12", 1),
    ("valueMin=9999999999999.9900000000000000000000000000000000000001", None),
    ("valueMin=" + "1" * 5_000, None),
    ("valueMin=1e-2000000000", None),
    ("valueMin=1e2000000000", None),
    ("valueMin=1e999", None),
    ("valueMin=1_000", None),
    ("valueMin=%D9%A3", None),
    ("valueMin=%2B5", None),
    ("valueMin=1000%20", None),
    ("valueMin=NaN", None),
    ("closeDateAfter=2025-W14-3", None),
    ("closeDateAfter=20250402", None),
    ("closeDateAfter=0000-01-01", None),
    ("closeDateAfter=%EF%BC%92025-04-02", None),
    ("closeDateAfter=2025-04-02%20", None),
    ("page=%D9%A1", None),
    ("limit=1_0", None),
]


async def test_parameters(here: Gateway) -> None:
    """Bounds are plain decimals of any length, exponents of up to three digits; what is refused is named, with what is allowed."""
    await a_deal(here)
    for query, wanted in PARAMETERS:
        answer = await here.client.get(f"{OPPORTUNITIES}?{query}")
        if wanted is not None:
            assert (answer.status_code, answer.json()["count"]) == (200, wanted), query
            continue
        assert answer.status_code == 400, query
        (item,) = answer.json()["errors"]
        assert item["field"] == query.partition("=")[0]
        assert "allowed is" in item["message"]
        assert len(item["message"]) < 300


AROUND = ["{assignedToId: {eq: $me}}", "{or: [{assignedToId: {eq: $me}}]}", "{not: {assignedToId: {eq: $me}}}", "{contactId: {eq: $me}}"]
NULLS = [f"query($me: ID) {{ opportunities(filter: {around}) {{ totalCount }} }}" for around in AROUND]


async def test_null_shows_nobody_everything(here: Gateway) -> None:
    """A filter by a variable that is null or absent is an error that says what to write, and not everybody's deals."""
    await a_deal(here)
    for query, variables in product(NULLS, ({}, {"me": None})):
        code, message = await said(here, query, **variables)
        assert (code, "`isNull`" in message) == ("BAD_REQUEST", True)


LARGE = [{"or": [{"or": [{"or": []}] * 250}] * 4}, {"or": [{"or": [{}] * 250}] * 60}, {"id": {"in": ["x"] * 251}}, {"and": [{}] * 99}]


async def test_large_filters(here: Gateway) -> None:
    """A filter of too many parts is the caller's fault on every database, and says so."""
    for filter_ in LARGE:
        assert (await said(here, FILTERED, filter=filter_))[0] == "BAD_REQUEST"


@pytest.mark.parametrize("follow", BOTH)
async def test_large_and_null_filters_are_not_followed(sqlite_url: str, follow: Follow) -> None:
    """The same over both transports, when it is subscribed."""
    who = await access(sqlite_url)
    async with in_process(sqlite_url) as (address, _):
        for filter_ in [*LARGE, {"assignedToId": {"eq": None}}, {"not": {"stage": {}}}]:
            with pytest.raises(Refused) as caught:
                await take(follow(address, who.token, FOLLOWED, filter=filter_), 1)
            assert caught.value.code == "BAD_REQUEST"


async def test_bounds_between_two_seconds(here: Gateway) -> None:
    """A bound with a fraction lies behind the second that a record was changed in, whichever way it is asked."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    at = (await here.make(OPPORTUNITIES, name="N", accountId=account))["updatedAt"].removesuffix("Z")
    counts = {}
    for operator in ("gt", "gte", "lt", "lte"):
        for instant in (f"{at}Z", f"{at}.500Z", f"{at}.0Z"):
            filter_ = {"updatedAt": {operator: instant}}
            counts[operator, instant[19:]] = (await here.query(FILTERED, {"filter": filter_}))["opportunities"]["totalCount"]
    wanted = {"gt": (0, 0, 0), "gte": (1, 0, 1), "lt": (0, 1, 0), "lte": (1, 1, 1)}
    ends = ("Z", ".500Z", ".0Z")
    assert counts == {(operator, end): count for operator, each in wanted.items() for end, count in zip(ends, each, strict=True)}
