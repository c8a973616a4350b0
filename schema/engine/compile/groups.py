"""Sums by group: one statement, with a row for each group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from schema.engine.compile.data_reader import DataReader
from schema.rules.errors import BadRequest
from schema.storage.statements import Statement
from schema.values import Object, Value, Values

from .select import permitted
from .sources import Aggregate

if TYPE_CHECKING:
    from .compiler import Compiler

DEFAULT_GROUPS, MAX_GROUPS = 100, 250


@dataclass(frozen=True, slots=True)
class GroupColumn:
    """What rows can be grouped by: a column, and the key under which a group's object has its value."""

    column: str
    key: str


class Groups:
    """The greatest groups of a type's rows, each with its summary."""

    def __init__(self, type_name: str, columns: Mapping[str, GroupColumn], compiler: "Compiler") -> None:
        self._compiler = compiler
        self._type = type_name
        self._columns = columns
        self._stored = compiler.model.stored(type_name)
        self._filters = compiler.model.filters[type_name]

    async def __call__(self, reader: DataReader, arguments: Values) -> list[Object]:
        """One object a group, those with the most rows first. Raises BadRequest for no columns and a number out of range, NotCompiled."""
        names, conditions = _names(arguments), self._filters.read(arguments.get("filter"))
        values = {**reader.values, **conditions.values, "limit": _size(arguments.get("first"))}
        rows = await reader.fetch(self._statement(names, conditions.shape), values)
        return [self._object(names, row) for row in rows]

    def compile(self, arguments: Values) -> None:
        """Compiles the statement for these arguments. Raises BadRequest."""
        self._statement(_names(arguments), self._filters.read(arguments.get("filter")).shape)

    def _statement(self, names: tuple[str, ...], shape: Value) -> Statement:
        key = ("groups", self._type, self._compiler.limited, names, shape)
        return self._compiler.kept(key, lambda: self._clause(names, shape))

    def _clause(self, names: Sequence[str], shape: Value) -> Value:
        summary = self._stored.summary
        assert summary is not None
        rows, limited = self._stored.table.alias("t0"), self._compiler.limited
        columns = [rows.c[self._columns[name].column] for name in names]
        where = [*permitted(rows, self._stored, limited=limited), self._filters.sql(shape, rows, limited=limited)]
        # Groups of one size stand in the order of their values, so that the same ones come each time.
        order = [func.count().desc(), *[column.asc().nulls_last() for column in columns]]
        clause = select(*columns, *summary.columns(rows)).where(*where).group_by(*columns).order_by(*order)
        return clause.limit(bindparam("limit", required=True))

    def _object(self, names: Sequence[str], row: Value) -> Object:
        summary = self._stored.summary
        assert summary is not None
        values = {each.key: None for each in self._columns.values()}
        values |= {self._columns[name].key: value for name, value in zip(names, row, strict=False)}
        return {**values, "summary": summary.to_object(row[len(names) :])}


def _names(arguments: Values) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(each.value for each in arguments["groupBy"]))
    if not names:
        raise BadRequest("`groupBy` is empty: say what the groups have in common.")
    return names


def _size(first: int | None) -> int:
    size = DEFAULT_GROUPS if first is None else first
    if not 0 <= size <= MAX_GROUPS:
        raise BadRequest(f"`first` is {size}; it must be from 0 to {MAX_GROUPS}.")
    return size


def grouped(type_name: str, columns: Mapping[str, GroupColumn]) -> Aggregate:
    """The source of the groups of a type's rows."""
    return Aggregate(lambda compiler: Groups(type_name, columns, compiler), type_name, size=("first", DEFAULT_GROUPS))
