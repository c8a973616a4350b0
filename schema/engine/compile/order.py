"""Orders and the positions in them: a cursor is the values that a row is ordered by, so that a page begins by an index search (keyset)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, and_, false, or_, select, tuple_
from sqlalchemy.types import Boolean, Integer

from schema.sql_types import Clause, SqlType
from schema.storage.columns import CalendarDate, CodePointText, Instant
from schema.storage.statements import compared
from schema.values import Value

from .response_size import ESCAPED

_CURSOR, _KEY = 200, 45
"""Bytes of a cursor without its keys, and of a key that is no name, at most."""

CheckKey = Callable[[Value], bool]
Visible = Callable[[FromClause], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Sortable:
    """An expression that rows can be ordered by, which may say whether only what a limited viewer sees counts.

    `code` is the letter that stands for it in cursors. It never changes, so that cursors outlive a release.
    """

    code: str
    build: Callable[[FromClause, bool], Clause]
    type: SqlType
    nullable: bool
    column: str | None = None
    """The column of the table that it is, if it is just that."""
    type_name: str | None = None
    """The type of the record that has it, where that is another one."""
    check: CheckKey = field(init=False)
    """Whether a value from a cursor can be compared with it: drivers refuse what isn't of the column's type."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "check", _check_of(self.type))

    @property
    def is_flag(self) -> bool:
        """Whether its values are true and false."""
        return isinstance(self.type, Boolean)

    @property
    def is_text(self) -> bool:
        """Whether its values may be long."""
        return isinstance(self.type, CodePointText) and bool(self.code)


def column_order(code: str, column: Value) -> Sortable:
    """Rows ordered by a column of their own."""
    name = column.name
    return Sortable(code, lambda table, _: table.c[name], column.type, bool(column.nullable), name)


def related_order(code: str, reference: str, other_table: FromClause, by: Sortable, visible: Visible | None, type_name: str) -> Sortable:
    """Rows ordered by what orders the record, of the type `type_name`, that their column `reference` refers to.

    What is out of sight counts as null.
    """

    def build(table: FromClause, limited: bool) -> Clause:  # noqa: FBT001  as every Sortable is built
        other = other_table.alias()
        where = [other.c.workspace_id == table.c.workspace_id, other.c.id == table.c[reference]]
        if limited and visible is not None:
            where.append(visible(other))
        return select(by.build(other, limited)).where(*where).correlate(table).scalar_subquery()

    return Sortable(code, build, by.type, nullable=True, type_name=type_name)


@dataclass(frozen=True, slots=True)
class Term:
    """A sort expression with its direction."""

    by: Sortable
    descending: bool

    @property
    def code(self) -> str:
        """The letter in the order's signature: a capital where the greatest comes first."""
        return self.by.code.upper() if self.descending else self.by.code


@dataclass(frozen=True, slots=True)
class Order:
    """A total order: its terms, then the id in the first term's direction. Nulls come last in both directions.

    `default`: it is the one that a list has where none is given.
    """

    terms: tuple[Term, ...]
    signature: str
    default: bool = False
    texts: tuple[int, ...] = ()
    """The places of the terms whose values may be long."""

    fixed: int = field(init=False)
    """Bytes of a cursor in quotes, at most, without the values that may be long."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "fixed", self._bytes(0))

    def _bytes(self, characters: int) -> int:
        return _CURSOR + (characters * ESCAPED + len(self.terms) * _KEY) * 4 // 3

    def holds(self, values: Sequence[Value]) -> bool:
        """Whether these values from a cursor can be a position in this order."""
        return len(values) == len(self.terms) and all(map(_plausible, self.terms, values))

    def position(self, values: Sequence[Value]) -> list[Value]:
        """A cursor's values as the drivers take them: SQLite tells true and false as 1 and 0, and PostgreSQL refuses these."""
        return [bool(value) if value is not None and term.by.is_flag else value for term, value in zip(self.terms, values, strict=True)]

    def keys(self, table: FromClause, *, limited: bool) -> list[Clause]:
        """The expressions over `table` whose values make a cursor."""
        return [term.by.build(table, limited) for term in self.terms]

    def clauses(self, table: FromClause, *, backward: bool, limited: bool) -> list[Clause]:
        """ORDER BY; `backward` from the end."""
        return [_ordered(key, term, backward=backward) for term, key in zip(self.terms, self.keys(table, limited=limited), strict=True)]

    def longest(self, rows: Sequence[Sequence[Value]], places: Sequence[int]) -> int:
        """Bytes of the longest of the cursors of rows, at most, in quotes; the values that they are ordered by stand at `places`."""
        return self._bytes(sum([max([len(row[places[term]] or "") for row in rows]) for term in self.texts]))

    def beyond(self, table: FromClause, nulls: tuple[bool, ...], *, backward: bool, limited: bool, at: bool = False) -> ColumnElement[bool]:
        """The rows after (`backward`: before) a position whose values are bound to c0, c1, …; `nulls` says which of them are null.

        `at`: the row at the position, too.
        """
        columns = self.keys(table, limited=limited)
        binds: list[Value] = [compared(column, f"c{place}") for place, column in enumerate(columns)]
        downward = {term.descending != backward for term in self.terms}
        if len(downward) == 1 and not any(term.by.nullable for term in self.terms):
            row, position = tuple_(*columns), tuple_(*binds)
            if downward.pop():
                return row <= position if at else row < position
            return row >= position if at else row > position
        same: list[ColumnElement[bool]] = []
        branches = []
        for term, column, bind, null in zip(self.terms, columns, binds, nulls, strict=True):
            branches.append(and_(*same, _strictly(column, bind, term, null=null, backward=backward)))
            same.append(column.is_(None) if null else column == bind)
        return or_(*branches, and_(*same)) if at else or_(*branches)


def _ordered(key: Clause, term: Term, *, backward: bool) -> Clause:
    clause = key.desc() if term.descending != backward else key.asc()
    if not term.by.nullable:
        return clause
    return clause.nulls_first() if backward else clause.nulls_last()


def _strictly(column: Value, bind: Value, term: Term, *, null: bool, backward: bool) -> ColumnElement[bool]:
    if null:
        return column.is_not(None) if backward else false()
    past = column < bind if term.descending != backward else column > bind
    if term.by.nullable and not backward:
        past = or_(past, column.is_(None))
    return past  # type: ignore[no-any-return]


_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LONGEST_TEXT = 1_000
"""Characters: more than any name or id that is ordered by has."""


def _check_of(type_: SqlType) -> CheckKey:
    if isinstance(type_, Boolean):
        return lambda value: type(value) in {bool, int} and value in {0, 1}
    if isinstance(type_, Integer):
        return lambda value: type(value) is int and -(2**63) <= value < 2**63
    if isinstance(type_, CalendarDate | Instant):
        shape = _DAY if isinstance(type_, CalendarDate) else _INSTANT
        return lambda value: type(value) is str and shape.fullmatch(value) is not None and _in_calendar(value)
    return lambda value: type(value) is str and len(value) <= _LONGEST_TEXT and "\0" not in value


def _plausible(term: Term, value: Value) -> bool:
    return term.by.nullable if value is None else term.by.check(value)


def _in_calendar(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


class Ordering:
    """The orders of a table's rows, by the names of the graph's enum. By default the newest come first.

    Raises TypeError where two have the same code.
    """

    def __init__(self, table: FromClause, sortables: Mapping[str, Sortable], newest: Sortable) -> None:
        self._sortables = sortables
        self._id = column_order("", table.c.id)
        codes = {each.code for each in sortables.values()} | {newest.code}
        if len(codes) < len({*sortables.values(), newest}):
            told = ", ".join(f"{name} {each.code}" for name, each in sortables.items())
            raise TypeError(f"two orders of {table} have the same letter: {told}")
        self.default = self._order([(newest, True)], default=True)

    def by(self, terms: Sequence[tuple[str, bool]]) -> Order:
        """The order by (field of the graph, descending); later mentions of a field say nothing more. None gives the default."""
        return self._order([(self._sortables[name], descending) for name, descending in terms]) if terms else self.default

    def type_of(self, name: str) -> str | None:
        """The type of the record that has what the graph's field is ordered by, where that is another one."""
        return self._sortables[name].type_name

    def _order(self, terms: Sequence[tuple[Sortable, bool]], *, default: bool = False) -> Order:
        directions = dict(reversed(terms))
        listed = [Term(by, directions[by]) for by in dict.fromkeys(by for by, _ in terms)]
        signature = "".join(term.code for term in listed)
        texts = tuple(place for place, term in enumerate(listed) if term.by.is_text)
        return Order((*listed, Term(self._id, listed[0].descending)), signature, default, texts)
