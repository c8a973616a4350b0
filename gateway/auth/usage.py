"""When each API key was last used: written in batches beside the requests, once a minute a key at most, outside `workspace.revision`."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog
from sqlalchemy import bindparam, or_, update

from schema.nouns.users.api_key import ApiKey
from schema.rules.clock import instant
from schema.storage.database import Connection, Database, StorageError
from schema.values import Object, Value

MINUTE = 60.0
FLUSH_SECONDS = 10.0
_LOG = structlog.get_logger("gateway.auth")

UsedKey = tuple[str, str, bool]
"""The workspace, the key, and whether it is the key's former token that was used."""


class Usage:
    """Collects uses and writes them now and then. `wall` tells the time in seconds since 1970."""

    def __init__(self, database: Database, wall: Callable[[], float]) -> None:
        self._database = database
        self._wall = wall
        self._waiting: dict[UsedKey, float] = {}
        self._written: dict[UsedKey, float] = {}
        self._statements = {is_former: database.compile(_update(is_former=is_former)) for is_former in (False, True)}

    def note(self, workspace_id: str, key_id: str, *, is_former: bool = False) -> None:
        """A key is being used: by its present token, or by the one that it had before."""
        self._waiting[workspace_id, key_id, is_former] = self._wall()

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

    async def _write(self, due: dict[UsedKey, float], now: float) -> None:
        rows: dict[bool, list[Object]] = {False: [], True: []}
        for (workspace, key, is_former), at in due.items():
            rows[is_former].append({"of_workspace": workspace, "of_key": key, "at": _text(at), "before": _text(now - MINUTE)})

        async def work(connection: Connection) -> None:
            for is_former, used in rows.items():
                if used:
                    await connection.execute_many(self._statements[is_former], used)

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


def _update(*, is_former: bool) -> Value:
    keys = ApiKey.__table__
    used = keys.c.previous_token_last_used_at if is_former else keys.c.last_used_at
    one = (keys.c.workspace_id == bindparam("of_workspace")) & (keys.c.id == bindparam("of_key"))
    # Other processes write the same column: whoever comes second within the minute leaves it as it is.
    stale = or_(used.is_(None), used <= bindparam("before"))
    return update(keys).where(one, stale).values({used.name: bindparam("at")})
