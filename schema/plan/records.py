"""Records by their ids, and related records in batches: one statement each, however many parents there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution.values import VariableValues
from sqlalchemy import ColumnElement, bindparam

from ..storage.database import Row
from ..storage.statements import AnyOf, Statement, list_bind
from .compiler import Compiler
from .cost import LIST, Cost
from .reading import Reader
from .select import Level
from .selections import Selected
from .sources import Foreign, Linked, Stored, ToMany
from .writer import Writer, make_grouper


@dataclass(slots=True)
class Records:
    """Records of one type, by id: a mapping from each id to the response of the record; who is out of sight is not in it."""

    level: Level
    one: Statement
    many: Statement
    writer: Writer

    async def load(self, reader: Reader, ids: Iterable[Any], variables: VariableValues) -> dict[Any, Any]:
        """The records with these ids."""
        wanted = [id_ for id_ in dict.fromkeys(ids) if id_ is not None]
        if not wanted:
            return {}
        if len(wanted) == 1:
            rows = await reader.fetch(self.one, {**reader.values, "id": wanted[0]})
        else:
            rows = await reader.fetch(self.many, {**reader.values, "ids": wanted})
        return {key: group[0] for key, group in (await self._groups(reader, rows, variables)).items()}

    async def get(self, reader: Reader, id_: Any, variables: VariableValues) -> Any:
        """The one with this id, or None."""
        rows = await reader.fetch(self.one, {**reader.values, "id": id_})
        return (await self._groups(reader, rows, variables))[id_][0] if rows else None

    async def _groups(self, reader: Reader, rows: Sequence[Row], variables: VariableValues) -> Any:
        return self.writer.call(rows, *await self.level.batched(reader, rows, variables))


def compile_records(compiler: Compiler, type_name: str, selected: Selected) -> tuple[Records, Cost]:
    """The plan for records of a type, of which `selected` asks something."""
    type_: Any = compiler.model.schema.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    level = compiler.level(compiler.model.stored(type_name))
    key = level.table.c.id
    level.place(key)
    code, cost = compiler.object(level, level.table, type_, compiler.selections.below(selected, type_))
    one = compiler.sql(level.clause(key == bindparam("id", type_=key.type, required=True)))
    many = compiler.sql(level.clause(AnyOf(key, list_bind("ids", key.type))))
    return Records(level, one, many, make_grouper(level.row, level.parameters, code, compiler.names)), cost


@dataclass(slots=True)
class Many:
    """All related records of many parents."""

    key: int
    level: Level
    one: Statement
    many: Statement
    writer: Writer

    async def load(self, reader: Reader, keys: list[Any], variables: VariableValues) -> Any:
        """The related records of each parent that has some."""
        if len(keys) == 1:
            rows = await reader.fetch(self.one, {**reader.values, "parent": keys[0]})
        else:
            rows = await reader.fetch(self.many, {**reader.values, "parents": keys})
        batches = await self.level.batched(reader, rows, variables)
        return self.writer.call(rows, *batches)


def compile_to_many(compiler: Compiler, source: ToMany, selected: Selected, parent: int) -> tuple[Many, Cost]:
    """The plan for all related records of a level's rows, whose key stands at place `parent`."""
    type_: Any = compiler.model.schema.type_map[source.type_name]
    stored, by = compiler.model.stored(source.type_name), source.by
    asked = compiler.selections.below(selected, type_)
    if isinstance(by, Linked) and compiler.only_refers(stored, asked):
        level = compiler.level(Stored(by.table))
        link = level.table.c
        related = Relation(link[by.here], order=[link[by.order]])
        level.place(related.parent)
        code, cost = compiler.reference(level.slot(link[by.there]), type_, asked), Cost(1)
    else:
        level = compiler.level(stored)
        related = relate(level, stored, by)
        level.place(related.parent)
        code, cost = compiler.object(level, level.table, type_, asked)
    return _many(compiler, level, related, parent, code), cost.times(LIST)


def _many(compiler: Compiler, level: Level, related: "Relation", parent: int, code: str) -> Many:
    key, order = related.parent, [related.parent, *related.order]
    one = level.clause(key == bindparam("parent", type_=key.type, required=True), source=related.source)
    many = level.clause(AnyOf(key, list_bind("parents", key.type)), source=related.source)
    statements = [compiler.sql(clause.where(*related.where).order_by(*order)) for clause in (one, many)]
    return Many(parent, level, statements[0], statements[1], make_grouper(level.row, level.parameters, code, compiler.names))


@dataclass(slots=True)
class Relation:
    """How a level's rows hang on their parents: the column with the parent's id, what to select from, what else must hold."""

    parent: Any
    source: Any = None
    order: list[ColumnElement[Any]] = field(default_factory=list)
    where: list[ColumnElement[bool]] = field(default_factory=list)


def relate(level: Level, stored: Stored, by: Foreign | Linked) -> Relation:
    """The relation `by` of a level's rows to their parents."""
    if isinstance(by, Foreign):
        return Relation(level.table.c[by.column], order=[level.table.c[name] for name in by.order])
    link = by.table.alias("link")
    same = (level.table.c.workspace_id == link.c.workspace_id) & (level.table.c[stored.key] == link.c[by.there])
    where = [link.c.workspace_id == bindparam("workspace", type_=link.c.workspace_id.type, required=True)]
    return Relation(link.c[by.here], link.join(level.table, same), [link.c[by.order]], where)
