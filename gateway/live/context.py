"""Shared by sockets and streams: their context, how an operation is answered, and how its errors are written."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import orjson
from starlette.types import Scope

from gateway.auth import Authenticator
from gateway.edge.concurrency import ConcurrencyLimiter
from gateway.edge.graphql_errors import graphql_error, unavailable
from gateway.edge.shared_memory import SharedMemory
from gateway.edge.turns import Turns
from gateway.edge.unsent_bytes import UnsentBytes
from gateway.graphql.endpoint import NoteOperation
from gateway.graphql.operations import Operations
from gateway.graphql.parameters import Parameters
from rest_compat.errors import HttpError, InternalError, OperationTimeout, Unavailable
from rest_compat.json_values import JsonObject
from schema.engine.document.documents import PreparedOperation, RequestError
from schema.engine.events.feed import Began, untold
from schema.engine.execute.responses import EventResponse, GraphQLResponse
from schema.rules.access import Caller
from schema.storage.database import DatabaseUnavailable

from .outbox import Outbox, SlowReader
from .token import TokenLost, Tokens

#: Bytes of the messages whose operations are open on sockets and streams.
OPEN_BYTES: Final = 64 * 1024 * 1024
#: Of each of them so many aren't counted: most operations are small, and 50 on each of 1,000 sockets have at most 100 MB of them.
SMALL_MESSAGE: Final = 2048
TOO_MUCH_OPEN: Final = "Too many large operations are open. Try again later."


@dataclass(frozen=True, slots=True)
class LiveContext:
    """Limits in seconds, bytes and counts, as in the settings; `closing` is set when the process stops."""

    operations: Operations
    authenticator: Authenticator
    tokens: Tokens
    limiter: ConcurrencyLimiter
    unsent: UnsentBytes
    turns: Turns
    closing: asyncio.Event
    complain: Callable[[Scope, Exception], None]
    note: NoteOperation
    operation_timeout: float
    heartbeat: float
    queue: int
    queue_bytes: int
    slow_reader_timeout: float
    init_timeout: float
    message_limit: int
    subscriptions: int
    open: SharedMemory = field(default_factory=lambda: SharedMemory(OPEN_BYTES, TOO_MUCH_OPEN, SMALL_MESSAGE))
    """The memory held by operations that are open on sockets and streams."""

    def outbox(self) -> Outbox:
        """Return the queue of messages to a new client."""
        return Outbox(self.queue, self.queue_bytes, self.slow_reader_timeout, self.unsent)


def mark_held(scope: Scope, caller: Caller) -> None:
    """Mark a connection as the caller's socket or stream since now, by the event loop's time, for `server/connections.py`."""
    scope["state"]["caller"] = caller
    scope["state"]["held"] = caller.token_id, asyncio.get_running_loop().time()


async def prepare(context: LiveContext, parameters: Parameters, caller: Caller) -> tuple[PreparedOperation, JsonObject]:
    """The operation, and of the variables those that it declares. Nothing else of `parameters` is held while it is open.

    Raises RequestError, HttpError.
    """
    prepared = context.operations.known(parameters) or await _prepare(context, parameters, caller)
    declared = {definition.variable.name.value for definition in prepared.operation.variable_definitions or ()}
    variables = {name: value for name, value in (parameters.variables or {}).items() if name in declared}
    parameters.query = parameters.variables = parameters.extensions = None
    return prepared, variables


async def _prepare(context: LiveContext, parameters: Parameters, caller: Caller) -> PreparedOperation:
    try:
        async with asyncio.timeout(context.operation_timeout):
            return await context.operations.learn(parameters, caller)
    except TimeoutError:
        raise OperationTimeout(context.operation_timeout) from None


async def answers(
    context: LiveContext, prepared: PreparedOperation, variables: JsonObject | None, caller: Caller, began: Began = untold
) -> AsyncGenerator[GraphQLResponse | EventResponse, None]:
    """A subscription's answers, or the one of a query or mutation. Raises RequestError, HttpError.

    From when `began` is called on, a subscription misses nothing. To begin, it has the time of an operation: others wait for that.
    """
    if prepared.kind != "subscription":
        yield await _answer(context, prepared, variables, caller)
        return

    def begin() -> None:
        time.reschedule(None)  # noqa: F821  it is there until the end
        began()

    try:
        async with (
            asyncio.timeout(context.operation_timeout) as time,
            aclosing(context.operations.subscribe(prepared, variables, caller, begin)) as found,
        ):
            async for answer in found:
                yield answer
    except TimeoutError:
        raise Unavailable("The subscription could not begin in time. Try again later.") from None
    finally:
        # It names the task. Where that is cut off with its socket, it keeps its error, whose traceback holds this call.
        del time


async def _answer(context: LiveContext, prepared: PreparedOperation, variables: JsonObject | None, caller: Caller) -> GraphQLResponse:
    await context.limiter.take(caller.token_id)
    try:
        async with asyncio.timeout(context.operation_timeout):
            return await context.operations.run(prepared, variables, caller, deadline=monotonic() + context.operation_timeout)
    except TimeoutError:
        fault = OperationTimeout(context.operation_timeout)
        if prepared.kind == "mutation":
            fault.warn_of_write()
        try:
            raise fault from None
        finally:
            # Its traceback holds this call, and the operation's variables.
            del fault
    finally:
        context.limiter.give()


async def current_caller(context: LiveContext, authorization: str | None, caller: Caller | None) -> Caller:
    """The caller of an operation as it is now. Raises TokenLost where that is no longer `caller`, HttpError."""
    assert caller is not None
    try:
        return await context.tokens.current(authorization, caller)
    except DatabaseUnavailable as error:
        raise unavailable(error) from error


async def take_from_budget(context: LiveContext, caller: Caller) -> None:
    """Take an operation out of the token's budget, if there is one. Raises RateLimited."""
    if context.operations.budget is not None:
        await context.operations.budget.enter(caller.token_id)


def errors_of(context: LiveContext, scope: Scope, error: Exception) -> list[JsonObject]:
    """The errors of an operation that failed, for its client; a defect is logged. Those that end more than it are raised again."""
    if isinstance(error, SlowReader | TokenLost):
        try:
            raise error
        finally:
            # It holds this call by its traceback, and the connection.
            del error
    if isinstance(error, RequestError):
        return error.errors
    if isinstance(error, HttpError):
        return [graphql_error(error.code, error.detail)]
    context.complain(scope, error)
    request_id = scope["state"]["request_id"].decode()
    return [graphql_error(InternalError.code, InternalError().detail, requestId=request_id)]


def first_end(ends: ExceptionGroup[Exception]) -> Exception:
    """Why the tasks of a socket or stream have ended.

    The group's traceback holds the call that holds the group: without it all goes with the connection, before the garbage collector comes.
    """
    ends.__traceback__ = None
    return ends.exceptions[0]


def encode_errors(errors: list[JsonObject]) -> bytes:
    """An answer that has nothing but errors."""
    return orjson.dumps({"errors": errors})
