"""Orders and pages: keyset cursors walk every row once, in the order that offsets see, whatever the order, the nulls and the ties."""

from base64 import urlsafe_b64encode
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.engine.document.documents import RequestError
from schema.rules.cursors import CursorScope, workspace_tag
from tests.schema.dataset import Row, World, ask, data, fill, make_tenant
from tests.schema.model import ORDERS, chosen
from tests.schema.strategies import as_input, orders

PAGE = """query($orderBy: [OpportunityOrder!], $first: Int, $last: Int, $after: String, $before: String, $offset: Int) {
  opportunities(orderBy: $orderBy, first: $first, last: $last, after: $after, before: $before, offset: $offset) {
    edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }"""
EACH = [[(field, descending)] for field in ORDERS for descending in (False, True)]
MIXED = [
    [("VALUE", True), ("CLOSE_DATE", False)],
    [("CLOSE_DATE", True), ("VALUE", True), ("NAME", True)],
    [("STAGE", False), ("CREATED_AT", True)],
    [("PROBABILITY", True), ("STAGE", True)],
    [(field, place % 2 == 0) for place, field in enumerate(ORDERS)],
]


async def _page(world: World, terms: list[tuple[str, bool]], **arguments: Any) -> Any:
    found = await data(world.graph, PAGE, world.here.caller(), {"orderBy": as_input(terms), **arguments})
    return found["opportunities"]


def _ids(page: Any) -> list[str]:
    return [edge["node"]["id"] for edge in page["edges"]]


async def _walk(world: World, terms: list[tuple[str, bool]], size: int, *, forward: bool) -> list[str]:
    """All ids, page by page from one end, in the list's order; asserts what each page says of itself."""
    found: list[str] = []
    arguments: Row = {"first" if forward else "last": size}
    while True:
        page = await _page(world, terms, **arguments)
        info, edges = page["pageInfo"], page["edges"]
        assert [info["startCursor"], info["endCursor"]] == [edges[0]["cursor"], edges[-1]["cursor"]]
        more, behind = info["hasNextPage"], info["hasPreviousPage"]
        if not forward:
            more, behind = behind, more
        assert behind == bool(found)
        found = found + _ids(page) if forward else _ids(page) + found
        assert more == (len(found) < page["totalCount"])
        if not more:
            return found
        arguments |= {"after": info["endCursor"]} if forward else {"before": info["startCursor"]}


@pytest.mark.parametrize("size", [1, 7, 60])
async def test_every_row_once(world: World, size: int) -> None:
    """Forward by `after`, backward by `before`: every row once, in the model's order, for each single order and for mixed ones."""
    for terms in EACH[:4] + MIXED[:1] if size == 1 else [*EACH, *MIXED, []]:
        expected = [deal["id"] for deal in chosen(world.here, terms=terms)]
        for forward in (True, False):
            assert await _walk(world, terms, size, forward=forward) == expected, terms


async def test_drawn_orders(world: World) -> None:
    """Drawn orders of several terms walk as offsets do."""
    drawn: list[tuple[list[tuple[str, bool]], int]] = []

    @settings(max_examples=25, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(orders(), st.integers(9, 40))
    def draw(terms: list[tuple[str, bool]], size: int) -> None:
        drawn.append((terms, size))

    draw()
    for terms, size in drawn:
        expected = [deal["id"] for deal in chosen(world.here, terms=terms)]
        walked = await _walk(world, terms, size, forward=True)
        by_offset = [id_ for offset in range(0, 60, size) for id_ in _ids(await _page(world, terms, first=size, offset=offset))]
        assert walked == by_offset == expected


async def test_between_cursors(world: World) -> None:
    """`first` before a cursor and `last` after one are the ends of what lies on that side, and pageInfo tells both sides truly."""
    terms = [("VALUE", False)]
    expected = [deal["id"] for deal in chosen(world.here, terms=terms)]
    cursors = [edge["cursor"] for edge in (await _page(world, terms, first=60))["edges"]]
    for place in (1, 5, 30, 59):
        for size in (1, 5, 100):
            before = await _page(world, terms, first=size, before=cursors[place])
            assert _ids(before) == expected[:place][:size]
            assert (before["pageInfo"]["hasPreviousPage"], before["pageInfo"]["hasNextPage"]) == (False, True)
            after = await _page(world, terms, last=size, after=cursors[place - 1])
            assert _ids(after) == expected[place:][-size:]
            assert (after["pageInfo"]["hasPreviousPage"], after["pageInfo"]["hasNextPage"]) == (True, False)
            plain = await _page(world, terms, before=cursors[place])
            assert _ids(plain) == expected[max(0, place - 20) : place]


async def test_empty_pages(world: World) -> None:
    """A page of nothing has no cursors, and still says whether there is more."""
    nothing = await _page(world, [], first=0)
    assert (nothing["edges"], nothing["totalCount"]) == ([], 60)
    assert nothing["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    past = await _page(world, [], first=5, offset=1000)
    assert (past["edges"], past["pageInfo"]["hasNextPage"], past["pageInfo"]["hasPreviousPage"]) == ([], False, True)


INFO = "pageInfo { hasNextPage hasPreviousPage }"
NARROWED = f"""query($filter: OpportunityFilter, $first: Int, $last: Int, $after: String, $before: String, $offset: Int) {{
  opportunities(filter: $filter, first: $first, last: $last, after: $after, before: $before, offset: $offset) {{ %s {INFO} }} }}"""


@pytest.mark.parametrize("counting", ["", "totalCount"])
@pytest.mark.parametrize("wanted", [0, 1, 3, 60])
async def test_what_stands_before_an_offset(world: World, counting: str, wanted: int) -> None:
    """Rows stand before an offset that is not 0 if there are any rows, wherever the list ends; they follow where it isn't past the end."""
    ids = [deal["id"] for deal in chosen(world.here)][:wanted]
    for offset in (0, 1, 2, 3, 5, 59, 60, 1000):
        for first in (0, 1, 100):
            variables = {"filter": {"id": {"in": ids}}, "first": first, "offset": offset}
            for document in (NARROWED % f"nodes {{ id }} {counting}", NARROWED % counting):
                found = (await data(world.graph, document, world.here.caller(), variables))["opportunities"]["pageInfo"]
                told = found["hasPreviousPage"], found["hasNextPage"]
                assert told == (offset > 0 and wanted > 0, offset + first < wanted), (variables, document)


async def test_what_stands_beside_a_cursor(world: World) -> None:
    """On the far side of a cursor stand rows if there are any at it or behind it: its own may be gone, or not be in this list."""
    cursors = {edge["node"]["id"]: edge["cursor"] for edge in (await _page(world, [], first=100))["edges"]}
    ids = [*cursors]
    for kept in (ids[5:10], ids[:1], ids[-1:], [], ids):
        for at in (ids[0], ids[4], ids[5], ids[7], ids[9], ids[10], ids[59]):
            before = [id_ for id_ in kept if ids.index(id_) <= ids.index(at)]
            after = [id_ for id_ in kept if ids.index(id_) > ids.index(at)]
            earlier = [id_ for id_ in before if id_ != at]
            later = kept[len(earlier) :]
            for size in (1, 3, 100):
                for arguments, wanted in (
                    ({"first": size, "after": cursors[at]}, (bool(before), len(after) > size)),
                    ({"last": size, "after": cursors[at]}, (bool(before) or len(after) > size, False)),
                    ({"last": size, "before": cursors[at]}, (len(earlier) > size, bool(later))),
                    ({"first": size, "before": cursors[at]}, (False, bool(later) or len(earlier) > size)),
                ):
                    variables = {"filter": {"id": {"in": kept}}, **arguments}
                    found = (await data(world.graph, NARROWED % "", world.here.caller(), variables))["opportunities"]["pageInfo"]
                    assert (found["hasPreviousPage"], found["hasNextPage"]) == wanted, (kept, at, arguments)


async def test_what_stands_beside_the_pages_of_parents(world: World) -> None:
    """The same below each of many parents, of whom some have no row, for an offset and for a cursor."""
    caller = world.here.caller()
    every = {account: [deal["id"] for deal in chosen(world.here, {"accountId": {"eq": account}})] for account in world.here.ids("account")}
    cursors = {edge["node"]["id"]: edge["cursor"] for edge in (await _page(world, [], first=100))["edges"]}
    order, at = [*cursors], [*cursors][30]
    document = f"""query($ids: [ID!]!, $offset: Int, $after: String) {{ nodes(ids: $ids) {{ ... on Account {{ id
      opportunities(first: 2, offset: $offset, after: $after) {{ nodes {{ id }} {INFO} }} }} }} }}"""
    for arguments in ({"offset": 3}, {"offset": 1000}, {"after": cursors[at]}, {}):
        for ids in ([*every], [*every][:1]):
            found = (await data(world.graph, document, caller, {"ids": ids, **arguments}))["nodes"]
            for account in found:
                deals = every[account["id"]]
                begin = (
                    len([id_ for id_ in deals if order.index(id_) <= order.index(at)])
                    if "after" in arguments
                    else arguments.get("offset", 0)
                )
                told = account["opportunities"]["pageInfo"]
                assert told["hasPreviousPage"] == (begin > 0 and bool(deals)), (arguments, account)
                assert told["hasNextPage"] == (begin + 2 < len(deals))


async def test_cursors_are_stable_under_inserts(world: World) -> None:
    """Rows that come in between never make a walk repeat or leave out one that was there when it began."""
    for terms in ([], [("VALUE", True)], [("NAME", False)]):
        before = [deal["id"] for deal in chosen(world.here, terms=terms)]
        found: list[str] = []
        arguments: Row = {"first": 13}
        while True:
            page = await _page(world, terms, **arguments)
            found += _ids(page)
            if not page["pageInfo"]["hasNextPage"]:
                break
            arguments["after"] = page["pageInfo"]["endCursor"]
            await _insert(world, len(found))
        assert [id_ for id_ in found if id_ in set(before)] == before
        assert len(set(found)) == len(found)


async def _insert(world: World, seed: int) -> None:
    """Five more deals in the workspace."""
    more = make_tenant(Random(f"{seed} {len(world.here.rows('opportunity'))}"), "More", deals=5)
    accounts = world.here.ids("account")
    rows = [row | {"workspace_id": world.here.id, "account_id": accounts[0], "assigned_to_id": None} for row in more.rows("opportunity")]
    world.here.tables["opportunity"] = world.here.rows("opportunity") + rows
    more.tables = {"opportunity": rows}
    await fill(world.database, more)


def _forged(tag: str) -> list[str]:
    values: list[Any] = [
        None, 0, -1, 2**31, 2**40, 2**63 - 1, 2**64, 1.5, 1e400, True, [], {}, "", "x", "\0", "0000-00-00", "2025-02-30", "9999-12-31",
        "2025-01-01", "2025-01-01T00:00:00Z", "2025-13-01T00:00:00Z", "2025-01-01T24:00:00Z", "0000-01-01T00:00:00Z", "٢٠٢٥-٠١-٠١",
        "2025-W01-1", "2025-01-01T00:00:60Z", "x" * 2000, "opp_0", "\ud800",
    ]  # fmt: skip
    codes = [chr(ord("a") + place) for place in range(7)] + [chr(ord("A") + place) for place in range(7)]
    good = [f"opportunity.{code}" for code in codes]
    shapes: list[Any] = [[place, tag, 0, value, "opp_0"] for place in good for value in values]
    shapes += [[f"opportunity.{code}", tag, 0, "2025-01-01", value] for code in "eEfF" for value in values]
    shapes += [["opportunity.F", value, 0, "2025-01-01T00:00:00Z", "opp_0"] for value in values]
    shapes += [["opportunity.F", tag, 0], ["opportunity.F", tag], ["opportunity.F"], ["opportunity.A", tag, 0, "a", "b", "c"]]
    texts = [_dumped(shape) for shape in (*shapes, [], ["a"], ["F"], {}, "a", 1, None, ["a", 1, 2, 3], [["a"], 1, "x"], [None, 1, "x"])]
    return [urlsafe_b64encode(text).decode() for text in texts] + ["", " ", "é", "====", "YQ", "WyJhIl0", "A" * 5000, "\U0001f642", "Wy1d"]


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        return b'["opportunity.a", "", 0, 123456789012345678901234567890, "\\ud800"]'


async def test_forged_cursors(world: World) -> None:
    """A cursor that isn't ours is the caller's fault, or by chance a position like one of ours: never a defect, on either database."""
    seen = set()
    forged = _forged(workspace_tag(world.here.id))
    for order in (*EACH, MIXED[0]):
        for cursor in forged if order in EACH[::3] else forged[::7]:
            for name in ("after", "before"):
                variables = {"orderBy": as_input(order), name: cursor}
                answer = await ask(world.graph, PAGE, world.here.caller(), variables)
                codes = {error["extensions"]["code"] for error in answer.errors or ()}
                assert answer.executed, (order, cursor)
                assert codes <= {"BAD_REQUEST"}, (order, cursor, answer.errors)
                seen |= codes or {"served"}
    assert seen == {"BAD_REQUEST", "served"}


@settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=30) | st.binary(max_size=30).map(lambda raw: urlsafe_b64encode(raw).decode()), st.sampled_from(EACH + MIXED))
async def test_drawn_cursors(world: World, cursor: str, terms: list[tuple[str, bool]]) -> None:
    """Any text for a cursor gets BAD_REQUEST."""
    answer = await ask(world.graph, PAGE, world.here.caller(), {"orderBy": as_input(terms), "after": cursor})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_cursor_belongs_to_its_order(world: World) -> None:
    """A cursor of another order, or of the same in the other direction, is refused."""
    cursor = (await _page(world, [("VALUE", False)], first=1))["pageInfo"]["endCursor"]
    assert (await _page(world, [("VALUE", False)], first=1, after=cursor))["edges"]
    for terms in ([], [("VALUE", True)], [("NAME", False)], [("VALUE", False), ("NAME", False)]):
        answer = await ask(world.graph, PAGE, world.here.caller(), {"orderBy": as_input(terms), "after": cursor})
        assert answer.errors is not None, terms
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"


LISTS = {
    "opportunities": "opportunities(first: 1{0}) {{ edges {{ cursor }} }}",
    "accounts": "accounts(first: 1{0}) {{ edges {{ cursor }} }}",
    "contacts": "contacts(first: 1{0}) {{ edges {{ cursor }} }}",
    "users": "users(first: 1{0}) {{ edges {{ cursor }} }}",
}


async def test_a_cursor_belongs_to_its_list_and_workspace(world: World) -> None:
    """A cursor of accounts is none of opportunities, nor one of another workspace: the same place there means nothing."""
    here, there = world.here.caller(), world.there.caller()
    cursors = {
        name: (await data(world.graph, f"{{ {part.format('')} }}", here))[name]["edges"][0]["cursor"] for name, part in LISTS.items()
    }
    assert len(set(cursors.values())) == len(LISTS)
    document = "query($after: String) {{ {0} }}"
    for name, part in LISTS.items():
        asking = document.format(part.format(", after: $after"))
        for other, cursor in cursors.items():
            answer = await ask(world.graph, asking, here, {"after": cursor})
            assert (answer.errors is None) == (name == other), (name, other)
            elsewhere = await ask(world.graph, asking, there, {"after": cursor})
            for refused in [elsewhere, *([answer] if name != other else [])]:
                assert refused.errors is not None
                assert refused.errors[0]["extensions"]["code"] == "BAD_REQUEST"
        # Again, now that what the variables lead to is known.
        assert (await ask(world.graph, asking, here, {"after": cursors[name]})).errors is None
        assert (await ask(world.graph, asking, there, {"after": cursors[name]})).errors is not None


async def test_a_cursor_is_good_whatever_narrows_its_list(world: World) -> None:
    """A position among opportunities means the same in a filtered list and below an account or a contact, so it goes on there."""
    cursor = (await _page(world, [], first=20))["pageInfo"]["endCursor"]
    shown = [deal["id"] for deal in chosen(world.here)][:20]
    account = world.here.ids("account")[0]
    document = """query($id: ID!, $after: String) { account(id: $id) { opportunities(first: 100, after: $after) { nodes { id } } }
      opportunities(filter: {accountId: {eq: $id}}, first: 100, after: $after) { nodes { id } } }"""
    found = await data(world.graph, document, world.here.caller(), {"id": account, "after": cursor})
    expected = [deal["id"] for deal in chosen(world.here, {"accountId": {"eq": account}}) if deal["id"] not in shown]
    assert [node["id"] for node in found["opportunities"]["nodes"]] == expected
    assert found["account"]["opportunities"] == found["opportunities"]


async def test_a_cursor_of_another_epoch(world: World) -> None:
    """A position from before a backup was restored is no longer one: the code says to read the list again."""
    cursor = CursorScope("opportunity.F", workspace_tag(world.here.id), epoch=1).write(("2025-01-01T00:00:00Z", "opp_0"))
    answer = await ask(world.graph, PAGE, world.here.caller(), {"after": cursor})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "CURSOR_EXPIRED"
    nested = "query($after: String) { accounts { nodes { opportunities(after: $after) { totalCount } } } }"
    answer = await ask(world.graph, nested, world.here.caller(), {"after": cursor})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "CURSOR_EXPIRED"


async def test_a_cursor_of_elsewhere_is_refused_beforehand(world: World) -> None:
    """Below an event and below what a mutation answers, a cursor of another workspace is refused at once, and nothing is written."""
    there, here = world.there.caller(), world.here.caller()
    cursor = (await data(world.graph, "{ opportunities(first: 1) { edges { cursor } } }", there))["opportunities"]["edges"][0]["cursor"]
    below = "account { opportunities(after: $after) { totalCount } }"
    following = world.graph.prepare(f"subscription($after: String) {{ opportunityChanged {{ opportunity {{ {below} }} }} }}")
    with pytest.raises(RequestError, match="another workspace"):
        await anext(world.graph.subscribe(following, {"after": cursor}, here))
    document = """mutation($id: ID!, $after: String) { updateOpportunity(id: $id, input: {name: "Changed"}) {
      opportunity { account { opportunities(after: $after) { totalCount } } } } }"""
    deal = world.here.rows("opportunity")[0]
    answer = await ask(world.graph, document, here, {"id": deal["id"], "after": cursor})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    found = await data(world.graph, "query($id: ID!) { opportunity(id: $id) { name } }", here, {"id": deal["id"]})
    assert found["opportunity"]["name"] == deal["name"]


async def test_cursors_are_read_strictly(world: World) -> None:
    """What isn't of the alphabet of cursors is not passed over."""
    cursor = (await _page(world, [], first=1))["pageInfo"]["endCursor"]
    for other in (cursor + "\n", f" {cursor}", cursor[:5] + "!" + cursor[5:], cursor.rstrip("=") + "*", cursor + "=", cursor + cursor):
        answer = await ask(world.graph, PAGE, world.here.caller(), {"after": other})
        assert answer.errors is not None, other
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 1, "last": 1},
        {"after": "x", "before": "x"},
        {"offset": 1, "after": "x"},
        {"offset": 1, "before": "x"},
        {"offset": 1, "last": 1},
        {"first": -1},
        {"first": 101},
        {"last": -1},
        {"last": 101},
        {"offset": -1},
        {"after": ""},
        {"orderBy": [{"field": "NAME"}] * 8},
    ],
    ids=str,
)
async def test_arguments_that_contradict(world: World, arguments: Row) -> None:
    """Nothing is clamped: what contradicts itself or is out of range gets BAD_REQUEST."""
    answer = await ask(world.graph, PAGE, world.here.caller(), arguments)
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    assert answer.errors[0]["path"] == ["opportunities"]
