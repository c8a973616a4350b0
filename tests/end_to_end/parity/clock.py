"""Time as the tests tell it, so that 'today', `updatedAt` and the life of a key can be foretold."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from schema.rules import clock
from schema.storage import ids

BEGINNING = 1_768_463_999
"""2026-01-15T07:59:59Z, in seconds since 1970."""


class Clock:
    """Seconds since 1970. It stands still until told to go on, and never goes back: ids don't either."""

    def __init__(self) -> None:
        self.seconds = BEGINNING

    def now(self) -> str:
        return clock.instant(self.seconds * 1000)


@contextmanager
def told_time() -> Iterator[Clock]:
    """Inside it, the gateway has no other time."""
    told = Clock()
    kept = clock.time, clock._CLOCK, ids._SOURCE
    clock.time = SimpleNamespace(time_ns=lambda: told.seconds * 1_000_000_000)  # type: ignore[assignment]
    clock._CLOCK, ids._SOURCE = clock.Clock(), ids.IdSource()
    try:
        yield told
    finally:
        clock.time, clock._CLOCK, ids._SOURCE = kept  # type: ignore[misc]
