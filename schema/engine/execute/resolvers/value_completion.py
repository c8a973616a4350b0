"""Value completion: resolvers' results become parts of the response, many at once (GraphQL specification, section 6.4.3)."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import orjson
from graphql import GraphQLField, GraphQLLeafType, GraphQLObjectType

from schema.engine.compile.arguments import Arguments
from schema.engine.compile.compiler import RUNTIME_TYPE, TYPENAME
from schema.engine.compile.records import Records
from schema.engine.document.selections import Selected
from schema.engine.types.scalars import HELD
from schema.values import Value

from .null_propagation import null_fault
from .resolver_caller import ResolverCaller
from .run import ResolverRun, has_failures


class CompleteValue(Protocol):
    """Completes values of one type."""

    async def many(self, values: Sequence[Value], run: ResolverRun) -> list[Value]:
        """The values as they stand in the response, in order. Exceptions among them stay, and mark the run as failed."""


@dataclass(slots=True)
class CompleteLeaf:
    """Scalars and enums."""

    type_: GraphQLLeafType

    async def many(self, values: Sequence[Value], run: ResolverRun) -> list[Value]:
        if self.type_.name in HELD:
            values = [self._made(HELD[self.type_.name], value) for value in values]
        shown = self._all_shown(values)
        run.add(len(orjson.dumps(shown, default=str)))
        run.note_failures(shown)
        if run.for_fallback:
            # graphql-core shows them itself.
            return [error if isinstance(error, Exception) else value for value, error in zip(values, shown, strict=True)]
        return shown

    def _all_shown(self, values: Sequence[Value]) -> list[Value]:
        if not has_failures(values):
            coerce = self.type_.coerce_output_value
            with suppress(Exception):  # the values are shown one by one then
                return [None if value is None else coerce(value) for value in values]
        return [self._made(self.type_.coerce_output_value, value) for value in values]

    def _made(self, make: Callable[[Value], Value], value: Value) -> Value:
        if value is None or isinstance(value, Exception):
            return value
        try:
            return make(value)
        except Exception as error:  # noqa: BLE001  whatever a scalar raises is this field's error
            # It is the resolver's defect, and not the caller's, whatever the scalar says.
            return TypeError(f"a resolver answered {type(value).__name__}, which {self.type_.name} can't show: {error}")


@dataclass(slots=True)
class CompleteNonNull:
    """A type that rules null out."""

    inner: CompleteValue
    coordinate: str

    async def many(self, values: Sequence[Value], run: ResolverRun) -> list[Value]:
        found = await self.inner.many(values, run)
        if None not in found:
            return found
        # Where null goes instead is said later: by graphql-core for a query, without these errors, by `propagate_nulls` for others.
        run.failed = True
        return [null_fault(self.coordinate) if value is None else value for value in found]


@dataclass(slots=True)
class CompleteList:
    """A list."""

    inner: CompleteValue
    coordinate: str

    async def many(self, values: Sequence[Value], run: ResolverRun) -> list[Value]:
        lists = [self._listed(value) for value in values]
        run.note_failures(lists)
        flat = iter(await self.inner.many([item for items in lists if isinstance(items, list) for item in items], run))
        return [[next(flat) for _ in items] if isinstance(items, list) else items for items in lists]

    def _listed(self, value: Value) -> Value:
        if value is None or isinstance(value, Exception):
            return value
        if isinstance(value, Iterable) and not isinstance(value, str | bytes | dict):
            return list(value)
        return TypeError(f"{self.coordinate} answered {type(value).__name__}, which is no list")


@dataclass(slots=True)
class CompleteRecord:
    """Records, named by anything that has an `id`: all of them are read by one statement, as far as the caller may see them."""

    records: Records

    async def many(self, values: Sequence[Value], run: ResolverRun) -> list[Value]:
        ids = [getattr(value, "id", value) if value is not None and not isinstance(value, Exception) else None for value in values]
        run.note_failures(values)
        found = await run.load(self.records, ids) if any(id_ is not None for id_ in ids) else {}
        return [value if isinstance(value, Exception) else found.get(id_) for value, id_ in zip(values, ids, strict=True)]


@dataclass(slots=True)
class PlainMember:
    """A field of a plain object."""

    selected: Selected
    definition: GraphQLField
    resolver: ResolverCaller | None
    """The resolver; None if an attribute is read."""
    attribute: str
    arguments: Arguments
    completion: CompleteValue


@dataclass(slots=True)
class CompleteObject:
    """Objects of a type that is not stored: attributes are read, resolvers are called."""

    type_: GraphQLObjectType
    keys: list[str]
    """The response keys of `__typename`."""
    order: list[str]
    members: list[PlainMember] = field(default_factory=list)

    async def many(self, values: Sequence[Value], run: ResolverRun) -> list[Value]:
        run.note_failures(values)
        there = [value for value in values if value is not None and not isinstance(value, Exception)]
        blank: dict[Value, Value] = dict.fromkeys(self.order)
        blank |= dict.fromkeys(self.keys, self.type_.name)
        if run.for_fallback:
            blank[RUNTIME_TYPE] = self.type_.name
        made = [dict(blank) for _ in there]
        run.add(len(there) * sum(len(key) + 4 for key in self.order))
        for member in self.members:
            for object_, value in zip(made, await self._values(member, there, run), strict=True):
                object_[member.selected.key] = value
        rest = iter(made)
        return [value if value is None or isinstance(value, Exception) else next(rest) for value in values]

    async def _values(self, member: PlainMember, objects: list[Value], run: ResolverRun) -> list[Value]:
        if member.resolver is None:
            found = _read_all(objects, member.attribute)
        else:
            keys = [id(object_) for object_ in objects]
            found = await run.call(member, self.type_, keys, objects)
        return await member.completion.many(found, run)


def _read_all(objects: list[Value], name: str) -> list[Value]:
    with suppress(Exception):  # they are read one by one then
        return [object_[name] if isinstance(object_, dict) else getattr(object_, name) for object_ in objects]
    return [_read(object_, name) for object_ in objects]


def _read(object_: Value, name: str) -> Value:
    try:
        return object_[name] if isinstance(object_, dict) else getattr(object_, name)
    except Exception as error:  # noqa: BLE001  a property may raise anything
        return error


def is_typename(selected: Selected) -> bool:
    """Whether it asks for the name of the type."""
    return selected.name == TYPENAME
