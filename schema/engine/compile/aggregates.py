"""Sums and counts that the database makes in one statement. Sums are split in two, so that they can't overflow 64 bits on SQLite."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, case, func

from schema.sql_types import Clause
from schema.storage.database import Row
from schema.values import Object, Value

_SPLIT = 10**6


@dataclass(frozen=True, slots=True)
class SummarySql:
    """Numbers over all rows that match: the `columns` of one statement over their table, the first of which is their number.

    `to_object` makes the summary of a row of these columns; `empty` is the row of no rows.
    """

    columns: Callable[[FromClause], list[Clause]]
    to_object: Callable[[Row], Object]
    empty: Sequence[Value]


def exact_sum(cents: Clause) -> list[Clause]:
    """Two sums which `joined` makes one of: neither reaches 2^63 below 10^12 rows."""
    return [func.sum(cents // _SPLIT), func.sum(cents % _SPLIT)]


def joined(high: Value, low: Value) -> int:
    """The exact sum from its two parts; 0 of no rows."""
    return int(high or 0) * _SPLIT + int(low or 0)


def only_if(condition: ColumnElement[bool], value: Clause) -> Clause:
    """`value` where the condition holds, else null, which sums and counts pass over."""
    return case((condition, value))
