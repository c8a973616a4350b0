"""A process's memory for its followers, bounded in bytes: encoded responses to events that not all of them have passed."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from schema.values import Value

from .table import EventRecord

MAKING = 4
"""The most responses made at once: more would take the database connections of requests."""

_ANSWER_BYTES = 1_000


class MemoryBudget:
    """Counts bytes up to a limit. A user that can do with less asks whether there is room; one that can't adds, and then makes room."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0

    @property
    def full(self) -> bool:
        """Whether no byte more should be kept."""
        return self.bytes >= self.limit

    def add(self, size: int) -> None:
        """Count `size` bytes more."""
        self.bytes += size

    def remove(self, size: int) -> None:
        """Count `size` bytes less."""
        self.bytes -= size


class EventResponses:
    """The encoded responses to events, shared by all followers who get the same; `room` bounds them, and the oldest go first."""

    def __init__(self, limit: int) -> None:
        self.room = MemoryBudget(limit)
        self._kept: OrderedDict[int, tuple[EventRecord, Any, int]] = OrderedDict()
        self._numbers = count()
        self.making = asyncio.Semaphore(MAKING)
        self._tasks: set[asyncio.Future[bytes]] = set()

    async def get(self, event: EventRecord, key: Value, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return the response to `event` cached under `key`, made by `make` if it isn't there. Raises the errors of `make`."""
        if not event.shared:
            async with self.making:
                return await make()
        found = event.answers.get(key)
        if found is None:
            found = event.answers[key] = asyncio.ensure_future(self._make(event, key, make))
            self._tasks.add(found)
            found.add_done_callback(self._made)
        return await asyncio.shield(found)

    def drop(self, event: EventRecord) -> None:
        """All followers have passed an event: nothing of it is wanted again."""
        for number in event.kept:
            if number in self._kept:
                self.room.remove(self._kept.pop(number)[2])
        event.kept.clear()
        event.answers.clear()

    async def close(self) -> None:
        """Ends what is being made."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _make(self, event: EventRecord, key: Value, make: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            async with self.making:
                answer = await make()
        except BaseException:
            event.answers.pop(key, None)  # Whoever comes back for it may find it quicker.
            raise
        if event.shared:
            self._keep(event, key, len(answer) + _ANSWER_BYTES)
        return answer

    def _made(self, task: "asyncio.Future[bytes]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Known to those who wait for it, if any still do.

    def _keep(self, event: EventRecord, key: Value, size: int) -> None:
        number = next(self._numbers)
        event.kept.append(number)
        self._kept[number] = event, key, size
        self.room.add(size)
        while self.room.bytes > self.room.limit:
            _, (oldest, its_key, its_size) = self._kept.popitem(last=False)
            oldest.answers.pop(its_key, None)
            self.room.remove(its_size)
