"""Memory that callers share: one of them can't take what the others need."""

from collections import Counter
from typing import Self

from rest_compat.errors import Unavailable
from schema.storage.incoming import INCOMING


class SharedMemory:
    """Counts bytes by owner. An owner may have as much as is left free: so one alone gets half of `limit`, and whoever comes next finds
    room. `refusal` is what one is told who may have no more. The first `small` bytes of each hold aren't counted, so that small ones
    always pass: what an owner holds may be more than its share by now, because others came.
    """

    def __init__(self, limit: int, refusal: str, small: int) -> None:
        self.limit = limit
        self.refusal = refusal
        self.small = small
        self.bytes = 0
        self._by_owner: Counter[str] = Counter()

    def add(self, owner: str, size: int) -> None:
        """Count `size` bytes more. Raises Unavailable where that is more than the owner's share."""
        if self._by_owner[owner] + size > self.limit - self.bytes - size:
            self.remove(owner, 0)
            raise Unavailable(self.refusal)
        self._by_owner[owner] += size
        self.bytes += size
        INCOMING.bytes += size

    def remove(self, owner: str, size: int) -> None:
        """Count `size` bytes less."""
        self.bytes -= size
        self._by_owner[owner] -= size
        if not self._by_owner[owner]:
            del self._by_owner[owner]


class MemoryHold:
    """The bytes that one body, message or operation holds of the `room`; `release`, or the end of its context, returns them."""

    __slots__ = ("_owner", "_room", "_size")

    def __init__(self, room: SharedMemory, owner: str) -> None:
        self._room, self._owner, self._size = room, owner, 0

    def grow(self, size: int) -> None:
        """It has `size` bytes by now. Raises Unavailable where there is no room for them."""
        more = size - self._room.small - self._size
        if more > 0:
            self._room.add(self._owner, more)
            self._size += more

    def release(self) -> None:
        """Release all held bytes."""
        if self._size:
            self._room.remove(self._owner, self._size)
            self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
