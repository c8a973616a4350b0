"""Uses of the two doors by token, counted in memory and written in batches beside the requests."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeAlias, TypeVar

from gateway.periodic_flush import flushing
from schema.administration.uses import UseTable
from schema.rules.access import Caller
from schema.storage.database import StorageError

Used = TypeVar("Used", bound=Hashable)
UseKey: TypeAlias = tuple[str, ...]
"""The part of a row's key after workspace and token."""


class UseCounter(Generic[Used]):
    """Counts what callers use; `running` writes it every few seconds and at the end.

    `rows` says which rows of `table` a use counts in: the rest of their primary keys, behind workspace and token. At most so many different
    uses wait as `bounds` says, of so many bytes together by `size`; while the database is away, further ones are not counted.
    """

    def __init__(
        self,
        table: UseTable,
        rows: Callable[[Used], Iterable[UseKey]],
        size: Callable[[Used], int],
        bounds: tuple[int, int],
    ) -> None:
        self._table = table
        self._rows_of = rows
        self._size = size
        self._most, self._most_bytes = bounds
        self._bytes = 0
        self._waiting: dict[tuple[str, str, Used], int] = {}

    def note(self, caller: Caller, used: Used) -> None:
        """Count a use for the caller's token. Neither waits nor raises."""
        key = (caller.workspace_id, caller.token_id, used)
        count = self._waiting.get(key, 0)
        if count or self._has_room(used):
            self._waiting[key] = count + 1

    def _has_room(self, used: Used) -> bool:
        """Whether one more kind of call may wait, which is then counted."""
        size = self._size(used)
        room = len(self._waiting) < self._most and self._bytes + size <= self._most_bytes
        self._bytes += size if room else 0
        return room

    def running(self) -> AbstractAsyncContextManager[None]:
        """Inside it, what waits is written in the background."""
        return flushing(self.flush)

    async def flush(self) -> None:
        """Write what waits; what can't be written waits on. Raises StorageError."""
        due, self._waiting = self._waiting, {}
        waited, self._bytes = self._bytes, 0
        if not due:
            return
        try:
            await self._table.add(await self._rows(due))
        except StorageError:
            for key, count in due.items():
                self._waiting[key] = self._waiting.get(key, 0) + count
            self._bytes += waited
            raise

    async def _rows(self, due: Mapping[tuple[str, str, Used], int]) -> Mapping[UseKey, int]:
        counts: Counter[UseKey] = Counter()
        for (workspace, token, used), count in due.items():
            for row in self._rows_of(used):
                counts[workspace, token, *row] += count
            # Requests go before: to take a document apart takes a while.
            await asyncio.sleep(0)
        return counts
