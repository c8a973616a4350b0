"""Uses of the two doors by token, counted in memory and written in batches beside the requests."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, TypeAlias, TypeVar

import structlog
from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite

from schema.rules.access import Caller
from schema.rules.clock import now
from schema.storage.database import Connection, Database, StorageError

FLUSH_SECONDS: Final = 10.0
Used = TypeVar("Used", bound=Hashable)
Row: TypeAlias = tuple[str, ...]
"""What one use adds to a row's key, behind workspace and token."""


class UseCounter(Generic[Used]):
    """Counts what callers use; `running` writes it every few seconds and at the end.

    `rows` says which rows of `table` a use counts in: the rest of their primary keys, behind workspace and token. At most so many different
    uses wait as `bounds` says, of so many bytes together by `size`; while the database is away, further ones are not counted.
    """

    def __init__(
        self,
        database: Database,
        table: Any,
        rows: Callable[[Used], Iterable[Row]],
        size: Callable[[Used], int],
        bounds: tuple[int, int],
    ) -> None:
        self._database = database
        self._rows_of = rows
        self._size = size
        self._most, self._most_bytes = bounds
        self._bytes = 0
        self._names = tuple(column.name for column in table.primary_key)
        self._waiting: dict[tuple[str, str, Used], int] = {}
        self._statement = database.compile(_upsert(database.dialect.name, table))
        self._log = structlog.get_logger()

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

    async def flush(self) -> None:
        """Write what waits; what can't be written waits on. Raises StorageError."""
        due, self._waiting = self._waiting, {}
        waited, self._bytes = self._bytes, 0
        if not due:
            return
        rows = await self._rows(due)

        async def work(connection: Connection) -> None:
            await connection.execute_many(self._statement, rows)

        try:
            await self._database.write(work)
        except StorageError:
            for key, count in due.items():
                self._waiting[key] = self._waiting.get(key, 0) + count
            self._bytes += waited
            raise

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Inside it, what waits is written in the background."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self._try()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._try()

    async def _try(self) -> None:
        try:
            await self.flush()
        except Exception:  # noqa: BLE001  a count is never worth the process
            self._log.warning("usage not written", exc_info=True)

    async def _rows(self, due: Mapping[tuple[str, str, Used], int]) -> list[dict[str, Any]]:
        """A row a use, in the order of the primary key: two writers that lock in the same order don't wait for each other in a circle."""
        counts: Counter[Row] = Counter()
        for (workspace, token, used), count in due.items():
            for row in self._rows_of(used):
                counts[workspace, token, *row] += count
            # Requests go before: to take a document apart takes a while.
            await asyncio.sleep(0)
        at = now()
        return [{**dict(zip(self._names, key, strict=True)), "count": count, "at": at} for key, count in sorted(counts.items())]


def _upsert(dialect: str, table: Any) -> Any:
    insert: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    at = bindparam("at", type_=table.c.last_used_at.type)
    names = [column.name for column in table.primary_key]
    added = insert.values(**{name: bindparam(name) for name in (*names, "count")}, first_used_at=at, last_used_at=at)
    return added.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={"count": table.c.count + added.excluded["count"], "last_used_at": added.excluded.last_used_at},
    )
