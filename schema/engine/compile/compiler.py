"""Compiles selection sets: walks a type's selected fields, collects the SQL that they need, and writes the expression of the response."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from graphql import GraphQLEnumType, GraphQLNonNull, GraphQLObjectType, get_named_type
from sqlalchemy import FromClause

from schema.engine.cache import SizedCache
from schema.engine.document.selections import Selected, Selections
from schema.storage.database import Database
from schema.storage.statements import Statement
from schema.values import CacheKey, Function, Object, Value, Values

from .cost import LONG, LONG_TEXT, Cost, costliest
from .model import FieldModel, Model
from .response_size import ABSENT, ID_LENGTH, SCALARS, ResponseSize
from .select import Batch, Level
from .sources import Column, ConnectionSource, OneOf, ResolverSource, SqlExpression, StoredType, ToMany, ToOne
from .writer import object_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from schema.engine.compile.data_reader import DataReader
    from schema.engine.document.variables import CheckVariable, Variables

    WorkOut = Callable[[DataReader, Values], Awaitable[Object]]

STATEMENTS, STATEMENTS_BYTES = 10_000, 16_000_000
"""The most statements cached for the shapes of operations' arguments, and about how many bytes they take."""
_STATEMENT, _BIND, _SHAPE = 1, 160, 1_200
"""Bytes that a kept statement takes for each character of its text, for each bind, and besides."""

ParentsKind = Literal["none", "one", "many"]
"""The number of parents whose pages a statement reads: none at the root."""

TYPENAME = "__typename"
RUNTIME_TYPE = None
"""The key under which an object for graphql-core says what it is: no response key can be that."""


class NotCompiled(Exception):
    """A query needs a statement that has to be compiled first: one for a page at the root, for one parent's, or for many parents'."""

    def __init__(self, parents: "ParentsKind" = "none") -> None:
        super().__init__()
        self.parents: ParentsKind = parents


class Shaped(Protocol):
    """A part of a query whose statements follow the shapes of its arguments."""

    def compile(self, variables: "Variables", parents: ParentsKind) -> None:
        """Compiles what isn't kept of the statements that read the pages of so many `parents`.

        Where the arguments are at fault there are none: who reads tells it.
        """


@dataclass(slots=True)
class Compiler:
    """Everything that stays the same while one operation is compiled."""

    model: Model
    database: Database
    selections: Selections
    limited: bool
    admin: bool
    for_fallback: bool
    names: Object
    statements: SizedCache[Statement]
    connection: "Function"
    to_many: "Function"
    embedded: "Function"
    records: "Function"
    resolved: "Function"
    resolver_field: "Function"
    worked_out: "Mapping[str, WorkOut]"
    checks: "list[CheckVariable]" = field(default_factory=list, init=False)
    """Checks of arguments that run as soon as the variables are known, and raise BadRequest, CursorExpired."""
    shaped: "list[Shaped]" = field(default_factory=list, init=False)
    """The parts whose statements follow the shapes of their arguments, at any depth."""
    resolver_fields: "list[Batch]" = field(default_factory=list, init=False)
    """The resolvers' fields of records, at any depth."""
    may_compile: int = field(default=1, init=False)
    """How many callers allow compiling where a statement is needed. 0 for queries, whose statements are compiled as heavy work, in turn."""

    def query_is_done(self) -> "list[Shaped]":
        """The parts of a query that is compiled. They are let go here, so that the query's memory is free after its last use."""
        found, self.shaped, self.checks, self.may_compile = self.shaped, [], [], 0
        return found

    @contextmanager
    def compiling(self) -> "Iterator[None]":
        """Allows to compile the statements that aren't kept."""
        self.may_compile += 1
        try:
            yield
        finally:
            self.may_compile -= 1

    def sql(self, clause: Value) -> Statement:
        """Compiled SQL. Raises AssertionError for a statement that isn't bound to a workspace."""
        statement = self.database.compile(clause)
        assert "workspace" in statement.names, statement.text
        return statement

    def kept(self, key: CacheKey, make: "Callable[[], Value]") -> Statement:
        """The compiled clause that `make` makes, kept under `key` together with those of all other operations. Raises NotCompiled."""
        statement = self.statements.get(key)
        if statement is None:
            if not self.may_compile:
                raise NotCompiled
            statement = self.sql(make())
            self.statements.put(key, statement, _STATEMENT * len(statement.text) + _BIND * len(statement.names) + _SHAPE)
        return statement

    def level(self, stored: StoredType, **given: Value) -> Level:
        """A new SELECT."""
        return Level(stored, self.limited, **given)

    def object(self, level: Level, table: FromClause, type_: GraphQLObjectType, asked: list[Selected]) -> tuple[str, Cost]:
        """Return the code of an object in a row of `level`, and its cost."""
        notes: list[str] = []

        def part(selected: Selected) -> tuple[str, Cost]:
            model = self.model.field(type_.name, selected.name)
            if not isinstance(model.source, ResolverSource):
                return self._field(level, table, model, selected)
            note, cost = self.resolved(self, level, table, model, selected)
            notes.append(note)
            return "None", cost

        code, cost = self.members(type_, asked, level.weight, part)
        return (f"(made := {code}, {', '.join(notes)})[0]" if notes else code), cost

    def members(
        self, type_: GraphQLObjectType, asked: list[Selected], weight: ResponseSize, part: "Callable[[Selected], tuple[str, Cost]]"
    ) -> tuple[str, Cost]:
        """Return the code of an object and its cost, from its fields' codes and costs by `part`; its bytes are added to `weight`."""
        cost = Cost(1)
        parts = [f"{RUNTIME_TYPE!r}: {type_.name!r}"] if self.for_fallback else []
        weight.object_of([selected.key for selected in asked])
        for selected in asked:
            if selected.name != TYPENAME:
                code, added = part(selected)
                cost.add(added)
                parts.append(f"{selected.key!r}: {code}")
                continue
            weight.fixed += len(type_.name) + 2
            if not self.for_fallback:
                parts.append(f"{selected.key!r}: {type_.name!r}")
        return object_of(parts), cost

    def _field(self, level: Level, table: FromClause, model: FieldModel, selected: Selected) -> tuple[str, Cost]:
        source = model.source
        if model.for_admins and not self.admin:
            level.weight.fixed += ABSENT
            return "None", Cost()
        if isinstance(source, Column):
            return self.value(model, level.slot(table.c[source.name]), level.weight)
        if isinstance(source, SqlExpression):
            return self.value(model, level.slot(source.build(table)), level.weight)
        if isinstance(source, ToOne):
            code, cost, test = self._row(level, table, source, selected)
            return self.unless_absent(code, test, model), cost
        return self._one_of(level, table, source, selected) if isinstance(source, OneOf) else self._many(level, table, model, selected)

    def _many(self, level: Level, table: FromClause, model: FieldModel, selected: Selected) -> tuple[str, Cost]:
        source = model.source
        if isinstance(source, ToMany) and level.embeds:
            embedded: tuple[str, Cost] | None = self.embedded(self, source, model, selected, level, table)
            if embedded is not None:
                return embedded
        parent = level.place(table.c.id)
        if isinstance(source, ToMany):
            batch, cost = self.to_many(self, source, model, selected, parent)
            absent, around = "[]", len("[]")
        else:
            assert isinstance(source, ConnectionSource)
            batch, cost = self.connection(self, source, model, selected, parent)
            absent, around = "None", batch.around
        level.batches.append(batch)
        level.weight.fixed += around
        return f"b{len(level.batches) - 1}.get({level.row}[{parent}], {absent})", cost

    def value(self, model: FieldModel, code: str, weight: ResponseSize) -> tuple[str, Cost]:
        type_ = model.definition.type
        if model.is_list:
            # A column holds a list of words as a text with blanks between them.
            code = f"(None if {code} is None else {code}.split())"
            weight.text(code, None)
            return code, Cost()
        named = get_named_type(type_)
        if isinstance(named, GraphQLEnumType):
            weight.fixed += max(map(len, named.values)) + 2
        elif named.name in SCALARS:
            weight.fixed += SCALARS[named.name]
        else:
            weight.text(code, ID_LENGTH if named.name == "ID" else model.longest)
        cost = Cost(LONG_TEXT if (model.longest or 0) > LONG else 0)
        return self.model.formats.of(named.name, code, for_fallback=self.for_fallback, nullable=not isinstance(type_, GraphQLNonNull)), cost

    def _row(self, level: Level, table: FromClause, source: ToOne, selected: Selected) -> tuple[str, Cost, str]:
        """Return the code of the row that `source` refers to, its cost, and the code that is None if there is no such row."""
        type_ = self.model.object_type(source.type_name)
        stored = self.model.stored(source.type_name)
        asked = self.selections.below(selected, type_)
        if self.only_refers(stored, asked):
            slot = level.slot(table.c[source.column])
            return *self.reference(slot, type_, asked, level.weight), slot
        joined = level.join(table, source.column, stored)
        test = level.slot(joined.c.id)
        return *self.object(level, joined, type_, asked), test

    def _one_of(self, level: Level, table: FromClause, source: OneOf, selected: Selected) -> tuple[str, Cost]:
        rows = [self._row(level, table, member, selected) for member in source.members]
        choices = " else ".join(f"{code} if {test} is not None" for code, _, test in rows)
        return f"({choices} else None)", costliest([cost for _, cost, _ in rows])

    def only_refers(self, stored: StoredType, asked: list[Selected]) -> bool:
        """Whether only the id is selected, of rows that are all visible: the referring column has it, so no join is needed."""
        in_sight = stored.visible is None or not self.limited
        return in_sight and all(field.name in {"id", TYPENAME} for field in asked)

    def reference(self, slot: str, type_: GraphQLObjectType, asked: list[Selected], weight: ResponseSize) -> tuple[str, Cost]:
        """The code of an object of which only the id is wanted, and its cost."""

        def part(_: Selected) -> tuple[str, Cost]:
            weight.text(slot, ID_LENGTH)
            return slot, Cost()

        return self.members(type_, asked, weight, part)

    def unless_absent(self, code: str, test: str, model: FieldModel) -> str:
        """Return `code`, or for an absent object null; where the types rule null out, the plan ends."""
        ends = isinstance(model.definition.type, GraphQLNonNull) and not self.for_fallback
        absent = f"fault({model.coordinate!r})" if ends else "None"
        return f"({code} if {test} is not None else {absent})"


def result_type(model: FieldModel) -> GraphQLObjectType:
    """The object type that a field's value, or each of its items, has."""
    type_ = get_named_type(model.definition.type)
    assert isinstance(type_, GraphQLObjectType)
    return type_
