"""Orders and the positions in them: a cursor is the values that a row is ordered by, so that a page begins by an index search (keyset)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, false, or_, tuple_

from .binds import compared
from .weight import ESCAPED

_COLUMNS = {
    "NAME": "name_folded",
    "VALUE": "value_cents",
    "STAGE": "stage",
    "PROBABILITY": "probability",
    "CLOSE_DATE": "close_date",
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
}
_CURSOR, _KEY = 200, 45
"""Bytes of a cursor without its keys, and of a key that is no name, at most."""
_CODES = {column: chr(ord("a") + place) for place, column in enumerate(_COLUMNS.values())}


@dataclass(frozen=True, slots=True)
class Term:
    """A column that rows are ordered by."""

    column: str
    descending: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A total order: its terms, then the id in the first term's direction. Nulls come last in both directions."""

    terms: tuple[Term, ...]
    signature: str

    def holds(self, values: Sequence[Any]) -> bool:
        """Whether these values from a cursor can be a position in this order."""
        return len(values) == len(self.terms) and all(map(_plausible, self.terms, values))

    def columns(self) -> list[str]:
        """The columns whose values make a cursor."""
        return [term.column for term in self.terms]

    def clauses(self, table: FromClause, *, backward: bool) -> list[ColumnElement[Any]]:
        """ORDER BY; `backward` from the end."""
        return [_ordered(table.c[term.column], term.descending, backward=backward) for term in self.terms]

    def longest(self, keys: Sequence[Sequence[Any]]) -> int:
        """Bytes of the longest of the cursors of rows with these keys, at most, in quotes."""
        place = next((place for place, term in enumerate(self.terms) if term.column == "name_folded"), None)
        name = 0 if place is None else max([len(key[place]) for key in keys])
        return _CURSOR + (name * ESCAPED + len(self.terms) * _KEY) * 4 // 3

    def beyond(self, table: FromClause, nulls: tuple[bool, ...], *, backward: bool, at: bool = False) -> ColumnElement[bool]:
        """The rows after (`backward`: before) a position whose values are bound to c0, c1, …; `nulls` says which of them are null.

        `at`: the row at the position, too.
        """
        columns = [table.c[term.column] for term in self.terms]
        binds: list[Any] = [compared(column, f"c{place}") for place, column in enumerate(columns)]
        downward = {term.descending != backward for term in self.terms}
        if len(downward) == 1 and not any(column.nullable for column in columns):
            row, position = tuple_(*columns), tuple_(*binds)
            if downward.pop():
                return row <= position if at else row < position
            return row >= position if at else row > position
        same: list[ColumnElement[bool]] = []
        branches = []
        for term, column, bind, null in zip(self.terms, columns, binds, nulls, strict=True):
            branches.append(and_(*same, _strictly(column, bind, term.descending, null=null, backward=backward)))
            same.append(column.is_(None) if null else column == bind)
        return or_(*branches, and_(*same)) if at else or_(*branches)


def _ordered(column: ColumnElement[Any], descending: bool, *, backward: bool) -> ColumnElement[Any]:  # noqa: FBT001
    clause = column.desc() if descending != backward else column.asc()
    if not getattr(column, "nullable", False):
        return clause
    return clause.nulls_first() if backward else clause.nulls_last()


def _strictly(column: Any, bind: Any, descending: bool, *, null: bool, backward: bool) -> ColumnElement[bool]:  # noqa: FBT001
    if null:
        return column.is_not(None) if backward else false()
    past = column < bind if descending != backward else column > bind
    if column.nullable and not backward:
        past = or_(past, column.is_(None))
    return past  # type: ignore[no-any-return]


_WHOLE = ("value_cents", "stage", "probability")
_NULLABLE = ("value_cents", "close_date")
_SHAPES = {
    "close_date": re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    **dict.fromkeys(("created_at", "updated_at"), re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")),
}
_LONGEST_TEXT = 1_000
"""Characters: more than any name or id that is ordered by has."""


def _plausible(term: Term, value: Any) -> bool:
    """Whether a value from a cursor can be compared with the term's column: drivers refuse what isn't of the column's type."""
    if value is None:
        return term.column in _NULLABLE
    if term.column in _WHOLE:
        return type(value) is int and -(2**63) <= value < 2**63
    if type(value) is not str or len(value) > _LONGEST_TEXT or "\0" in value:
        return False
    shape = _SHAPES.get(term.column)
    return shape is None or (shape.fullmatch(value) is not None and _in_calendar(value))


def _in_calendar(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def order_by(terms: Sequence[tuple[str, bool]]) -> Order:
    """The order by (field of the graph, descending); later mentions of a field say nothing more."""
    columns = dict.fromkeys(_COLUMNS[name] for name, _ in terms)
    directions = {_COLUMNS[name]: descending for name, descending in reversed(terms)}
    listed = [Term(column, directions[column]) for column in columns]
    listed.append(Term("id", listed[0].descending))
    signature = "".join(_CODES[term.column].upper() if term.descending else _CODES[term.column] for term in listed[:-1])
    return Order(tuple(listed), signature)


NEWEST = order_by([("CREATED_AT", True)])
