"""Lists of every noun are narrowed, ordered and paged by what its declarations say; sums are grouped, and a user finds what is its own."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from schema.engine.compile.model import Model
from schema.rules.access import Role
from schema.rules.stages import STAGES
from schema.rules.text import fold, fold_name
from tests.schema.dataset import Row, World, ask, data

Key = Callable[[World, Row], Any]


def _account(world: World, row: Row) -> Row | None:
    return next((each for each in world.here.rows("account") if each["id"] == row["account_id"]), None)


def _account_name(world: World, row: Row) -> Any:
    account = _account(world, row)
    return None if account is None else account["name_folded"]


def _owner_name(world: World, row: Row) -> Any:
    return next((fold_name(each["name"]) for each in world.here.rows("user") if each["id"] == row["assigned_to_id"]), None)


def _weighted(_: World, deal: Row) -> Any:
    weight = {"CLOSED_WON": 100, "CLOSED_LOST": 0}.get(STAGES[deal["stage"]].name, deal["probability"])
    return None if deal["value_cents"] is None else (deal["value_cents"] * weight + 50) // 100


def _of(column: str) -> Key:
    return lambda _, row: row[column]


def _name(_: World, row: Row) -> Any:
    return fold_name(row["name"])


def _email(_: World, row: Row) -> Any:
    return fold(row["email"])


ORDERS: dict[str, dict[str, Key]] = {
    "account": {"NAME": _name, "INDUSTRY": _of("industry"), "CREATED_AT": _of("created_at"), "UPDATED_AT": _of("updated_at")},
    "contact": {"NAME": _name, "EMAIL": _email, "ACCOUNT_NAME": _account_name, "CREATED_AT": _of("created_at")},
    "user": {"NAME": _name, "EMAIL": _email, "ROLE": _of("role")},
    "opportunity": {
        "CLOSED_DATE": _of("closed_date"),
        "WEIGHTED_VALUE": _weighted,
        "ACCOUNT_NAME": _account_name,
        "OWNER_NAME": _owner_name,
    },
}
LISTS = {"account": "accounts", "contact": "contacts", "user": "users", "opportunity": "opportunities"}
TYPES = {table: table.capitalize() for table in LISTS}
PAGE = """query($orderBy: [%sOrder!], $filter: %sFilter, $first: Int, $last: Int, $after: String, $before: String) {
  found: %s(orderBy: $orderBy, filter: $filter, first: $first, last: $last, after: $after, before: $before) {
    totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def _page(world: World, table: str, **variables: Any) -> Any:
    document = PAGE % (TYPES[table], TYPES[table], LISTS[table])
    return (await data(world.graph, document, world.here.caller(), variables))["found"]


async def _walk(world: World, table: str, order: list[Row], *, forward: bool) -> list[str]:
    """All ids, three by three from one end, in the list's order."""
    found: list[str] = []
    arguments: Row = {"first" if forward else "last": 3, "orderBy": order}
    while True:
        page = await _page(world, table, **arguments)
        ids, info = [node["id"] for node in page["nodes"]], page["pageInfo"]
        found = found + ids if forward else ids + found
        if not info["hasNextPage" if forward else "hasPreviousPage"]:
            return found
        arguments |= {"after": info["endCursor"]} if forward else {"before": info["startCursor"]}


def _sorted(world: World, table: str, key: Key, *, descending: bool) -> list[str]:
    keyed = [(key(world, row), row["id"]) for row in world.here.rows(table)]
    present = sorted([each for each in keyed if each[0] is not None], reverse=descending)
    absent = sorted([each[1] for each in keyed if each[0] is None], reverse=descending)
    return [id_ for _, id_ in present] + absent


@pytest.mark.parametrize(("table", "name"), [(table, name) for table, names in ORDERS.items() for name in names])
async def test_every_order_is_walked_from_both_ends(world: World, table: str, name: str) -> None:
    """Each row comes once, in the order that Python sorts them in, through an expression or another record too; nulls come last."""
    for descending in (False, True):
        order = [{"field": name, "direction": "DESC" if descending else "ASC"}]
        wanted = _sorted(world, table, ORDERS[table][name], descending=descending)
        for forward in (True, False):
            assert await _walk(world, table, order, forward=forward) == wanted, (descending, forward)


def _named(text: str) -> Callable[[World, Row], bool]:
    return lambda _, row: fold(text) in fold(row["name"])


def _is_limited_or_left(owner: Row) -> bool:
    return bool(owner) and (owner["account_id"] is not None or not owner["is_active"])


FILTERS: list[tuple[str, Row, Callable[[World, Row], bool]]] = [
    ("account", {"name": {"contains": "STRASSE"}}, _named("straße")),
    ("account", {"industry": {"isNull": True}}, lambda _, row: row["industry"] is None),
    ("account", {"industry": {"notIn": ["Steel", "Wood"]}}, lambda _, row: row["industry"] is None),
    ("account", {"not": {"website": {"eq": "https://a.example"}}}, lambda _, row: row["website"] is None),
    ("contact", {"name": {"contains": "example"}}, lambda *_: False),
    ("contact", {"email": {"startsWith": "c1"}}, lambda _, row: fold(row["email"]).startswith("c1")),
    ("contact", {"name": {"startsWith": "zed"}}, lambda _, row: fold(row["name"]).startswith("zed")),
    ("contact", {"account": {"name": {"contains": "e"}}}, lambda world, row: "e" in (_account_name(world, row) or "")),
    ("contact", {"not": {"account": {"name": {"contains": "e"}}}}, lambda world, row: "e" not in (_account_name(world, row) or "")),
    ("user", {"role": {"in": ["ADMIN", "VIEWER"]}}, lambda _, row: row["role"] in {"admin", "viewer"}),
    ("user", {"isActive": False}, lambda _, row: not row["is_active"]),
    ("user", {"email": {"contains": "user3@"}}, lambda _, row: "user3@" in fold(row["email"])),
    ("opportunity", {"account": {"industry": {"eq": "Steel"}}}, lambda world, row: (_account(world, row) or {})["industry"] == "Steel"),
    ("opportunity", {"assignedTo": {"role": {"eq": "MEMBER"}}}, lambda world, row: _owner(world, row).get("role") == "member"),
    ("opportunity", {"not": {"assignedTo": {"role": {"eq": "MEMBER"}}}}, lambda world, row: _owner(world, row).get("role") != "member"),
    (
        "opportunity",
        {"assignedTo": {"or": [{"account": {"id": {"isNull": False}}}, {"isActive": False}]}},
        lambda world, row: _is_limited_or_left(_owner(world, row)),
    ),
]


def _owner(world: World, deal: Row) -> Row:
    return next((each for each in world.here.rows("user") if each["id"] == deal["assigned_to_id"]), {})


@pytest.mark.parametrize(("table", "filter_", "holds"), FILTERS, ids=[f"{table} {list(filter_)}" for table, filter_, _ in FILTERS])
async def test_every_noun_is_filtered(world: World, table: str, filter_: Row, holds: Callable[[World, Row], bool]) -> None:
    """What Python finds among the rows is what is found and counted, through references and their negations too."""
    wanted = {row["id"] for row in world.here.rows(table) if holds(world, row)}
    page = await _page(world, table, filter=filter_, first=100)
    assert {node["id"] for node in page["nodes"]} == wanted
    assert page["totalCount"] == len(wanted)


async def test_a_limited_viewer_learns_nothing_through_a_reference(world: World) -> None:
    """Neither a filter nor an order by a record that the viewer may not see tells anything of it."""
    viewer = world.here.viewer()
    document = "query($f: UserFilter, $o: [UserOrder!]) { users(filter: $f, orderBy: $o, first: 100) { nodes { id account { id } } } }"
    seen = (await data(world.graph, document, viewer))["users"]["nodes"]
    hidden = [user for user in seen if user["account"] is None]
    through = {"account": {"id": {"in": world.here.ids("account")}}}
    found = (await data(world.graph, document, viewer, {"f": through}))["users"]["nodes"]
    assert {user["id"] for user in found}.isdisjoint(user["id"] for user in hidden)


NOTHING = {"name": None}
EMPTIED: list[Row] = [{}, NOTHING, {"and": [NOTHING]}, {"or": [NOTHING, {"name": {"eq": "x"}}]}, {"not": NOTHING}, {"and": [{"or": [{}]}]}]


@pytest.mark.parametrize("emptied", [*EMPTIED, {"and": []}, {"or": []}, {"and": [NOTHING, {"name": {"eq": "x"}}]}])
async def test_conditions_on_a_record_say_something(world_on_sqlite: World, emptied: Row) -> None:
    """Conditions that null variables have emptied, at any depth, are an error: they would still leave out what has no such record."""
    given = {"filter": {"account": emptied}}
    answer = await ask(world_on_sqlite.graph, PAGE % ("Contact", "Contact", "contacts"), world_on_sqlite.here.caller(), given)
    assert bool(answer.errors) == (emptied in EMPTIED)
    if answer.errors:
        assert "`account` has no condition" in answer.errors[0]["message"]


async def test_events_are_not_followed_by_other_records(world_on_sqlite: World) -> None:
    """An event keeps ids alone, so conditions on the records are refused as the subscription begins, by name."""
    document = 'subscription { opportunityChanged(filter: {account: {name: {contains: "a"}}}) { type } }'
    graph = world_on_sqlite.graph
    with pytest.raises(Exception, match="can't be followed by `account`"):
        await anext(graph.subscribe(graph.prepare(document), {}, world_on_sqlite.here.caller()))


def test_states_of_before_a_filter(world_on_sqlite: World) -> None:
    """An event that was kept before a field could be filtered is compared as if the record had no value there."""
    model = Model(world_on_sqlite.graph.graphql_schema).filters["Opportunity"]
    for filter_, holds in (({"lossReason": {"eq": "Price"}}, False), ({"lossReason": {"isNull": True}}, True)):
        conditions = model.read(filter_)
        assert model.holds(conditions.shape, conditions.values, {"id": "opp_1", "account_id": "acc_1"}) == holds


GROUPS = """query($by: [OpportunityGroupBy!]!, $f: OpportunityFilter, $n: Int) { opportunityGroups(groupBy: $by, filter: $f, first: $n) {
  stage source lossReason owner { id name } account { id } summary { count totalValue } } }"""


async def test_sums_by_group(world: World) -> None:
    """Each group has the number of its deals, the greatest first, nulls a group of their own; what isn't grouped by is null."""
    caller, deals = world.here.caller(), world.here.rows("opportunity")
    found = (await data(world.graph, GROUPS, caller, {"by": ["OWNER", "STAGE"]}))["opportunityGroups"]
    wanted = Counter((deal["assigned_to_id"], STAGES[deal["stage"]].name) for deal in deals)
    told = {((group["owner"] or {}).get("id"), group["stage"]): group["summary"]["count"] for group in found}
    assert told == wanted
    assert [group["summary"]["count"] for group in found] == sorted(wanted.values(), reverse=True)
    assert all(group["source"] is None and group["account"] is None for group in found)
    for by, column in ("SOURCE", "source"), ("LOSS_REASON", "loss_reason"), ("ACCOUNT", "account_id"):
        found = (await data(world.graph, GROUPS, caller, {"by": [by], "f": {"isClosed": True}}))["opportunityGroups"]
        closed = Counter(deal[column] for deal in deals if STAGES[deal["stage"]].is_closed)
        key = {"SOURCE": "source", "LOSS_REASON": "lossReason", "ACCOUNT": "account"}[by]
        assert {group[key]["id"] if by == "ACCOUNT" else group[key]: group["summary"]["count"] for group in found} == closed
    assert len((await data(world.graph, GROUPS, caller, {"by": ["ACCOUNT"], "n": 2}))["opportunityGroups"]) == 2


@pytest.mark.parametrize("wrong", [{"by": []}, {"by": ["STAGE"] * 6}, {"by": ["STAGE"], "n": 251}, {"by": ["STAGE"], "n": -1}])
async def test_groups_that_cannot_be(world_on_sqlite: World, wrong: Row) -> None:
    """No column, more columns than the schema says, and a number out of range are errors that say so."""
    answer = await ask(world_on_sqlite.graph, GROUPS, world_on_sqlite.here.caller(), wrong)
    assert answer.errors
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"


MINE = """query($n: Int) { viewer { role opportunities(first: $n, orderBy: [{field: NAME}]) {
  totalCount nodes { id assignedTo { id } } pageInfo { hasNextPage } } } }"""


async def test_a_user_finds_its_own(world: World) -> None:
    """`viewer.opportunities` are those that the user looks after, paged; an API key, which looks after none, has no such list."""
    deals = world.here.rows("opportunity")
    for user in world.here.ids("user"):
        own = sorted((deal["name_folded"], deal["id"]) for deal in deals if deal["assigned_to_id"] == user)
        for size in (3, 100):
            viewer = (await data(world.graph, MINE, world.here.caller(Role.MEMBER, user_id=user), {"n": size}))["viewer"]
            mine = viewer["opportunities"]
            assert [node["id"] for node in mine["nodes"]] == [id_ for _, id_ in own][:size]
            assert mine["totalCount"] == len(own)
            assert mine["pageInfo"]["hasNextPage"] == (len(own) > size)
    assert (await data(world.graph, MINE, world.here.caller()))["viewer"]["opportunities"] is None


async def test_a_user_by_its_id(world: World) -> None:
    """`user(id)` finds those of the workspace that the caller may see, and no others."""
    document = "query($id: ID!) { user(id: $id) { name } }"
    for user in world.here.rows("user"):
        assert (await data(world.graph, document, world.here.caller(), {"id": user["id"]}))["user"] == {"name": user["name"]}
    assert (await data(world.graph, document, world.here.caller(), {"id": world.there.ids("user")[0]}))["user"] is None


HIDDEN = [
    ({"isNull": True}, {"isNull": False}),
    ({"notIn": ["ACCOUNT"]}, {"in": ["ACCOUNT"]}),
    ({"isNull": True}, {"eq": "ACCOUNT"}),
]


@pytest.mark.parametrize(("matching", "other"), HIDDEN, ids=str)
async def test_a_filter_tells_no_more_than_the_field(world: World, matching: Row, other: Row) -> None:
    """To a limited viewer the account of a user is null where it is another one; its filter holds it for none, `not` included."""
    limited = next(row for row in world.here.rows("user") if row["account_id"])
    owned = (deal["account_id"] for deal in world.here.rows("opportunity") if deal["assigned_to_id"] == limited["id"])
    caller = world.here.caller(Role.VIEWER, account_id=next(id_ for id_ in owned if id_ != limited["account_id"]))
    document = "query($filter: UserFilter) { users(filter: $filter, first: 100) { nodes { id account { id } } } }"

    async def found(condition: Row) -> list[Row]:
        given = {"accountId": {name: _named(value, limited["account_id"]) for name, value in condition.items()}}
        yes, no = [(await data(world.graph, document, caller, {"filter": one}))["users"]["nodes"] for one in (given, {"not": given})]
        everyone = (await data(world.graph, document, caller))["users"]["nodes"]
        assert sorted(node["id"] for node in [*yes, *no]) == sorted(node["id"] for node in everyone)
        return [*yes]

    assert {"id": limited["id"], "account": None} in await found(matching)
    assert limited["id"] not in [node["id"] for node in await found(other)]


def _named(value: Any, account: str) -> Any:
    return [account] if value == ["ACCOUNT"] else account if value == "ACCOUNT" else value
