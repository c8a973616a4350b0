"""The targets of a filter's fields: a column, its case-folded text, linked rows, the record that a reference refers to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause

from schema.sql_types import Clause
from schema.values import Value

from .sources import ThroughLinks

Fold = str | Callable[[FromClause], Clause]


@dataclass(frozen=True, slots=True)
class Match:
    """A filter field that looks at a column; `folded` is the column with its case-folded text, for operators that ignore case.

    Where no column holds just that, `folded` makes the expression of the table. `refers_to` is the type of the record that the column
    refers to, if it does; `in_sight`: whoever sees the row sees that record.
    """

    column: str
    folded: Fold | None = None
    refers_to: str | None = None
    in_sight: bool = False


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A filter field that is true where a column has at least this value, and false where it has less."""

    column: str
    value: Value


@dataclass(frozen=True, slots=True)
class LinkedTo:
    """A filter field that looks at the linked rows' ids; `visible` narrows the links to those that a limited viewer may know of."""

    link: ThroughLinks
    state: str
    visible: Callable[[FromClause], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Equals:
    """A filter field that is compared with a column as it is."""

    column: str


@dataclass(frozen=True, slots=True)
class Through:
    """A filter field that holds conditions on the record that a column refers to."""

    column: str
    type_name: str


Matching = Match | AtLeast | Equals | LinkedTo | Through


def kept_state(fields: Iterable[Matching]) -> frozenset[str]:
    """Return the columns that events must keep of a record so that filters with these fields can be applied to it later."""
    return frozenset(name for each in fields for name in _looks_at(each))


def _looks_at(match: Matching) -> list[str]:
    if isinstance(match, Through):
        return []  # followers can't look there
    if isinstance(match, LinkedTo):
        return [match.state]
    return [match.column, match.folded] if isinstance(match, Match) and isinstance(match.folded, str) else [match.column]
