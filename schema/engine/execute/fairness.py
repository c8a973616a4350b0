"""Fair turns: waiting callers are served in rotation, and heavy work on the processor yields the event loop in between."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from time import perf_counter
from typing import TypeVar

from schema.rules.errors import ServiceUnavailable
from schema.values import Value

T = TypeVar("T")

IDLE_SECONDS, IDLE_TURNS = 0.000_05, 3
"""A turn of the event loop that takes less has done nothing for anyone else; after so many of them nobody has anything to do."""
WAITING = 32
"""The most operations that may wait for heavy work: half of the requests in work by default, so that the others go on."""


class FairQueue:
    """A queue of at most `most` callers. Owners are served in rotation: one with many requests delays only itself.

    `full` makes the error for one who finds no place.
    """

    def __init__(self, most: int, full: Callable[[], Exception]) -> None:
        self.length = 0
        self.most = most
        self._full = full
        self._by_owner: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def join(self, owner: str, *, ahead: bool = False) -> "asyncio.Future[None]":
        """A new place, which is done when its turn comes. In a full line the newest of the owner with the most places gives way.

        `ahead` of the owner's others stands what is half done.

        Raises the error of a full line where that owner is the one who joins.
        """
        if self.length >= self.most:
            self._make_room(owner)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        turns = self._by_owner.setdefault(owner, deque())
        turns.insert(0 if ahead else len(turns), turn)
        self.length += 1
        return turn

    def next(self) -> "asyncio.Future[None] | None":
        """The place whose turn it is, out of the line now; None where nobody waits."""
        while self._by_owner:
            owner, turns = self._by_owner.popitem(last=False)
            turn = turns.popleft()
            self.length -= 1
            if turns:
                self._by_owner[owner] = turns
            if not turn.done():
                return turn
        return None

    def leave(self, owner: str, turn: "asyncio.Future[None]") -> None:
        """Give a place up, if it is still in the line."""
        turns = self._by_owner.get(owner, ())
        if turn in turns:
            self._remove(owner, turn)

    def _remove(self, owner: str, turn: "asyncio.Future[None]") -> None:
        turns = self._by_owner[owner]
        turns.remove(turn)
        self.length -= 1
        if not turns:
            del self._by_owner[owner]

    def _make_room(self, owner: str) -> None:
        most = max(self._by_owner, key=lambda one: len(self._by_owner[one]), default=owner)
        if len(self._by_owner.get(most, ())) <= len(self._by_owner.get(owner, ())):
            raise self._full()
        turn = self._by_owner[most][-1]
        self._remove(most, turn)
        if not turn.done():
            turn.set_exception(self._full())


class HeavyWork:
    """Work that takes the processor for milliseconds: one piece at a time, in fair turns.

    After a piece the event loop is left to others for as long as the piece took, unless they have nothing to do: so that work takes half
    of the loop at most, however much of it is asked for.
    """

    def __init__(self, waiting: int = WAITING) -> None:
        self._line = FairQueue(waiting, _too_many)
        self._busy = False
        self._running: dict[Hashable, asyncio.Future[Value]] = {}

    async def run(self, owner: str, pieces: Iterable[Callable[[], object]], *, ahead: bool = False) -> None:
        """Does pieces of work in a turn, `ahead` of the owner's others. Raises what they raise; ServiceUnavailable where too many wait."""
        async with self.turn(owner, ahead=ahead):
            for piece in pieces:
                began = perf_counter()
                piece()
                # A traceback that was kept refers to this call, too: see `_settle`.
                del piece
                await _rest(perf_counter() - began)

    async def once(self, key: Hashable, owner: str, work: Callable[[], T], *, ahead: bool = False) -> T:
        """Return the result of `work`, which runs once for all concurrent callers of one `key`. Raises the same as `run`."""
        while (running := self._running.get(key)) is not None:
            await asyncio.wait([running])
            if not running.cancelled():
                found: T = running.result()
                return found
        done = self._running[key] = asyncio.get_running_loop().create_future()
        try:
            await self.run(owner, iter([partial(_settle, done, work)]), ahead=ahead)
        finally:
            del self._running[key]
            # Where it never had its turn, another one who waits for it tries.
            done.cancel()
        try:
            made: T = done.result()
        finally:
            del done
        return made

    @asynccontextmanager
    async def turn(self, owner: str, *, ahead: bool = False) -> AsyncIterator[None]:
        """A turn for work of any kind, which is in a thread if it is long. Raises ServiceUnavailable where too many wait."""
        await self._enter(owner, ahead=ahead)
        try:
            yield
        finally:
            self._next()

    async def _enter(self, owner: str, *, ahead: bool) -> None:
        if not self._busy:
            self._busy = True
            return
        turn = self._line.join(owner, ahead=ahead)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._next()
            self._line.leave(owner, turn)
            raise
        finally:
            # A turn that was lost holds its error, whose traceback holds this call: see `_settle`.
            del turn

    def _next(self) -> None:
        turn = self._line.next()
        if turn is None:
            self._busy = False
        else:
            turn.set_result(None)


def _too_many() -> ServiceUnavailable:
    return ServiceUnavailable("Too many new operations at once. Try again in a moment.")


async def _rest(owed: float) -> None:
    """Leaves the event loop to others for `owed` seconds, or until they have nothing to do."""
    seen, idle = perf_counter(), 0
    while owed > 0 and idle < IDLE_TURNS:
        await asyncio.sleep(0)
        now = perf_counter()
        idle = idle + 1 if now - seen < IDLE_SECONDS else 0
        owed, seen = owed - (now - seen), now


def _settle(done: "asyncio.Future[T]", work: Callable[[], T]) -> None:
    """Does `work`; what it returns or raises is the same for all who wait for it.

    The future holds the error, whose traceback holds this call and the caller's: without their names for the future it would be held by
    itself, and the whole request with it, until the garbage collector comes.
    """
    try:
        done.set_result(work())
    except Exception as error:  # noqa: BLE001  raised again by who asks for the result
        done.set_exception(error)
    finally:
        del done, work
