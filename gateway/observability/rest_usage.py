"""Usage counts: routes, parameters and fields of REST by token; operations and fields of GraphQL by client."""

from collections.abc import Iterable, Mapping
from sys import getsizeof
from typing import Final, NamedTuple

from graphql import GraphQLSchema, parse

from rest_compat.json_values import Json
from rest_compat.protocol import RestUse
from schema.administration.uses import GRAPHQL, REST, UseTable
from schema.engine.cache import SizedCache
from schema.engine.document.deprecations import fields_of
from schema.engine.document.documents import PreparedOperation
from schema.rules.access import Caller
from schema.storage.database import Database

from .usage_counts import UseCounter, UseKey

#: Different kinds of call that wait in memory, and the bytes of the names in them; while the database is away, further ones are not
#: counted.
MAX_WAITING: Final = 10_000
MAX_WAITING_BYTES: Final = 8_000_000
#: Names of ignored parameters and keys that a process counts one by one, since clients make them up; further ones count as `OTHERS`.
MAX_IGNORED: Final = 1_000
OTHERS: Final = "(others)"

#: The headers with a GraphQL client's name: those of the draft of GraphQL over HTTP, and of Apollo's clients.
CLIENT_NAMES: Final = (b"graphql-client-name", b"apollographql-client-name")
#: Characters of a client's or an operation's name.
LONGEST_NAME: Final = 100
#: Names that clients choose for themselves and for operations: beyond so many, further ones count as `OTHERS`.
MAX_NAMES: Final = 200
#: Different documents by token and client that wait to be written, and the bytes of their texts.
MAX_OPERATIONS: Final = 1_000
MAX_OPERATIONS_BYTES: Final = 8_000_000
#: Documents whose fields are kept, and about how many bytes they take.
KEPT: Final = 1_000
KEPT_BYTES: Final = 8_000_000
#: Bytes that a coordinate takes.
_COORDINATE: Final = 100


class RestUses(UseCounter[tuple[RestUse, ...]]):
    """Uses of REST. Calls of a kind share one tuple of uses."""

    def __init__(self, database: Database) -> None:
        super().__init__(UseTable(database, REST), self._rows_for, _names_size, (MAX_WAITING, MAX_WAITING_BYTES))
        self._ignored: set[RestUse] = set()

    def _rows_for(self, uses: tuple[RestUse, ...]) -> Iterable[UseKey]:
        return (self._bounded(use) for use in uses)

    def _bounded(self, use: RestUse) -> RestUse:
        """Return `use`, or the shared entry for uses whose names no longer have room to be counted one by one."""
        if use.kind != "ignored" or use in self._ignored:
            return use
        if len(self._ignored) >= MAX_IGNORED:
            return use._replace(name=OTHERS)
        self._ignored.add(use)
        return use


def _names_size(uses: tuple[RestUse, ...]) -> int:
    return sum(len(use.name) for use in uses)


def client_names(said: Mapping[str, Json]) -> dict[bytes, bytes]:
    """Return the client's name in the payload of `connection_init`, as headers: browsers can't send headers with a socket."""
    given = {name.lower().encode(): value for name, value in said.items() if isinstance(value, str)}
    return {name: given[name].encode()[: 4 * LONGEST_NAME] for name in CLIENT_NAMES if name in given}


class ClientOperation(NamedTuple):
    """An operation that a client ran: what the client says its name is, the document's text, and the operation's own name.

    The text and not the document made of it waits to be counted: that takes a hundred times the memory.
    """

    client: bytes
    text: str
    name: str | None


class GraphqlUses:
    """Operations of GraphQL, by token and client, and the fields that they ask for. A subscription counts once, when it begins."""

    def __init__(self, database: Database, schema: GraphQLSchema) -> None:
        self._schema = schema
        bounds = MAX_OPERATIONS, MAX_OPERATIONS_BYTES
        self._counter: UseCounter[ClientOperation] = UseCounter(UseTable(database, GRAPHQL), self._rows, _texts_size, bounds)
        self._names: set[str] = set()
        self._fields: SizedCache[tuple[str, ...]] = SizedCache(KEPT, KEPT_BYTES)
        self.flush = self._counter.flush
        self.running = self._counter.running

    def note(self, caller: Caller, headers: Mapping[bytes, bytes], prepared: PreparedOperation) -> None:
        """Count an operation. Neither waits nor raises."""
        client = headers.get(CLIENT_NAMES[0]) or headers.get(CLIENT_NAMES[1]) or b""
        self._counter.note(caller, ClientOperation(client[:LONGEST_NAME], prepared.text, prepared.name))

    def _rows(self, used: ClientOperation) -> Iterable[UseKey]:
        client = self._name(used.client.decode("utf-8", "replace"))
        yield client, "operation", self._name(used.name or "")
        yield from ((client, "field", coordinate) for coordinate in self._fields_of(used.text, used.name))

    def _fields_of(self, text: str, name: str | None) -> tuple[str, ...]:
        found = self._fields.get((text, name))
        if found is None:
            found = tuple(fields_of(self._schema, parse(text, no_location=True), name))
            self._fields.put((text, name), found, getsizeof(text) + _COORDINATE * (1 + len(found)))
        return found

    def _name(self, name: str) -> str:
        """A name that can be stored, or `OTHERS` where there are too many."""
        name = "".join(character for character in name[:LONGEST_NAME] if character.isprintable())
        if name not in self._names:
            if len(self._names) >= MAX_NAMES:
                return OTHERS
            self._names.add(name)
        return name


def _texts_size(used: ClientOperation) -> int:
    return len(used.client) + getsizeof(used.text)
