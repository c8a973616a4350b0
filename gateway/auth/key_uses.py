"""When each API key was last used: written in batches beside the requests, once a minute a key at most."""

import contextlib
from collections.abc import Callable

from schema.administration.uses import MINUTE, KeyTimes, UsedKey
from schema.storage.database import Database, StorageError


class KeyUses:
    """Collects uses, which are written in batches. `wall` returns the time in seconds since 1970."""

    def __init__(self, database: Database, wall: Callable[[], float]) -> None:
        self._times = KeyTimes(database)
        self._wall = wall
        self._waiting: dict[UsedKey, float] = {}
        self._written: dict[UsedKey, float] = {}

    def note(self, workspace_id: str, key_id: str, *, is_former: bool = False) -> None:
        """Note a use of a key: by its present token, or by its former one."""
        self._waiting[workspace_id, key_id, is_former] = self._wall()

    async def flush(self) -> None:
        """Writes the collected uses. While the database is unavailable, times of use are lost, nothing else."""
        now = self._wall()
        self._written = {key: at for key, at in self._written.items() if now - at < MINUTE}
        due = {key: at for key, at in self._waiting.items() if key not in self._written}
        self._written |= dict.fromkeys(due, now)
        self._waiting = {key: at for key, at in self._waiting.items() if key not in due}
        with contextlib.suppress(StorageError):
            await self._times.write(due, now)
