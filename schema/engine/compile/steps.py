"""The root fields of a query, each a step that reads its part of the response."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from graphql import GraphQLObjectType

from schema.engine.compile.data_reader import DataReader
from schema.engine.document.selections import SCHEMA_FIELDS, Selected
from schema.engine.document.variables import Variables
from schema.rules.errors import BadRequest, Forbidden, GatewayError
from schema.storage.statements import Statement
from schema.values import Object, Value

from .arguments import Arguments, read_arguments, variable_of
from .compiler import TYPENAME, Compiler, ParentsKind, result_type
from .connections import compile_connection
from .cost import LIST, SCHEMA, SUMS, SUMS_OF_A_DAY, Cost, Size, costliest, paged
from .model import FieldModel
from .plain_objects import Plain, Related, write_plain
from .records import Records, RecordStep, compile_records
from .response_size import ResponseSize
from .select import Batch, Level
from .sources import Aggregate, AllRows, ConnectionSource, FromCaller, NodeById, RecordById, ResolverSource, RunAggregate, WritePreview
from .writer import GeneratedFunction, make_writer

MAX_IDS = 100


class QueryStep(Protocol):
    """A root field."""

    def run(self, reader: DataReader, variables: Variables) -> Awaitable[Value]:
        """Its part of the response. Raises GatewayError."""


@dataclass(slots=True)
class NodesStep:
    """Records of any type by their ids; the prefix of an id says which type it is of."""

    by_prefix: dict[str, Records]
    arguments: Arguments
    many: bool
    around: int = MAX_IDS * len("null,")

    async def run(self, reader: DataReader, variables: Variables) -> Value:
        arguments = self.arguments(variables)
        ids = arguments["ids"] if self.many else [arguments["id"]]
        if len(ids) > MAX_IDS:
            raise BadRequest(f"`ids` has {len(ids)} items; it may have {MAX_IDS}.")
        found: Object = {}
        for prefix, records in self.by_prefix.items():
            found.update(await records.load(reader, [id_ for id_ in ids if id_.partition("_")[0] == prefix], variables))
        return [found.get(id_) for id_ in ids] if self.many else found.get(ids[0])


@dataclass(slots=True)
class RowsStep:
    """All rows of a type."""

    level: Level
    statement: Statement
    writer: GeneratedFunction

    async def run(self, reader: DataReader, variables: Variables) -> Value:
        rows = await reader.fetch_many(self.statement, reader.values, self.level.weight)
        reader.weigh(self.level.weight, rows)
        return self.writer.call(rows, *await self.level.batched(reader, rows, variables))


@dataclass(slots=True)
class RefusedStep:
    """A root field that is for administrators only, in the plan for all others."""

    async def run(self, reader: DataReader, variables: Variables) -> Value:  # noqa: ARG002  every step is run so
        raise Forbidden("Only an admin may do this.")


@dataclass(slots=True)
class ConstantStep:
    """A root field that is always the same, `__typename`, or answered elsewhere, `__schema` and `__type`."""

    value: Value

    async def run(self, reader: DataReader, variables: Variables) -> Value:  # noqa: ARG002  every step is run so
        return self.value


@dataclass(slots=True)
class ResolverStep:
    """A root field with a resolver, which answers once all else is read."""

    resolver_field: Batch

    async def run(self, reader: DataReader, variables: Variables) -> Value:
        del reader, variables


@dataclass(slots=True)
class PlainStep:
    """A plain object or list, and the records that it refers to."""

    make: Callable[[DataReader, Variables], Value]
    writer: "PlainWriter"

    async def run(self, reader: DataReader, variables: Variables) -> Value:
        return await self.writer.write(reader, await self.make(reader, variables), variables)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums over all rows that match a filter."""

    compiler: Compiler
    aggregated: RunAggregate
    arguments: Arguments

    def make(self, reader: DataReader, variables: Variables) -> Awaitable[Value]:
        return self.aggregated(reader, self.arguments(variables))

    def compile(self, variables: Variables, parents: ParentsKind) -> None:
        if parents == "none":
            with suppress(GatewayError), self.compiler.compiling():
                self.aggregated.compile(self.arguments(variables))


@dataclass(slots=True)
class PlainWriter:
    """Writes a plain object or list once the records that it refers to are loaded."""

    related: list[Related]
    collectors: list[GeneratedFunction]
    writer: GeneratedFunction
    weight: ResponseSize

    async def write(self, reader: DataReader, value: Value, variables: Variables) -> Value:
        """The response of `value`. Raises ResponseTooLarge."""
        reader.add(sum(self.weight.count([value])))
        loaded = []
        for related, collector in zip(self.related, self.collectors, strict=True):
            loaded.append(await related.records.load(reader, collector.call(value), variables))
        return self.writer.call(value, *loaded)


def compile_plain(
    compiler: Compiler, type_: GraphQLObjectType, selected: Selected, *, many: bool, size: Size | None = None
) -> tuple[PlainWriter, Cost]:
    """The writer of a plain object (`many`: of a list of them), of which `selected` asks something.

    The cost is that of one object. `size` tells how many items a list in it has, where the arguments say it.
    """
    plain = Plain("o", "[{} for o in value]" if many else "[{}]", size=size)
    code, cost = write_plain(compiler, plain, type_, compiler.selections.below(selected, type_))
    parameters = "".join(f", {related.name}" for related in plain.related)
    if many:
        writer = make_writer(f"value{parameters}", f"[{code} for o in value]", compiler.names)
    else:
        writer = make_writer(f"o{parameters}", code, compiler.names)
    variable = "value" if many else "o"
    collectors = [make_writer(variable, related.ids, compiler.names) for related in plain.related]
    weight = ResponseSize("v")
    weight.items(plain.weight, "v" if many else "[v]")
    return PlainWriter(plain.related, collectors, writer, weight), cost


def compile_step(compiler: Compiler, selected: Selected) -> tuple[QueryStep, Cost]:
    """The step of a root field of a query."""
    if selected.name == TYPENAME:
        return ConstantStep("Query"), Cost()
    if selected.name in SCHEMA_FIELDS:
        return ConstantStep(None), Cost(SCHEMA)
    model = compiler.model.field("Query", selected.name)
    step, cost = _read(compiler, model, selected)
    for_admins = isinstance(model.source, AllRows) or (isinstance(model.source, ConnectionSource) and model.source.admin)
    return (RefusedStep() if for_admins and not compiler.admin else step), cost


def _read(compiler: Compiler, model: FieldModel, selected: Selected) -> tuple[QueryStep, Cost]:
    arguments = read_arguments(model.definition, selected.node)
    source = model.source
    if isinstance(source, ResolverSource):
        resolver_field, cost = compiler.resolver_field(compiler, model, selected)
        return ResolverStep(resolver_field), cost
    if isinstance(source, ConnectionSource):
        return compile_connection(compiler, source, model, selected, 0)
    if isinstance(source, RecordById):
        records, cost = compile_records(compiler, source.type_name, selected)
        return RecordStep(records, variable_of(selected.node, "id"), arguments), cost
    if isinstance(source, NodeById):
        return _nodes(compiler, source, arguments, selected)
    if isinstance(source, AllRows):
        return _rows(compiler, source, selected)
    many = "[" in str(model.definition.type)
    writer, cost = compile_plain(compiler, result_type(model), selected, many=many)
    if isinstance(source, Aggregate):
        cost = _of_sums(source, arguments, cost)
    elif many:
        cost = cost.times(LIST)
    return PlainStep(_maker(compiler, source, model, arguments), writer), cost


def _of_sums(source: Aggregate, arguments: Arguments, each: Cost) -> Cost:
    """The cost of sums, and of the records that their objects refer to; `each` is the cost of one object."""
    dearer = source.dearer or ""
    cost = paged(lambda variables: SUMS_OF_A_DAY if arguments(variables).get(dearer) else SUMS, Cost(1))
    if source.size is not None:
        name, default = source.size
        cost.add(paged(lambda variables: _size(arguments(variables).get(name), default), each))
    return cost


def _size(given: int | None, default: int) -> int:
    return default if given is None else max(0, given)


def _nodes(compiler: Compiler, source: NodeById, arguments: Arguments, selected: Selected) -> tuple[QueryStep, Cost]:
    names = {
        prefix: name
        for prefix, name in compiler.model.by_prefix().items()
        if not (compiler.limited and compiler.model.stored(name).unlisted)
    }
    compiled = {prefix: compile_records(compiler, name, selected) for prefix, name in names.items()}
    cost = costliest([cost for _, cost in compiled.values()])
    step = NodesStep({prefix: records for prefix, (records, _) in compiled.items()}, arguments, source.many)
    if not source.many:
        return step, cost
    return step, paged(lambda variables: len(set(arguments(variables)["ids"])), cost)


def _rows(compiler: Compiler, source: AllRows, selected: Selected) -> tuple[QueryStep, Cost]:
    type_ = compiler.model.object_type(source.type_name)
    level = compiler.level(compiler.model.stored(source.type_name))
    code, cost = compiler.object(level, level.table, type_, compiler.selections.below(selected, type_))
    writer = make_writer(f"rows{level.parameters}", f"[{code} for {level.row} in rows]", compiler.names)
    order = [level.table.c[name] for name in source.order]
    if not level.columns:
        level.place(order[0])
    return RowsStep(level, compiler.sql(level.clause().order_by(*order)), writer), cost.times(LIST)


def _maker(compiler: Compiler, source: Value, model: FieldModel, arguments: Arguments) -> Callable[[DataReader, Variables], Value]:
    if isinstance(source, Aggregate):
        sums = Sums(compiler, source.make(compiler), arguments)
        compiler.shaped.append(sums)
        return sums.make
    if isinstance(source, WritePreview):
        work_out = compiler.worked_out[source.name]

        async def worked_out(reader: DataReader, variables: Variables) -> Value:
            return await work_out(reader, arguments(variables))

        return worked_out
    assert isinstance(source, FromCaller), model.name

    async def computed(reader: DataReader, variables: Variables) -> Value:
        del variables
        return source.make(reader.caller)

    return computed
