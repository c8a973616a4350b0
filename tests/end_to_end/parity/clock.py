"""Time as the tests tell it, so that 'today', `updatedAt` and the life of a key can be foretold."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from types import SimpleNamespace

from typing_extensions import override

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

    class Told(datetime):
        """Put in the clock's place of its source, since many hold `clock.now` itself."""

        @classmethod
        @override
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(told.seconds, tz)

    kept = clock.datetime, ids.time, ids._SOURCE
    clock.datetime = Told  # type: ignore[misc]
    ids.time = SimpleNamespace(time_ns=lambda: told.seconds * 1_000_000_000)  # type: ignore[assignment]
    ids._SOURCE = ids.IdSource()
    try:
        yield told
    finally:
        clock.datetime, ids.time, ids._SOURCE = kept  # type: ignore[misc]
