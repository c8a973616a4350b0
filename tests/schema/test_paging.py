"""Orders and pages: keyset cursors walk every row once, in the order that offsets see, whatever the order, the nulls and the ties."""

from base64 import urlsafe_b64encode
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.schema.model import ORDERS, chosen
from tests.schema.strategies import as_input, orders
from tests.schema.world import Row, World, ask, data, fill, make_tenant

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


def _forged() -> list[str]:
    values: list[Any] = [
        None, 0, -1, 2**31, 2**40, 2**63 - 1, 2**64, 1.5, 1e400, True, [], {}, "", "x", "\0", "0000-00-00", "2025-02-30", "9999-12-31",
        "2025-01-01", "2025-01-01T00:00:00Z", "2025-13-01T00:00:00Z", "2025-01-01T24:00:00Z", "0000-01-01T00:00:00Z", "٢٠٢٥-٠١-٠١",
        "2025-W01-1", "2025-01-01T00:00:60Z", "x" * 2000, "opp_0", "\ud800",
    ]  # fmt: skip
    codes = [chr(ord("a") + place) for place in range(7)] + [chr(ord("A") + place) for place in range(7)]
    shapes = [[code, value, "opp_0"] for code in codes for value in values] + [
        [code, "2025-01-01", value] for code in "eEfF" for value in values
    ]
    texts = [_dumped(shape) for shape in (*shapes, [], ["a"], ["F"], {}, "a", 1, None, ["a", 1, 2, 3], [["a"], 1, "x"], [None, 1, "x"])]
    return [urlsafe_b64encode(text).decode() for text in texts] + ["", " ", "é", "====", "YQ", "WyJhIl0", "A" * 5000, "\U0001f642", "Wy1d"]


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        return b'["a", 123456789012345678901234567890, "\\ud800"]'


async def test_forged_cursors(world: World) -> None:
    """A cursor that isn't ours is the caller's fault, or by chance a position like one of ours: never a defect, on either database."""
    seen = set()
    for order in (*EACH, MIXED[0]):
        for cursor in _forged() if order in EACH[::3] else _forged()[::7]:
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
