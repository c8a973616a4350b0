"""What waits to be sent, over all clients of a process: bounded in bytes, so that readers who are slow can't fill the memory."""

from .faults import Unavailable


class Unsent:
    """Counts the bytes that wait for their readers; `limit` of them may wait at once. `answers` is how many answers they belong to."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self.answers = 0

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

    def admit(self, size: int) -> None:
        """Count an answer of `size` bytes. Raises Unavailable (503) where it has no room."""
        if not self.has_room(size):
            raise Unavailable("Too many large answers wait to be read at once. Try again soon, or ask for smaller pages.")
        self.add(size)
