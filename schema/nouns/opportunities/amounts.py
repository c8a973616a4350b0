"""Amounts of opportunities: of one by itself, and of all that match."""

from sqlalchemy import FromClause, case, func

from schema.engine.compile.aggregates import SummarySql, exact_sum, joined, only_if
from schema.rules.stages import LOST, WON
from schema.sql_types import Clause
from schema.storage.database import Row
from schema.values import Object


def weighted_cents(deal: FromClause, stage: Clause | None = None, probability: Clause | None = None) -> Clause:
    """Value × weight / 100 in cents, half up: the weight is the probability, of a won deal 100 and of a lost one 0, whatever theirs is.

    `stage` and `probability` are the deal's own if not given. Values are never negative, so the whole-number division rounds as it should.
    """
    stage = deal.c.stage if stage is None else stage
    weight = case({WON: 100, LOST: 0}, value=stage, else_=deal.c.probability if probability is None else probability)
    return (deal.c.value_cents * weight + 50) // 100


def _columns(deal: FromClause) -> list[Clause]:
    return [
        func.count(),
        func.count(deal.c.value_cents),
        *exact_sum(deal.c.value_cents),
        *exact_sum(weighted_cents(deal)),
        func.count(only_if(deal.c.stage == WON, deal.c.id)),
        func.count(only_if(deal.c.stage == LOST, deal.c.id)),
    ]


def _to_object(row: Row) -> Object:
    count, valued, high, low, weighted_high, weighted_low, won, lost = row
    total = joined(high, low)
    return {
        "count": count,
        "totalValue": total,
        "weightedValue": joined(weighted_high, weighted_low),
        "averageValue": (2 * total + valued) // (2 * valued) if valued else None,
        "wonCount": won,
        "lostCount": lost,
        "winRate": won / (won + lost) if won + lost else None,
    }


SUMMARY = SummarySql(_columns, _to_object, (0, 0, None, None, None, None, 0, 0))
"""The summary of opportunities, as the graph's type `OpportunitySummary` tells it."""
