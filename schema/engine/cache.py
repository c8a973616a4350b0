"""A cache that is bounded in number and in bytes: the least recently used values go first."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class SizedCache(Generic[T]):
    """Values by key: at most `number` of them, and about `size` bytes. Threads may share it."""

    get: Callable[[object], T | None]
    """The value under a key, or None. A value that is read counts as used."""

    def __init__(self, number: int, size: int) -> None:
        self._number = number
        self._size = size
        self._values: OrderedDict[object, T] = OrderedDict()
        self._sizes: dict[object, int] = {}
        self._lock = Lock()
        self.bytes = 0
        # Nothing has to go before half of the room is taken: until then nobody pays for the order of use.
        self.get = self._values.get

    def __len__(self) -> int:
        return len(self._values)

    def _get_in_order(self, key: object) -> T | None:
        found = self._values.get(key)
        if found is not None:
            try:  # noqa: SIM105  `suppress` would be two calls on the way of every request
                self._values.move_to_end(key)
            except KeyError:
                pass  # Another thread has dropped it meanwhile.
        return found

    def put(self, key: object, value: T, size: int) -> None:
        """Keeps a value of about `size` bytes, its key's included; the longest unused make room for it, if it fits in at all."""
        if size <= self._size:
            with self._lock:
                self._put(key, value, size)

    def _put(self, key: object, value: T, size: int) -> None:
        if key in self._values:
            del self._values[key]
            self.bytes -= self._sizes.pop(key)
        self._values[key], self._sizes[key] = value, size
        self.bytes += size
        if self.bytes > self._size / 2 or len(self._values) > self._number / 2:
            self.get = self._get_in_order
        while len(self._values) > self._number or self.bytes > self._size:
            oldest, _ = self._values.popitem(last=False)
            self.bytes -= self._sizes.pop(oldest)
