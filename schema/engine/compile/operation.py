"""A whole operation as compiled: its root fields in order, and what it costs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from graphql import GraphQLObjectType

from schema.engine.compile.data_reader import DataReader
from schema.engine.document.selections import SCHEMA_FIELDS, SchemaPart, Selected, Selections, schema_part
from schema.engine.document.variables import NUMBER_BYTES, CheckVariable, Variables
from schema.rules.errors import GatewayError
from schema.values import Function, Object, Value

from .arguments import Arguments, bounded, read_arguments
from .compiler import TYPENAME, Compiler, ParentsKind, Shaped, result_type
from .conditions import FilterModel
from .connections import ConnectionPlan, compile_connection
from .cost import Cost, Size
from .model import FieldModel
from .records import RecordStep, compile_records
from .related import compile_embedded, compile_to_many
from .select import Batch
from .sources import EventSource, ResolverSource, StoredType
from .steps import ConstantStep, NodesStep, PlainWriter, QueryStep, ResolverStep, compile_plain, compile_step

QUICK = 50
"""Up to this cost a mutation's payload is read in the event loop's thread, where the database is SQLite."""
_AROUND = 20
"""Bytes of brackets, of null or of `__typename`."""


@dataclass(slots=True, eq=False)
class QueryPlan:
    """The steps of a query by response key. What it asks of the schema has no place in a plan for the fallback: graphql-core answers that.

    Statements that follow the shapes of arguments aren't compiled while it is read, but before it, in turn with other heavy work.
    """

    compiler: Compiler
    steps: list[tuple[str, QueryStep]]
    cost: Cost
    schema_part: SchemaPart | None
    constant: bool
    """It reads nothing: it asks for its type's name, or for the schema."""
    shaped: list[Shaped]
    """The parts whose statements follow the shapes of their arguments, at any depth."""
    mark: object = field(default_factory=object, init=False)
    """Identifies this object in caches that may outlive it."""
    single_statement: bool = False
    """Whether its statements see one state of the workspace without a transaction: there is only one, or each reads the revision too."""
    around: int = 0
    """Bytes of the answer beside its rows and plain objects, at most."""
    resolver_fields: tuple[Batch, ...] = ()
    """Its root fields that have a resolver."""
    retry_at: float = 0
    """The time (by `monotonic`) from which the plan is tried again after it met null where the types rule it out."""

    def compiling(self, variables: Variables, parents: ParentsKind) -> Iterator[Callable[[], None]]:
        """Yield the pieces of work that compile the statements for pages of so many `parents`."""
        for part in self.shaped:
            yield partial(part.compile, variables, parents)

    async def read(self, reader: DataReader, variables: Variables) -> Object:
        """The response's data. Raises GatewayError, ResponseTooLarge, NotCompiled; with a `single_statement` reader RevisionChanged.

        In a plan for the fallback an error stands in place of the field that it belongs to.
        """
        data: Object = {}
        reader.add(self.around)
        for key, step in self.steps:
            try:
                data[key] = await step.run(reader, variables)
            except GatewayError as error:
                if not self.compiler.for_fallback:
                    raise
                # With a traceback, which holds this call, it would hold all data until the garbage collector comes.
                data[key] = error.with_traceback(None)
        for resolver_field in self.resolver_fields:
            reader.notes_of(resolver_field).append((data, 0, {}))
        return data


class ResolverWriter:
    """Takes what a mutation's resolver answered, which was completed in its transaction."""

    async def write(self, reader: DataReader, outcome: Object, variables: Variables) -> Value:  # noqa: ARG002  every writer takes them
        """The payload. Raises ResponseTooLarge."""
        reader.add(outcome["bytes"])
        reader.notes = outcome["notes"]
        return outcome["payload"]


@dataclass(eq=False)
class WriteStep:
    """A root field of a mutation: the action of its name, its arguments, and the writer of its payload."""

    key: str
    name: str
    selected: Selected
    arguments: Arguments
    """They raise BadRequest for what is malformed."""
    writer: "PlainWriter | ResolverWriter"
    checks: Sequence[CheckVariable]
    selections: Selections
    quick: bool
    """Whether its payload is small enough to be read where others wait for it."""
    resolver_fields: Sequence[Batch]
    """The resolvers' fields of records in its payload."""
    resolver: Batch | None = None
    """The resolver that is the mutation's action, if it is a Python function."""
    admin: bool = False
    """Whether only admins may do it, where a Python function is its action."""

    @cached_property
    def asked(self) -> tuple[str, Sequence[str]]:
        """The selection of its payload as text, and the variables in it; only calls with an idempotency key look at it."""
        return self.selections.printed_below(self.selected), sorted(self.selections.variables_below(self.selected))

    def check(self, variables: Variables, workspace_id: str) -> None:
        """Raises BadRequest, CursorExpired for arguments anywhere in the payload that are invalid in this workspace. Reads nothing."""
        for check in self.checks:
            check(variables, workspace_id)


@dataclass(slots=True, eq=False)
class MutationPlan:
    """The steps of a mutation, carried out one after the other, each in a transaction of its own."""

    steps: list[WriteStep | tuple[str, str]]
    cost: Cost
    mark: object = field(default_factory=object)


@dataclass(slots=True, eq=False)
class EventPlan:
    """The one field of a subscription: its arguments, and the writer of its events.

    `variables` are the names of those that what is told of an event depends on; `filter` and `since` only decide which events are told.
    """

    key: str
    arguments: Arguments
    writer: PlainWriter
    cost: Cost
    checks: Sequence[CheckVariable]
    variables: frozenset[str]
    noun: str
    """The name of the type whose records are followed."""
    stored: StoredType
    filters: FilterModel
    id_field: str
    """The event's field that has the id of its record."""
    selected: Selected
    selections: Selections
    resolver_fields: Sequence[Batch]
    """The resolvers' fields of records in its events."""
    mark: object = field(default_factory=object)

    def check(self, variables: Variables, workspace_id: str) -> None:
        """Raises BadRequest, CursorExpired for invalid arguments below an event, at once: the first event may come much later."""
        for check in self.checks:
            check(variables, workspace_id)


def cost_of(plan: QueryPlan | MutationPlan | EventPlan, values: Variables) -> int:
    """The cost of an operation with these values, worked out once for them."""
    if not plan.cost.parts:
        return plan.cost.own
    cost: int | None = values.read.get(plan.mark)
    if cost is None:
        cost = int(plan.cost.total(values))
        values.keep(plan.mark, cost, NUMBER_BYTES)
    return cost


def compile_query(compiler: Compiler) -> QueryPlan:
    """The plan of a query."""
    root: Any = compiler.model.schema.query_type
    steps: list[tuple[str, QueryStep]] = []
    cost = Cost()
    asked = compiler.selections.root(root)
    for selected in asked:
        if compiler.for_fallback and selected.name in SCHEMA_FIELDS:
            continue
        step, added = compile_step(compiler, selected)
        steps.append((selected.key, step))
        cost.add(added)
    constant = all(isinstance(step, ConstantStep | ResolverStep) for _, step in steps)
    resolver_fields = tuple(step.resolver_field for _, step in steps if isinstance(step, ResolverStep))
    part = schema_part(compiler.selections, asked)
    return QueryPlan(
        compiler, steps, cost, part, constant, compiler.query_is_done(), _single_statement(steps), _around(steps), resolver_fields
    )


def _around(steps: list[tuple[str, QueryStep]]) -> int:
    return 2 + sum([len(key) + 4 + (step.around if isinstance(step, ConnectionPlan | NodesStep) else _AROUND) for key, step in steps])


def _single_statement(steps: list[tuple[str, QueryStep]]) -> bool:
    match steps:
        case [(_, RecordStep(records=records))]:
            return not records.level.batches
        case [(_, ConnectionPlan(sql=sql))]:
            return sql.single_statement
    return False


def compile_mutation(compiler: Compiler) -> MutationPlan:
    """The plan of a mutation."""
    root: Any = compiler.model.schema.mutation_type
    steps: list[WriteStep | tuple[str, str]] = []
    cost = Cost()
    for selected in compiler.selections.root(root):
        if selected.name == TYPENAME:
            steps.append((selected.key, root.name))
            continue
        model = compiler.model.field(root.name, selected.name)
        compiler.checks, compiler.shaped, compiler.resolver_fields = [], [], []
        arguments = bounded(read_arguments(model.definition, selected.node), model.definition)
        step, added = _write_step(compiler, model, selected, arguments)
        steps.append(step)
        cost.add(added)
    return MutationPlan(steps, cost)


def _write_step(compiler: Compiler, model: FieldModel, selected: Selected, arguments: Arguments) -> tuple[WriteStep, Cost]:
    source, resolver = model.source, None
    writer: PlainWriter | ResolverWriter = ResolverWriter()
    if isinstance(source, ResolverSource):
        resolver, cost = compiler.resolver_field(compiler, model, selected)
    else:
        writer, cost = compile_plain(compiler, result_type(model), selected, many=False, size=_items(model, arguments))
    quick = not cost.parts and cost.own <= QUICK
    admin = isinstance(source, ResolverSource) and source.admin
    here = (compiler.checks, compiler.selections, quick, compiler.resolver_fields, resolver, admin)
    return WriteStep(selected.key, selected.name, selected, arguments, writer, *here), cost


def _items(model: FieldModel, arguments: Arguments) -> Size | None:
    """Return a function from variables to the number of a bulk mutation's results; None for a mutation with one result."""
    name = next((name for name in ("ids", "inputs") if name in model.definition.args), None)
    return None if name is None else lambda variables: len(arguments(variables)[name])


def compile_subscription(compiler: Compiler) -> EventPlan:
    """The plan of a subscription, which has one root field (specification section 5.2.3.1)."""
    root: Any = compiler.model.schema.subscription_type
    assert isinstance(root, GraphQLObjectType)
    selected = compiler.selections.root(root)[0]
    model = compiler.model.field(root.name, selected.name)
    writer, cost = compile_plain(compiler, result_type(model), selected, many=False)
    arguments = read_arguments(model.definition, selected.node)
    source = model.source
    assert isinstance(source, EventSource)
    variables = compiler.selections.variables_below(selected)
    stored, filters = compiler.model.stored(source.type_name), compiler.model.filters[source.type_name]
    of = (source.type_name, stored, filters, source.id_field, selected, compiler.selections, compiler.resolver_fields)
    return EventPlan(selected.key, arguments, writer, cost, compiler.checks, variables, *of)


PARTS: dict[str, Function] = {
    "connection": compile_connection,
    "to_many": compile_to_many,
    "embedded": compile_embedded,
    "records": compile_records,
}
"""Functions of modules that import the compiler: handed in, so that there are no circular imports."""

COMPILERS: dict[str, Callable[[Compiler], Value]] = {
    "query": compile_query,
    "mutation": compile_mutation,
    "subscription": compile_subscription,
}
"""The compile function of each kind of operation."""
