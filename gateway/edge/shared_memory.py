"""Memory that callers share: one of them can't take what the others need."""

from collections import Counter

from rest_compat.errors import Unavailable


class SharedMemory:
    """Counts bytes by owner. An owner may have as much as is left free: so one alone gets half of `limit`, and whoever comes next finds
    room. `refusal` is what one is told who may have no more.
    """

    def __init__(self, limit: int, refusal: str) -> None:
        self.limit = limit
        self.refusal = refusal
        self.bytes = 0
        self._by_owner: Counter[str] = Counter()

    def add(self, owner: str, size: int) -> None:
        """Count `size` bytes more. Raises Unavailable where that is more than the owner's share."""
        if self._by_owner[owner] + size > self.limit - self.bytes - size:
            self.remove(owner, 0)
            raise Unavailable(self.refusal)
        self._by_owner[owner] += size
        self.bytes += size

    def remove(self, owner: str, size: int) -> None:
        """Count `size` bytes less."""
        self.bytes -= size
        self._by_owner[owner] -= size
        if not self._by_owner[owner]:
            del self._by_owner[owner]
