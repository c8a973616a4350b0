"""How far REST clients have left REST: uses by token, counted in memory and written in batches beside the requests."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite

from rest_compat.protocol import Use
from schema.rules.access import Caller
from schema.rules.clock import now
from schema.storage.database import Connection, Database, StorageError
from schema.storage.tables import RestUsage

FLUSH_SECONDS: Final = 10.0
NAMES: Final = ("workspace_id", "token_id", "route", "kind", "name")
#: Different kinds of call that wait in memory, and the bytes of the names in them; while the database is away, further ones are not
#: counted.
MAX_WAITING: Final = 10_000
MAX_WAITING_BYTES: Final = 8_000_000
#: Names of ignored parameters and keys that a process counts one by one, since clients make them up; further ones count as `OTHERS`.
MAX_IGNORED: Final = 1_000
OTHERS: Final = "(others)"

Key = tuple[str, str, tuple[Use, ...]]
"""Workspace, token, and what a call uses: calls of a kind share one."""


class Uses:
    """Counts uses; `running` writes them every few seconds and at the end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[Key, int] = {}
        self._bytes = 0
        self._ignored: set[Use] = set()
        self._statement = database.compile(_upsert(database.dialect.name))
        self._log = structlog.get_logger()

    def note(self, caller: Caller, uses: tuple[Use, ...]) -> None:
        """Count `uses` for the caller's token. Neither waits nor raises."""
        key = (caller.workspace_id, caller.token_id, uses)
        count = self._waiting.get(key, 0)
        if count or self._has_room(uses):
            self._waiting[key] = count + 1

    def _has_room(self, uses: tuple[Use, ...]) -> bool:
        """Whether one more kind of call may wait, which is then counted."""
        size = sum(len(use.name) for use in uses)
        room = len(self._waiting) < MAX_WAITING and self._bytes + size <= MAX_WAITING_BYTES
        self._bytes += size if room else 0
        return room

    def _bounded(self, use: Use) -> Use:
        """`use`, or the one that stands for all whose names can't be counted one by one any more."""
        if use.kind != "ignored" or use in self._ignored:
            return use
        if len(self._ignored) >= MAX_IGNORED:
            return use._replace(name=OTHERS)
        self._ignored.add(use)
        return use

    async def flush(self) -> None:
        """Write what waits; what can't be written waits on. Raises StorageError."""
        due, self._waiting = self._waiting, {}
        waited, self._bytes = self._bytes, 0
        if not due:
            return
        rows = _rows(due, self._bounded)

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
            with contextlib.suppress(StorageError):
                await self.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except Exception:  # noqa: BLE001  a count is never worth the process
                self._log.warning("rest usage not written", exc_info=True)


def _rows(due: Mapping[Key, int], bounded: Callable[[Use], Use]) -> list[dict[str, Any]]:
    """A row a use, in the order of the primary key: two writers that lock in the same order don't wait for each other in a circle."""
    counts: Counter[tuple[str, ...]] = Counter()
    for (workspace, token, uses), count in due.items():
        for use in uses:
            counts[workspace, token, *bounded(use)] += count
    at = now()
    return [{**dict(zip(NAMES, key, strict=True)), "count": count, "at": at} for key, count in sorted(counts.items())]


def _upsert(dialect: str) -> Any:
    table = RestUsage.__table__
    insert: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    at = bindparam("at", type_=table.c.last_used_at.type)
    added = insert.values(
        **{name: bindparam(name) for name in (*NAMES, "count")},
        first_used_at=at,
        last_used_at=at,
    )
    return added.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={"count": table.c.count + added.excluded["count"], "last_used_at": added.excluded.last_used_at},
    )
