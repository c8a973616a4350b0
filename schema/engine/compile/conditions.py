"""Filters: a filter input becomes a small tree of conditions, whose shape decides the SQL and whose values are binds.

The same tree is a SQL condition for lists and a predicate for events, so that the two can't differ.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from graphql import GraphQLInputObjectType, get_named_type
from sqlalchemy import ColumnElement, FromClause, and_, case, exists, false, not_, or_, true

from schema.engine.document.filter_size import MAX_NODES, check_size
from schema.rules.errors import BadRequest
from schema.rules.text import fold, fold_name
from schema.rules.times import Between
from schema.sql_types import Clause
from schema.storage.statements import AnyOf, Contains, StartsWith, Unindexed, compared, compared_list
from schema.values import CacheKey, Object, Value, Values

from .enums import stored_value
from .filter_targets import AtLeast, Equals, LinkedTo, Match, Matching, Through
from .operators import BETWEEN, COMPARISONS, POSITIVE, RANGES, any_holds, holds
from .sources import OwnedBy, SeenWith, StoredType, metadata

MAX_SEARCH = 200
_NAMES = tuple(f"f{place}" for place in range(10 * MAX_NODES))
"""Names of binds. An object of the gateway's own has at most nine conditions; one of a package's noun may have as many as it has flags."""

Shape = CacheKey

NO_CONDITIONS: Shape = ("all",)


@dataclass(slots=True)
class ParsedFilter:
    """A filter as read: `shape` is hashable and holds no values; `values` are the binds, by name."""

    shape: Shape
    values: Object


@dataclass(slots=True)
class _Binds:
    values: Object = field(default_factory=dict)

    def bind(self, value: Value) -> str:
        try:
            name = _NAMES[len(self.values)]
        except IndexError:
            raise BadRequest(f"The filter has more than {len(_NAMES):,} conditions: ask for less at once.") from None
        self.values[name] = value
        return name


@dataclass(frozen=True, slots=True)
class _SqlMode:
    """Options of the SQL of conditions: whether for a limited viewer, and whether for a walk in the list's order."""

    limited: bool
    walk: bool


class FilterModel:
    """The filter input of a type, as its fields declare it; `others` are those of all types, with their rows."""

    def __init__(
        self,
        input_type: GraphQLInputObjectType,
        others: "Mapping[str, tuple[FilterModel | None, StoredType]]",
        visible: Callable[[FromClause], ColumnElement[bool]] | None,
    ) -> None:
        self._others = others
        found: dict[str, Matching] = {
            name: match for name, each in input_type.fields.items() if (match := metadata(each).get("match")) is not None
        }
        self._fields = found
        self._nullable = {name for name in found if "isNull" in getattr(get_named_type(input_type.fields[name].type), "fields", ())}
        columns = {name: each for name, each in found.items() if isinstance(each, Match)}
        # A row that a limited viewer sees by its own reference refers to what the viewer sees.
        self._owner = visible.column if isinstance(visible, OwnedBy | SeenWith) else None
        self._references = {
            each.column: Through(each.column, each.refers_to)
            for each in columns.values()
            if each.refers_to is not None and each.column != self._owner
        }
        self._unknown = {each.column: name for name, each in columns.items() if each.column in self._references and not each.in_sight}
        self._columns = {name: each.column for name, each in columns.items()}
        self._unfolded = {each.folded: each.column for each in columns.values() if isinstance(each.folded, str)}

    def read(self, given: Values | None) -> ParsedFilter:
        """The conditions of a coerced filter input. Raises BadRequest where it is too large, or says nothing of a field that it names."""
        if not given:
            return ParsedFilter(NO_CONDITIONS, {})
        check_size(given)
        binds = _Binds()
        return ParsedFilter(self.read_part(given, binds), binds.values)

    def read_part(self, given: Values, binds: _Binds) -> Shape:
        """The conditions of a filter within another one, whose binds `binds` collects."""
        parts = [part for name, value in given.items() if value is not None for part in self._field(name, value, binds)]
        return ("all", *parts)

    def _field(self, name: str, value: Value, binds: _Binds) -> list[Shape]:
        if name in {"and", "or"}:
            return [({"and": "all", "or": "any"}[name], *(self.read_part(each, binds) for each in value))]
        if name == "not":
            return [("not", self.read_part(value, binds))]
        match = self._fields[name]
        if isinstance(match, AtLeast):
            return [("is", match.column, "gte" if value else "lt", binds.bind(match.value))]
        if isinstance(match, Equals):
            return [("is", match.column, "eq", binds.bind(value))]
        if isinstance(match, Through):
            return [self._through(name, match, value, binds)]
        if not value:
            raise self._says_nothing(name, "has no operator")
        return [self._operator(name, operator, operand, binds) for operator, operand in value.items()]

    def _through(self, name: str, match: Through, value: Values, binds: _Binds) -> Shape:
        """The conditions on another record. A filter that says nothing there would still leave out what refers to nothing."""
        if not _has_conditions(value):
            raise BadRequest(f"`{name}` has no condition in the filter: give one, or leave the field out.")
        return ("through", name, self._of_other(match).read_part(value, binds))

    def _of_other(self, match: Through) -> "FilterModel":
        found = self._others[match.type_name][0]
        assert found is not None, match.type_name
        return found

    def types(self, given: Values) -> Iterator[str]:
        """The names of the types whose records a coerced filter input looks at by references, at any depth."""
        for name, value in given.items():
            match = self._fields.get(name)
            if value is not None and match is None:
                for each in value if isinstance(value, list) else [value]:
                    yield from self.types(each)
            elif isinstance(match, Through) and value is not None:
                yield match.type_name
                yield from self._of_other(match).types(value)

    def _says_nothing(self, name: str, what: str) -> BadRequest:
        """The error for a condition that a null variable has emptied: taken for none, it would find everything."""
        can = "`isNull` finds what has none" if name in self._nullable else f"`{name}` is never absent, so there is no `isNull` for it"
        return BadRequest(f"`{name}` {what} in the filter: give a value, or leave the field out; {can}.")

    def _operator(self, name: str, operator: str, operand: Value, binds: _Binds) -> Shape:
        if operand is None:
            raise self._says_nothing(name, f"has null for `{operator}`")
        match = self._fields[name]
        assert isinstance(match, Match | LinkedTo)
        kind, key = ("link", name) if isinstance(match, LinkedTo) else ("is", match.column)
        if operator == "isNull":
            return (kind, key, "null" if operand else "present", None)
        if operator in {"in", "notIn"}:
            return _membership(kind, key, operator, [stored_value(each) for each in operand], binds)
        if operator in {"contains", "startsWith"}:
            assert isinstance(match, Match)
            bound = binds.bind(fold_name(_searchable(name, operator, operand)))
            return (kind, match.folded, operator, bound) if isinstance(match.folded, str) else ("folded", name, operator, bound)
        if isinstance(operand, Between):
            operator = BETWEEN.get(operator, operator)
        return (kind, key, operator, binds.bind(stored_value(operand)))

    def sql(self, shape: Shape, table: FromClause, *, limited: bool, walk: bool = False) -> ColumnElement[bool]:
        """The conditions on `table`; rows without a value count as not matching, also under `not`.

        `walk`: the rows are read in their order until the page is full, so that no range may lure SQLite away to a sort.
        """
        return self._sql(shape, table, _SqlMode(limited, walk), negated=False)

    def _sql(self, shape: Shape, table: FromClause, mode: "_SqlMode", *, negated: bool) -> ColumnElement[bool]:
        head = shape[0]
        if head == "not":
            return self._sql(shape[1], table, mode, negated=not negated)
        if head in {"all", "any"}:
            parts = [self._sql(part, table, mode, negated=negated) for part in shape[1:]]
            if (head == "all") != negated:
                return and_(*parts) if parts else true()
            return or_(*parts) if parts else false()
        if head == "is" and not (mode.limited and shape[1] in self._references):
            return _compared(shape, table, walk=mode.walk, negated=negated)
        found = self._reference(shape, table, mode) if head == "is" else self._elsewhere(shape, table, mode)
        return not_(found) if negated else found

    def _reference(self, shape: Shape, table: FromClause, mode: "_SqlMode") -> ColumnElement[bool]:
        """A condition on a reference, for a limited viewer: a record that the viewer may not see counts as null, as it is shown."""
        key, operator, bind = str(shape[1]), str(shape[2]), shape[3]
        found = self._referred(self._references[key], NO_CONDITIONS, table, mode)
        if bind is not None:
            found = and_(_condition(POSITIVE.get(operator, operator), table.c[key], bind), found)
        return not_(found) if operator == "null" or operator in POSITIVE else found

    def _elsewhere(self, shape: Shape, table: FromClause, mode: "_SqlMode") -> ColumnElement[bool]:
        """Conditions on what isn't a column of the table: linked rows, the record of a reference, an expression."""
        match = self._fields[shape[1]]
        if isinstance(match, LinkedTo):
            return _linked(match, shape, table, limited=mode.limited)
        if isinstance(match, Through):
            return self._referred(match, shape[2], table, mode)
        assert isinstance(match, Match)
        assert callable(match.folded)
        return _condition(shape[2], match.folded(table), shape[3])

    def _referred(self, match: Through, inner: Shape, table: FromClause, mode: "_SqlMode") -> ColumnElement[bool]:
        filters, stored = self._others[match.type_name]
        other = stored.table.alias()
        where = [other.c.workspace_id == table.c.workspace_id, other.c.id == table.c[match.column]]
        if mode.limited and stored.visible is not None:
            where.append(stored.visible(other))
        if filters is not None:
            where.append(filters.sql(inner, other, limited=mode.limited))
        return exists().where(*where)

    def as_shown(self, column: str, type_name: str | None, table: FromClause) -> Clause:
        """A reference as a limited viewer is shown it: null where the viewer may not see the record, of type `type_name`."""
        if type_name is None or column == self._owner or self._others[type_name][1].visible is None:
            return table.c[column]
        seen = self._referred(Through(column, type_name), NO_CONDITIONS, table, _SqlMode(limited=True, walk=False))
        return case((seen, table.c[column]))

    def mentioned(self, shape: Shape, kind: str) -> str | None:
        """A field whose conditions in `shape` are of a `kind`: "link" looks at linked rows, "through" at the record of a reference."""
        return next((str(part[1]) for part in _nested(shape) if part[0] == kind), None)

    def unknown(self, shape: Shape) -> str | None:
        """A field of the conditions in `shape` by a reference to what a limited viewer may not know of, though it sees the record."""
        return next((self._unknown[part[1]] for part in _nested(shape) if part[0] == "is" and part[1] in self._unknown), None)

    def holds(self, shape: Shape, values: Values, state: Values) -> bool:
        """Whether the conditions hold of a record's `state`: its columns by name, and the ids of its links.

        What a state lacks, since it was kept before there was such a filter, counts as having no value.
        """
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
            return any_holds(operator, operand, state.get(link.state, []))
        if head == "folded" or key in self._unfolded:
            # Folded anew: what a state was kept with may have been folded by another version.
            text = state.get(self._columns[key] if head == "folded" else self._unfolded[key])
            return holds(operator, operand, None if text is None else fold(text))
        return holds(operator, operand, state.get(key))


def _nested(shape: Shape) -> Iterator[Shape]:
    """A shape, and all that are within it."""
    yield shape
    for part in shape[1:]:
        if isinstance(part, tuple):
            yield from _nested(part)


def _has_conditions(given: Values) -> bool:
    """Whether a filter narrows what it looks at: nulls count as absent at any depth, and an alternative without a condition lets all in.

    An empty list is a condition: `and: []` says that it means everything.
    """
    return any(value is not None and _is_condition(name, value) for name, value in given.items())


def _is_condition(name: str, value: Value) -> bool:
    if name == "and":
        return not value or any(map(_has_conditions, value))
    return all(map(_has_conditions, value)) if name == "or" else name != "not" or _has_conditions(value)


def _searchable(name: str, operator: str, text: str) -> str:
    if len(text) > MAX_SEARCH:
        raise BadRequest(f"`{operator}` of `{name}` has {len(text)} characters in the filter; it may have {MAX_SEARCH}.")
    return text


def _membership(kind: str, key: str, operator: str, values: list[Value], binds: _Binds) -> Shape:
    """A list of one is a comparison: an index on the column then serves the order too."""
    if len(values) == 1:
        return (kind, key, "eq" if operator == "in" else "ne", binds.bind(values[0]))
    if not values:
        return ("any",) if operator == "in" else ("all",)
    return (kind, key, operator, binds.bind(list(dict.fromkeys(values))))


def _compared(shape: Shape, table: FromClause, *, walk: bool, negated: bool) -> ColumnElement[bool]:
    key, operator, bind = str(shape[1]), str(shape[2]), shape[3]
    column = table.c[key]
    if operator in {"null", "present"}:
        return column.is_(None) if (operator == "null") != negated else column.is_not(None)
    excludes = operator in {"ne", "notIn"}
    looked_at = Unindexed(column) if walk and operator in RANGES else column
    found = _condition(POSITIVE.get(operator, operator), looked_at, bind)
    if excludes == negated:
        return found
    return or_(column.is_(None), not_(found)) if column.nullable else not_(found)


def _condition(operator: str, column: Clause, bind: Value) -> ColumnElement[bool]:
    if operator == "in":
        return AnyOf(column, compared_list(column, bind))
    operand = compared(column, bind)
    if operator == "contains":
        return Contains(column, operand)
    if operator == "startsWith":
        return StartsWith(column, operand)
    found: ColumnElement[bool] = COMPARISONS[operator](column, operand)
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
    positive = POSITIVE.get(operator, operator)
    found = exists().where(*here, _condition(positive, link.c[match.link.there], bind))
    return not_(found) if positive != operator else found
