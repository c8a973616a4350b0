"""What is kept to be used again: bounded in number and in bytes, the longest unused go first."""

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Values by key: at most `number` of them, and about `size` bytes."""

    def __init__(self, number: int, size: int) -> None:
        self._number = number
        self._size = size
        self._values: OrderedDict[object, tuple[T, int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: object) -> T | None:
        """What is kept under `key`, which counts as used now."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: object, value: T, size: int) -> None:
        """Keeps a value of about `size` bytes, its key's included; the longest unused make room for it, if it fits in at all."""
        if size > self._size:
            return
        replaced = self._values.pop(key, None)
        self._values[key] = value, size
        self.bytes += size - (0 if replaced is None else replaced[1])
        while len(self._values) > self._number or self.bytes > self._size:
            self.bytes -= self._values.popitem(last=False)[1][1]
