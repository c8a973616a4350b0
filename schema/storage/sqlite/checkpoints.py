"""Checkpoints of SQLite's write-ahead log: one process at a time, under a lock on a file beside the database.

SQLite below 3.51.3 can corrupt a file where a second checkpoint begins on a log that is wholly moved already while another process's
commit starts that log anew (https://sqlite.org/wal.html#walresetbug). Here a connection checkpoints in its own commit alone, while it
holds the lock: its own frames aren't moved yet, so nobody can start the log anew, and nobody else checkpoints meanwhile. A lock ends
with its process, however that ends, so the next commit of any process takes over.
"""

import contextlib
import os
import sqlite3
import sys
import time
from collections.abc import Iterator

from schema.storage.database import LockTimeout

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

PAGES = 1_000
"""Pages of the log above which a commit checkpoints; SQLite's own default."""
TURN_SECONDS = 0.005
"""Between two tries to have the turn."""
_MENDED = (3, 51, 3)
_MENDED_TOO = {(3, 44): 6, (3, 50): 7}


def at_risk(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether this version of SQLite has the bug."""
    return version < _MENDED and version[2] < _MENDED_TOO.get(version[:2], sys.maxsize)


class Checkpoints:
    """The turn of this process to checkpoint the database at `path`."""

    def __init__(self, path: str) -> None:
        self._file = os.open(f"{path}-checkpoint", os.O_RDWR | os.O_CREAT, 0o600)
        self._mine = False

    def close(self) -> None:
        os.close(self._file)

    @contextlib.contextmanager
    def turn(self, raw: sqlite3.Connection) -> Iterator[None]:
        """Wrap a commit of `raw`, always the same connection: it checkpoints, if it is time to, unless another process is about to."""
        mine = _take(self._file)
        try:
            if mine != self._mine:
                raw.execute(f"PRAGMA wal_autocheckpoint={PAGES if mine else 0}")
                self._mine = mine
            yield
        finally:
            if mine:
                _give(self._file)

    @contextlib.contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """No other process checkpoints for as long as the context lasts. Raises LockTimeout where another one did for so many seconds."""
        latest = time.monotonic() + seconds
        while not _take(self._file):
            if time.monotonic() > latest:
                raise LockTimeout("another process keeps the turn at checkpoints")
            time.sleep(TURN_SECONDS)
        try:
            yield
        finally:
            _give(self._file)


def _take(file: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _give(file: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_UN)
