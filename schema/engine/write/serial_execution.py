"""The root fields of a mutation carried out one after the other, each in a transaction of its own (specification section 6.2.2)."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TypeVar

import orjson
from graphql import GraphQLError

from schema.engine.compile.operation import WriteStep
from schema.engine.document.variables import Variables
from schema.rules.access import Caller
from schema.rules.errors import GatewayError, OutOfTime, ServiceUnavailable
from schema.storage.database import Database, DatabaseUnavailable
from schema.values import Object, Value

from .mutation_call import MutationCall, WrittenPayload, perform
from .resolver_mutations import ResolverError

T = TypeVar("T")

TELLING_SECONDS = 0.3
"""Seconds before an operation's deadline at which a mutation of several root fields stops, so that it can report which were done."""
PERHAPS_DONE = (
    "The operation took too long; this may have been done. Send it again with the same idempotency key, or look before you repeat it."
)
NOT_BEGUN = "The operation's time was used up before this began: nothing of it was done."


@dataclass(slots=True)
class MutationResult:
    """The result of a mutation: each root field's response, null where it failed; the errors; whether a stored response was replayed."""

    data: Object = field(default_factory=dict)
    failures: list[tuple[WriteStep, Exception]] = field(default_factory=list)
    below: list[Object] = field(default_factory=list)
    """The errors of resolvers within payloads."""
    replayed: bool = False
    answered: bool = False
    ours: Exception | None = None
    """The first failure that lies with us: the database, or a defect."""
    stopped: GatewayError | None = None
    """Why what follows isn't tried: the database is away, or the time is used up, so that its answer would come too late."""

    def answer(self, written: WrittenPayload, key: str) -> None:
        """A root field that was carried out."""
        self.data[key] = written.payload
        self.answered = True
        self.replayed |= written.replayed

    def fail(self, step: WriteStep, error: Exception) -> None:
        """A root field that was not carried out."""
        self.data[step.key] = None
        if not isinstance(error, GatewayError | GraphQLError | ResolverError):
            self.ours = self.ours or error
        if isinstance(error, DatabaseUnavailable):
            self.stopped = self.stopped or ServiceUnavailable(DatabaseUnavailable.public)
        elif isinstance(error, OutOfTime):
            self.stopped = self.stopped or OutOfTime(NOT_BEGUN)
        self.failures.append((step, error))


@dataclass(frozen=True, slots=True)
class MutationBounds:
    """The responses may have `room` bytes in all. `deadline` is when the whole operation ends, by `monotonic`."""

    room: int
    deadline: float | None


async def execute_serially(
    database: Database,
    calls: Sequence[tuple[str, Value]],
    variables: Variables,
    caller: Caller,
    bounds: MutationBounds,
    tried: Callable[[MutationCall], None],
    resolve: Callable[[WriteStep, WrittenPayload], Awaitable[list[Object]]],
) -> MutationResult:
    """Carries out `calls`, in order, by response key; what is no MutationCall is its own answer.

    `tried` is called after each, before it is answered, however it ended: it may have been committed. `resolve` is called where something
    in a payload waits for resolvers, or has failed; it answers the errors.

    A root field that fails is told, and those after it are carried out all the same. Raises StorageError, or a defect, where nothing could
    be done for it: then the request as a whole is worth another try.
    """
    carried, room, several = MutationResult(), bounds.room, len(calls) > 1
    for key, call in calls:
        if not isinstance(call, MutationCall):
            carried.data[key] = call
        elif carried.stopped is not None:
            carried.fail(call.step, carried.stopped)
        else:
            written = None
            try:
                work = partial(perform, database, call, variables, caller, room)
                written = await (_in_time(work, bounds.deadline) if several else work())
            except Exception as error:  # noqa: BLE001  whatever it is, what was done before it must be told
                carried.fail(call.step, error)
            finally:
                tried(call)
            if written is not None:
                if written.notes or written.failed:
                    carried.below += await resolve(call.step, written)
                carried.answer(written, key)
                room -= len(orjson.dumps(written.payload)) if several else 0
    try:
        if carried.ours is not None and not carried.answered:
            raise carried.ours
        return carried
    finally:
        # The errors in it hold this call by their tracebacks.
        del carried


async def _in_time(work: Callable[[], Coroutine[Value, Value, T]], deadline: float | None) -> T:
    """Return the result of `work`. Raises OutOfTime early enough for the response to report what was done before."""
    if deadline is None:
        return await work()
    left = deadline - TELLING_SECONDS - monotonic()
    if left <= 0:
        raise OutOfTime(NOT_BEGUN)
    try:
        async with asyncio.timeout(left):
            return await work()
    except TimeoutError:
        raise OutOfTime(PERHAPS_DONE) from None
