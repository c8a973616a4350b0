"""`/graphql` as a stream of Server-Sent Events: graphql-sse, distinct connections mode, one operation a request.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Lines end with LF alone: urql can't read CRLF.
"""

import asyncio
import contextlib
from typing import Final

from prometheus_client import Gauge
from starlette.types import Receive, Scope, Send

from gateway.edge.concurrency import until_gone
from gateway.edge.graphql_errors import graphql_error, unavailable
from gateway.edge.negotiate import GRAPHQL
from gateway.edge.respond import send_whole
from gateway.edge.shared_memory import MemoryHold
from gateway.graphql.endpoint import SAFE, read_parameters, request_status, send_answer
from gateway.graphql.parameters import Parameters
from gateway.observability.current_request import OPERATION
from rest_compat.errors import Headers, HttpResponse, MethodNotAllowed, Unauthenticated
from rest_compat.json_values import JsonObject
from schema.engine.document.documents import PreparedOperation, RequestError
from schema.rules.access import Caller
from schema.storage.database import DatabaseUnavailable

from .context import LiveContext, answers, encode_errors, errors_of, first_end, mark_held, prepare
from .outbox import SlowReader
from .token import Closing, TokenLost, TokenWatch

CLOSE_SECONDS: Final = 1.0
ROUTE: Final = "/graphql stream"
ALIVE: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata:\n\n"
HEADERS: Final[Headers] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-store"),
    (b"vary", b"Accept, Authorization"),
    (b"x-accel-buffering", b"no"),
]


class _Ended(Exception):
    """The operation has no more answers, or the client has left."""


class EventsEndpoint:
    """Streams the answers of one operation; counts open streams in `gauge`."""

    def __init__(self, context: LiveContext, gauge: Gauge) -> None:
        self.context = context
        self.gauge = gauge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parameters = await self._parameters(scope)
        size = len(scope["state"].pop("body", b""))
        try:
            prepared, variables = await prepare(self.context, parameters, scope["state"]["caller"])
        except RequestError as error:
            scope["state"]["error"] = error.code
            await send_answer(send, GRAPHQL, request_status(error.code, GRAPHQL), encode_errors(error.errors))
            return
        if prepared.kind == "mutation" and scope["method"] in SAFE:
            raise MethodNotAllowed(f"A {scope['method']} runs queries and subscriptions only: send mutations by POST.", "POST")
        if scope["method"] == "HEAD":
            # The head of what GET would have (RFC 9110 section 9.3.2); nothing is run for it.
            await send_whole(scope, send, HttpResponse(200, HEADERS, b""))
            return
        with MemoryHold(self.context.open, scope["state"]["caller"].token_id) as hold:
            hold.grow(size)
            await self._stream(scope, receive, send, prepared, variables)

    async def _parameters(self, scope: Scope) -> Parameters:
        """What the request asks for, read in a place for work: a body may take milliseconds. Raises HttpError."""
        await self.context.limiter.take(scope["state"]["caller"].token_id)
        try:
            return read_parameters(scope)
        finally:
            self.context.limiter.give()

    async def _stream(self, scope: Scope, receive: Receive, send: Send, prepared: PreparedOperation, variables: JsonObject) -> None:
        self.context.note(scope["state"]["caller"], scope["state"]["headers"], prepared)
        mark_held(scope, scope["state"]["caller"])
        # How long streams last would drown the times of answers.
        scope["state"]["route"], scope["state"]["operation"] = ROUTE, prepared.name
        OPERATION.set(prepared)
        stream = Stream(self.context, scope, receive, send)
        with self.gauge.track_inprogress():
            last = await stream.run(prepared, variables)
        # A client that doesn't read can't be sent the end of the stream.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await stream.open()
                await send({"type": "http.response.body", "body": last, "more_body": False})


class Stream:
    """One stream from its opening to its end."""

    def __init__(self, context: LiveContext, scope: Scope, receive: Receive, send: Send) -> None:
        self.context = context
        self.scope = scope
        self.receive = receive
        self.send = send
        self.outbox = context.outbox()
        self.is_open = False
        self.began = asyncio.Event()
        """Set once events committed from now on will be sent, or a response is ready."""

    async def open(self) -> None:
        """Sends the head, unless it was sent."""
        if not self.is_open:
            self.is_open = True
            await self.send({"type": "http.response.start", "status": 200, "headers": HEADERS})

    async def run(self, prepared: PreparedOperation, variables: JsonObject) -> bytes:
        """Until the operation, the client, the token or the process ends it; the stream's last bytes."""
        try:
            end = await self._run(prepared, variables)
        finally:
            left = self.outbox.close()
        match end:
            case TokenLost() | Closing() if COMPLETE in left:
                return b"".join(left)
            case TokenLost():
                return b"".join([*left, _next(encode_errors([graphql_error(Unauthenticated.code, str(end))])), COMPLETE])
            case Closing():
                return b"".join([*left, COMPLETE])
            case DatabaseUnavailable():
                return _next(encode_errors(errors_of(self.context, self.scope, unavailable(end)))) + COMPLETE
            case _Ended() | SlowReader():
                return b""
        self.context.complain(self.scope, end)
        return COMPLETE

    async def _run(self, prepared: PreparedOperation, variables: JsonObject) -> Exception:
        caller: Caller = self.scope["state"]["caller"]
        token: bytes = self.scope["state"]["headers"].get(b"authorization", b"")
        try:
            async with self.context.tokens.watching(token.decode("latin-1"), caller) as watch, asyncio.TaskGroup() as group:
                group.create_task(self._write(watch))
                group.create_task(self._await_leaving())
                group.create_task(watch.ended())
                await self._follow(prepared, variables, caller)
        except ExceptionGroup as ends:
            return first_end(ends)
        except (TokenLost, DatabaseUnavailable) as end:
            return end
        raise AssertionError("writing ends by raising")

    async def _follow(self, prepared: PreparedOperation, variables: JsonObject, caller: Caller) -> None:
        event = prepared.kind == "subscription"
        if not event:
            self.began.set()
        try:
            async with contextlib.aclosing(answers(self.context, prepared, variables, caller, self.began.set)) as found:
                async for answer in found:
                    await self.outbox.put(_next(answer.encode()), event=event)
        except Exception as error:  # noqa: BLE001  told to the client or the log, whatever it is
            await self.outbox.put(_next(encode_errors(errors_of(self.context, self.scope, error))))
        # Also of a subscription that was over before it began.
        self.began.set()
        await self.outbox.put(COMPLETE)

    async def _write(self, watch: TokenWatch) -> None:
        """The head and a comment as soon as a client that reads the list now misses nothing, and whenever there was nothing for a while."""
        await self.began.wait()
        await self.open()
        await self._send(ALIVE)
        while True:
            try:
                async with asyncio.timeout(self.context.heartbeat):
                    message = await self.outbox.get()
            except TimeoutError:
                await self._send(ALIVE)
                continue
            if message.event and not watch.good.is_set():
                await watch.good.wait()
            await self._send(message.data)
            self.outbox.sent()
            if message.data is COMPLETE:
                raise _Ended

    async def _send(self, message: bytes) -> None:
        """Sends a message, and waits until the connection has taken it: only the next call shows that, so an empty one follows."""
        await self.send({"type": "http.response.body", "body": message, "more_body": True})
        await asyncio.sleep(0)
        await self.send({"type": "http.response.body", "body": b"", "more_body": True})

    async def _await_leaving(self) -> None:
        await until_gone(self.receive)
        raise _Ended


def _next(answer: bytes) -> bytes:
    """An encoded answer as an event; JSON has no line breaks."""
    return b"event: next\ndata: %b\n\n" % answer
