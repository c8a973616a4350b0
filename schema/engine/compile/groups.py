"""Sums over the rows of a type that match a filter, such as sums by group: always one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, FromClause, bindparam, func, literal_column, select
from typing_extensions import override

from schema.engine.compile.data_reader import DataReader
from schema.rules.errors import BadRequest
from schema.sql_types import Clause, SelectOf
from schema.storage.database import Row
from schema.storage.statements import Statement
from schema.values import CacheKey, Object, Value, Values

from .select import permitted
from .sources import Aggregate

if TYPE_CHECKING:
    from .compiler import Compiler

DEFAULT_GROUPS, MAX_GROUPS = 100, 250


@dataclass(frozen=True, slots=True)
class GroupColumn:
    """A column that rows can be grouped by, the key of its value in a group's object, and the type of the record that it refers to."""

    column: str
    key: str
    refers_to: str | None = None


class FilteredSums:
    """Sums over the rows of a type that match the argument `filter`. Subclasses say by which statement, and make objects of its rows."""

    def __init__(self, compiler: "Compiler", type_name: str) -> None:
        self._compiler = compiler
        self._filters = compiler.model.filters[type_name]
        self.stored = compiler.model.stored(type_name)
        self.dialect = compiler.database.dialect.name

    def variant(self, arguments: Values) -> CacheKey:
        """Return the part of the statement's cache key that the arguments decide, apart from the filter. Raises BadRequest."""
        raise NotImplementedError

    def clause(self, table: FromClause, where: list[ColumnElement[bool]], variant: Value) -> SelectOf:
        """The statement for a variant: `where` is what must hold of the rows of `table` already."""
        raise NotImplementedError

    def compile(self, arguments: Values) -> None:
        """Compiles the statement for these arguments. Raises BadRequest."""
        self._statement(self.variant(arguments), self._filters.read(arguments.get("filter")).shape)

    async def rows(self, reader: DataReader, arguments: Values, **values: Value) -> Sequence[Row]:
        """The statement's rows; `values` are binds of its own. Raises BadRequest, NotCompiled."""
        variant, conditions = self.variant(arguments), self._filters.read(arguments.get("filter"))
        statement = self._statement(variant, conditions.shape)
        rows: Sequence[Row] = await reader.fetch(statement, {**reader.values, **conditions.values, **values})
        return rows

    def _statement(self, variant: CacheKey, shape: CacheKey) -> Statement:
        key = (type(self), self.stored.table.name, self._compiler.limited, *variant, shape)
        return self._compiler.kept(key, lambda: self._clause(variant, shape))

    def _clause(self, variant: CacheKey, shape: CacheKey) -> SelectOf:
        table, limited = self.stored.table.alias("t0"), self._compiler.limited
        where = [*permitted(table, self.stored, limited=limited), self._filters.sql(shape, table, limited=limited)]
        return self.clause(table, where, variant)


class Groups(FilteredSums):
    """The greatest groups of a type's rows, each with its summary."""

    def __init__(self, compiler: "Compiler", type_name: str, columns: Mapping[str, GroupColumn]) -> None:
        super().__init__(compiler, type_name)
        assert self.stored.summary is not None
        self._summary = self.stored.summary
        self._columns = columns

    async def __call__(self, reader: DataReader, arguments: Values) -> list[Object]:
        """One object a group, those with the most rows first. Raises BadRequest for no columns and a number out of range, NotCompiled."""
        names = self.variant(arguments)
        return [self._object(names, row) for row in await self.rows(reader, arguments, limit=_size(arguments.get("first")))]

    @override
    def variant(self, arguments: Values) -> CacheKey:
        given = arguments["groupBy"]
        if not given:
            raise BadRequest("`groupBy` is empty: say what the groups have in common.")
        if len(given) > len(self._columns):
            raise BadRequest(f"`groupBy` has at most {len(self._columns)} items.")
        return tuple(dict.fromkeys(each.value for each in given))

    @override
    def clause(self, table: FromClause, where: list[ColumnElement[bool]], variant: Sequence[str]) -> SelectOf:
        columns = [self._grouped_by(self._columns[name], table) for name in variant]
        places: list[Clause] = [literal_column(str(place)) for place in range(1, len(columns) + 1)]
        # Groups of one size stand in the order of their values, so that the same ones come each time.
        order = [func.count().desc(), *[place.asc().nulls_last() for place in places]]
        clause = select(*columns, *self._summary.columns(table)).where(*where).group_by(*places).order_by(*order)
        return clause.limit(bindparam("limit", required=True))

    def _grouped_by(self, group: GroupColumn, table: FromClause) -> Clause:
        """The values of the groups. To a limited viewer all records out of sight are as none: else it could tell them apart."""
        if not self._compiler.limited:
            return table.c[group.column]
        return self._filters.as_shown(group.column, group.refers_to, table)

    def _object(self, names: Sequence[str], row: Value) -> Object:
        values = {each.key: None for each in self._columns.values()}
        values |= {self._columns[name].key: value for name, value in zip(names, row, strict=False)}
        return {**values, "summary": self._summary.to_object(row[len(names) :])}


def _size(first: int | None) -> int:
    size = DEFAULT_GROUPS if first is None else first
    if not 0 <= size <= MAX_GROUPS:
        raise BadRequest(f"`first` is {size}; it must be from 0 to {MAX_GROUPS}.")
    return size


def grouped(type_name: str, columns: Mapping[str, GroupColumn]) -> Aggregate:
    """The source of the groups of a type's rows."""
    return Aggregate(lambda compiler: Groups(compiler, type_name, columns), type_name, size=("first", DEFAULT_GROUPS))
