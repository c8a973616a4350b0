"""`/graphql` as a stream of Server-Sent Events: graphql-sse, distinct connections mode, one operation a request.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Lines end with LF alone: urql can't read CRLF.
"""

import asyncio
import contextlib
from typing import Final

import orjson
from prometheus_client import Gauge
from starlette.types import Receive, Scope, Send

from gateway.http.faults import Headers, MethodNotAllowed, Unauthenticated, graphql_error
from gateway.http.graphql import read_parameters, request_status
from gateway.http.load import until_gone
from gateway.http.negotiate import GRAPHQL
from gateway.http.parameters import Parameters
from gateway.http.respond import respond
from schema.documents import Prepared, RequestError
from schema.rules.access import Caller

from .operating import Terms, answers, encode_errors, errors_of
from .outbox import SlowReader
from .token import Closing, TokenLost, watch

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

    def __init__(self, terms: Terms, gauge: Gauge) -> None:
        self.terms = terms
        self.gauge = gauge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parameters = read_parameters(scope)
        try:
            prepared = self.terms.operations.prepare(parameters)
        except RequestError as error:
            await respond(send, request_status(error.code, GRAPHQL), GRAPHQL, orjson.dumps({"errors": error.errors}))
            return
        if prepared.kind == "mutation" and scope["method"] == "GET":
            raise MethodNotAllowed("A GET runs queries and subscriptions only: send mutations by POST.", "POST")
        # How long streams last would drown the times of answers.
        scope["state"]["route"], scope["state"]["operation"] = ROUTE, prepared.name
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        with self.gauge.track_inprogress():
            last = await Stream(self.terms, scope, receive, send).run(prepared, parameters)
        # A client that doesn't read can't be told that it is over.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await send({"type": "http.response.body", "body": last, "more_body": False})


class Stream:
    """One stream from its opening to its end."""

    def __init__(self, terms: Terms, scope: Scope, receive: Receive, send: Send) -> None:
        self.terms = terms
        self.scope = scope
        self.receive = receive
        self.send = send
        self.outbox = terms.outbox()

    async def run(self, prepared: Prepared, parameters: Parameters) -> bytes:
        """Until the operation, the client, the token or the process ends it; the stream's last bytes."""
        caller: Caller = self.scope["state"]["caller"]
        token: bytes | None = self.scope["state"]["headers"].get(b"authorization")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write())
                group.create_task(self._await_leaving())
                group.create_task(watch(self.terms, token.decode("latin-1") if token else None, caller))
                await self._follow(prepared, parameters, caller)
        except ExceptionGroup as ends:
            return self._last(ends.exceptions[0])
        finally:
            self.outbox.close()
        raise AssertionError("writing ends by raising")

    def _last(self, end: Exception) -> bytes:
        match end:
            case TokenLost():
                return _next(encode_errors([graphql_error(Unauthenticated.code, str(end))])) + COMPLETE
            case Closing():
                return COMPLETE
            case _Ended() | SlowReader():
                return b""
        self.terms.complain(self.scope, end)
        return COMPLETE

    async def _follow(self, prepared: Prepared, parameters: Parameters, caller: Caller) -> None:
        try:
            async with contextlib.aclosing(answers(self.terms, prepared, parameters.variables, caller)) as found:
                async for answer in found:
                    await self.outbox.put(_next(answer.encode()))
        except Exception as error:  # noqa: BLE001  told to the client or the log, whatever it is
            await self.outbox.put(_next(encode_errors(errors_of(self.terms, self.scope, error))))
        await self.outbox.put(COMPLETE)

    async def _write(self) -> None:
        """A comment at once, so that the client knows that it is connected, and whenever there was nothing to say for a while."""
        await self._send(ALIVE)
        while True:
            try:
                async with asyncio.timeout(self.terms.heartbeat):
                    message = await self.outbox.get()
            except TimeoutError:
                await self._send(ALIVE)
                continue
            await self._send(message)
            self.outbox.sent()
            if message is COMPLETE:
                raise _Ended

    async def _send(self, message: bytes) -> None:
        """Hands a message to the server, and waits until the connection has taken it: only the next call tells, so an empty one is made."""
        await self.send({"type": "http.response.body", "body": message, "more_body": True})
        await asyncio.sleep(0)
        await self.send({"type": "http.response.body", "body": b"", "more_body": True})

    async def _await_leaving(self) -> None:
        await until_gone(self.receive)
        raise _Ended


def _next(answer: bytes) -> bytes:
    """An encoded answer as an event; JSON has no line breaks."""
    return b"event: next\ndata: %b\n\n" % answer
