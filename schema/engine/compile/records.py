"""Records by their ids, and related records in batches: one statement each, however many parents there are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, FromClause, bindparam

from schema.engine.compile.data_reader import DataReader
from schema.engine.document.selections import Selected
from schema.engine.document.variables import Variables
from schema.sql_types import Bind, Clause, SelectOf
from schema.storage.database import Row
from schema.storage.statements import AnyOf, Statement, list_bind
from schema.values import Value

from .arguments import Arguments
from .compiler import Compiler
from .cost import LIST, Cost
from .model import FieldModel
from .newest import MAX_LAST, Newest, last_of, newest_of_each
from .response_size import ParentCounts
from .select import Level, alias
from .sources import BackReference, StoredType, ThroughLinks, ToMany
from .writer import GeneratedFunction, make_grouper

LONGEST_LIST = 250
"""The most items of a list without pages."""
MAX_EMBEDDED = 1_048_576
"""Bytes of related records that come with their parent's row; of more, each list has its own statement."""


@dataclass(slots=True)
class Records:
    """Records of one type by id: a mapping from each id to the response of the record, without those that the caller may not see."""

    level: Level
    one: Statement
    many: Statement
    writer: GeneratedFunction

    async def load(self, reader: DataReader, ids: Iterable[Value], variables: Variables) -> dict[Value, Value]:
        """The records with these ids, each of which stands in the answer as often as here. Raises ResponseTooLarge."""
        found = [id_ for id_ in ids if id_ is not None]
        if not found:
            return {}
        wanted = list(dict.fromkeys(found))
        values = self.level.bind_sizes({**reader.values, "id": wanted[0], "ids": wanted}, variables)
        if len(wanted) == 1:
            rows = await reader.fetch(self.one, values)
        else:
            rows = await reader.fetch_many(self.many, values, self.level.weight)
        parents = ParentCounts(wanted, len(found) - len(wanted) + 1, partial(Counter, found))
        return {key: group[0] for key, group in (await self.groups(reader, rows, variables, parents)).items()}

    async def groups(self, reader: DataReader, rows: Sequence[Row], variables: Variables, parents: ParentCounts | None = None) -> Value:
        """The responses of rows by id, each in a list of its own. Raises ResponseTooLarge."""
        level = self.level
        reader.weigh(level.weight, rows, parents)
        return self.writer.call(rows, *(await level.batched(reader, rows, variables, parents) if level.batches else ()))


@dataclass(slots=True)
class RecordStep:
    """A root field that is one record by its id, or null."""

    records: Records
    variable: str
    """The name of the one that is the argument `id`, as in most documents; empty where none is."""
    arguments: Arguments

    async def run(self, reader: DataReader, variables: Variables) -> Value:
        id_ = variables.coerced.get(self.variable)
        if id_ is None:
            id_ = self.arguments(variables)["id"]
        values = {**reader.values, "id": id_}
        if self.records.level.sizes:
            self.records.level.bind_sizes(values, variables)
        rows = await reader.fetch(self.records.one, values)
        return (await self.records.groups(reader, rows, variables))[id_][0] if rows else None


def compile_records(compiler: Compiler, type_name: str, selected: Selected) -> tuple[Records, Cost]:
    """The plan for records of a type, of which `selected` asks something."""
    type_ = compiler.model.object_type(type_name)
    level = compiler.level(compiler.model.stored(type_name), embeds=True)
    key = level.table.c.id
    level.place(key)
    code, cost = compiler.object(level, level.table, type_, compiler.selections.below(selected, type_))
    one = compiler.sql(level.clause(key == bindparam("id", type_=key.type, required=True)))
    many = compiler.sql(level.clause(AnyOf(key, list_bind("ids", key.type))))
    return Records(level, one, many, make_grouper(level.row, level.parameters, code, compiler.names)), cost


@dataclass(slots=True)
class RelatedRecords:
    """All related records of many parents."""

    key: int
    level: Level
    one: Statement
    many: Statement
    writer: GeneratedFunction

    async def load(self, reader: DataReader, parents: ParentCounts, variables: Variables) -> Value:
        """The related records of each parent that has some. Raises ResponseTooLarge."""
        keys = parents.keys
        if len(keys) == 1:
            rows = await reader.fetch(self.one, {**reader.values, "parent": keys[0]})
        else:
            rows = await reader.fetch_many(self.many, {**reader.values, "parents": keys}, self.level.weight)
        reader.weigh(self.level.weight, rows, parents)
        return self.writer.call(rows, *await self.level.batched(reader, rows, variables, parents))


def compile_to_many(
    compiler: Compiler, source: ToMany, model: FieldModel, selected: Selected, parent: int
) -> tuple[RelatedRecords | Newest, Cost]:
    """The plan for the related records of a level's rows, whose key stands at place `parent`."""
    below = _Below(compiler, source, selected)
    level, key = below.level, below.related.parent
    level.place(key)
    code, cost = below.object()
    writer = make_grouper(level.row, level.parameters, code, compiler.names)
    if source.last:
        (order,) = below.related.order
        statement = compiler.sql(newest_of_each(level, key, order, compiler.database.dialect.name))
        return Newest(parent, level, statement, writer, last_of(compiler, model, selected), compiler.for_fallback), cost.times(LIST)
    one = below.rows(key == bindparam("parent", type_=key.type, required=True), key)
    many = below.rows(AnyOf(key, list_bind("parents", key.type)), key)
    return RelatedRecords(parent, level, compiler.sql(one), compiler.sql(many), writer), cost.times(LIST)


def compile_embedded(
    compiler: Compiler, source: ToMany, model: FieldModel, selected: Selected, level: Level, table: FromClause
) -> tuple[str, Cost] | None:
    """The code of the related records, selected with the rows of `level`.

    None where something hangs on them in turn, where they may be large, and for graphql-core where an argument may be at fault.
    """
    if source.last and compiler.for_fallback:
        return None
    below = _Below(compiler, source, selected, row="e", prefix="e")
    code, cost = below.object()
    item, most = below.level.weight, MAX_LAST if source.last else LONGEST_LIST
    if below.level.batches or level.weight.read + item.read * most > MAX_EMBEDDED:
        return None
    clause = below.rows(below.related.parent == table.c.id)
    if source.last:
        name = f"last{len(level.sizes)}"
        level.sizes[name] = last_of(compiler, model, selected)
        (order,) = below.related.order
        count: Bind = bindparam(name, required=True)
        rows = level.embed(clause.order_by(None).order_by(order.desc()).limit(count), table) + "[::-1]"
    else:
        rows = level.embed(clause, table)
    level.weight.items(item, rows, most)
    return f"[{code} for {below.level.row} in {rows}]", cost.times(LIST)


class _Below:
    """The level of related records, as far as it doesn't matter how it hangs on the one above."""

    def __init__(self, compiler: Compiler, source: ToMany, selected: Selected, **given: Value) -> None:
        self.compiler = compiler
        self.type = compiler.model.object_type(source.type_name)
        self.asked = compiler.selections.below(selected, self.type)
        self.reference: Clause | None = None
        stored, by = compiler.model.stored(source.type_name), source.by
        if isinstance(by, ThroughLinks) and compiler.only_refers(stored, self.asked):
            self.level = compiler.level(StoredType(by.table), **given)
            link = self.level.table.c
            self.related = Relation(link[by.here], order=[link[by.order]])
            self.reference = link[by.there]
        else:
            self.level = compiler.level(stored, **given)
            self.related = relate(self.level, stored, by)

    def object(self) -> tuple[str, Cost]:
        """The code of a record, and its cost."""
        if self.reference is not None:
            return self.compiler.reference(self.level.slot(self.reference), self.type, self.asked, self.level.weight)
        return self.compiler.object(self.level, self.level.table, self.type, self.asked)

    def rows(self, of_parent: ColumnElement[bool], *order: Clause) -> SelectOf:
        """The records of one parent, or of many, which then are the first to order by."""
        related = self.related
        return self.level.clause(of_parent, source=related.source).where(*related.where).order_by(*order, *related.order)


@dataclass(slots=True)
class Relation:
    """The relation of a level's rows to their parents: the column with the parent's id, the FROM clause, further conditions."""

    parent: Any
    source: Value = None
    order: list[Clause] = field(default_factory=list)
    where: list[ColumnElement[bool]] = field(default_factory=list)


def relate(level: Level, stored: StoredType, by: BackReference | ThroughLinks) -> Relation:
    """The relation `by` of a level's rows to their parents."""
    if isinstance(by, BackReference):
        return Relation(level.table.c[by.column], order=[level.table.c[name] for name in by.order])
    link = alias(by.table, "link")
    same = (level.table.c.workspace_id == link.c.workspace_id) & (level.table.c[stored.key] == link.c[by.there])
    where = [link.c.workspace_id == bindparam("workspace", type_=link.c.workspace_id.type, required=True)]
    return Relation(link.c[by.here], link.join(level.table, same), [link.c[by.order]], where)
