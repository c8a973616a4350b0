"""What is known of tokens for a few seconds. Bounded, so that a flood of tokens can't fill the memory."""

from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class ShortMemory(Generic[V]):
    """Values by key, each until its time. The oldest make room for new ones."""

    def __init__(self, size: int, clock: Callable[[], float]) -> None:
        self._size = size
        self._clock = clock
        self._entries: dict[str, tuple[V, float]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> V | None:
        """What is remembered under `key`, if it is still fresh."""
        entry = self._entries.get(key)
        if entry is None or entry[1] <= self._clock():
            return None
        return entry[0]

    def seconds(self, key: str) -> float:
        """For how many seconds more the value under `key` is remembered; 0 where none is."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry[1] - self._clock())

    def put(self, key: str, value: V, seconds: float) -> None:
        """Remembers `value` under `key` for `seconds`."""
        self._entries.pop(key, None)
        if len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = (value, self._clock() + seconds)

    def forget(self, condition: Callable[[V], bool]) -> None:
        """Drops every value that `condition` holds of."""
        self._entries = {key: entry for key, entry in self._entries.items() if not condition(entry[0])}
