"""What is drawn: bodies and parameters, mostly good ones; records are numbers, which become ids when the step is taken."""

from typing import Any

from hypothesis import strategies as st

from tests.end_to_end.parity.doors import ARRAYS
from tests.end_to_end.parity.model import DETAIL, PIPELINE, WRITABLE

KNOWN = {
    "opportunities": {
        *("stage", "accountId", "assignedTo", "closeDateAfter", "closeDateBefore", "valueMin", "valueMax", "search", "ordering"),
    },
    "accounts": {"search"},
    "contacts": {"search", "accountId"},
}

numbers = st.integers(0, 999)
doors = st.sampled_from(["rest", "graphql"])
kinds = st.sampled_from(["opportunities", "opportunities", "accounts", "contacts"])
stages = st.sampled_from(PIPELINE)
keys = st.sampled_from([None, None, None, "one", "two", "three", 'a "quoted", key'])
expecting = st.sampled_from(["any", "any", "current", "stale"])
named = st.lists(st.sampled_from(sorted(WRITABLE)), max_size=4, unique=True)
"""Keys of a deal that are sent as they are, beside what changes."""
waits = st.sampled_from([1, 1, 60, 3_600, 57_600, 86_400, 86_401, 200_000])

_days = st.sampled_from(["2025-12-31", "2026-01-15", "2026-01-16", "2026-02-28", "2028-02-29"])
_amounts = st.sampled_from([0, 0.01, 0.1, 5, 48000, 48000.5, 9999999999999.99])
_names = st.sampled_from(
    [
        "Deal",
        " Déal 100%",
        "STRASSE",
        "straße a_b",
        "Ωmega ﬁne",
        "🙂",
        "x" * 200,
        "De\u0301al 100%",
        "\ufeff 한 \u200b",
        "\u1112\u1161\u11ab",
    ]
)
_bad_names = st.sampled_from(["", "  ", "x" * 201])
_percents = st.sampled_from([0, 10, 40, 60, 99, 100])
_contacts = st.lists(numbers, max_size=3)


def _mostly(good: st.SearchStrategy[Any], *bad: Any) -> st.SearchStrategy[Any]:
    """One in twelve is bad, so that whole bodies are good more often than not."""
    return st.integers(0, 11).flatmap(lambda number: st.sampled_from(bad) if number == 11 else good) if bad else good


_optional = {
    "value": _mostly(st.none() | _amounts, -1, -0.01),
    "stage": stages,
    "probability": _mostly(_percents, -1, 101),
    "closeDate": st.none() | _days,
    "closedDate": _mostly(st.none(), "2026-01-14", "2026-01-16"),
    "lossReason": _mostly(st.none(), "Price", "", " ", "x" * 501),
    "assignedTo": st.none() | numbers,
    "source": _mostly(st.sampled_from([None, "", "\u200b", "Web", "réf"]), "x" * 101),
    "contactIds": st.none() | _contacts,
    "description": st.sampled_from([None, "", " \n", "Text\n— more"]),
}
_lost = st.fixed_dictionaries({"stage": st.just("closed_lost"), "lossReason": st.sampled_from(["Price", "x" * 500, None])})
_won = st.fixed_dictionaries({"stage": st.just("closed_won"), "closedDate": _days}, optional={"probability": _percents})

new_deals = st.fixed_dictionaries(
    {"name": _names | _mostly(_names, "", "  ", "\u200b\ufeff", "x" * 201), "accountId": numbers}, optional=_optional
)
deals = st.fixed_dictionaries({}, optional={"name": _names | st.none(), "accountId": numbers | st.none(), **_optional}) | _lost | _won
accounts = st.fixed_dictionaries(
    {"name": _mostly(_names, *["", " "])},
    optional={"website": st.sampled_from([None, "", "https://a.example"]), "industry": st.sampled_from([None, " ", "Steel"])},
)
contacts = st.fixed_dictionaries(
    {"email": st.integers(0, 40).map(lambda number: f"P{number}@Example.com")},
    optional={
        "firstName": st.sampled_from([None, "Sam", "ÉLAN"]),
        "lastName": st.sampled_from([None, "", "Kim", "Straße"]),
        "phone": st.sampled_from([None, "\t", "+1 555"]),
        "accountId": st.none() | numbers,
    },
)

_orders = ["name", "value", "stage", "probability", "closeDate", "createdAt", "updatedAt"]
_terms = st.lists(st.tuples(st.sampled_from(_orders), st.booleans()), min_size=1, max_size=3, unique_by=lambda term: term[0]).map(
    lambda terms: [("-" if descending else "") + name for name, descending in terms]
)
_several = st.lists(numbers, min_size=1, max_size=3, unique=True)
queries = st.fixed_dictionaries(
    {},
    optional={
        "stage": st.lists(stages, min_size=1, max_size=4, unique=True),
        "accountId": _several,
        "assignedTo": _several,
        "closeDateAfter": _days | _days.map(lambda day: f"{day}T23:30:00-05:00"),
        "closeDateBefore": _days | _days.map(lambda day: f"{day}T00:00:00Z"),
        "valueMin": _amounts,
        "valueMax": _amounts,
        "search": st.sampled_from(["deal", "DÉAL", " De\u0301al", "한", "ss", "%", "_", "é", "🙂", "x", "acme", "sam", "example.com"]),
        "ordering": _terms,
    },
).map(lambda query: dict(list(query.items())[-3:]))
_limits = st.sampled_from([1, 2, 3, 7, 20, 100])
pagings = st.one_of(
    st.just({}),
    st.fixed_dictionaries({}, optional={"page": st.integers(1, 4), "limit": _limits}),
    st.fixed_dictionaries({"offset": st.sampled_from([0, 1, 2, 5, 50, 2_147_483_647])}, optional={"limit": _limits}),
)
arrays = st.sampled_from(["commas", "commas", *ARRAYS])
fields = st.none() | st.lists(st.sampled_from(DETAIL), min_size=1, max_size=4, unique=True)
