"""When each API key was last used: written in batches beside the requests, once a minute a key at most, outside `workspace.revision`."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import bindparam, or_, update

from schema.nouns.users.api_key import ApiKey
from schema.rules.clock import instant
from schema.storage.database import Connection, Database, StorageError

MINUTE = 60.0
FLUSH_SECONDS = 10.0
_LOG = structlog.get_logger("gateway.auth")

Key = tuple[str, str]


class Usage:
    """Collects uses and writes them now and then. `wall` tells the time in seconds since 1970."""

    def __init__(self, database: Database, wall: Callable[[], float]) -> None:
        self._database = database
        self._wall = wall
        self._waiting: dict[Key, float] = {}
        self._written: dict[Key, float] = {}
        self._statement = database.compile(_update())

    def note(self, workspace_id: str, key_id: str) -> None:
        """A key is being used."""
        self._waiting[workspace_id, key_id] = self._wall()

    async def flush(self) -> None:
        """Writes what is due. A database that is away costs the times of use, nothing else."""
        now = self._wall()
        self._written = {key: at for key, at in self._written.items() if now - at < MINUTE}
        due = {key: at for key, at in self._waiting.items() if key not in self._written}
        if not due:
            return
        self._written |= dict.fromkeys(due, now)
        self._waiting = {key: at for key, at in self._waiting.items() if key not in due}
        with contextlib.suppress(StorageError):
            await self._write(due, now)

    async def _write(self, due: dict[Key, float], now: float) -> None:
        rows = [
            {"of_workspace": workspace, "of_key": key, "at": _text(at), "before": _text(now - MINUTE)}
            for (workspace, key), at in due.items()
        ]

        async def work(connection: Connection) -> None:
            await connection.execute_many(self._statement, rows)

        await self._database.write(work)

    async def run(self) -> None:
        """Flushes every few seconds until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.flush()
            except Exception:  # noqa: BLE001  a time of use is never worth the process
                _LOG.exception("api_key_usage_not_written")


def _text(seconds: float) -> str:
    return instant(int(seconds) * 1000)


def _update() -> Any:
    keys = ApiKey.__table__
    one = (keys.c.workspace_id == bindparam("of_workspace")) & (keys.c.id == bindparam("of_key"))
    # Other processes write the same column: whoever comes second within the minute leaves it as it is.
    stale = or_(keys.c.last_used_at.is_(None), keys.c.last_used_at <= bindparam("before"))
    return update(keys).where(one, stale).values(last_used_at=bindparam("at"))
