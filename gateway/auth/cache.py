"""A cache of tokens for a few seconds. It is bounded in number and in characters, so that a flood of tokens can't fill the memory."""

from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class TokenCache(Generic[V]):
    """Values by key, each until its time: `size` of them at most, with keys of `characters` together. The oldest make room for new ones."""

    def __init__(self, size: int, characters: int, clock: Callable[[], float]) -> None:
        self._size = size
        self._most = characters
        self._clock = clock
        self._entries: dict[str, tuple[V, float]] = {}
        self._characters = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> V | None:
        """The value under `key`, if it is still fresh."""
        entry = self._entries.get(key)
        if entry is None or entry[1] <= self._clock():
            return None
        return entry[0]

    def seconds(self, key: str) -> float:
        """Return the seconds for which the value under `key` is still kept; 0 if there is none."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry[1] - self._clock())

    def put(self, key: str, value: V, seconds: float) -> None:
        """Remembers `value` under `key` for `seconds`."""
        self._drop(key)
        self._entries[key] = (value, self._clock() + seconds)
        self._characters += len(key)
        while len(self._entries) > self._size or self._characters > self._most:
            self._drop(next(iter(self._entries)))

    def forget(self, condition: Callable[[V], bool]) -> None:
        """Drops every value that `condition` holds of."""
        for key in [key for key, entry in self._entries.items() if condition(entry[0])]:
            self._drop(key)

    def sweep(self) -> None:
        """Drops what isn't fresh any more."""
        now = self._clock()
        for key in [key for key, entry in self._entries.items() if entry[1] <= now]:
            self._drop(key)

    def _drop(self, key: str) -> None:
        if self._entries.pop(key, None) is not None:
            self._characters -= len(key)
