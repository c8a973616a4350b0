"""The adapter between the rooms: fills `rest_compat`'s Protocol from the graph, so that REST is one GraphQL operation run in process."""

from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    is_required_input_field,
    parse,
    type_from_ast,
    validate_input_value,
)

from gateway.http.decoder import DecodeError, decode
from gateway.http.operations import Operations, unavailable
from gateway.rest_usage import Uses
from gateway.settings import Settings
from rest_compat.protocol import DecodeError as RestDecodeError
from rest_compat.protocol import Fault
from schema.documents import Prepared
from schema.graph import Answer
from schema.plan.reading import revision_statement
from schema.rules.access import Caller
from schema.storage.database import Unavailable

Path = tuple[str | int, ...]
Definition = tuple[str, GraphQLInputType, bool]

#: What GraphQL's own scalars take; graphql-core words it for those who write documents.
_TAKEN = {"Int": "a whole number", "Float": "a number", "String": "text", "Boolean": "true or false", "ID": "an id, as text"}


@dataclass(frozen=True, slots=True)
class Ready:
    """A prepared document of REST, with its variables' names, types and whether they have a default."""

    prepared: Prepared
    definitions: Sequence[Definition]


class RestGraph:
    """The graph as `rest_compat` sees it."""

    def __init__(self, operations: Operations, uses: Uses, settings: Settings) -> None:
        database = operations.graph.database
        self.fetch = database.fetch
        self.revision_of = revision_statement(database)
        self.operations = operations
        self.record_usage = uses.note
        self.public_url = settings.public_url
        self.require_if_match = settings.require_if_match
        self.max_body = settings.rest_body_limit
        self.schema: GraphQLSchema = build_schema(operations.graph.sdl)

    def prepare(self, document: str) -> Ready:
        """Raises RequestError where the document isn't valid."""
        operation = next(node for node in parse(document).definitions if isinstance(node, OperationDefinitionNode))
        # Registered documents only concern clients: these are ours, so they don't go through the look-up.
        return Ready(self.operations.graph.prepare(document), [*self._definitions(operation)])

    def execute(
        self, prepared: Ready, variables: dict[str, Any], caller: Caller, *, at_revision: bool = False
    ) -> Coroutine[Any, Any, Answer]:
        return self.operations.run(prepared.prepared, variables, caller, at_revision=at_revision)

    def check(self, prepared: Ready, variables: dict[str, Any]) -> list[Fault]:
        """Every coercion fault of the variables (GraphQL specification, "Coercing Variable Values"), all of them and each at its place."""
        found: list[Fault] = []
        for name, kind, has_default in prepared.definitions:
            if name in variables:
                found += _faults(variables[name], kind, (name,))
            elif isinstance(kind, GraphQLNonNull) and not has_default:
                found.append(Fault((name,), "This is required."))
        return found

    def decode(self, body: bytes) -> Any:
        try:
            return decode(body)
        except DecodeError as error:
            raise RestDecodeError(error.message, "VALIDATION_ERROR" if error.kind == "characters" else "BAD_REQUEST") from None

    async def revision(self, caller: Caller) -> int:
        try:
            rows = await self.fetch(self.revision_of, {"workspace": caller.workspace_id})
        except Unavailable as error:
            raise unavailable(error) from error
        return int(rows[0][0])

    def sight(self, caller: Caller) -> str:
        return f"{caller.workspace_id}/{caller.role}/{caller.account_id or ''}"

    def _definitions(self, operation: OperationDefinitionNode) -> Iterator[Definition]:
        """With the types that run: those built from the SDL don't know what a scalar refuses."""
        for node in operation.variable_definitions or ():
            kind: Any = type_from_ast(self.operations.graph.graphql_schema, node.type)
            yield node.variable.name.value, kind, node.default_value is not None


def _faults(value: Any, kind: Any, path: Path) -> Iterator[Fault]:
    """What GraphQL's types refuse in `value`."""
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
        if value is None:
            yield Fault(path, "This must not be null.")
    if value is None:
        return
    if isinstance(kind, GraphQLList):
        # A single value counts as a list of one.
        for position, member in enumerate(value if isinstance(value, list) else [value]):
            yield from _faults(member, kind.of_type, (*path, position))
    elif isinstance(kind, GraphQLInputObjectType):
        yield from _object_faults(value, kind, path)
    else:
        yield from _leaf_faults(value, kind, path)


def _object_faults(value: Any, kind: GraphQLInputObjectType, path: Path) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield Fault(path, "This must be an object.")
        return
    for name, field in kind.fields.items():
        if name in value:
            yield from _faults(value[name], field.type, (*path, name))
        elif is_required_input_field(field):
            yield Fault((*path, name), "This is required.")
    for name in value:
        if name not in kind.fields:
            yield Fault((*path, name), "There is no such field.")


def _leaf_faults(value: Any, kind: Any, path: Path) -> Iterator[Fault]:
    messages: list[str] = []
    taken = _TAKEN.get(kind.name)

    def note(error: GraphQLError, _path: list[str | int]) -> None:
        messages.append(f"This must be {taken}." if taken else error.message)

    validate_input_value(value, kind, note)
    yield from (Fault(path, message) for message in messages)
