"""The queue of messages to one client, bounded in number and bytes, so that a client that stopped reading harms nobody else."""

import asyncio
from collections import deque
from typing import Final, NamedTuple

from gateway.edge.unsent_bytes import UnsentBytes

#: Bytes that may always wait for a client, however many wait for others, so that clients that read are always served.
SMALL: Final = 65_536


class SlowReader(Exception):
    """There was no room for a message in time: the client reads too slowly, or too much waits for all clients together."""


class Message(NamedTuple):
    """A message to send. An `event` is sent only while the token is known to be good."""

    data: bytes
    event: bool


class Outbox:
    """At most `size` messages and `limit` bytes, or one larger message; `unsent` counts the bytes over all clients.

    Adding waits for room at most `patience` seconds, which holds a long catching-up to its reader's pace.
    """

    def __init__(self, size: int, limit: int, patience: float, unsent: UnsentBytes) -> None:
        self._size = size
        self._limit = limit
        self._patience = patience
        self._unsent = unsent
        self._queue: deque[Message] = deque()
        self._bytes = 0
        self._sending: Message | None = None
        self._adding = asyncio.Lock()
        self._changed = asyncio.Event()

    async def put(self, data: bytes, *, event: bool = False) -> None:
        """Adds a message. Raises SlowReader."""
        message = Message(data, event)
        if self._adding.locked() or not self._add_now(len(data)):
            try:
                async with asyncio.timeout(self._patience), self._adding:
                    await self._room(len(data))
            except TimeoutError:
                raise SlowReader from None
        self._bytes += len(data)
        self._queue.append(message)
        self._changed.set()

    async def get(self) -> "Message":
        """The next message. Its bytes count as waiting until `sent` is called."""
        while not self._queue:
            self._changed.clear()
            await self._changed.wait()
        self._sending = self._queue.popleft()
        return self._sending

    def sent(self) -> None:
        """The client's connection has taken what `get` gave."""
        assert self._sending is not None
        self._remove(self._sending)
        self._sending = None
        self._changed.set()

    def close(self) -> list[bytes]:
        """Close the queue; return the messages that waited, without events."""
        if self._sending is not None:
            self.sent()
        left = [message.data for message in self._queue if not message.event]
        while self._queue:
            self._remove(self._queue.popleft())
        return left

    def _remove(self, message: "Message") -> None:
        self._bytes -= len(message.data)
        self._unsent.remove(len(message.data))

    async def _room(self, size: int) -> None:
        while not self._fits(size):
            self._changed.clear()
            await self._changed.wait()
        if not self._add_now(size):
            await self._unsent.wait(size)

    def _fits(self, size: int) -> bool:
        return len(self._queue) < self._size and (not self._bytes or self._bytes + size <= self._limit)

    def _add_now(self, size: int) -> bool:
        """Counts a message over all clients, if that needs no waiting."""
        if not self._fits(size):
            return False
        if self._bytes + size > SMALL:
            return self._unsent.add_now(size)
        self._unsent.add(size)
        return True
