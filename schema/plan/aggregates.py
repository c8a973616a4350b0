"""Sums and counts that the database makes in one statement. Sums are split in two, so that they can't overflow 64 bits on SQLite."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func

from ..rules.stages import LOST, WON
from ..storage.database import Row

_SPLIT = 10**6


def weighted_cents(
    deal: FromClause, stage: ColumnElement[Any] | None = None, probability: ColumnElement[Any] | None = None
) -> ColumnElement[Any]:
    """Value × weight / 100 in cents, half up: the weight is the probability, of a won deal 100 and of a lost one 0, whatever theirs is.

    `stage` and `probability` are the deal's own if not given. Values are never negative, so the whole-number division rounds as it should.
    """
    stage = deal.c.stage if stage is None else stage
    weight = case({WON: 100, LOST: 0}, value=stage, else_=deal.c.probability if probability is None else probability)
    return (deal.c.value_cents * weight + 50) // 100


def exact_sum(cents: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Two sums which `joined` makes one of: neither reaches 2^63 below 10^12 rows."""
    return [func.sum(cents // _SPLIT), func.sum(cents % _SPLIT)]


def joined(high: Any, low: Any) -> int:
    """The exact sum from its two parts; 0 of no rows."""
    return int(high or 0) * _SPLIT + int(low or 0)


def only_if(condition: ColumnElement[bool], value: ColumnElement[Any]) -> ColumnElement[Any]:
    """`value` where the condition holds, else null, which sums and counts pass over."""
    return case((condition, value))


def summary_columns(deal: FromClause) -> list[ColumnElement[Any]]:
    """The columns of a summary of deals; the first is their number."""
    return [
        func.count(),
        func.count(deal.c.value_cents),
        *exact_sum(deal.c.value_cents),
        *exact_sum(weighted_cents(deal)),
        func.count(only_if(deal.c.stage == WON, deal.c.id)),
        func.count(only_if(deal.c.stage == LOST, deal.c.id)),
    ]


def summary_of(row: Row) -> dict[str, Any]:
    """The summary that a row of `summary_columns` tells."""
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


EMPTY_SUMMARY: Sequence[Any] = (0, 0, None, None, None, None, 0, 0)
