"""Ids: `<prefix>_<ULID>`, monotonic within a process, from the same clock reading as the record's `createdAt`."""

import os
import threading
import time
from dataclasses import dataclass, field

from ulid import ULID

_RANDOM_BITS = 80
# Half of the random part is left free to count up in, so that a burst within one millisecond never overflows it.
_HEADROOM_MASK = (1 << (_RANDOM_BITS - 1)) - 1


@dataclass(slots=True)
class IdSource:
    """Makes ULIDs that never go backwards, not even when the clock does (ULID specification, "Monotonicity")."""

    _millisecond: int = 0
    _random: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, prefix: str, milliseconds: int | None = None) -> tuple[str, int]:
        """The next id under `prefix`, and its time in milliseconds since 1970."""
        now = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
        with self._lock:
            if now > self._millisecond:
                self._millisecond = now
                self._random = int.from_bytes(os.urandom(10)) & _HEADROOM_MASK
            else:
                self._random += 1
            number = (self._millisecond << _RANDOM_BITS) | self._random
            stamp = self._millisecond
        return f"{prefix}_{ULID.from_int(number)}", stamp


_SOURCE = IdSource()


def new_id(prefix: str) -> tuple[str, int]:
    """An id, and the milliseconds since 1970 that stand in it: what `createdAt` is made of."""
    return _SOURCE.next(prefix)
