"""One action of a resource, resolved against the schema at start: its parameters, its body, its writer and its operation."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from graphql import GraphQLInputObjectType, get_named_type

from rest_compat.deprecations import Deprecated, in_schema
from rest_compat.errors import Headers
from rest_compat.json_values import Json
from rest_compat.notices import deprecation_headers, header_names, notice_headers
from rest_compat.preferences import STRICT
from rest_compat.protocol import GraphBackend, PreparedDocument, RestUse
from rest_compat.resources.declaration import METHODS, DeclarationError, Deprecation, Key, Resource, RouteAction

from . import query_method as queries
from .body import BodyReader
from .documents import Path_, read_document, selected
from .messages import MessageNames
from .operation_cache import OperationCache
from .paging import PAGING, POSITIONS, Side
from .parameter_types import choice, list_of
from .parameters import ORDER, camel, declared, ordering
from .query import FIELDS, ParameterReader, QueryReader, QueryValues
from .shape import ValueSource, WriteObject, compile_writer, resolve

KEPT_USES = 256
KEPT_QUERIES = 1024
NODES, COUNT, VERSION, ERRORS, PAGE_INFO = "nodes", "totalCount", "version", "userErrors", "pageInfo"
_LIST_VARIABLES = {"first", "last", "after", "before", "offset"}
_COUNT_LEAVES: frozenset[Path_] = frozenset({(COUNT,)})
_ERROR_LEAVES: frozenset[Path_] = frozenset((ERRORS, name) for name in ("code", "field", "message"))
_LIST_LEAVES = {(name,) for name in ("startCursor", "endCursor", "hasNextPage", "hasPreviousPage")}
_UNREAD: Mapping[Side, str] = {"after": "hasPreviousPage", "before": "hasNextPage"}
"""Whether rows stand on the side that a page was not read towards takes a statement of its own to know, which links can do without."""
JSON_QUERIES = (b"accept-query", b"application/json")
"""RFC 10008, section 3: what the body of a QUERY may be."""


@dataclass(frozen=True, slots=True)
class RestOperation:
    """A prepared document, and the writer of its response."""

    document: str
    prepared: PreparedDocument
    write: WriteObject
    is_stored: bool
    """Whether it shows stored values alone, so that a list stays as it is while the workspace's revision does."""


@dataclass(slots=True, eq=False)
class ParsedQuery:
    """A query string understood, and all that follows from it alone. Shared by the calls that ask alike: never changed."""

    endpoint: "Endpoint"
    query: QueryValues
    operation: RestOperation
    strict: bool
    ignored: tuple[str, ...]
    """The parameters that have no effect, by `header_names`."""
    uses: tuple[RestUse, ...]
    """The parts of REST that a call without a body uses."""
    notices: Headers
    """The notices of a call without a body, in every answer."""
    is_stored: bool
    """Whether its list stays as it is while the workspace's revision does: what it shows is stored, and what it is ordered by."""


class Endpoint:
    """One action of a resource. Raises DeclarationError where declaration, document and schema don't fit."""

    def __init__(self, graph: GraphBackend, resource: Resource, action: RouteAction, kept: OperationCache[RestOperation]) -> None:
        self._graph = graph
        self._kept = kept
        self.resource = resource
        self.action: RouteAction = action
        self.method = METHODS[action]
        self.methods = (self.method, *(["HEAD"] if self.method == "GET" else []), *([queries.METHOD] if action == "list" else []))
        self.path = resource.path(action)
        self.route = f"{self.method} {self.path}"
        self.document = read_document(resource.folder / f"{action}.graphql", graph.schema)
        self.operation_name = self.document.name
        self.root = self.document.root.name.value
        self.record = self._record()
        self.sources = self._sources()
        self.query = QueryReader(self._readers(), paged=action == "list", policy=graph.unknown_parameters)
        self.body, self.message_names = self._body()
        self.deprecated = self._deprecated()
        self._deprecated_keys = {source.key.name: source.deprecated for source in self.sources}
        self._notices: Headers = [(b"x-graphql-operation", self.operation_name.encode()), *([JSON_QUERIES] if action == "list" else [])]
        self.deprecations_always = self._always()
        self.notices: Headers = self._notices + deprecation_headers(self.deprecations_always)
        self._in_whole = self._of_whole_objects()
        self.uses = lru_cache(maxsize=KEPT_USES)(self._uses)
        self.deprecations = lru_cache(maxsize=KEPT_USES)(self._deprecations)
        self.parse = lru_cache(maxsize=KEPT_QUERIES)(self.parse_long)
        """`parse_long` of a short query string, which is remembered, since clients repeat themselves."""
        self._check_selections()
        self._whole = self._prepared(self.document.text, self.sources)

    def parse_long(self, raw: bytes, strict: bool) -> ParsedQuery:  # noqa: FBT001 - remembered by position
        """Return the parsed query string. Raises HttpError (400)."""
        query = self.query.read(raw, strict=strict)
        fields: frozenset[str] = query.fields or frozenset()
        ignored = header_names(query.ignored) if query.ignored else ()
        notices = self.notice_headers(ignored, (), self.deprecations(query.used, fields), [STRICT] if strict else [])
        operation = self.operation(query.fields, query.page.way if query.page and query.page.position else None)
        is_stored = operation.is_stored and self._is_ordered_by_stored(query)
        return ParsedQuery(self, query, operation, strict, ignored, self.uses_of(query.used, fields, ignored), notices, is_stored)

    def _is_ordered_by_stored(self, query: QueryValues) -> bool:
        """What is computed may change its place while no record changes, as with the day."""
        owner = self._graph.schema.type_map[self.resource.type]
        names = [camel(term["field"]) for term in query.variables.get(ORDER, ())]
        return all(name not in getattr(owner, "fields", {}) or self._graph.is_stored(self.resource.type, name) for name in names)

    def _check_selections(self) -> None:
        """Links need cursors in both directions, writes what is wrong with them. Raises DeclarationError."""
        below = {"list": _COUNT_LEAVES, "get": frozenset[Path_]()}.get(self.action, _ERROR_LEAVES) - selected(self.document, ())
        if below:
            raise DeclarationError(f"{self.document.name} does not select {', '.join('.'.join(path) for path in sorted(below))}")
        if self.action != "list":
            return
        missing = _LIST_VARIABLES - self.document.variables.keys()
        if missing:
            raise DeclarationError(f"{self.document.name} has no variable ${', $'.join(sorted(missing))}")
        if missing_leaves := _LIST_LEAVES - selected(self.document, (PAGE_INFO,)):
            raise DeclarationError(f"{self.document.name} does not select {', '.join(name for (name,) in sorted(missing_leaves))}")

    def _record(self) -> tuple[str, ...]:
        """Return the record's path below the root field: the payload's field of its type, the connection's nodes, or the root itself."""
        fields: Mapping[str, Json] = getattr(self.document.root_answer, "fields", {})
        if self.action in {"get", "delete"}:
            return ()
        wanted = NODES if self.action == "list" else self.resource.type
        found = [name for name, field in fields.items() if wanted in {name, get_named_type(field.type).name}]
        if len(found) != 1:
            raise DeclarationError(f"{self.document.name}: no {wanted} in {self.document.root_coordinate}")
        return (found[0],)

    def _sources(self) -> tuple[ValueSource, ...]:
        if self.action == "delete":
            return ()
        owner = self._graph.schema.type_map.get(self.resource.type)
        if owner is None:
            raise DeclarationError(f"{self.resource.name}: the schema has no type {self.resource.type}")
        sources = tuple(resolve(key, owner) for key in self._shown())
        missing = {source.path for source in sources} - selected(self.document, self.record)
        if missing:
            raise DeclarationError(f"{self.document.name} does not select {', '.join('.'.join(path) for path in sorted(missing))}")
        return sources

    def _shown(self) -> Sequence[Key]:
        """The keys of what it answers, in their order."""
        if self.action != "list" or not self.resource.listed:
            return self.resource.keys
        keys = {key.name: key for key in self.resource.keys}
        if unknown := set(self.resource.listed) - keys.keys():
            raise DeclarationError(f"{self.resource.name}: `listed` names {', '.join(sorted(unknown))}, which is no key")
        return [keys[name] for name in self.resource.listed]

    def _readers(self) -> list[ParameterReader]:
        names = choice({source.key.name: source.key.name for source in self.sources})
        fields = [ParameterReader(FIELDS, list_of(names))]
        if self.action == "get":
            return fields
        if self.action != "list":
            return []
        paging, positions = ([ParameterReader(name, kind) for name, kind in kinds.items()] for kinds in (PAGING, POSITIONS))
        parameters = [declared(self._graph, self.document, parameter) for parameter in self.resource.parameters]
        readers = [*paging, *parameters, *ordering(self.document), *fields, *positions]
        taken = [reader.name for reader in readers]
        if twice := next((name for name in taken if taken.count(name) > 1), None):
            raise DeclarationError(f"{self.resource.name} has the parameter {twice} twice: every list has {', '.join(PAGING)} by itself")
        return readers

    def _body(self) -> tuple[BodyReader | None, MessageNames]:
        input_ = get_named_type(self.document.variables.get("input"))
        names = {key.target: key.name for key in self.resource.keys}
        if not isinstance(input_, GraphQLInputObjectType):
            return None, MessageNames(names, None)
        return BodyReader(self.resource.keys, input_), MessageNames(names, input_)

    def operation(self, fields: frozenset[str] | None, way: Side | None) -> RestOperation:
        """For the keys in `fields`, if not all are wanted; `way` from a position, if there is one. Remembered queries hold it, too."""
        if fields is None and way is None:
            return self._whole
        key = (self.route, fields, way)
        found = self._kept.get(key)
        if found is None:
            found = self._operation(fields, way)
            self._kept.put(key, found, found.document, self.parse.cache_clear)
        return found

    def _operation(self, fields: frozenset[str] | None, way: Side | None) -> RestOperation:
        sources = [source for source in self.sources if fields is None or source.key.name in fields]
        document = self.document
        if len(sources) < len(self.sources):
            version = {(VERSION,)} & selected(document, self.record)
            document = document.keeping(self.record, [*(source.path for source in sources), *version])
        if way is not None:
            document = document.without((PAGE_INFO, _UNREAD[way]))
        return self._prepared(document.text, sources, later=True)

    def _prepared(self, text: str, sources: Sequence[ValueSource], *, later: bool = False) -> RestOperation:
        is_stored = all(self._graph.is_stored(step.owner, step.name) for source in sources for step in source.steps)
        return RestOperation(text, self._graph.prepare(text, later=later), compile_writer(sources), is_stored)

    def uses_of(self, parameters: tuple[str, ...], fields: frozenset[str], ignored: tuple[str, ...]) -> tuple[RestUse, ...]:
        """Return the parts of REST that a call uses and what was ignored. Ignored names come from clients, so they are not cached."""
        uses = self.uses(parameters, fields)
        return uses + tuple(RestUse(self.route, "ignored", name) for name in ignored) if ignored else uses

    def _uses(self, parameters: tuple[str, ...], fields: Collection[str]) -> tuple[RestUse, ...]:
        """Return the parts of REST that a call uses, for the counts. Cached like the operations, so that counting costs nothing."""
        return (
            RestUse(self.route, "route"),
            *(RestUse(self.route, "parameter", name) for name in parameters),
            *(RestUse(self.route, "field", name) for name in sorted(fields)),
            *(RestUse(self.route, "whole_object", one.name) for one in self._in_whole if not fields),
        )

    def _deprecated(self) -> Deprecation | None:
        """The route, as declared, or as the schema says of the root field."""
        root = self.document.root_coordinate
        return self.resource.deprecated.get(self.action) or in_schema(root, self.document.root_field.deprecation_reason)

    def _always(self) -> list[Deprecated]:
        """The deprecations that concern every call: those of all of REST and of the route."""
        api, route = self._graph.deprecation, self.deprecated
        return [*([Deprecated("api", "", api)] if api else []), *([Deprecated("route", self.route, route)] if route else [])]

    def _of_whole_objects(self) -> list[Deprecated]:
        """The deprecated keys of a record that is read whole; what a write answers can't be cut by `fields`, so it doesn't count."""
        if self.action not in {"list", "get"}:
            return []
        return [Deprecated("whole_object", name, one) for name, one in self._deprecated_keys.items() if one]

    def _deprecations(self, parameters: tuple[str, ...], fields: frozenset[str]) -> tuple[Deprecated, ...]:
        """Return the deprecated parts that a call uses; a read without `fields` takes the whole object. Cached, like the uses."""
        keys = self.body.deprecated if self.body else self._deprecated_keys
        found = [Deprecated("parameter", name, one) for name in parameters if (one := self.query.readers[name].deprecated)]
        found += [Deprecated("field", name, one) for name in fields if (one := keys.get(name))]
        return (*self.deprecations_always, *found, *(() if fields else self._in_whole))

    def notice_headers(
        self, ignored: Sequence[str], unknown: Sequence[str], deprecations: Sequence[Deprecated], preferences: Sequence[str]
    ) -> Headers:
        """The headers about a call, in every answer."""
        if not (ignored or unknown or deprecations or preferences):
            return self._notices
        return self._notices + notice_headers(ignored, unknown, deprecations, preferences)
