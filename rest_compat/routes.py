"""The routes, for a starlette application."""

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import orjson
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound, Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from rest_compat.openapi.document import openapi
from rest_compat.openapi.version_3_0 import openapi_3_0
from rest_compat.resources.accounts import ACCOUNTS
from rest_compat.resources.contacts import CONTACTS
from rest_compat.resources.declaration import Resource
from rest_compat.resources.opportunities import OPPORTUNITIES
from rest_compat.tools.explain import PATH as EXPLAIN
from rest_compat.tools.explain import Explain
from rest_compat.translate.call import Translator

from .errors import Headers, Refused
from .protocol import Graph
from .serve import Server, answer, refusal

RESOURCES: tuple[Resource, ...] = (OPPORTUNITIES, ACCOUNTS, CONTACTS)
OPENAPI = "/api/openapi.json"
OPENAPI_3_0 = "/api/openapi-3.0.json"


class RestRoutes(BaseRoute):
    """All resources in one route, found by one look at a table; also a plain ASGI application, for a server that routes by itself.

    With and without the last slash is the same path, served and not redirected: clients drop `Authorization` and bodies on redirects.
    """

    def __init__(self, translator: Translator) -> None:
        self._translator = translator
        self._server = Server(translator)

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        known = scope["type"] == "http" and self._translator.find(route_path(scope)) is not None
        return (Match.FULL, {}) if known else (Match.NONE, {})

    def notices(self, scope: Scope) -> Headers:
        """The header that names a request's GraphQL operation, for those who refuse it before it comes here.

        Leaves the path's pattern in the state's `route`, and the operation's name in its `operation`, as serving it would.
        """
        found = self._translator.find(route_path(scope))
        if found is None:
            return []
        path_endpoints, endpoint, state = found[0], found[0].action(scope["method"]), scope["state"]
        if endpoint is None:
            state.setdefault("route", path_endpoints.path)
            return []
        state["route"], state["operation"] = endpoint.path, endpoint.operation_name
        return endpoint.notices

    @override
    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        raise NoMatchFound(name, path_params)

    @override
    def handle(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        found = self._translator.find(route_path(scope))
        return _nothing_here(scope, send) if found is None else self._server.serve(*found, scope, receive, send)


async def _nothing_here(scope: Scope, send: Send) -> None:
    accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
    scope["state"]["error"] = "NOT_FOUND"
    response = refusal(Refused("NOT_FOUND", "There is nothing at this address."), accept, scope["state"])
    await answer(send, response, head=scope["method"] == "HEAD")


def route_path(scope: Scope) -> str:
    """The path below the application's root."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(root + "/") else path


class DocumentPage:
    """An OpenAPI document, made once; below a prefix that a proxy tells, its server is there."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._body = orjson.dumps(document)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        root = scope.get("root_path", "")
        body = self._below(root) if root and self._document["servers"] == [{"url": "/"}] else self._body
        await answer(send, (200, [(b"content-type", b"application/json")], body), head=scope["method"] == "HEAD")

    def _below(self, root: str) -> bytes:
        return orjson.dumps({**self._document, "servers": [{"url": root}]})


def routes(graph: Graph, resources: Sequence[Resource] = RESOURCES) -> list[BaseRoute]:
    """Every route of this room; binding them checks all declarations and documents. Raises DeclarationError."""
    translator = Translator(graph, resources)
    described = openapi(translator)
    return [
        RestRoutes(translator),
        Route(EXPLAIN, Explain(translator), methods=None),
        Route(OPENAPI, DocumentPage(described), methods=["GET"]),
        Route(OPENAPI_3_0, DocumentPage(openapi_3_0(described)), methods=["GET"]),
    ]
