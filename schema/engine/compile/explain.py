"""Explains a plan to people: its statements in the order in which they run, and the writers that make the response of their rows."""

from collections.abc import Iterator
from functools import singledispatch
from typing import Any

from schema.engine.document.variables import Variables
from schema.values import Value

from .connections import ConnectionPlan
from .operation import EventPlan, MutationPlan, QueryPlan, ResolverWriter, WriteStep
from .plain_objects import AttachedPages
from .records import Records, RecordStep
from .related import Newest, RelatedRecords
from .select import Level
from .steps import NodesStep, PlainStep, PlainWriter, ResolverStep, RowsStep
from .writer import GeneratedFunction

_INDENT = "    "


@singledispatch
def explain(part: Value, variables: Variables) -> Iterator[str]:
    """The lines that explain a plan, or a part of one."""
    del variables
    yield f"{type(part).__name__}: no statement"


@explain.register
def _query(plan: QueryPlan, variables: Variables) -> Iterator[str]:
    yield f"query, cost {plan.cost.total(variables)}" + (", what it asks of the schema is told by graphql-core" if plan.schema_part else "")
    with plan.compiler.compiling():
        for key, step in plan.steps:
            yield f"{key}:"
            yield from _indented(explain(step, variables))


@explain.register
def _mutation(plan: MutationPlan, variables: Variables) -> Iterator[str]:
    yield f"mutation, cost {plan.cost.total(variables)}"
    for step in plan.steps:
        if isinstance(step, WriteStep):
            yield f"{step.key}: {step.name} in one transaction; its payload is read again by"
            yield from _indented(explain(step.writer, variables))


@explain.register
def _subscription(plan: EventPlan, variables: Variables) -> Iterator[str]:
    yield f"subscription, cost {plan.cost.total(variables)}; each event is read by"
    yield from _indented(explain(plan.writer, variables))


@explain.register
def _resolver_writer(writer: ResolverWriter, variables: Variables) -> Iterator[str]:
    del writer, variables
    yield "its resolver, within the transaction"


@explain.register
def _connection(plan: ConnectionPlan, variables: Variables) -> Iterator[str]:
    for name, statement in plan.statements_for(variables):
        yield f"{name}:"
        yield from _indented(statement.text.splitlines())
    yield from _writer(plan.writer)
    yield from _batches(plan.level, variables)


@explain.register
def _nodes(step: NodesStep, variables: Variables) -> Iterator[str]:
    for prefix, records in step.by_prefix.items():
        yield f"ids that begin with {prefix}_:"
        yield from _indented(explain(records, variables))


@explain.register
def _passing_on(part: AttachedPages | RecordStep | ResolverStep | PlainStep, variables: Variables) -> Iterator[str]:
    match part:
        case AttachedPages(batch=inner) | RecordStep(records=inner) | ResolverStep(resolver_field=inner) | PlainStep(writer=inner):
            yield from explain(inner, variables)


@explain.register
def _rows(part: Records | RelatedRecords | Newest | RowsStep, variables: Variables) -> Iterator[str]:
    statement = part.one if isinstance(part, Records) else part.many if isinstance(part, RelatedRecords) else part.statement
    yield from _indented(statement.text.splitlines())
    yield from _writer(part.writer)
    yield from _batches(part.level, variables)


@explain.register
def _plain_writer(writer: PlainWriter, variables: Variables) -> Iterator[str]:
    for related in writer.related:
        yield f"{related.name}:"
        yield from _indented(explain(related.records, variables))
    yield from _writer(writer.writer)


def _batches(level: Level, variables: Variables) -> Iterator[str]:
    for place, batch in enumerate(level.batches):
        yield f"b{place}, for all rows at once:"
        yield from _indented(explain(batch, variables))


def _writer(writer: GeneratedFunction) -> Iterator[str]:
    yield "written by:"
    yield from _indented(writer.source.rstrip().splitlines())


def _indented(lines: Any) -> Iterator[str]:
    for line in lines:
        yield _INDENT + line
