"""Counts the bytes that wait to be sent to all clients of a process: bounded, so that slow readers can't fill the memory.

When the room is full, slow readers are dropped for those who come, since a client that reads must not pay for one that doesn't.
"""

import asyncio
from collections import deque
from contextlib import suppress
from operator import itemgetter
from typing import Final, Protocol

from starlette.types import Message, Scope, Send

from rest_compat.errors import Unavailable
from schema.storage.database import Figures

from .respond import GRAPHQL_PATH

#: Bytes that are written at once: the server waits for the reader between two portions.
PORTION: Final = 32_768
#: A client that has read nothing for so many seconds is slow: it is dropped when others need its room.
STALL_SECONDS: Final = 0.5
#: What a dropped reader held is given back within so many seconds, or else the next one is dropped.
GIVE_BACK_SECONDS: Final = 0.2
#: Seconds between looks for slow readers, while others wait in line for room.
LOOK_SECONDS: Final = 0.25


class SlowClient(Protocol):
    """The connection of a client that lets something wait."""

    def slow_since(self) -> float | None:
        """The event loop's time since which the client reads too slowly; None while it reads as it should."""

    def drop(self) -> None:
        """End the connection at once."""


class UnsentBytes:
    """Counts the bytes that wait for their readers; `limit` of them may wait at once. `answers` is how many answers they belong to.

    Each answer is counted by one of `add`, `add_now` and `wait`, and removed once it is sent or given up.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self.answers = 0
        #: Connections whose clients let something wait, each entered and removed by itself.
        self.readers: set[SlowClient] = set()
        self._removed = asyncio.Event()
        self._line: deque[tuple[asyncio.Future[None], int]] = deque()

    def figures(self) -> Figures:
        """The bytes that wait."""
        return {"gateway_unsent_bytes": self.bytes}

    def has_room(self, size: int) -> bool:
        """Whether `size` bytes more may wait."""
        return self.bytes + size <= self.limit

    def add(self, size: int) -> None:
        """Count an answer of `size` bytes; `remove` it when it is sent or given up."""
        self.bytes += size
        self.answers += 1

    def remove(self, size: int) -> None:
        """An answer of `size` bytes waits no longer."""
        self.bytes -= size
        self.answers -= 1
        self._removed.set()
        if self._line:
            self._serve()

    async def make_room(self) -> None:
        """Drop slow readers, those who have held their room for longest first, until what is counted is within the limit.

        Raises Unavailable (503) where it isn't, and nobody is slow.
        """
        while self.bytes > self.limit:
            if not self._drop_slowest():
                message = "Too many large answers wait to be read at once. Try again soon, or ask for smaller pages."
                raise Unavailable(message, reason="unread_answers")
            await self._until_given_back()

    def add_now(self, size: int) -> bool:
        """Count an answer of `size` bytes. Returns False, and counts nothing, where it has no room or others wait for some."""
        if self._line or not self._fits(size):
            return False
        self.add(size)
        return True

    async def wait(self, size: int) -> None:
        """Count an answer of `size` bytes as soon as it has room, or nothing else waits. The caller sets the deadline.

        Who waits longest is served first.
        """
        if self.add_now(size):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((turn, size))
        if len(self._line) == 1:
            self._look()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.remove(size)
            self._serve()
            raise

    def _look(self) -> None:
        """Drop a slow reader now and then, for as long as anyone waits in line."""
        while self._line and self._line[0][0].done():
            self._line.popleft()
        if self._line:
            self._drop_slowest()
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _drop_slowest(self) -> bool:
        slow = [(since, reader) for reader in self.readers if (since := reader.slow_since()) is not None]
        if not slow:
            return False
        _, slowest = min(slow, key=itemgetter(0))
        self.readers.discard(slowest)
        slowest.drop()
        return True

    async def _until_given_back(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                while self.bytes > self.limit:
                    self._removed.clear()
                    await self._removed.wait()

    def _fits(self, size: int) -> bool:
        return self.has_room(size) or not self.bytes

    def _serve(self) -> None:
        while self._line and (self._line[0][0].done() or self._fits(self._line[0][1])):
            turn, size = self._line.popleft()
            if not turn.done():
                self.add(size)
                turn.set_result(None)


def has_written(scope: Scope) -> bool:
    """Whether the request was one that changes something."""
    if scope["path"] == GRAPHQL_PATH:
        return bool(scope["state"].get("mutates"))
    return scope["method"] not in {"GET", "HEAD", "QUERY"}


async def in_portions(send: Send, message: Message) -> None:
    """Send a body as its client takes it."""
    body = memoryview(message.get("body", b""))
    for start in range(0, max(len(body), 1), PORTION):
        more = start + PORTION < len(body) or message.get("more_body", False)
        await send({"type": "http.response.body", "body": body[start : start + PORTION], "more_body": more})
