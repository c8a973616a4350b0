"""`/graphql` as a WebSocket that speaks graphql-transport-ws: queries, mutations and subscriptions, many at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from prometheus_client import Gauge
from starlette.types import Receive, Scope, Send

from gateway.auth import AuthError
from gateway.edge.cors import Origins
from gateway.edge.shared_memory import MemoryHold
from gateway.graphql.parameters import Parameters
from gateway.observability.rest_usage import client_names
from rest_compat.errors import HttpError, RateLimited
from rest_compat.json_values import JsonObject
from schema.rules.access import Caller
from schema.storage.database import DatabaseUnavailable
from schema.values import Value

from .context import SMALL_MESSAGE, LiveContext, answers, current_caller, errors_of, first_end, mark_held, prepare, take_from_budget
from .messages import (
    SUBPROTOCOL,
    InitTimeout,
    InvalidMessage,
    ServiceRestart,
    SocketClosed,
    SocketFailed,
    SocketForbidden,
    SubscriberExists,
    TooManyInits,
    TryAgainLater,
    Unauthorized,
    WrongSubprotocol,
    encode,
    encode_next,
    id_of,
    parameters_of,
    payload_of,
    read,
)
from .outbox import SlowReader
from .token import Closing, TokenLost, TokenWatch

#: A client that doesn't read can't be sent the close message.
CLOSE_SECONDS: Final = 1.0
#: The operations that are open on one socket may be as large as so many messages of the largest size.
OPEN_MESSAGES: Final = 4


class SocketEndpoint:
    """Lets in clients of allowed origins that speak the protocol; counts them in `gauge`."""

    def __init__(self, context: LiveContext, origins: Origins, gauge: Gauge) -> None:
        self.context = context
        self.origins = origins
        self.gauge = gauge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        headers = scope["state"]["headers"]
        if not self.origins.allow_socket(headers.get(b"origin"), headers.get(b"host")):
            await send({"type": "websocket.close", "code": 4403, "reason": "Origin not allowed"})
            return
        spoken = SUBPROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if spoken else None, "headers": scope["state"]["out"]})
        with self.gauge.track_inprogress():
            closed = await SocketSession(self.context, scope, receive, send).run() if spoken else WrongSubprotocol()
        if closed.code is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await send({"type": "websocket.close", "code": closed.code, "reason": closed.reason})


@dataclass(frozen=True, slots=True)
class Turn:
    """An operation's place among those of its socket: a client that subscribes and then reads or writes misses nothing that comes of it.

    `begun` is set once a subscription has begun, or it is known that it is none, or it is over. `earlier` are those of the operations
    before it that had not begun. Each of them begins or ends in the time that an operation may take.
    """

    begun: asyncio.Event
    earlier: tuple[asyncio.Event, ...]

    async def come(self) -> None:
        """Waits until the subscriptions that were sent before this query or mutation have begun."""
        self.begun.set()
        for each in self.earlier:
            await each.wait()


class SocketSession:
    """One socket from its opening to its end."""

    def __init__(self, context: LiveContext, scope: Scope, receive: Receive, send: Send) -> None:
        self.context = context
        self.scope = scope
        self.receive = receive
        self.send = send
        self.outbox = context.outbox()
        self.running: dict[str, asyncio.Task[None]] = {}
        #: Operations that may be subscriptions which have not begun yet, in their order: at most as many as are running.
        self.beginning: list[asyncio.Event] = []
        self.held = 0
        self.caller: Caller | None = None
        self.authorization: str | None = None
        #: The headers with the client's name.
        self.client: Mapping[bytes, bytes] = scope["state"]["headers"]
        self.watch: TokenWatch | None = None
        self.opened = asyncio.Event()

    async def run(self) -> SocketClosed:
        """Until someone ends it; what to close with."""
        try:
            async with AsyncExitStack() as self.stack:
                closed = await self._run()
        finally:
            left = self.outbox.close()
        if isinstance(closed, SocketForbidden | ServiceRestart):
            await self._send_rest(left)
        return closed

    async def _send_rest(self, messages: list[bytes]) -> None:
        """Sends the answers that were ready before the end, if the client reads."""
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                for message in messages:
                    await self._send(message)

    async def _run(self) -> SocketClosed:
        try:
            async with asyncio.TaskGroup() as self.group:
                self.group.create_task(self._write())
                self.group.create_task(self._watch())
                await self._read()
        except ExceptionGroup as ends:
            return self._closed(first_end(ends))
        raise AssertionError("reading ends by raising")

    async def _read(self) -> None:
        # In a function of its own, so that nothing of a message is held while the next one is waited for.
        while True:
            await self._take(await self.receive())

    async def _take(self, event: Value) -> None:
        if len(event.get("text") or "") > SMALL_MESSAGE:
            await self.context.turns.come()
        message = read(event, self.context.message_limit)
        match message["type"]:
            case "subscribe":
                await self._subscribe(message, len(event["text"]))
            case "complete":
                self._complete(id_of(message))
            case "ping":
                await self.outbox.put(encode("pong", payload=payload_of(message)))
            case "pong":
                payload_of(message)
            case "connection_init":
                await self._init(payload_of(message) or {})
            case _:
                raise InvalidMessage("There is no message of this type")

    async def _write(self) -> None:
        with suppress(OSError):  # The client has left, as `_read` will learn too.
            while True:
                message = await self.outbox.get()
                if message.event and self.watch is not None:
                    await self._until_good(self.watch)
                await self._send(message.data)
                self.outbox.sent()

    async def _until_good(self, watch: TokenWatch) -> None:
        """Until the client takes more and, at the same moment, its token is known to be good."""
        writable: Callable[[], Awaitable[object]] = self.scope["state"].get("writable", _at_once)
        await writable()
        while not watch.good.is_set():
            await watch.good.wait()
            await writable()

    async def _send(self, message: bytes) -> None:
        await self.send({"type": "websocket.send", "text": message.decode()})

    async def _watch(self) -> None:
        """The time for `connection_init`, and then the token."""
        try:
            async with asyncio.timeout(self.context.init_timeout):
                await self.opened.wait()
        except TimeoutError:
            raise InitTimeout from None
        assert self.watch is not None
        await self.watch.ended()

    async def _init(self, payload: JsonObject) -> None:
        if self.caller is not None:
            raise TooManyInits
        self.authorization = _authorization(payload, self.scope["state"]["headers"].get(b"authorization"))
        try:
            async with asyncio.timeout(self.context.operation_timeout):
                self.caller = await self.context.authenticator.authenticate(self.authorization)
            self.watch = await self.stack.enter_async_context(self.context.tokens.watching(self.authorization, self.caller))
        except AuthError as error:
            raise SocketForbidden(error.detail) from None
        except (DatabaseUnavailable, TimeoutError):
            raise TryAgainLater("The database cannot be reached") from None
        mark_held(self.scope, self.caller)
        self.client = client_names(payload) or self.client
        self.opened.set()
        await self.outbox.put(encode("connection_ack"))

    async def _subscribe(self, message: JsonObject, size: int) -> None:
        operation_id, parameters = id_of(message), parameters_of(message)
        if self.caller is None:
            raise Unauthorized
        if operation_id in self.running:
            raise SubscriberExists(operation_id)
        hold = MemoryHold(self.context.open, self.caller.token_id)
        try:
            self._hold(size, hold)
        except HttpError as full:
            await self.outbox.put(encode("error", operation_id, errors_of(self.context, self.scope, full)))
            return
        turn = self._turn()
        task = self.running[operation_id] = self.group.create_task(self._operate(operation_id, parameters, turn))
        task.add_done_callback(partial(self._ended, operation_id, turn, size, hold))

    def _turn(self) -> Turn:
        self.beginning = [each for each in self.beginning if not each.is_set()]
        turn = Turn(asyncio.Event(), tuple(self.beginning))
        self.beginning.append(turn.begun)
        return turn

    def _ended(self, operation_id: str, turn: Turn, size: int, hold: MemoryHold, task: asyncio.Task[None]) -> None:
        # Also of an operation that was completed before it began: others wait for that.
        turn.begun.set()
        self.held -= size
        hold.release()
        # One that was cancelled with its socket keeps its error, whose traceback holds this, and the operation's variables.
        if self.running.get(operation_id) is task:
            del self.running[operation_id]

    def _hold(self, size: int, hold: MemoryHold) -> None:
        """Count one more operation of `size` characters. Raises RateLimited or Unavailable where there is no room for it."""
        if len(self.running) >= self.context.subscriptions:
            raise RateLimited(f"At most {self.context.subscriptions} operations may be open on one socket.")
        most = OPEN_MESSAGES * self.context.message_limit
        if self.held + size > most:
            raise RateLimited(f"The operations that are open on one socket may have {most} characters together.")
        hold.grow(size)
        self.held += size

    def _complete(self, operation_id: str) -> None:
        if task := self.running.pop(operation_id, None):
            task.cancel()

    async def _operate(self, operation_id: str, parameters: Parameters, turn: Turn) -> None:
        """Answer one operation: `next` for each answer and `complete`, or `error`. Raises SlowReader, TokenLost."""
        try:
            caller = await current_caller(self.context, self.authorization, self.caller)
            last = await self._answers(operation_id, parameters, caller, turn)
        except Exception as error:  # noqa: BLE001  told to the client or the log, whatever it is
            last = encode("error", operation_id, errors_of(self.context, self.scope, error))
        if self.running.get(operation_id) is asyncio.current_task():
            del self.running[operation_id]
        await self.outbox.put(last)

    async def _answers(self, operation_id: str, parameters: Parameters, caller: Caller, turn: Turn) -> bytes:
        await take_from_budget(self.context, caller)
        prepared, variables = await prepare(self.context, parameters, caller)
        self.context.note(caller, self.client, prepared)
        if prepared.kind != "subscription":
            await turn.come()
        async with aclosing(answers(self.context, prepared, variables, caller, turn.begun.set)) as found:
            async for answer in found:
                if not answer.executed:
                    return encode("error", operation_id, answer.errors)
                await self.outbox.put(encode_next(operation_id, answer.encode()), event=prepared.kind == "subscription")
        return encode("complete", operation_id)

    def _closed(self, end: Exception) -> SocketClosed:
        match end:
            case SocketClosed():
                return end
            case TokenLost():
                return SocketForbidden(str(end))
            case Closing():
                return ServiceRestart()
            case SlowReader():
                return TryAgainLater("Too slow a reader")
        self.context.complain(self.scope, end)
        return SocketFailed()


async def _at_once() -> None:
    """The default for servers that don't report whether the client reads."""


def _authorization(payload: JsonObject, header: bytes | None) -> str | None:
    """The token: a member `Authorization` or `authorization` of the payload, `Bearer …` as in the header, or else the header itself."""
    given = payload.get("Authorization", payload.get("authorization"))
    if given is not None and not isinstance(given, str):
        raise InvalidMessage("'Authorization' in the payload must be a string")
    return given if given is not None else header.decode("latin-1") if header is not None else None
