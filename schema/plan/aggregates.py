"""Sums and counts that the database makes in one statement. Sums are split in two, so that they can't overflow 64 bits on SQLite."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, func

from ..rules.stages import LOST, WON
from ..storage.database import Row

_SPLIT = 10**6


def weighted_cents(deal: FromClause, probability: ColumnElement[Any] | None = None) -> ColumnElement[Any]:
    """Value × probability / 100 in cents, half up. Values are never negative, so the whole-number division rounds as it should."""
    return (deal.c.value_cents * (deal.c.probability if probability is None else probability) + 50) // 100


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
