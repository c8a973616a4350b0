"""Wiping what was deleted out of SQLite's file and its write-ahead log, while gateways serve.

Freed pages and the free places within pages keep old bytes; so does the log, until it begins anew. VACUUM writes the whole file anew, and a
checkpoint then moves the log into it and cuts it to nothing. Readers go on meanwhile; writers wait for VACUUM, some 20 ms a megabyte.
"""

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Final

from schema.storage.database import LockTimeout

from .checkpoints import Checkpoints

BUSY_SECONDS: Final = 30.0
"""Seconds to wait for running writers to end."""
READERS_SECONDS: Final = 60.0
"""Seconds to wait for readers of the old state: while one reads, the log can't be truncated."""
PAUSE_SECONDS: Final = 0.2
SECONDS_A_BYTE: Final = 2e-8
"""About the seconds of VACUUM for a byte, for the estimate."""


def expected_seconds(path: Path) -> float:
    """Return about how many seconds writers will wait."""
    return path.stat().st_size * SECONDS_A_BYTE


def wipe(path: Path) -> None:
    """Rewrite the file and truncate its log. Raises LockTimeout if another program prevented that, sqlite3.Error."""
    checkpoints = Checkpoints(str(path))
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)) as raw:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0", "secure_delete=ON"):
                raw.execute(f"PRAGMA {pragma}")
            with checkpoints.alone(BUSY_SECONDS):
                raw.execute("VACUUM")
                _cut_log(raw, path)
    finally:
        checkpoints.close()


def _cut_log(raw: sqlite3.Connection, path: Path) -> None:
    """Move the log into the file and truncate it. It takes the writers' lock first, so that no commit can restart the log meanwhile."""
    latest = time.monotonic() + READERS_SECONDS
    while raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > latest:
            message = f"another program reads an old state of {path}, and its log could not be cut: end it, and run gateway erase remains"
            raise LockTimeout(message)
        time.sleep(PAUSE_SECONDS)
