"""REST over HTTP: what the edge has read of a request goes to `rest_compat` as one value, and what comes back is sent."""

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.edge.negotiate import wanted
from gateway.edge.respond import refuse, send_whole
from gateway.settings import SettingsError
from rest_compat.errors import Headers, HttpResponse, Refused
from rest_compat.json_values import Json, JsonObject
from rest_compat.protocol import Request
from rest_compat.resources.declaration import DeclarationError
from rest_compat.serve import Rest
from schema.storage.database import Database

from .adapter import RestGraph
from .deprecations import rest_resources


class RestEndpoint:
    """Answers what needs a token under `/api/`. Links begin with `public_url`, where there is one."""

    def __init__(self, rest: Rest, database: Database, public_url: str | None) -> None:
        self.rest = rest
        self.database = database
        self.public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["state"]
        try:
            response = await self.rest.answer(self._request(scope, state))
        except Refused as refused:
            state["error"], state["reason"] = refused.code, refused.reason or refused.code.lower()
            await refuse(scope, send, refused)
        else:
            await send_whole(scope, send, response)

    def _request(self, scope: Scope, state: JsonObject) -> Request:
        headers = state["headers"]
        accept = headers.get(b"accept")
        return Request(
            scope["method"],
            _path(scope),
            scope["query_string"],
            headers,
            state.get("body", b""),
            state.get("caller"),
            self.public_url or _origin(scope),
            self.database.epoch,
            accept is None or wanted(accept).json,
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
    """An OpenAPI document, written once; below a prefix that a proxy tells, its server is there."""
    body = orjson.dumps(document)

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        root = scope.get("root_path", "")
        moved = root and document["servers"] == [{"url": "/"}]
        shown = orjson.dumps({**document, "servers": [{"url": root}]}) if moved else body
        await send_whole(scope, send, HttpResponse(200, [(b"content-type", b"application/json")], shown))

    return page
