"""Traces by OpenTelemetry: a span a request, one an SQL statement, one an operation of a socket or stream.

This is only imported where traces go somewhere. When the process starts it is put in the place of what is done without it; a request that
is not traced then runs nothing of it but the choice.

Names are those of the semantic conventions (https://opentelemetry.io/docs/specs/semconv/http/http-spans/, …/db/database-spans/,
…/graphql/graphql-spans/). No span has values of statements, variables, query strings, headers other than the client's program, or tokens.
"""

from collections.abc import Callable
from contextvars import ContextVar
from random import random
from time import time_ns
from typing import Final, NamedTuple, TypeAlias

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import VERSION
from schema.engine.document.documents import PreparedOperation
from schema.storage.statements import Statement
from schema.storage.timing import FAILED, ReportStatement
from schema.values import Value

from .current_request import OPERATION
from .log_lines import LONGEST_NAME, LONGEST_PATH, LONGEST_TRACEPARENT, TRACEPARENT, clean
from .span_export import SpanQueue, provider_of

ObserveAnswer: TypeAlias = Callable[[Scope, int, float, int], None]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "CONNECT", "TRACE"})
SERVER_ERROR: Final = 500
#: Bytes of a `tracestate` that is kept with a span; a longer one is left out (https://www.w3.org/TR/trace-context/#tracestate-limits).
LONGEST_TRACESTATE: Final = 512
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class Trace(NamedTuple):
    """A span that others are made below, and the context for them."""

    span: Span
    context: Context


#: The trace that what is done here belongs to; None where it isn't traced.
CURRENT: Final[ContextVar[Trace | None]] = ContextVar("trace", default=None)


class Tracing:
    """Makes spans of a share (`ratio`, 0 to 1) of what is done on a database (`system`: its name), and of what a client traces already."""

    def __init__(self, endpoint: str, ratio: float, system: str) -> None:
        self.spans = SpanQueue(endpoint)
        self.figures = self.spans.figures
        self.close = self.spans.close
        self.ratio = ratio
        self._system = system
        self._tracer: Tracer = provider_of(self.spans).get_tracer("gateway", VERSION)

    # Requests

    def begin(self, scope: Scope) -> None:
        """Begin the span of a request, unless the client's trace is not sampled. Its log line has the trace's id."""
        headers: dict[bytes, bytes] = scope["state"]["headers"]
        context = self._context(headers)
        if context is None:
            CURRENT.set(None)
            return
        trace = self._start("request", context, SpanKind.SERVER)
        CURRENT.set(trace)
        scope["state"]["trace"] = trace
        headers[b"traceparent"] = _traceparent(trace).encode()

    def _context(self, headers: dict[bytes, bytes]) -> Context | None:
        """The context that the span of a request belongs into; None where it is to have none."""
        given = headers.get(b"traceparent")
        if given is None:
            return Context()
        parent = TRACEPARENT.fullmatch(given[:LONGEST_TRACEPARENT])
        if parent is None:
            return Context() if random() < self.ratio else None  # noqa: S311  a sample, not a secret
        if not int(parent[3], 16) & 1:
            return None
        return _PROPAGATOR.extract(_carrier(given, headers.get(b"tracestate", b"")), Context())

    def observing(self, observe: ObserveAnswer) -> ObserveAnswer:
        """`observe`, which also ends the request's span."""

        def both(scope: Scope, status: int, seconds: float, size: int) -> None:
            observe(scope, status, seconds, size)
            trace = scope["state"].get("trace")
            if trace is not None:
                self._end_request(trace.span, scope, status, size)

        return both

    def _end_request(self, span: Span, scope: Scope, status: int, size: int) -> None:
        state = scope["state"]
        method, route = scope["method"] if scope["method"] in METHODS else "_OTHER", state.get("route")
        span.update_name(f"{method} {route}" if route else method)
        span.set_attributes(
            {
                "http.request.method": method,
                "http.response.status_code": status,
                "http.response.body.size": size,
                **({"http.route": route} if route else {}),
                **_request_attributes(scope),
                **(_operation_attributes(OPERATION.get()) if "operation" in state else {}),
            }
        )
        if status >= SERVER_ERROR:
            span.set_attribute("error.type", state.get("error", str(status)))
            span.set_status(StatusCode.ERROR)
        span.end()

    # Statements

    def reporting(self, slow: ReportStatement, above: float) -> ReportStatement:
        """Return the function to report every statement to; statements above `above` seconds also go to `slow`."""

        def report(statement: Statement, seconds: float, rows: int) -> None:
            if seconds > above:
                slow(statement, seconds, rows)
            trace = CURRENT.get()
            if trace is not None:
                self._statement(trace, statement.text, seconds, rows)

        return report

    def _statement(self, trace: Trace, text: str, seconds: float, rows: int) -> None:
        end, verb = time_ns(), text.split(None, 1)[0].upper()
        attributes: dict[str, str | int] = {"db.system.name": self._system, "db.operation.name": verb, "db.query.text": text}
        if rows != FAILED:
            attributes["db.response.returned_rows"] = rows
        span = self._tracer.start_span(verb, trace.context, SpanKind.CLIENT, attributes, start_time=end - int(seconds * 1e9))
        if rows == FAILED:
            span.set_status(StatusCode.ERROR)
        span.end(end)

    # Operations of sockets and streams

    def operation(self, prepared: PreparedOperation) -> Trace | None:
        """Begin the span of an operation, or of an event of one, if it is to have one: below that of its stream, or a trace of its own."""
        around = CURRENT.get()
        if around is None and random() >= self.ratio:  # noqa: S311  as above
            return None
        name = f"{prepared.kind} {prepared.name[:LONGEST_NAME]}" if prepared.name else prepared.kind
        trace = self._start(name, around.context if around else Context(), SpanKind.INTERNAL if around else SpanKind.SERVER)
        trace.span.set_attributes(_operation_attributes(prepared))
        return trace

    def _start(self, name: str, context: Context, kind: SpanKind) -> Trace:
        span = self._tracer.start_span(name, context, kind)
        return Trace(span, set_span_in_context(span, context))


class Traced:
    """Begins the spans of requests; sockets have one for each of their operations instead."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self.app = app
        self.ratio = tracing.ratio
        self.begin = tracing.begin

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Value:
        if scope["type"] == "http":
            if b"traceparent" in scope["state"]["headers"] or random() < self.ratio:  # noqa: S311  a sample, not a secret
                self.begin(scope)
            else:
                # A request that was sent ahead on a connection may begin in the context of the one before it.
                CURRENT.set(None)
        return self.app(scope, receive, send)


def _carrier(traceparent: bytes, tracestate: bytes) -> dict[str, str]:
    if len(tracestate) > LONGEST_TRACESTATE:
        tracestate = b""
    return {"traceparent": traceparent.decode("latin-1"), "tracestate": tracestate.decode("latin-1")}


def _traceparent(trace: Trace) -> str:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.context)
    return carrier["traceparent"]


def _request_attributes(scope: Scope) -> dict[str, str | int]:
    state, client, server = scope["state"], scope.get("client"), scope.get("server")
    attributes: dict[str, str | int] = {
        "url.path": clean(scope["path"][:LONGEST_PATH]),
        "url.scheme": scope.get("scheme", "http"),
        "network.protocol.version": scope.get("http_version", ""),
        "user_agent.original": clean(state["headers"].get(b"user-agent", b"")[:LONGEST_NAME].decode("latin-1")),
        "gateway.request_id": state["request_id"].decode(),
    }
    if client is not None:
        attributes["client.address"] = clean(client[0][:LONGEST_NAME])
    if server is not None:
        attributes |= {"server.address": server[0], **({} if server[1] is None else {"server.port": server[1]})}
    if "caller" in state:
        attributes["gateway.workspace"] = state["caller"].workspace_id
    return attributes


def _operation_attributes(prepared: PreparedOperation | None) -> dict[str, str]:
    if prepared is None:
        return {}
    name = {"graphql.operation.name": prepared.name[:LONGEST_NAME]} if prepared.name else {}
    return {"graphql.operation.type": prepared.kind, **name}
