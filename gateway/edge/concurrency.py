"""Limits concurrent work: a bounded number of places, a short queue, then 503; a deadline; work is cancelled when its client leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Final, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rest_compat.errors import HttpError, OperationTimeout, Unavailable
from schema.engine.execute.fairness import FairQueue
from schema.rules.access import Caller
from schema.storage.database import Figures

from .request_scope import ClientGone
from .unsent_bytes import UnsentBytes, has_written, in_portions

#: Seconds between checks of running requests: a request that is still running at a check is watched for a disconnect from then on.
PATIENCE = 0.2
#: Seconds of work that one turn of the event loop may begin; later requests wait in the queue.
TURN_SECONDS = 0.01

#: The task that works on a request.
Task: TypeAlias = "asyncio.Task[object] | None"
#: Bytes of a body that counts, as digits of its Content-Length: 100,000. Less of it waits in the connection, which counts by itself.
LARGE_DIGITS: Final = 6


class ConcurrencyLimiter:
    """`size` places for work. Requests beyond wait in a queue of `queue` for `seconds` at most, then Unavailable is raised.

    Work on SQLite is done before anyone else is heard: however much of it comes at once, nobody ever sees a second place taken. So the
    line also forms when a turn of the event loop has had its time, and is served one a turn; between turns the loop hears the others,
    health checks among them.
    """

    def __init__(self, size: int, queue: int, seconds: float) -> None:
        self.size = self.free = size
        self.seconds = seconds
        self.line = FairQueue(queue, _too_many)
        self._turn = False
        self._began = 0.0

    def figures(self) -> Figures:
        """The number of requests in work, and of those that wait."""
        return {"gateway_requests_in_flight": self.size - self.free, "gateway_requests_waiting": self.line.length}

    def take_now(self) -> bool:
        """Get a place, if that needs no waiting."""
        if self.free <= 0 or self.line.length:
            return False
        if not self._turn:
            self._began = monotonic()
            self._next_turn()
        elif monotonic() - self._began > TURN_SECONDS:
            return False
        self.free -= 1
        return True

    async def take(self, owner: str = "") -> None:
        """Get a place. Waiting callers are served in rotation, by `owner`, their token's id. Raises Unavailable."""
        if self.take_now():
            return
        turn = self.line.join(owner)
        self._next_turn()
        try:
            async with asyncio.timeout(self.seconds):
                await turn
        except TimeoutError:
            self._leave(owner, turn)
            raise _too_many() from None
        except asyncio.CancelledError:
            self._leave(owner, turn)
            raise
        finally:
            # A turn that was lost holds its error, whose traceback holds this call and the request.
            del turn

    def give(self) -> None:
        """Give a place back."""
        self.free += 1
        if self.line.length:
            self._next_turn()

    def _next_turn(self) -> None:
        if not self._turn:
            self._turn = True
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        """A new turn: the first in line has a place."""
        self._turn = False
        if self.line.length and self.free > 0 and (turn := self.line.next()) is not None:
            self.free -= 1
            turn.set_result(None)
            self._next_turn()

    def _leave(self, owner: str, turn: "asyncio.Future[None]") -> None:
        """Out of the line; a place that was just given is given back."""
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self.give()
        self.line.leave(owner, turn)


def _owner(scope: Scope) -> str:
    """The id of the request's token; OPTIONS may come without one."""
    caller: Caller | None = scope["state"].get("caller")
    return "" if caller is None else caller.token_id


def _too_many() -> Unavailable:
    return Unavailable("Too many requests at once. Try again in a moment.", reason="overload")


#: A request that is too young to be watched: when it began, and how to hear from its client.
Unwatched: TypeAlias = tuple[float, Receive]


class LimitConcurrency:
    """A place and a deadline (seconds) for each request; its work is cancelled when its client leaves.

    What it took to look up the token (`late` in the request's state) and to get a place is part of the request's time.

    The place is for the work: when the answer begins it is free again, lest clients that don't read hold all of them. Large answers are
    bounded together, as `unsent` counts.
    """

    def __init__(self, app: ASGIApp, limiter: ConcurrencyLimiter, seconds: float, unsent: UnsentBytes) -> None:
        self.app = app
        self.limiter = limiter
        self.unsent = unsent
        self.seconds = seconds
        self.running: dict[Task, DisconnectWatch | Unwatched] = {}
        self.sweeping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901  what is split off costs each request a call
        limiter = self.limiter
        started = monotonic() - scope["state"].get("late", 0.0)
        if not limiter.take_now():
            await limiter.take(_owner(scope))
        working, large = True, 0
        task = asyncio.current_task()

        def answer(message: Message) -> Awaitable[None]:
            nonlocal working, large
            if working:
                working = False
                limiter.give()
                if large := large_body(message):
                    return self._begin_large(large, scope, task, partial(send, message))
            elif large:
                return in_portions(send, message)
            return send(message)

        scope["state"]["deadline"] = started + self.seconds
        self.running[task] = started, receive
        if not self.sweeping:
            self._sweep_later()
        try:
            await self.app(scope, receive, answer)
        except asyncio.CancelledError:
            self._explain(task, scope)
            raise
        finally:
            watch = self.running.pop(task, None)
            if watch.__class__ is DisconnectWatch:
                watch.stop()
            if working:
                limiter.give()
            elif large:
                self.unsent.remove(large)

    async def _begin_large(self, size: int, scope: Scope, task: Task, begin: Callable[[], Awaitable[None]]) -> None:
        """Count an answer of `size` bytes, which has its own time to be read, and `begin` it.

        Raises Unavailable where too many of them wait. Of what was written its client is told in any case.
        """
        self.unsent.add(size)
        self._stop_watching(task)
        if not has_written(scope):
            await self.unsent.make_room()
        await begin()

    def _explain(self, task: Task, scope: Scope) -> None:
        watch = self.running.get(task)
        if isinstance(watch, DisconnectWatch):
            watch.explain(written=has_written(scope))

    def _stop_watching(self, task: Task) -> None:
        watch = self.running.pop(task, None)
        if isinstance(watch, DisconnectWatch):
            watch.stop()

    def _sweep_later(self) -> None:
        """One timer for all: most requests are answered before it rings, and pay for no timer and no watch of their own."""
        self.sweeping = True
        asyncio.get_running_loop().call_later(min(PATIENCE, self.seconds), self._sweep)

    def _sweep(self) -> None:
        self.sweeping = False
        for task, found in self.running.items():
            if not isinstance(found, DisconnectWatch):
                started, receive = found
                self.running[task] = DisconnectWatch(task, receive, started, self.seconds)
        if self.running:
            self._sweep_later()


def large_body(message: Message) -> int:
    """The bytes of the body that `http.response.start` announces, if that is a large one, else 0. They stand last, as a rule."""
    for name, value in reversed(message.get("headers", ())):
        if name == b"content-length":
            return int(value) if len(value) >= LARGE_DIGITS else 0
    return 0


async def until_gone(receive: Receive) -> None:
    """Returns when the client has left. Yields to the event loop between messages, since a server may have all of them ready."""
    while (await receive())["type"] != "http.disconnect":  # noqa: ASYNC110  `receive` waits; the sleep is for when it doesn't
        await asyncio.sleep(0)


class DisconnectWatch:
    """Cancels a task when `seconds` since it `started` are up or its client has left; `explain` then says which."""

    __slots__ = ("_task", "_watcher", "_why")

    def __init__(self, task: Task, receive: Receive, started: float, seconds: float) -> None:
        self._task = task
        self._why: HttpError | ClientGone | None = None
        self._watcher: asyncio.Task[None] | None = asyncio.get_running_loop().create_task(self._watch(receive, started, seconds))

    def stop(self) -> None:
        """End the watch.

        A cancelled task keeps its CancelledError, whose traceback keeps the watch, and by `receive` the request's body: a watch that
        still named its task would keep all that until the garbage collector comes.
        """
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    def explain(self, *, written: bool) -> None:
        """Raises OperationTimeout or ClientGone where that made this watch cancel the task; `written`: it may have changed something."""
        why, self._why = self._why, None
        if why is None or self._task is None:
            return
        self._task.uncancel()
        if written and isinstance(why, OperationTimeout):
            why.warn_of_write()
        try:
            raise why
        finally:
            # The error's traceback holds this call, and the request.
            del why

    async def _watch(self, receive: Receive, started: float, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(started + seconds - monotonic(), 0)):
                await until_gone(receive)
            self._why = ClientGone()
        except TimeoutError:
            self._why = OperationTimeout(seconds)
        if self._task is not None:
            self._task.cancel()
