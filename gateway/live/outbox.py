"""What waits to be sent to one client: a bounded queue, so that a reader who has stopped costs little, harms nobody and is found out."""

import asyncio


class SlowReader(Exception):
    """The queue was full, and stayed so."""


class Outbox:
    """At most `size` messages. Adding to a full queue waits `patience` seconds, which holds a long catching-up to its reader's pace."""

    def __init__(self, size: int, patience: float) -> None:
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(size)
        self._patience = patience

    async def put(self, message: bytes) -> None:
        """Raises SlowReader."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            try:
                async with asyncio.timeout(self._patience):
                    await self._queue.put(message)
            except TimeoutError:
                raise SlowReader from None

    async def get(self) -> bytes:
        return await self._queue.get()
