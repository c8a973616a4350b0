"""Log lines for repeated conditions, such as an unavailable database: the first at once, further ones at intervals with a count."""

from collections.abc import Callable
from time import monotonic
from typing import Final

from schema.values import Value

SECONDS: Final = 30.0


class ThrottledLog:
    """Writes a line by `write` at once, and within the next 30 seconds none; the line after that says how many were left out."""

    def __init__(self, write: Callable[[str], object], clock: Callable[[], float] = monotonic) -> None:
        self._write = write
        self._clock = clock
        self._next = float("-inf")
        self._left_out = 0

    def __call__(self, message: str, **values: Value) -> None:
        """Write `message % values`, or leave it out."""
        now = self._clock()
        if now < self._next:
            self._left_out += 1
            return
        more = f" (and {self._left_out} times more since this was last written)" if self._left_out else ""
        self._next, self._left_out = now + SECONDS, 0
        self._write(message % values + more)
