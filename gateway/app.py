"""The application, as a table of contents: what it is made of, which layers a request passes, and which door a path is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial, reduce
from typing import Final, TypeAlias

import structlog
from limits.errors import ConfigurationError
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.auth import Authenticator
from gateway.edge.authenticate import Authenticate, authenticate_again
from gateway.edge.bodies import HELD_BYTES, SMALL, TOO_MANY, RequestBodies
from gateway.edge.concurrency import ConcurrencyLimiter, LimitConcurrency
from gateway.edge.cors import AllowedHosts, Cors, Origins
from gateway.edge.dispatch import SDL_PATH, Dispatcher, PublicPaths, not_found
from gateway.edge.forwarded import ForwardedHeaders
from gateway.edge.metrics_page import MetricsPage
from gateway.edge.ports import HEALTH, METRICS, PROBES, OperatorsPort, RequireBearer
from gateway.edge.rate_limit import RateLimit, RateLimiter
from gateway.edge.request_scope import RequestScope
from gateway.edge.shared_memory import SharedMemory
from gateway.edge.turns import Turns
from gateway.edge.unsent_bytes import UnsentBytes
from gateway.environment import without_password
from gateway.extension_packages import packages_in
from gateway.graph_settings import graph_of
from gateway.graphql.documents import PersistedDocuments, read_trusted
from gateway.graphql.endpoint import GraphQLEndpoint
from gateway.graphql.operations import Operations
from gateway.graphql.sdl import SchemaText
from gateway.live.context import LiveContext
from gateway.live.events import EventsEndpoint
from gateway.live.socket import SocketEndpoint
from gateway.live.token import Tokens
from gateway.migrations import migration_status, upgrade
from gateway.observability import logs
from gateway.observability.health import ALIVE, Readiness
from gateway.observability.instruments import Instruments
from gateway.observability.log_lines import LONGEST_PATH, clean
from gateway.observability.rest_usage import GraphqlUses, RestUses
from gateway.pages import BrowserPages, pages
from gateway.rest.adapter import RestEndpoint, RestGraph, document_page, rest_of
from gateway.server.connections import ConnectionLimits
from gateway.settings import Settings, SettingsError
from schema.engine.events.pruning import OldEvents
from schema.engine.write.idempotency import expired_keys
from schema.graph import Graph
from schema.nouns.users.audit import AuditEntry
from schema.storage.database import Database
from schema.storage.opening import open_database
from schema.storage.retention import DatedRows, OldRows, Sweeper
from schema.values import Object, Value

#: Names of this machine for itself.
LOOPBACK: Final = ("localhost", "*.localhost", "127.0.0.1", "[::1]")
#: REST's pages that need no token.
PUBLIC_REST: Final = frozenset({"/api/openapi.json", "/api/openapi-3.0.json", "/api/docs", "/api/docs/"})

DAY_SECONDS: Final = 86_400

Layer: TypeAlias = Callable[[ASGIApp], ASGIApp]


class Application:
    """The ASGI application and what it is made of. Nothing is connected before its lifespan begins."""

    def __init__(self, settings: Settings, demo_token: str | None, graph: Graph | None) -> None:
        self.settings = settings
        # The demo's pages hold its token: a name that somebody else points here is not to read them.
        self.hosts = settings.allowed_hosts if demo_token is None else (*LOOPBACK, settings.host)
        self.probes = PROBES if demo_token is None else HEALTH
        self.stopping = False
        self.closing = asyncio.Event()
        self.at_start: list[Callable[[], None]] = []
        self.instruments = Instruments(settings)
        self.metrics, self.telemetry = self.instruments.metrics, self.instruments.telemetry
        self.metrics_page = MetricsPage(self._metrics_text)
        self.log = structlog.get_logger()
        self.connections = ConnectionLimits(settings, self.metrics.refused)
        self.database = (
            graph.database
            if graph is not None
            else open_database(
                settings.database_url,
                statement_timeout=settings.statement_timeout,
                pool_size=settings.pool_size,
                acquire_timeout=settings.pool_timeout,
                operation_timeout=settings.operation_timeout,
            )
        )
        self.packages = packages_in(settings)
        self.graph = graph or graph_of(settings, self.database)
        self.authenticator = Authenticator(self.database, settings)
        self.graph.rights_changed = self.authenticator.forget
        self.budget = budget_of(settings)
        self.operations = Operations(self.graph, documents_of(settings), self.telemetry.count, self.budget)
        self.limiter = ConcurrencyLimiter(settings.max_in_flight, settings.queue_size, settings.queue_timeout)
        self.sweeper = Sweeper(self.database, old_rows(self.database, settings))
        self.unsent = UnsentBytes(settings.max_unsent)
        self.turns = Turns()
        self.bodies = SharedMemory(HELD_BYTES, TOO_MANY, SMALL)
        self.uses = RestUses(self.database)
        self.graphql_uses = GraphqlUses(self.database, self.graph.graphql_schema)
        self.rest = rest_of(RestGraph(self.operations, self.uses, settings))
        self.rest_endpoint = RestEndpoint(self.rest, self.database, settings.public_url)
        self.live = self._live_context()
        self.pages = pages(turns=self.turns, demo_token=demo_token, sdl_url=SDL_PATH if settings.introspection else None)
        self.asgi = layered(self._dispatcher(), self._edge())
        parts = self.database, self.graph, self.sweeper, self.limiter, self.connections, self.unsent
        self.instruments.watch(self.database.timing, [part.figures for part in parts])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.asgi(scope, receive, send)

    def _edge(self) -> list[Layer]:
        """The layers that every request passes, the outermost first."""
        settings = self.settings
        return [
            *([partial(ForwardedHeaders, proxies=settings.trusted_proxies)] if settings.trusted_proxies else []),
            partial(
                RequestScope,
                observe=self.instruments.observe,
                complain=self.complain,
                notices=self.rest_endpoint.notices,
                stopping=lambda: self.stopping,
                headers=[(b"strict-transport-security", b"max-age=%d" % settings.hsts)] if settings.hsts else [],
            ),
            *self.instruments.layers(),
            *(
                [partial(OperatorsPort, port=settings.metrics_port, operators=PublicPaths(self._operators(), not_found))]
                if settings.metrics_port
                else []
            ),
            *([partial(AllowedHosts, names=self.hosts, probes=self.probes)] if "*" not in self.hosts else []),
            *([partial(Cors, origins=Origins(settings.cors_origins))] if settings.cors_origins else []),
        ]

    def _guard(self) -> list[Layer]:
        """The layers in front of the data (authentication, limits), the outermost first."""
        settings = self.settings
        return [
            partial(Authenticate, authenticator=self.authenticator),
            *([partial(RateLimit, budget=self.budget)] if self.budget else []),
            partial(
                RequestBodies,
                graphql_limit=settings.graphql_body_limit,
                rest_limit=settings.rest_body_limit,
                room=self.bodies,
                turns=self.turns,
                authenticate_again=partial(authenticate_again, self.authenticator),
            ),
        ]

    def _dispatcher(self) -> ASGIApp:
        guard = self._guard()
        limited = partial(LimitConcurrency, limiter=self.limiter, seconds=self.settings.operation_timeout, unsent=self.unsent)
        return Dispatcher(
            graphql=layered(GraphQLEndpoint(self.operations, self.graphql_uses.note), [*guard, limited]),
            events=layered(EventsEndpoint(self.live, self.metrics.streams), guard),
            socket=SocketEndpoint(self.live, Origins(self.settings.cors_origins), self.metrics.sockets),
            explorer=self.pages.explorer if self.settings.graphiql else None,
            sdl=layered(SchemaText(self.graph.sdl, introspection=self.settings.introspection), [*guard, limited]),
            rest=layered(self.rest_endpoint, [*guard, limited]),
            public=PUBLIC_REST,
            compress=self.settings.compression,
            pages=PublicPaths({**self._operators(), **self._documents()}, self._public()),
        )

    def _public(self) -> ASGIApp:
        """The pages and what else anyone may read; a starlette router, since that runs the lifespan too."""
        router = Router(default=not_found, lifespan=self.lifespan, redirect_slashes=False)
        return BrowserPages(self.pages, router) if self.settings.graphiql else router

    def _live_context(self) -> LiveContext:
        """The shared context of sockets and streams."""
        settings = self.settings
        return LiveContext(
            operations=self._live_operations(),
            authenticator=self.authenticator,
            tokens=Tokens(self.authenticator, self.closing, settings.operation_timeout),
            limiter=self.limiter,
            unsent=self.unsent,
            turns=self.turns,
            closing=self.closing,
            complain=self.complain,
            note=self.graphql_uses.note,
            operation_timeout=settings.operation_timeout,
            heartbeat=settings.heartbeat,
            queue=settings.websocket_queue,
            queue_bytes=settings.websocket_queue_bytes,
            slow_reader_timeout=settings.slow_reader_timeout,
            init_timeout=settings.websocket_init_timeout,
            message_limit=settings.websocket_message_limit,
            subscriptions=settings.websocket_subscriptions,
        )

    def _live_operations(self) -> Operations:
        """Return the operations of sockets and streams."""
        if self.instruments.tracing is None:
            return self.operations
        from gateway.live.traced_operations import TracedOperations  # noqa: PLC0415  it needs the extra, which is there then

        return TracedOperations(self.operations, self.instruments.tracing)

    def _documents(self) -> dict[str, ASGIApp]:
        """The REST documentation, by path: it needs no token."""
        return {path: document_page(document) for path, document in self.rest.documents.items()}

    def _operators(self) -> dict[str, ASGIApp]:
        """The operators' paths (health, metrics), which need no token of a workspace."""
        token = self.settings.metrics_token
        metrics = self.metrics_page if token is None else RequireBearer(self.metrics_page, token.get_secret_value())
        return {
            "/healthz": ALIVE,
            "/readyz": Readiness(self.database, lambda: self.stopping, self.packages),
            **({METRICS: metrics} if self.settings.metrics else {}),
        }

    @asynccontextmanager
    async def lifespan(self, _: Value) -> AsyncIterator[Object]:
        """Open the database, at the newest revision, and close it at the end."""
        if self.settings.migrate or self.settings.database_url.startswith("sqlite"):
            await upgrade(self.settings.database_url, self.packages)
        await self.database.open()
        try:
            found = str(await migration_status(self.database, self.packages))
            if found:
                self.log.warning(found)
            async with AsyncExitStack() as stack:
                for part in (self.graph.events, self.sweeper, self.authenticator, self.uses, self.graphql_uses, self.instruments):
                    await stack.enter_async_context(part.running())
                for step in self.at_start:
                    step()
                yield {"application": self}
        finally:
            self.closing.set()
            await self.database.close()

    def complain(self, scope: Scope, error: Exception) -> None:
        """Tell the log of a defect; the client only gets the request's id."""
        request_id = scope["state"]["request_id"].decode()
        path = clean(scope["path"][:LONGEST_PATH])
        self.log.error("defect", request_id=request_id, method=scope.get("method"), path=path, exc_info=error)

    def _metrics_text(self) -> bytes:
        self.telemetry.report()
        return self.metrics.text()


def create_app(settings: Settings, *, demo_token: str | None = None, graph: Graph | None = None) -> Application:
    """The application for `settings`; with `demo_token` its pages open signed in. Raises SettingsError for settings that can't work."""
    logs.hide_variables()
    return Application(settings, demo_token, graph)


def layered(app: ASGIApp, layers: Sequence[Layer]) -> ASGIApp:
    """`app` inside `layers`, the first of them outermost."""
    return reduce(lambda inner, layer: layer(inner), reversed(layers), app)


def documents_of(settings: Settings) -> PersistedDocuments:
    """Registered operations, if there are any, and room for automatic persisted queries."""
    trusted = None
    if settings.trusted_documents and settings.trusted_documents_mode != "off":
        try:
            trusted = read_trusted(settings.trusted_documents)
        except ValueError as error:
            raise SettingsError(f"GATEWAY_TRUSTED_DOCUMENTS: {error}") from None
    return PersistedDocuments(trusted, settings.trusted_documents_mode, settings.persisted_queries)


def old_rows(database: Database, settings: Settings) -> list[OldRows]:
    """The rows that are deleted when they are too old."""
    return [
        expired_keys(database),
        OldEvents(database, settings.event_retention * DAY_SECONDS),
        DatedRows(database, AuditEntry.__table__, "audit entries", settings.audit_retention * DAY_SECONDS, listed=True),
    ]


def budget_of(settings: Settings) -> RateLimiter | None:
    """The rate limit, if there is one."""
    if settings.rate_limit is None:
        return None
    try:
        return RateLimiter(settings.rate_limit, settings.rate_limit_cost, settings.rate_limit_storage)
    except (ConfigurationError, TypeError, ValueError) as error:
        given = settings.rate_limit_storage
        message = str(error).replace(given, without_password(given))
        raise SettingsError(f"GATEWAY_RATE_LIMIT_STORAGE: {message}") from None
