"""A cache of REST's operations over all routes, bounded in number and in bytes: the least recently used go first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_OPERATIONS, OPERATIONS_BYTES = 256, 16_000_000
"""The most operations cached over all routes, and about how many bytes they take with their documents and plans."""
OPERATION, OPERATION_CHARACTER = 60_000, 300
"""Bytes that an operation takes, and more for each character of its document, as measured with two plans."""


class OperationCache(Generic[T]):
    """Operations by key. When one is dropped, the `forget` given with it is called, so that nobody else keeps it."""

    def __init__(self, most: int = MOST_OPERATIONS, size: int = OPERATIONS_BYTES) -> None:
        self._most = most
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[T, int, Callable[[], None]]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> T | None:
        """The operation that is kept under `key`, which counts as used now."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, operation: T, document: str, forget: Callable[[], None]) -> None:
        """Keeps a new operation that runs `document`."""
        size = OPERATION + OPERATION_CHARACTER * len(document)
        self._kept[key] = operation, size, forget
        self.bytes += size
        while len(self._kept) > self._most or (self.bytes > self._size and len(self._kept) > 1):
            _, (_, freed, forgets) = self._kept.popitem(last=False)
            self.bytes -= freed
            forgets()
