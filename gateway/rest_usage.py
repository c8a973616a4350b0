"""How far REST clients have left REST: uses by token, counted in memory and written in batches beside the requests."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
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
#: Different uses that wait in memory; while the database is away, further ones are not counted.
MAX_WAITING: Final = 10_000

Key = tuple[str, str, str, str, str]


class Uses:
    """Counts uses; `running` writes them every few seconds and at the end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: Counter[Key] = Counter()
        self._statement = database.compile(_upsert(database.dialect.name))
        self._log = structlog.get_logger()

    def note(self, caller: Caller, uses: Sequence[Use]) -> None:
        """Count `uses` for the caller's token. Neither waits nor raises."""
        for use in uses:
            key = (caller.workspace_id, caller.token_id, use.route, use.kind, use.name)
            if key in self._waiting or len(self._waiting) < MAX_WAITING:
                self._waiting[key] += 1

    async def flush(self) -> None:
        """Write what waits; what can't be written waits on. Raises StorageError."""
        due, self._waiting = self._waiting, Counter()
        if not due:
            return
        at = now()
        names = ("workspace_id", "token_id", "route", "kind", "name")
        rows = [{**dict(zip(names, key, strict=True)), "count": count, "at": at} for key, count in sorted(due.items())]

        async def work(connection: Connection) -> None:
            await connection.execute_many(self._statement, rows)

        try:
            await self._database.write(work)
        except StorageError:
            self._waiting.update(due)
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


def _upsert(dialect: str) -> Any:
    table = RestUsage.__table__  # type: ignore[attr-defined]
    insert: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    at = bindparam("at", type_=table.c.last_used_at.type)
    added = insert.values(
        **{name: bindparam(name) for name in ("workspace_id", "token_id", "route", "kind", "name", "count")},
        first_used_at=at,
        last_used_at=at,
    )
    return added.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={"count": table.c.count + added.excluded["count"], "last_used_at": added.excluded.last_used_at},
    )
