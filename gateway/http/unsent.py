"""What waits to be sent, over all clients of a process: bounded in bytes, so that readers who are slow can't fill the memory."""

import asyncio
from collections import deque

from .faults import Unavailable


class Unsent:
    """Counts the bytes that wait for their readers; `limit` of them may wait at once. `answers` is how many answers they belong to.

    Each answer is counted by one of `add`, `admit` and `wait`, and removed once it is sent or given up.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self.answers = 0
        self._line: deque[tuple[asyncio.Future[None], int]] = deque()

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
        if self._line:
            self._serve()

    def admit(self, size: int) -> None:
        """Count an answer of `size` bytes. Raises Unavailable (503) where it has no room."""
        if not self.has_room(size):
            raise Unavailable("Too many large answers wait to be read at once. Try again soon, or ask for smaller pages.")
        self.add(size)

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
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.remove(size)
            self._serve()
            raise

    def _fits(self, size: int) -> bool:
        return self.has_room(size) or not self.bytes

    def _serve(self) -> None:
        while self._line and (self._line[0][0].done() or self._fits(self._line[0][1])):
            turn, size = self._line.popleft()
            if not turn.done():
                self.add(size)
                turn.set_result(None)
