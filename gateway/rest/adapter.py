"""The adapter between the rooms: what the edge has read of a request goes to `rest_compat`, and the operation that this is to the graph."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

import orjson
from graphql import (
    GraphQLError,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    type_from_ast,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import VERSION
from gateway.edge.compression import ConstantBody
from gateway.edge.decoder import StrictJsonError, decode
from gateway.edge.graphql_errors import unavailable
from gateway.edge.negotiate import accepted_types
from gateway.edge.respond import refuse, send_whole
from gateway.graphql.operations import Operations
from gateway.observability.rest_usage import RestUses
from gateway.settings import Settings, SettingsError
from rest_compat.errors import Headers, HttpError, HttpResponse, Unauthenticated
from rest_compat.json_values import Json, JsonObject
from rest_compat.protocol import BodyDecodeError, Request, RestUse, VariableFault
from rest_compat.resources.declaration import DeclarationError
from rest_compat.serve import Rest
from schema.engine.compile.data_reader import REVISION
from schema.engine.document.documents import PreparedOperation, RequestError
from schema.engine.document.input_faults import faults
from schema.engine.execute.responses import GraphQLResponse
from schema.rules.access import Caller
from schema.rules.errors import WorkspaceGone
from schema.storage.database import Database, DatabaseUnavailable
from schema.values import Value

from .deprecations import rest_deprecation, rest_resources

Definition = tuple[str, GraphQLInputType, bool]
#: Prefixes of proxies below which a document is kept as it is sent.
MOST_PREFIXES: Final = 8


@dataclass(slots=True)
class RestDocument:
    """A document of REST with its variables' names, types and whether they have a default; prepared at its first use, if not before."""

    text: str
    prepared: PreparedOperation | None
    definitions: Sequence[Definition]


class RestGraph:
    """The graph as `rest_compat` sees it: fills its Protocol, so that a call of REST is one GraphQL operation run in process."""

    def __init__(self, operations: Operations, uses: RestUses, settings: Settings) -> None:
        database = operations.graph.database
        self.database = database
        self.fetch = database.fetch
        self.revision_of = database.compile(REVISION)
        self.settings = settings
        self.operations = operations
        self.record_usage = uses.note
        self.version = VERSION
        self.deprecation = rest_deprecation(settings)
        self.public_url = settings.public_url
        self.require_if_match = settings.require_if_match
        self.unknown_parameters = settings.unknown_parameters
        self.sdl = operations.graph.sdl
        self.schema: GraphQLSchema = build_schema(self.sdl)

    def prepare(self, document: str, *, later: bool = False) -> RestDocument:
        """Raises RequestError where the document isn't valid."""
        operation = next(node for node in parse(document).definitions if isinstance(node, OperationDefinitionNode))
        # Registered documents only concern clients: these are ours, so they don't go through the look-up.
        prepared = None if later else self.operations.graph.prepare(document)
        return RestDocument(document, prepared, [*self._definitions(operation)])

    def is_stored(self, type_name: str, field: str) -> bool:
        return self.operations.graph.is_stored(type_name, field)

    async def execute(
        self, prepared: RestDocument, variables: JsonObject, caller: Caller, *, at_revision: bool = False, uses: tuple[RestUse, ...] = ()
    ) -> GraphQLResponse:
        if uses:
            self.record_usage(caller, uses)
        if prepared.prepared is None:
            try:
                prepared.prepared = await self.operations.graph.learn(prepared.text, None, caller)
            except RequestError as error:
                return GraphQLResponse(None, error.errors, executed=False)
        return await self.operations.run(prepared.prepared, variables, caller, at_revision=at_revision)

    def check(self, prepared: RestDocument, variables: JsonObject) -> list[VariableFault]:
        """Every coercion fault of the variables (GraphQL specification, "Coercing Variable Values"), all of them and each at its place."""
        found: list[VariableFault] = []
        for name, kind, has_default in prepared.definitions:
            if name in variables:
                found += [VariableFault(path, message) for path, message in faults(variables[name], kind, (name,))]
            elif isinstance(kind, GraphQLNonNull) and not has_default:
                found.append(VariableFault((name,), "A value is required."))
        return found

    def check_scalar(self, scalar: str, value: Json) -> None:
        type_ = self.operations.graph.graphql_schema.type_map[scalar]
        assert isinstance(type_, GraphQLScalarType)
        try:
            type_.coerce_input_value(value)
        except GraphQLError as error:
            raise ValueError(error.message) from None

    def decode(self, body: bytes) -> Json:
        try:
            return decode(body)
        except StrictJsonError as error:
            code: Literal["VALIDATION_ERROR", "BAD_REQUEST"] = "VALIDATION_ERROR" if error.kind == "characters" else "BAD_REQUEST"
            raise BodyDecodeError(error.message, code, [VariableFault(path, message) for path, message in error.faults]) from None

    async def revision(self, caller: Caller) -> int:
        try:
            rows = await self.fetch(self.revision_of, {"workspace": caller.workspace_id})
        except DatabaseUnavailable as error:
            raise unavailable(error) from error
        if not rows:
            raise Unauthenticated(str(WorkspaceGone()), is_about_token=True)
        return int(rows[0][0])

    def permits(self, prepared: RestDocument, variables: JsonObject, caller: Caller) -> bool:
        if caller.scopes is None:
            return True
        try:
            return prepared.prepared is not None and self.operations.graph.permits(prepared.prepared, variables, caller)
        except RequestError:
            return False

    def _definitions(self, operation: OperationDefinitionNode) -> Iterator[Definition]:
        """With the types that run: those built from the SDL don't know what a scalar refuses."""
        for node in operation.variable_definitions or ():
            kind: Value = type_from_ast(self.operations.graph.graphql_schema, node.type)
            yield node.variable.name.value, kind, node.default_value is not None


class RestEndpoint:
    """Answers what needs a token under `/api/`. Links begin with `public_url`, where there is one."""

    def __init__(self, rest: Rest, database: Database, public_url: str | None) -> None:
        self.rest = rest
        self.database = database
        self.public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  an ASGI application takes it
        state = scope["state"]
        try:
            response = await self.rest.answer(self._request(scope, state))
        except HttpError as refused:
            state["error"], state["reason"] = refused.code, refused.reason or refused.code.lower()
            await refuse(scope, send, refused)
        else:
            await send_whole(scope, send, response)

    def _request(self, scope: Scope, state: JsonObject) -> Request:
        headers = state["headers"]
        accept = headers.get(b"accept")
        return Request(
            scope["method"],
            _path(scope) if scope.get("root_path") else scope["path"],
            scope["query_string"],
            headers,
            state.get("body", b""),
            state.get("caller"),
            self.public_url or _origin(scope),
            self.database.epoch,
            accept is None or accepted_types(accept).json,
            state,
        )

    def notices(self, scope: Scope) -> Headers:
        """The header that names a call's operation, for the layers that let it go no further."""
        return self.rest.notices(Request(scope["method"], _path(scope), state=scope["state"]))


def _path(scope: Scope) -> str:
    """The path below the application's root."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root + "/") else path


def _origin(scope: Scope) -> str:
    """`https://host:port`, as the request says it; the host was found to be one."""
    host = scope["state"]["headers"].get(b"host")
    if not host:
        name, port = scope.get("server") or ("localhost", None)
        host = (name if port is None else f"{name}:{port}").encode()
    return f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}{scope.get('root_path', '')}"


def rest_of(graph: RestGraph) -> Rest:
    """REST's resources, with what the settings deprecate in them. Raises SettingsError."""
    try:
        return Rest(graph, rest_resources(graph.settings))
    except DeclarationError as error:
        raise SettingsError(str(error)) from None


def document_page(document: Json) -> ASGIApp:
    """An OpenAPI document, encoded once; behind a proxy with a path prefix, its server has that prefix."""
    may_move = document["servers"] == [{"url": "/"}]

    @lru_cache(MOST_PREFIXES)
    def below(root: str) -> ConstantBody:
        return ConstantBody(orjson.dumps({**document, "servers": [{"url": root}]} if root else document))

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        shown = below(scope.get("root_path", "") if may_move else "")
        await send_whole(scope, send, HttpResponse(200, [(b"content-type", b"application/json")], shown))

    below("")
    return page
