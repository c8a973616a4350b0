"""The one clock of everything that is written: UTC, in whole seconds, as ISO 8601 text (RFC 3339). Ids are made by it too.

It is the wall clock, except that it stands still where that is set back by a little, so that what happens later is not stamped earlier.
Where the wall clock is set back by more it is followed at once: a clock that was hours ahead for a moment must not put what is written
afterwards into the future.
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

STANDS_STILL = 2_000
"""The milliseconds by which the wall clock may be set back without this one following: the most that this one is ever ahead."""

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(slots=True)
class Clock:
    """The wall clock in milliseconds since 1970; a small step back is left out, so that its times never come a little earlier again."""

    _last: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def milliseconds(self) -> int:
        """The present time."""
        now = time.time_ns() // 1_000_000
        with self._lock:
            if not now < self._last <= now + STANDS_STILL:
                self._last = now
            return self._last


_CLOCK = Clock()


def milliseconds() -> int:
    """The present time in milliseconds since 1970."""
    return _CLOCK.milliseconds()


def instant(milliseconds: int) -> str:
    """Milliseconds since 1970 as `YYYY-MM-DDTHH:MM:SSZ`."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime(_FORMAT)


def now() -> str:
    """The present second, as `YYYY-MM-DDTHH:MM:SSZ`. Replaced in tests."""
    return instant(milliseconds())


def later(moment: str, seconds: float) -> str:
    """The instant so many seconds after another one, or before it where they are below 0."""
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).strftime(_FORMAT)


def seconds_between(earlier: str, later: str) -> int:
    """Whole seconds from one instant to another, never below 0 (a clock may have been set back)."""
    return max(0, int((datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()))
