"""Ids: `<prefix>_<ULID>`, from the same clock as the record's `createdAt`, and in the order in which a process makes them.

Lists are ordered by `createdAt` and then by id, so ids of one second have to keep that order; where the clock is set back by more than it
stands still for (see `rules.clock`), ids go back with `createdAt`.
"""

import os
import threading
from dataclasses import dataclass, field

from ulid import ULID

from schema.rules import clock

_RANDOM_BITS = 80
# Half of the random part is left free to count up in, so that a burst within one millisecond never overflows it.
_HEADROOM_MASK = (1 << (_RANDOM_BITS - 1)) - 1


@dataclass(slots=True)
class IdSource:
    """Makes ULIDs that grow within a millisecond too (ULID specification, "Monotonicity")."""

    _millisecond: int = 0
    _random: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, prefix: str) -> tuple[str, int]:
        """The next id under `prefix`, and its time in milliseconds since 1970."""
        with self._lock:
            # Read within the lock, so that the order of ids is that of their times in other threads too.
            now = clock.milliseconds()
            if now == self._millisecond:
                self._random += 1
            else:
                self._millisecond = now
                self._random = int.from_bytes(os.urandom(10)) & _HEADROOM_MASK
            number = (now << _RANDOM_BITS) | self._random
        return f"{prefix}_{ULID.from_int(number)}", now


_SOURCE = IdSource()


def new_id(prefix: str) -> tuple[str, int]:
    """Return an id, and the milliseconds since 1970 in it, from which `createdAt` is made."""
    return _SOURCE.next(prefix)
