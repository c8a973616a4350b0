"""Uses of the two doors by token, counted in memory and written in batches beside the requests."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Generic, TypeAlias, TypeVar

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from schema.rules.access import Caller
from schema.rules.clock import now
from schema.storage.database import Connection, Database, InputRejected, StorageError
from schema.storage.tables import WorkspaceTable
from schema.storage.workspace import WORKSPACE

FLUSH_SECONDS: Final = 10.0
Used = TypeVar("Used", bound=Hashable)
UseKey: TypeAlias = tuple[str, ...]
"""What one use adds to a row's key, behind workspace and token."""
UseRows: TypeAlias = list[dict[str, Any]]

_WORKSPACE: Any = select(WorkspaceTable.__table__.c.id).where(WorkspaceTable.__table__.c.id == WORKSPACE)


class UseCounter(Generic[Used]):
    """Counts what callers use; `running` writes it every few seconds and at the end.

    `rows` says which rows of `table` a use counts in: the rest of their primary keys, behind workspace and token. At most so many different
    uses wait as `bounds` says, of so many bytes together by `size`; while the database is away, further ones are not counted.
    """

    def __init__(
        self,
        database: Database,
        table: Any,
        rows: Callable[[Used], Iterable[UseKey]],
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
        self._workspace = database.compile(_WORKSPACE)
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
        try:
            await self._write_rows(await self._rows(due))
        except StorageError:
            for key, count in due.items():
                self._waiting[key] = self._waiting.get(key, 0) + count
            self._bytes += waited
            raise

    async def _write_rows(self, rows: UseRows) -> None:
        """Write `rows`. Where a workspace of theirs is gone, its rows go too, and those of the others are written."""
        try:
            await self._write(rows)
        except Exception as error:
            # What refers to a workspace that is gone is an input that is rejected, or an error of the driver's own.
            if isinstance(error, StorageError) and not isinstance(error, InputRejected):
                raise
            there = await self._existing({row["workspace_id"] for row in rows})
            left = [row for row in rows if row["workspace_id"] in there]
            if len(left) == len(rows):
                raise
            self._log.warning("Uses of a workspace that is gone are not written.", uses=len(rows) - len(left))
            await self._write(left)

    async def _write(self, rows: UseRows) -> None:
        async def work(connection: Connection) -> None:
            await connection.execute_many(self._statement, rows)

        if rows:
            await self._database.write(work)

    async def _existing(self, workspaces: Collection[str]) -> set[str]:
        return {workspace for workspace in workspaces if await self._database.fetch(self._workspace, {"workspace": workspace})}

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
        except StorageError as error:
            self._log.warning("Uses are not written yet, since the database can't be asked.", error=str(error))
        except Exception:  # noqa: BLE001  a count is never worth the process
            self._log.warning("usage not written", exc_info=True)

    async def _rows(self, due: Mapping[tuple[str, str, Used], int]) -> UseRows:
        """A row a use, in the order of the primary key: two writers that lock in the same order don't wait for each other in a circle."""
        counts: Counter[UseKey] = Counter()
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
