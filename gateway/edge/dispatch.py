"""Which door a request came to: decided on the path alone (never a URL built from headers), and on `/graphql` by what it accepts."""

from collections.abc import Awaitable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from rest_compat.errors import MethodNotAllowed, NotFound

from .compression import compressed
from .cors import METHODS
from .negotiate import accepted_types
from .respond import GRAPHQL_PATH, GRAPHQL_SLASH

REST_PREFIX = "/api/"
SDL_PATH = "/graphql/schema.graphql"


async def not_found(scope: Scope, receive: Receive, send: Send) -> None:
    """The door to nowhere."""
    del receive
    if scope["type"] != "websocket":
        if scope["path"] == "*":
            raise MethodNotAllowed("This is no page.", METHODS.decode())
        raise NotFound("There is nothing at this address.")
    await send({"type": "websocket.close", "code": 4404})


class PublicPaths:
    """Pages that are only read and need no token, by their path; `otherwise` takes the rest."""

    def __init__(self, pages: Mapping[str, ASGIApp], otherwise: ASGIApp) -> None:
        self.pages = pages
        self.otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self.pages.get(scope["path"]) if scope["type"] == "http" else None
        if page is None:
            await self.otherwise(scope, receive, send)
            return
        scope["state"]["route"] = scope["path"]
        if scope["method"] not in {"GET", "HEAD"}:
            raise MethodNotAllowed("This page can only be read: use GET or HEAD.", "GET, HEAD")
        await page(scope, receive, send)


class Dispatcher:
    """`/graphql` as query, stream, socket or page; the schema as text; `/api/…`; and what needs no token, which also takes the lifespan."""

    def __init__(  # noqa: PLR0913  a door each
        self,
        *,
        graphql: ASGIApp,
        events: ASGIApp,
        socket: ASGIApp,
        explorer: ASGIApp | None,
        sdl: ASGIApp,
        rest: ASGIApp,
        pages: ASGIApp,
        public: frozenset[str] = frozenset(),
        compress: bool = False,
    ) -> None:
        self.graphql = graphql
        self.events = events
        self.socket = socket
        self.explorer = explorer
        self.sdl = sdl
        self.rest = rest
        self.pages = pages
        self.public = public
        self.compress = compress

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        door = self._door(scope)
        if self.compress and scope["type"] == "http" and b"accept-encoding" in scope["state"]["headers"]:
            door = compressed(door, scope)
        return door(scope, receive, send)

    def _door(self, scope: Scope) -> ASGIApp:
        kind = scope["type"]
        if kind == "lifespan":
            return self.pages
        path: str = scope["path"]
        if kind == "websocket":
            return self.socket if path in {GRAPHQL_PATH, GRAPHQL_SLASH} else not_found
        if path == GRAPHQL_PATH:
            scope["state"]["route"] = GRAPHQL_PATH
            return self._graphql(scope)
        if path.startswith(REST_PREFIX) and path not in self.public:
            return self.rest
        if path == SDL_PATH:
            scope["state"]["route"] = SDL_PATH
            return self.sdl
        return self._with_slash(scope) if path == GRAPHQL_SLASH else self.pages

    def _graphql(self, scope: Scope) -> ASGIApp:
        state = scope["state"]
        want = accepted_types(state["headers"].get(b"accept"))
        if want.page and scope["method"] in {"GET", "HEAD"} and self.explorer is not None:
            return self.explorer
        state["offer"] = want.offer
        return self.events if want.events and scope["method"] != "OPTIONS" else self.graphql

    def _with_slash(self, scope: Scope) -> ASGIApp:
        """`/graphql/` is served like `/graphql`, since clients lose bodies and tokens on redirects; only a page leads on."""
        if (
            scope["method"] in {"GET", "HEAD"}
            and self.explorer is not None
            and accepted_types(scope["state"]["headers"].get(b"accept")).page
        ):
            return self.pages
        scope["path"] = GRAPHQL_PATH
        return self._door(scope)
