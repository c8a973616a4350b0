"""Hypothesis strategies for filters and orders over a world's own values."""

from typing import Any

from hypothesis import strategies as st

from tests.schema.dataset import CENTS, DAYS, INSTANTS, SOURCES, WORDS, Tenant
from tests.schema.model import ORDERS, STAGE_NAMES

MONEY = st.sampled_from([cents for cents in CENTS if cents is not None]).map(lambda cents: cents / 100)
INT = st.sampled_from([0, 10, 20, 40, 50, 100, -1, 40_000, 2**31 - 1])
DAY = st.sampled_from([day for day in DAYS if day])
INSTANT = st.sampled_from([*INSTANTS, "2025-03-01T00:00:00Z", *(instant.replace("Z", ".5Z") for instant in INSTANTS)])
INSTANT = INSTANT | st.sampled_from(["2025-01-01T01:00:00.000001+01:00", "2025-01-01t00:00:00.000z"])
TEXT = st.sampled_from(
    [
        *WORDS,
        *(source for source in SOURCES if source is not None),
        "%",
        "_",
        "a",
        "ss",
        "SS",
        "i̇",
        "ΩM",
        "ＦU",
        "fé",
        "FE\u0301",
        "한",
        " b",
    ]
)
TEXT = TEXT | st.sampled_from(["fé", "FE\u0301", "한", " b"]) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
STAGE = st.sampled_from(STAGE_NAMES)


def _operators(value: st.SearchStrategy[Any], names: str) -> st.SearchStrategy[dict[str, Any]]:
    kinds = {"in": st.lists(value, max_size=3), "notIn": st.lists(value, max_size=3), "isNull": st.booleans()}
    drawn = {name: kinds.get(name, value) for name in names.split()}
    chosen = st.lists(st.sampled_from(sorted(drawn)), min_size=1, max_size=2, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: drawn[name] for name in names}))


def _ids(ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return _operators(st.sampled_from([*ids, "none_0"]), "eq in notIn isNull")


def filters(tenant: Tenant) -> st.SearchStrategy[dict[str, Any]]:
    """Filter trees in their JSON form."""
    fields = {
        "id": _ids(tenant.ids("opportunity")[:5]),
        "accountId": _ids(tenant.ids("account")),
        "assignedToId": _ids(tenant.ids("user")),
        "contactId": _ids(tenant.ids("contact")),
        "stage": _operators(STAGE, "eq in notIn"),
        "isClosed": st.booleans(),
        "value": _operators(MONEY, "eq gt gte lt lte isNull"),
        "probability": _operators(INT, "eq gt gte lt lte"),
        "closeDate": _operators(DAY, "eq gt gte lt lte isNull"),
        "closedDate": _operators(DAY, "eq gt gte lt lte isNull"),
        "createdAt": _operators(INSTANT, "gt gte lt lte"),
        "updatedAt": _operators(INSTANT, "gt gte lt lte"),
        "name": _operators(TEXT, "eq in contains startsWith isNull"),
        "source": _operators(TEXT, "eq in contains startsWith isNull"),
    }
    leaf = st.sampled_from(sorted(fields)).flatmap(lambda name: (st.none() | fields[name]).map(lambda value: {name: value}))
    pair = st.tuples(leaf, leaf).map(lambda both: both[0] | both[1])

    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        lists = st.lists(inner, max_size=3)
        tree = lists.map(lambda each: {"and": each}) | lists.map(lambda each: {"or": each}) | inner.map(lambda each: {"not": each})
        return tree | st.tuples(leaf, tree).map(lambda both: both[0] | both[1])

    return st.recursive(leaf | pair, grown, max_leaves=6)


def orders() -> st.SearchStrategy[list[tuple[str, bool]]]:
    """(field, descending) terms, none twice."""
    term = st.tuples(st.sampled_from(sorted(ORDERS)), st.booleans())
    return st.lists(term, max_size=3, unique_by=lambda each: each[0])


def as_input(terms: list[tuple[str, bool]]) -> list[dict[str, str]]:
    """Terms as the graph takes them."""
    return [{"field": field, "direction": "DESC" if descending else "ASC"} for field, descending in terms]
