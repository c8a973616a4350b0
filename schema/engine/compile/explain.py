"""A plan told to people: its statements in the order in which they run, and the writers that make the response of their rows."""

from collections.abc import Iterator
from functools import singledispatch
from typing import Any

from schema.engine.document.variables import Variables
from schema.storage.statements import Statement
from schema.values import Value

from .connections import ConnectionPlan
from .newest import Newest
from .operation import EventPlan, MutationPlan, QueryPlan, ResolverWriter, WriteStep
from .plain import Hanging
from .records import Many, Records, RecordStep
from .select import Level
from .steps import NodesStep, PlainStep, PlainWriter, ResolverStep, RowsStep
from .writer import Writer

_INDENT = "    "


@singledispatch
def explain(part: Value, variables: Variables) -> Iterator[str]:
    """The lines that tell of a plan, or of a part of one."""
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
def _hanging(pages: Hanging, variables: Variables) -> Iterator[str]:
    yield from explain(pages.batch, variables)


@explain.register
def _record(step: RecordStep, variables: Variables) -> Iterator[str]:
    yield from explain(step.records, variables)


@explain.register
def _nodes(step: NodesStep, variables: Variables) -> Iterator[str]:
    for prefix, records in step.by_prefix.items():
        yield f"ids that begin with {prefix}_:"
        yield from _indented(explain(records, variables))


@explain.register
def _records(records: Records, variables: Variables) -> Iterator[str]:
    return _statement(records.one, records.writer, records.level, variables)


@explain.register
def _many(batch: Many, variables: Variables) -> Iterator[str]:
    return _statement(batch.many, batch.writer, batch.level, variables)


@explain.register
def _newest(batch: Newest, variables: Variables) -> Iterator[str]:
    return _statement(batch.statement, batch.writer, batch.level, variables)


@explain.register
def _resolver(step: ResolverStep, variables: Variables) -> Iterator[str]:
    yield from explain(step.site, variables)


@explain.register
def _rows(step: RowsStep, variables: Variables) -> Iterator[str]:
    return _statement(step.statement, step.writer, step.level, variables)


@explain.register
def _plain(step: PlainStep, variables: Variables) -> Iterator[str]:
    yield from explain(step.writer, variables)


@explain.register
def _plain_writer(writer: PlainWriter, variables: Variables) -> Iterator[str]:
    for related in writer.related:
        yield f"{related.name}:"
        yield from _indented(explain(related.records, variables))
    yield from _writer(writer.writer)


def _statement(statement: Statement, writer: Writer, level: Level, variables: Variables) -> Iterator[str]:
    yield from _indented(statement.text.splitlines())
    yield from _writer(writer)
    yield from _batches(level, variables)


def _batches(level: Level, variables: Variables) -> Iterator[str]:
    for place, batch in enumerate(level.batches):
        yield f"b{place}, for all rows at once:"
        yield from _indented(explain(batch, variables))


def _writer(writer: Writer) -> Iterator[str]:
    yield "written by:"
    yield from _indented(writer.source.rstrip().splitlines())


def _indented(lines: Any) -> Iterator[str]:
    for line in lines:
        yield _INDENT + line
