"""Times of statements: each one is noted by a call into C; Python is only called for slow ones."""

from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Final, TypeAlias

from .statements import Statement

#: How many durations wait for whoever counts them; above it the oldest go. Each takes some 32 bytes.
MOST_DURATIONS: Final = 10_000
#: What `ReportStatement` gets as its number of rows for a statement that failed.
FAILED: Final = -1

ReportStatement: TypeAlias = Callable[[Statement, float, int], None]
"""Told of a statement, the seconds that it took, and the rows that it read or wrote. It is called where the statement ended, which may be
a thread, in the context of whoever asked for it."""


def _to_nobody(_statement: Statement, _seconds: float, _rows: int) -> None:
    """The default: ignore the statement."""


class Timing:
    """The timing of all connections of one database: `note` takes seconds; `report` is called for those above `above` seconds."""

    __slots__ = ("_durations", "above", "note", "report")

    def __init__(self) -> None:
        self._durations: deque[float] = deque(maxlen=MOST_DURATIONS)
        self.note = self._durations.append
        self.above = inf
        self.report: ReportStatement = _to_nobody

    def took(self, statement: Statement, seconds: float, rows: int) -> None:
        """Note a statement. What runs for each request does the same in its own lines, which saves this call."""
        self.note(seconds)
        if seconds > self.above:
            self.report(statement, seconds, rows)

    def taken(self) -> Sequence[float]:
        """Return the seconds of each statement since the last call."""
        take = self._durations.popleft
        return [take() for _ in range(len(self._durations))]
