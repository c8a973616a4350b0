"""Orders and the positions in them: a cursor is the values that a row is ordered by, so that a page begins by an index search (keyset)."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, FromClause, and_, false, or_, tuple_

from ..rules.errors import BadRequest
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

    def columns(self) -> list[str]:
        """The columns whose values make a cursor."""
        return [term.column for term in self.terms]

    def clauses(self, table: FromClause, *, backward: bool) -> list[ColumnElement[Any]]:
        """ORDER BY; `backward` from the end."""
        return [_ordered(table.c[term.column], term.descending, backward=backward) for term in self.terms]

    def cursor(self, values: Sequence[Any]) -> str:
        """The cursor of a row with these values (of `keys`)."""
        return urlsafe_b64encode(orjson.dumps((self.signature, *values))).decode()

    def longest(self, keys: Sequence[Sequence[Any]]) -> int:
        """Bytes of the longest of the cursors of rows with these keys, at most, in quotes."""
        place = next((place for place, term in enumerate(self.terms) if term.column == "name_folded"), None)
        name = 0 if place is None else max([len(key[place]) for key in keys])
        return _CURSOR + (name * ESCAPED + len(self.terms) * _KEY) * 4 // 3

    def position(self, cursor: str) -> list[Any]:
        """The values in a cursor. Raises BadRequest where it isn't one of ours or belongs to another order."""
        try:
            signature, *values = orjson.loads(urlsafe_b64decode(cursor.encode("ascii")))
        except (ValueError, TypeError):
            raise _foreign(cursor) from None
        if signature != self.signature or len(values) != len(self.terms) or not all(map(_plausible, self.terms, values)):
            raise _foreign(cursor)
        return list(values)

    def beyond(self, table: FromClause, nulls: tuple[bool, ...], *, backward: bool) -> ColumnElement[bool]:
        """The rows after (`backward`: before) a position whose values are bound to c0, c1, …; `nulls` says which of them are null."""
        columns = [table.c[term.column] for term in self.terms]
        binds: list[Any] = [compared(column, f"c{place}") for place, column in enumerate(columns)]
        downward = {term.descending != backward for term in self.terms}
        if len(downward) == 1 and not any(column.nullable for column in columns):
            row, position = tuple_(*columns), tuple_(*binds)
            return row < position if downward.pop() else row > position
        same: list[ColumnElement[bool]] = []
        branches = []
        for term, column, bind, null in zip(self.terms, columns, binds, nulls, strict=True):
            branches.append(and_(*same, _strictly(column, bind, term.descending, null=null, backward=backward)))
            same.append(column.is_(None) if null else column == bind)
        return or_(*branches)


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


def _plausible(term: Term, value: Any) -> bool:
    numeric = term.column in {"value_cents", "stage", "probability"}
    if value is None:
        return term.column in {"value_cents", "close_date"}
    if numeric:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return isinstance(value, str) and len(value) <= 1_000 and _well_formed(term.column, value)  # noqa: PLR2004  longer than any key


def _well_formed(column: str, value: str) -> bool:
    """PostgreSQL refuses a malformed date in a bind, so a forged cursor must not reach it."""
    shapes = {"close_date": ("0000-00-00", 10), "created_at": ("0000-00-00T00:00:00Z", 20), "updated_at": ("0000-00-00T00:00:00Z", 20)}
    if column not in shapes:
        return "\0" not in value
    shape, length = shapes[column]
    if len(value) != length or re.sub("[0-9]", "0", value) != shape:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _foreign(cursor: str) -> BadRequest:
    shown = cursor if len(cursor) <= 40 else f"{cursor[:37]}..."  # noqa: PLR2004
    return BadRequest(f"{shown!r} is no cursor of this list in this order: pass one that it gave, with the same orderBy.")


def order_by(terms: Sequence[tuple[str, bool]]) -> Order:
    """The order by (field of the graph, descending); later mentions of a field say nothing more."""
    columns = dict.fromkeys(_COLUMNS[name] for name, _ in terms)
    directions = {_COLUMNS[name]: descending for name, descending in reversed(terms)}
    listed = [Term(column, directions[column]) for column in columns]
    listed.append(Term("id", listed[0].descending))
    signature = "".join(_CODES[term.column].upper() if term.descending else _CODES[term.column] for term in listed[:-1])
    return Order(tuple(listed), signature)


NEWEST = order_by([("CREATED_AT", True)])
