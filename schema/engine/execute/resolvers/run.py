"""The resolvers of one operation: what waits for them, and what they answered."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
)

from schema.engine.compile.arguments import Arguments
from schema.engine.compile.data_reader import Counts, DataReader
from schema.engine.compile.records import Records
from schema.engine.compile.response_size import ResponseTooLarge
from schema.engine.document.selections import Selected, fragments_of
from schema.engine.document.variables import Variables
from schema.engine.libraries.graphql_core import HELPERS, Path, is_awaitable
from schema.rules.errors import BadRequest
from schema.storage.database import Connection
from schema.values import Object, Value

from .context import Context
from .record_objects import name_missing_column
from .resolver_caller import ResolverCaller, Together, gather

ResolverNote = tuple[Object, Value, Object]
"""A field that waits for its value: the object of the response that it is in, the key of its record, and the columns that it needs."""


class PendingResolver(Protocol):
    """A place in a query where a resolver answers."""

    @property
    def selected(self) -> Selected: ...

    async def resolve(self, notes: Sequence[ResolverNote], run: "ResolverRun") -> None:
        """Puts what the resolver answers where it belongs, for each of `notes`."""


Notes = dict[PendingResolver, list[ResolverNote]]
"""The waiting objects, by resolver field."""


class ResolvableField(Protocol):
    """A field with a resolver, as it was compiled."""

    @property
    def selected(self) -> Selected: ...
    @property
    def definition(self) -> GraphQLField: ...
    @property
    def resolver(self) -> ResolverCaller | None: ...
    @property
    def arguments(self) -> Arguments: ...


def has_failures(values: Sequence[Value]) -> bool:
    """Return whether an exception takes the place of a value."""
    return any(issubclass(class_, Exception) for class_ in set(map(type, values)))


@dataclass(frozen=True, slots=True)
class ResolverOperation:
    """The operation that is executed."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    document: DocumentNode

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        """The fragments, by name."""
        return fragments_of(self.document)


@dataclass(slots=True)
class ResolverRun:
    """Resolvers under way.

    `for_fallback`: values stay as graphql-core takes them, and errors stand in place of what they belong to. What was answered before is
    taken again then: an operation calls no resolver twice.
    """

    context: Context
    variables: Variables
    counts: Counts
    limit: int
    asked: ResolverOperation
    transaction: Connection | None = None
    """The write in which they are called; None where each record is read in a snapshot of its own."""
    together: Together = gather
    for_fallback: bool = False
    failed: bool = False
    bytes: int = 0
    """The bytes of what resolvers answered, at most."""
    _answered: list[tuple[int, Sequence[Value], Sequence[Value]]] = field(default_factory=list)
    _kept: dict[tuple[int, Value], Value] = field(default_factory=dict)
    _waiting: defaultdict[PendingResolver, list[ResolverNote]] = field(default_factory=lambda: defaultdict(list))

    async def complete(self, notes: Notes) -> None:
        """Calls all resolvers that `notes` ask for, and those that their answers lead to. Raises ResponseTooLarge, StorageError."""
        self._take(notes)
        while self._waiting:
            resolver_field = next(iter(self._waiting))
            await resolver_field.resolve(self._waiting[resolver_field], self)
            del self._waiting[resolver_field]

    def left(self) -> Notes:
        """Return the objects that still wait for resolvers."""
        notes, self._waiting = dict(self._waiting), defaultdict(list)
        return notes

    def abandon(self, error: Exception) -> None:
        """Puts an error in place of all that still waits."""
        self.failed = True
        for resolver_field, notes in self.left().items():
            for object_, _, _ in notes:
                object_[resolver_field.selected.key] = error

    def begin_for_fallback(self) -> None:
        """Begin again, for graphql-core: the rows are read again."""
        self.for_fallback, self.failed, self.bytes = True, False, 0
        self._waiting.clear()
        for node, keys, values in self._answered:
            self._keep(node, keys, values)

    def _keep(self, node: int, keys: Sequence[Value], values: Sequence[Value]) -> None:
        self._kept.update(zip([(node, key) for key in keys], values, strict=True))

    async def load(self, records: Records, ids: list[Value]) -> dict[Value, Value]:
        """The records with these ids that the caller may see, in a snapshot of their own. Raises ResponseTooLarge, StorageError."""

        async def work(connection: Connection) -> tuple[dict[Value, Value], Notes | None]:
            reader = DataReader(self.context.database, connection, self.context.caller, self.counts, self.limit, self.bytes)
            found = await records.load(reader, ids, self.variables)
            return found, reader.notes

        found, notes = await (self.context.database.read(work) if self.transaction is None else work(self.transaction))
        self._take(notes or {})
        return found

    def add(self, size: int) -> None:
        """Counts bytes of the answer. Raises ResponseTooLarge."""
        self.bytes += size
        if self.bytes > self.limit:
            raise ResponseTooLarge(self.limit)

    def note_failures(self, values: Sequence[Value]) -> None:
        """Mark the run as failed if an exception takes the place of a value."""
        self.failed = self.failed or has_failures(values)

    async def call(self, field_: ResolvableField, owner: GraphQLObjectType, keys: Sequence[Value], sources: Sequence[Value]) -> list[Value]:
        """Return the results of a field's resolver for `sources`, identified by `keys`. A resolver is called once for each key."""
        node = id(field_.selected.node)
        if not self.for_fallback:
            found = await self._called(field_, owner, sources)
            self._answered.append((node, keys, found))
            return found
        missing = [place for place, key in enumerate(keys) if (node, key) not in self._kept]
        if missing:
            found = await self._called(field_, owner, [sources[place] for place in missing])
            self._keep(node, [keys[place] for place in missing], found)
        return [self._kept[node, key] for key in keys]

    async def _called(self, field_: ResolvableField, owner: GraphQLObjectType, sources: Sequence[Value]) -> list[Value]:
        try:
            arguments = field_.arguments(self.variables)
        except BadRequest as error:
            return [error.with_traceback(None)] * len(sources)
        assert field_.resolver is not None
        found = await field_.resolver.many(sources, self._info(field_, owner), arguments, self.together)
        if not has_failures(found):
            return found
        coordinate = f"{owner.name}.{field_.selected.name}"
        return [name_missing_column(value, coordinate, sources[0]) if isinstance(value, Exception) else value for value in found]

    def _info(self, field_: ResolvableField, owner: GraphQLObjectType) -> GraphQLResolveInfo[Context]:
        """Return the `info` of a resolver as graphql-core would make it, but without list positions in the path: it serves all records."""
        selected = field_.selected
        return GraphQLResolveInfo(
            field_name=selected.name,
            field_nodes=[details.node for details in selected.details],
            return_type=field_.definition.type,
            parent_type=owner,
            path=Path(None, selected.key, owner.name),
            schema=self.asked.schema,
            fragments=self.asked.fragments,
            root_value=None,
            operation=self.asked.operation,
            variable_values=self.variables,
            context=self.context,
            is_awaitable=is_awaitable,
            abort_signal=None,
            async_helpers=HELPERS,
        )

    def _take(self, notes: Notes) -> None:
        for resolver_field, waiting in notes.items():
            self._waiting[resolver_field] += waiting
