"""A place in a query where a resolver answers: compiled with the selection, run when everything is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)
from sqlalchemy import FromClause

from schema.engine.compile.arguments import Arguments, read_arguments
from schema.engine.compile.compiler import Compiler
from schema.engine.compile.cost import LIST, Cost
from schema.engine.compile.data_reader import DataReader
from schema.engine.compile.enums import StoredEnum
from schema.engine.compile.explain import explain
from schema.engine.compile.model import FieldModel
from schema.engine.compile.response_size import ABSENT, ParentCounts
from schema.engine.compile.select import Level
from schema.engine.compile.sources import ResolverSource
from schema.engine.document.selections import Selected
from schema.engine.document.variables import Variables
from schema.engine.libraries.strawberry_graphql import declared as declaration
from schema.values import Object, Value

from .record_objects import partial_record
from .resolver_caller import ResolverCaller
from .run import ResolverNote, ResolverRun
from .value_completion import (
    CompleteLeaf,
    CompleteList,
    CompleteNonNull,
    CompleteObject,
    CompleteRecord,
    CompleteValue,
    PlainMember,
    is_typename,
)

KEY = "idempotencyKey"
"""The argument under which a mutation's answer is kept."""


@dataclass(slots=True, eq=False)
class ResolverField:
    """A field with a resolver, of the records of one level. It is a batch of that level, which reads nothing."""

    key: int
    """The place of the record's key in a row."""
    selected: Selected
    definition: GraphQLField
    owner: GraphQLObjectType
    origin: type | None
    """The class of the records; None at the root."""
    resolver: ResolverCaller
    arguments: Arguments
    completion: CompleteValue
    enums: dict[str, type[StoredEnum]] = field(default_factory=dict)
    """The columns that it needs whose values are members of an enum."""

    def columns_of(self, kept: Object) -> Object:
        """The columns of a record that were kept as JSON, as resolvers get them."""
        return {name: self.enums[name][value] if name in self.enums and value is not None else value for name, value in kept.items()}

    async def load(self, reader: DataReader, parents: ParentCounts, variables: Variables) -> Value:  # noqa: ARG002  every part of a plan is loaded so
        """Return the function that the writer gives its objects to."""
        return reader.notes_of(self).append

    async def resolve(self, notes: Sequence[ResolverNote], run: ResolverRun) -> None:
        """Calls the resolver for each record, once, and puts what it answers where it belongs."""
        records = [partial_record(self.origin, columns) for _, _, columns in notes]
        values = await run.call(self, self.owner, [key for _, key, _ in notes], records)
        for (object_, _, _), value in zip(notes, await self.completion.many(values, run), strict=True):
            object_[self.selected.key] = value


@explain.register
def _explain_resolver_field(resolver_field: ResolverField, variables: Variables) -> Iterator[str]:
    del variables
    yield f"{resolver_field.owner.name}.{resolver_field.selected.name} is answered by a resolver, once everything is read"


def compile_resolver_field(compiler: Compiler, level: Level, table: FromClause, model: FieldModel, selected: Selected) -> tuple[str, Cost]:
    """The code that notes an object (`made`) for the resolver of one of its fields, and the cost."""
    source = model.source
    assert isinstance(source, ResolverSource)
    key = level.place(table.c[compiler.model.stored(model.type_name).key])
    resolver_field, cost = make_resolver_field(compiler, model, selected, key)
    columns = ", ".join([f"{name!r}: {_needed(compiler, resolver_field, level, table, name)}" for name in source.needs])
    level.batches.append(resolver_field)
    compiler.resolver_fields.append(resolver_field)
    level.weight.fixed += ABSENT
    return f"b{len(level.batches) - 1}((made, {level.row}[{key}], {{{columns}}}))", cost


def make_resolver_field(compiler: Compiler, model: FieldModel, selected: Selected, key: int = 0) -> tuple[ResolverField, Cost]:
    """The plan of a field with a resolver, and its cost."""
    source, definition = model.source, model.definition
    assert isinstance(source, ResolverSource)
    owner: Any = compiler.model.schema.type_map[model.type_name]
    declared = declaration(definition)
    completion, cost = _completion(compiler, definition.type, selected, model.coordinate)
    cost.add(Cost(source.cost))
    origin = declaration(owner).origin if compiler.model.is_stored(owner.name) else None
    resolver = ResolverCaller(declared, definition, source.batch)
    return ResolverField(key, selected, definition, owner, origin, resolver, _arguments(definition, selected), completion), cost


def _arguments(definition: GraphQLField, selected: Selected) -> Arguments:
    """A resolver's arguments: the key of a mutation's answer is none of them."""
    read = read_arguments(definition, selected.node)
    if KEY not in definition.args:
        return read
    return lambda variables: {name: value for name, value in read(variables).items() if name != KEY}


def _needed(compiler: Compiler, resolver_field: ResolverField, level: Level, table: FromClause, name: str) -> str:
    """The code of what a resolver needs, as Python holds it: enums as their members, amounts in cents, days and instants as texts."""
    code = level.slot(compiler.model.needed(resolver_field.owner.name, name, table))
    type_ = compiler.model.type_of(resolver_field.owner.name, name)
    declared = declaration(type_) if isinstance(type_, GraphQLEnumType) else None
    if declared is not None and issubclass(declared.wrapped_cls, StoredEnum):
        resolver_field.enums[name] = declared.wrapped_cls
        table_name = f"members_{type_.name}"  # type: ignore[union-attr]
        compiler.names.setdefault(table_name, {held: declared.wrapped_cls[name_] for name_, held in declared.wrapped_cls.held().items()})
        return f"{table_name}.get({code})"
    return f"None if {code} is None else bool({code})" if type_ is not None and type_.name == "Boolean" else code


def _completion(compiler: Compiler, type_: Any, selected: Selected, coordinate: str) -> tuple[CompleteValue, Cost]:
    if isinstance(type_, GraphQLNonNull):
        inner, cost = _completion(compiler, type_.of_type, selected, coordinate)
        return (inner if compiler.for_fallback else CompleteNonNull(inner, coordinate)), cost
    if isinstance(type_, GraphQLList):
        inner, cost = _completion(compiler, type_.of_type, selected, coordinate)
        return CompleteList(inner, coordinate), cost.times(LIST)
    if isinstance(type_, GraphQLScalarType | GraphQLEnumType):
        return CompleteLeaf(type_), Cost()
    assert isinstance(type_, GraphQLObjectType), coordinate
    if compiler.model.is_stored(type_.name):
        records, cost = compiler.records(compiler, type_.name, selected)
        return CompleteRecord(records), cost
    return _plain(compiler, type_, selected)


def _plain(compiler: Compiler, type_: GraphQLObjectType, selected: Selected) -> tuple[CompleteValue, Cost]:
    asked, cost = compiler.selections.below(selected, type_), Cost(1)
    plain = CompleteObject(type_, [each.key for each in asked if is_typename(each)], [each.key for each in asked])
    for each in asked:
        if not is_typename(each):
            member, added = _member(compiler, compiler.model.field(type_.name, each.name), each)
            plain.members.append(member)
            cost.add(added)
    return plain, cost


def _member(compiler: Compiler, model: FieldModel, selected: Selected) -> tuple[PlainMember, Cost]:
    definition = model.definition
    declared = declaration(definition)
    completion, cost = _completion(compiler, definition.type, selected, model.coordinate)
    resolver = ResolverCaller(declared, definition) if declared.base_resolver is not None or declared.extensions else None
    if resolver is not None:
        cost.add(Cost(1))
    return PlainMember(selected, definition, resolver, declared.python_name, read_arguments(definition, selected.node), completion), cost
