"""Filters: a filter input becomes a small tree of conditions, whose shape decides the SQL and whose values are binds.

The same tree is a SQL condition for lists and a predicate for events, so that the two can't differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLInputObjectType
from sqlalchemy import ColumnElement, FromClause, and_, exists, false, not_, or_, true

from ..rules.errors import BadRequest
from ..rules.stages import BY_NAME, FIRST_CLOSED
from ..rules.text import fold
from ..storage.statements import AnyOf, Contains, StartsWith, Unindexed
from .binds import compared, compared_list
from .model import metadata
from .sources import Linked

MAX_CONDITIONS = 100
MAX_LIST = 250
MAX_SEARCH = 200

Shape = tuple[Any, ...]

NO_CONDITIONS: Shape = ("all",)


@dataclass(frozen=True, slots=True)
class Match:
    """A filter field that looks at a column; `folded` is the column with its case-folded text, for operators that ignore case."""

    column: str
    folded: str | None = None


@dataclass(frozen=True, slots=True)
class LinkedTo:
    """A filter field that looks at the linked rows' ids; `visible` narrows the links to those that a limited viewer may know of."""

    link: Linked
    state: str
    visible: Callable[[FromClause], ColumnElement[bool]]


@dataclass(slots=True)
class Conditions:
    """A filter as read: `shape` is hashable and holds no values; `values` are the binds, by name."""

    shape: Shape
    values: dict[str, Any]


@dataclass(slots=True)
class _Reading:
    values: dict[str, Any] = field(default_factory=dict)
    count: int = 0

    def bind(self, value: Any) -> str:
        name = f"f{len(self.values)}"
        self.values[name] = value
        return name

    def condition(self) -> None:
        self.count += 1
        if self.count > MAX_CONDITIONS:
            message = f"A filter holds at most {MAX_CONDITIONS} conditions."
            raise BadRequest(message)


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}


_POSITIVE = {"ne": "eq", "notIn": "in"}
_RANGES = frozenset({"gt", "gte", "lt", "lte"})


@dataclass(frozen=True, slots=True)
class _Way:
    """How conditions become SQL: for a limited viewer or not, for a walk in order or not."""

    limited: bool
    walk: bool


class FilterModel:
    """The filter input of a type, as its fields declare it."""

    def __init__(self, input_type: GraphQLInputObjectType) -> None:
        self._fields: dict[str, Match | LinkedTo] = {}
        for name, input_field in input_type.fields.items():
            match = metadata(input_field).get("match")
            if match is not None:
                self._fields[name] = match

    def read(self, given: Mapping[str, Any] | None) -> Conditions:
        """The conditions of a coerced filter input. Raises BadRequest where it is too long."""
        reading = _Reading()
        return Conditions(self._all(given or {}, reading), reading.values)

    def _all(self, given: Mapping[str, Any], reading: _Reading) -> Shape:
        parts = [part for name, value in given.items() if value is not None for part in self._field(name, value, reading)]
        return ("all", *parts)

    def _field(self, name: str, value: Any, reading: _Reading) -> list[Shape]:
        if name in {"and", "or"}:
            return [({"and": "all", "or": "any"}[name], *(self._all(each, reading) for each in _bounded(value)))]
        if name == "not":
            return [("not", self._all(value, reading))]
        if name == "isClosed":
            reading.condition()
            return [("is", "stage", "gte" if value else "lt", reading.bind(FIRST_CLOSED))]
        return [self._operator(name, operator, operand, reading) for operator, operand in value.items() if operand is not None]

    def _operator(self, name: str, operator: str, operand: Any, reading: _Reading) -> Shape:
        reading.condition()
        match = self._fields[name]
        kind, key = ("link", name) if isinstance(match, LinkedTo) else ("is", match.column)
        if operator == "isNull":
            return (kind, key, "null" if operand else "present", None)
        if operator in {"in", "notIn"}:
            return _membership(kind, key, operator, [_stored(each) for each in _bounded(operand)], reading)
        if operator in {"contains", "startsWith"}:
            assert isinstance(match, Match)
            return (kind, match.folded, operator, reading.bind(fold(_searchable(operand))))
        return (kind, key, operator, reading.bind(_stored(operand)))

    def sql(self, shape: Shape, table: FromClause, *, limited: bool, walk: bool = False) -> ColumnElement[bool]:
        """The conditions on `table`; rows without a value count as not matching, also under `not`.

        `walk`: the rows are read in their order until the page is full, so that no range may lure SQLite away to a sort.
        """
        return self._sql(shape, table, _Way(limited, walk), negated=False)

    def _sql(self, shape: Shape, table: FromClause, way: "_Way", *, negated: bool) -> ColumnElement[bool]:
        head = shape[0]
        if head == "not":
            return self._sql(shape[1], table, way, negated=not negated)
        if head in {"all", "any"}:
            parts = [self._sql(part, table, way, negated=negated) for part in shape[1:]]
            if (head == "all") != negated:
                return and_(*parts) if parts else true()
            return or_(*parts) if parts else false()
        if head == "link":
            link = self._fields[shape[1]]
            assert isinstance(link, LinkedTo)
            found = _linked(link, shape, table, limited=way.limited)
            return not_(found) if negated else found
        return _compared(shape, table, walk=way.walk, negated=negated)

    def mentions_links(self, shape: Shape) -> bool:
        """Whether any condition looks at linked rows."""
        return shape[0] == "link" or any(self.mentions_links(part) for part in shape[1:] if isinstance(part, tuple))

    def holds(self, shape: Shape, values: Mapping[str, Any], state: Mapping[str, Any]) -> bool:
        """Whether the conditions hold of a record's `state`: its columns by name, and the ids of its links."""
        head = shape[0]
        if head == "not":
            return not self.holds(shape[1], values, state)
        if head in {"all", "any"}:
            return (all if head == "all" else any)(self.holds(part, values, state) for part in shape[1:])
        _, key, operator, bind = shape
        operand = values[bind] if bind is not None else None
        if head == "link":
            link = self._fields[key]
            assert isinstance(link, LinkedTo)
            return _any_holds(operator, operand, state[link.state])
        return _holds(operator, operand, state[key])


def _bounded(items: list[Any]) -> list[Any]:
    if len(items) > MAX_LIST:
        message = f"A list in a filter holds at most {MAX_LIST} items."
        raise BadRequest(message)
    return items


def _searchable(text: str) -> str:
    if len(text) > MAX_SEARCH:
        message = f"A text to search for has at most {MAX_SEARCH} characters."
        raise BadRequest(message)
    return text


def _stored(value: Any) -> Any:
    """A coerced input as the driver holds it: enum members of stages are positions, everything else is that already."""
    name = getattr(value, "value", value)
    return BY_NAME[name].position if value is not name else value


def _membership(kind: str, key: str, operator: str, values: list[Any], reading: _Reading) -> Shape:
    """A list of one is a comparison: an index on the column then serves the order too."""
    if len(values) == 1:
        return (kind, key, "eq" if operator == "in" else "ne", reading.bind(values[0]))
    if not values:
        return ("any",) if operator == "in" else ("all",)
    return (kind, key, operator, reading.bind(list(dict.fromkeys(values))))


def _compared(shape: Shape, table: FromClause, *, walk: bool, negated: bool) -> ColumnElement[bool]:
    key, operator, bind = str(shape[1]), str(shape[2]), shape[3]
    column = table.c[key]
    if operator in {"null", "present"}:
        return column.is_(None) if (operator == "null") != negated else column.is_not(None)
    excludes = operator in {"ne", "notIn"}
    looked_at = Unindexed(column) if walk and operator in _RANGES else column
    found = _condition(_POSITIVE.get(operator, operator), looked_at, bind)
    if excludes == negated:
        return found
    return or_(column.is_(None), not_(found)) if column.nullable else not_(found)


def _condition(operator: str, column: ColumnElement[Any], bind: Any) -> ColumnElement[bool]:
    if operator == "in":
        return AnyOf(column, compared_list(column, bind))
    operand = compared(column, bind)
    if operator == "contains":
        return Contains(column, operand)
    if operator == "startsWith":
        return StartsWith(column, operand)
    found: ColumnElement[bool] = _COMPARISONS[operator](column, operand)
    return found


def _linked(match: LinkedTo, shape: Shape, table: FromClause, *, limited: bool) -> ColumnElement[bool]:
    operator, bind = str(shape[2]), shape[3]
    link = match.link.table.alias()
    here = [link.c.workspace_id == table.c.workspace_id, link.c[match.link.here] == table.c.id]
    if limited:
        here.append(match.visible(link))
    if operator in {"null", "present"}:
        any_link = exists().where(*here)
        return not_(any_link) if operator == "null" else any_link
    positive = _POSITIVE.get(operator, operator)
    found = exists().where(*here, _condition(positive, link.c[match.link.there], bind))
    return not_(found) if positive != operator else found


def _any_holds(operator: str, operand: Any, ids: list[str]) -> bool:
    if operator in {"null", "present"}:
        return (not ids) == (operator == "null")
    wanted = set(operand) if isinstance(operand, list) else {operand}
    return wanted.isdisjoint(ids) == (operator in {"ne", "notIn"})


def _holds(operator: str, operand: Any, value: Any) -> bool:  # noqa: PLR0911  a line an operator
    if operator in {"null", "present"}:
        return (value is None) == (operator == "null")
    if operator in {"ne", "notIn"}:
        return value not in operand if operator == "notIn" else value != operand
    if value is None:
        return False
    if operator == "in":
        return value in operand
    if operator == "contains":
        return bool(operand in value)
    if operator == "startsWith":
        return bool(value.startswith(operand))
    return bool(_COMPARISONS[operator](value, operand))
