"""When each API key was last used: written in batches beside the requests, once a minute a key at most."""

import contextlib
from collections.abc import Callable

from schema.administration.uses import MINUTE, KeyTimes, UsedKey
from schema.storage.database import Database, StorageError


class KeyUses:
    """Collects uses, which are written now and then. `wall` tells the time in seconds since 1970."""

    def __init__(self, database: Database, wall: Callable[[], float]) -> None:
        self._times = KeyTimes(database)
        self._wall = wall
        self._waiting: dict[UsedKey, float] = {}
        self._written: dict[UsedKey, float] = {}

    def note(self, workspace_id: str, key_id: str, *, is_former: bool = False) -> None:
        """A key is being used: by its present token, or by the one that it had before."""
        self._waiting[workspace_id, key_id, is_former] = self._wall()

    async def flush(self) -> None:
        """Writes what is due. A database that is away costs the times of use, nothing else."""
        now = self._wall()
        self._written = {key: at for key, at in self._written.items() if now - at < MINUTE}
        due = {key: at for key, at in self._waiting.items() if key not in self._written}
        self._written |= dict.fromkeys(due, now)
        self._waiting = {key: at for key, at in self._waiting.items() if key not in due}
        with contextlib.suppress(StorageError):
            await self._times.write(due, now)
