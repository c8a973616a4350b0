"""Records by their ids: one statement, however many there are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import bindparam

from schema.engine.compile.data_reader import DataReader
from schema.engine.document.selections import Selected
from schema.engine.document.variables import Variables
from schema.storage.database import Row
from schema.storage.statements import AnyOf, Statement, list_bind
from schema.values import Value

from .arguments import Arguments
from .compiler import Compiler
from .cost import Cost
from .response_size import ParentCounts
from .select import Level
from .writer import GeneratedFunction, make_grouper


@dataclass(slots=True)
class Records:
    """Records of one type by id: a mapping from each id to the response of the record, without those that the caller may not see."""

    level: Level
    one: Statement
    many: Statement
    writer: GeneratedFunction

    async def load(self, reader: DataReader, ids: Iterable[Value], variables: Variables) -> dict[Value, Value]:
        """Return the records with these ids, each as often in the response as here. Raises ResponseTooLarge."""
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
