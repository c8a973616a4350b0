"""The newest related records of each parent, told oldest first; the field's argument `last` says how many."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, func, select

from schema.engine.compile.data_reader import DataReader
from schema.engine.document.selections import Selected
from schema.engine.document.variables import Variables
from schema.rules.errors import BadRequest
from schema.sql_types import Bind, Clause, SelectOf
from schema.storage.statements import OrderedJoin, Statement, list_bind
from schema.storage.workspace import WORKSPACE
from schema.values import Value, Values

from .arguments import read_arguments
from .compiler import Compiler
from .cost import Size
from .model import FieldModel
from .response_size import ParentCounts
from .select import Level, alias
from .writer import GeneratedFunction

MAX_LAST = 100


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
                return dict.fromkeys(parents.keys, error)
            raise
        values = {**reader.values, "parents": parents.keys, "last": last}
        rows = await reader.fetch_many(self.statement, values, self.level.weight)
        reader.weigh(self.level.weight, rows, parents)
        return self.writer.call(rows, *await self.level.batched(reader, rows, variables, parents))


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
