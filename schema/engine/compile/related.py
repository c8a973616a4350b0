"""Related records, for many parents at once: all of each parent's, or the newest, as many as the field's argument `last` says."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, bindparam, func, select

from schema.engine.compile.data_reader import DataReader
from schema.engine.document.selections import Selected
from schema.engine.document.variables import Variables
from schema.rules.errors import BadRequest
from schema.sql_types import Bind, Clause, SelectOf
from schema.storage.statements import AnyOf, OrderedJoin, Statement, list_bind
from schema.storage.workspace import WORKSPACE
from schema.values import Value, Values

from .arguments import read_arguments
from .compiler import Compiler
from .cost import LIST, Cost, Size
from .model import FieldModel
from .response_size import ParentCounts
from .select import Level, alias
from .sources import BackReference, StoredType, ThroughLinks, ToMany
from .writer import GeneratedFunction, make_grouper

MAX_LAST = 100
LONGEST_LIST = 250
"""The most items of a list without pages."""
MAX_EMBEDDED = 1_048_576
"""Bytes of related records that come with their parent's row; of more, each list has its own statement."""


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


@dataclass(slots=True)
class Newest:
    """The newest related records of many parents."""

    key: int
    level: Level
    statement: Statement
    writer: GeneratedFunction
    last: Size
    for_fallback: bool

    async def load(self, reader: DataReader, parents: ParentCounts, variables: Variables) -> Value:
        """The records of each parent that has some. Raises ResponseTooLarge.

        A fault in the argument is raised, or stands in place of each list for graphql-core to tell.
        """
        try:
            last = self.last(variables)
        except BadRequest as error:
            if self.for_fallback:
                return dict.fromkeys(parents.keys, error.with_traceback(None))
            raise
        values = {**reader.values, "parents": parents.keys, "last": last}
        rows = await reader.fetch_many(self.statement, values, self.level.weight)
        reader.weigh(self.level.weight, rows, parents)
        return self.writer.call(rows, *await self.level.batched(reader, rows, variables, parents))


def compile_to_many(
    compiler: Compiler, source: ToMany, model: FieldModel, selected: Selected, parent: int
) -> tuple[RelatedRecords | Newest, Cost]:
    """Return the plan for the related records of a level's rows, whose key is at index `parent`."""
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
    """The level of related records, with its relation to the level above."""

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


def read_last(arguments: Values) -> int:
    """Return the number of records that the coerced arguments ask for. Raises BadRequest."""
    last: int | None = arguments.get("last")
    if last is None:
        return MAX_LAST
    if not 0 <= last <= MAX_LAST:
        raise BadRequest(f"`last` is {last}; it must be from 0 to {MAX_LAST}.")
    return last


def last_of(compiler: Compiler, model: FieldModel, selected: Selected) -> Size:
    """Return a function from variables to that number, which is checked with the operation's other arguments."""
    arguments = read_arguments(model.definition, selected.node)

    def last(variables: Variables) -> int:
        return read_last(arguments(variables))

    compiler.checks.append(lambda variables, _: last(variables))
    return last


def newest_of_each(level: Level, parent: Clause, order: Clause, dialect: str) -> SelectOf:
    """The newest `last` rows of each of `parents`. For each of them an index is searched twice, however many rows it has.

    `order` is a positive number that is unique within a parent.
    """
    keys = list_bind("parents", parent.type)
    each: Any = (
        func.json_each(keys).table_valued("value", name="each")
        if dialect == "sqlite"
        else func.unnest(keys).table_valued("value", name="each").render_derived()
    )
    before = alias(level.stored.table, "before")
    same = and_(before.c.workspace_id == WORKSPACE, before.c[parent.name] == each.c.value)
    place = before.c[order.name]
    offset: Bind = bindparam("last", required=True)
    oldest = select(place).where(same).order_by(place.desc()).limit(1).offset(offset).correlate(each).scalar_subquery()
    # By itself SQLite reads the whole table, so as not to sort what it finds.
    source = OrderedJoin(each, level.table, and_(parent == each.c.value, order > func.coalesce(oldest, 0)))
    return level.clause(source=source).order_by(parent, order)
