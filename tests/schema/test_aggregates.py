"""Summary, pipeline and forecast equal a recomputation from the rows, to the cent, under random data and filters."""

from decimal import Decimal
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from schema.graph import Graph
from schema.rules import clock
from schema.rules.stages import FIRST_CLOSED, STAGES
from schema.storage.database import Database
from tests.end_to_end.parity.clock import told_time
from tests.reference import figures
from tests.schema.dataset import INSTANTS, Row, World, ask, data, fill, make_tenant
from tests.schema.deals import create, update
from tests.schema.model import found, view_of
from tests.schema.strategies import filters

NOW = "2026-01-15T08:00:00Z"
DOCUMENT = """query($filter: OpportunityFilter, $asOf: Date, $from: Date!, $to: Date!, $by: Period!) {
  opportunities(filter: $filter, first: 3, offset: 1) { summary { count totalValue weightedValue averageValue wonCount lostCount winRate } }
  pipeline(filter: $filter, asOf: $asOf) { stage count totalValue weightedValue averageAgeDays }
  forecast(filter: $filter, from: $from, to: $to, by: $by) { start end openCount openValue weightedValue wonCount wonValue } }"""


def _exact(body: bytes) -> Any:
    """An answer's data with amounts as whole cents, from the digits as they were sent."""
    import json  # noqa: PLC0415

    def walk(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: walk(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [walk(each) for each in value]
        if key.endswith("Value") and value is not None:
            return int(Decimal(value) * 100)
        return float(value) if isinstance(value, Decimal) else value

    return walk(json.loads(body, parse_float=Decimal)["data"])


async def _agree(world: World, filter_: Row, as_of: str | None, span: tuple[str, str, str]) -> None:
    variables = {"filter": filter_, "asOf": as_of, "from": span[0], "to": span[1], "by": span[2]}
    answer = await ask(world.graph, DOCUMENT, world.here.caller(), variables)
    assert answer.errors is None, answer.errors
    told, view = _exact(answer.encode()), view_of(world.here, NOW)
    deals = found(view, filter_)
    assert told["opportunities"]["summary"] == figures.summary(deals)
    for stage, expected in zip(told["pipeline"], figures.pipeline(view, lambda: deals, variables), strict=True):
        assert stage.pop("averageAgeDays") == pytest.approx(expected.pop("averageAgeDays"))
        assert stage == expected
    assert told["forecast"] == figures.forecast(view, lambda: deals, variables)


async def test_aggregates_equal_a_recomputation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under drawn filters, days and periods, each aggregate is what the rows make."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    drawn: list[Row] = [{}]

    @settings(max_examples=40, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(filters(world.here))
    def draw(filter_: Row) -> None:
        drawn.append(filter_)

    draw()
    random = Random(3)
    spans = [("2025-01-01", "2025-12-31"), ("2025-02-10", "2025-04-02"), ("2024-12-31", "2027-01-01"), ("2025-01-01", "2025-01-01")]
    days = [None, "2024-12-31", *(instant[:10] for instant in INSTANTS), "2026-01-15", "2030-01-01"]
    for filter_ in drawn:
        await _agree(world, filter_, random.choice(days), (*random.choice(spans), random.choice(("MONTH", "QUARTER", "YEAR"))))


PAST = """query($day: Date) { pipeline(filter: {name: {startsWith: "Past"}}, asOf: $day) {
  stage count totalValue weightedValue averageAgeDays } }"""
DAY = 86_400


async def test_the_past_is_what_was_told_that_day(world: World) -> None:
    """As of any day, each stage has what it had at that day's end, as old as it was then; a probability by hand moves along while open."""
    random, deals, told = Random(5), dict[str, bool](), dict[str, Any]()
    with told_time() as time:
        midnight = time.seconds - time.seconds % DAY
        for day in range(1, 15):
            for moment in sorted(random.sample(range(DAY - 1), 4)):
                time.seconds = max(time.seconds, midnight + moment)
                await _change_something(world, random, deals)
            midnight += DAY
            time.seconds = midnight - 1
            told[time.now()[:10]] = await data(world.graph, PAST, world.here.caller())
            time.seconds = midnight + day * 600
        for day_told, pipeline in told.items():
            assert await data(world.graph, PAST, world.here.caller(), {"day": day_told}) == pipeline
    assert len({str(pipeline) for pipeline in told.values()}) == len(told)


async def _change_something(world: World, random: Random, deals: dict[str, bool]) -> None:
    """A new deal, or another stage for one; those with a probability by hand are never closed, since then nobody knows it any more."""
    if not deals or random.random() < 0.4:
        by_hand = random.random() < 0.4
        given = {"probability": random.randrange(101)} if by_hand else {"stage": random.choice(STAGES).name}
        deals[(await create(world, name="Past", value=random.randrange(10**6), **given))["id"]] = by_hand
        return
    id_ = random.choice(list(deals))
    stage = random.choice(STAGES[:FIRST_CLOSED] if deals[id_] else STAGES).name
    assert (await update(world, id_, {"stage": stage}))["userErrors"] == []


async def test_huge_sums_are_exact(database: Database) -> None:
    """Ten thousand deals of the greatest amount sum up to the cent, beyond 64 bits of cents and beyond a double."""
    tenant = make_tenant(Random(1), "Huge", deals=1)
    (deal,) = tenant.rows("opportunity")
    most = 10**15 - 1
    more = [
        deal | {"id": f"opp_{number:026}", "value_cents": most, "stage": 3, "probability": 99, "close_date": "2025-03-03"}
        for number in range(10_000)
    ]
    tenant.tables["opportunity"] = more
    tenant.tables["opportunity_contact"], tenant.tables["stage_change"] = [], []
    await fill(database, tenant)
    document = """{ opportunities { summary { totalValue weightedValue averageValue } } pipeline { totalValue weightedValue }
      forecast(from: "2025-01-01", to: "2025-12-31", by: YEAR) { openValue } }"""
    body = (await ask(Graph(database), document, tenant.caller())).encode()
    found = _exact(body)
    total, weighted = most * 10_000, (most * 99 + 50) // 100 * 10_000
    assert found["opportunities"]["summary"] == {"totalValue": total, "weightedValue": weighted, "averageValue": most}
    assert found["pipeline"][3] == {"totalValue": total, "weightedValue": weighted}
    assert found["forecast"] == [{"openValue": total}]
    assert orjson.loads(body)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [('from: "2025-02-01", to: "2025-01-01"', "is after"), ('from: "1900-01-01", to: "1999-12-31"', "it may have 400")],
)
async def test_ranges_that_no_forecast_has(world_on_sqlite: World, arguments: str, told: str) -> None:
    """A range that ends before it begins, or has more than 400 periods, is the caller's fault."""
    answer = await ask(world_on_sqlite.graph, f"{{ forecast({arguments}) {{ start }} }}", world_on_sqlite.here.caller())
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    assert told in answer.errors[0]["message"]
