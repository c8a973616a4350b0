"""Facts about an SQLite file. The file is never created or changed here."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from schema.storage.database import StorageError

VERSION: Final = sqlite3.sqlite_version
KEYS: Final = "SELECT count(*) FROM api_key WHERE revoked_at IS NULL"
REVISIONS: Final = "SELECT version_num FROM alembic_version"


class SqliteFile:
    """An open file."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def revisions(self) -> list[str]:
        """The revisions that it is at, none where it was never migrated. Raises StorageError for what is no database."""
        try:
            there = self._raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            return [row[0] for row in self._raw.execute(REVISIONS)] if there else []
        except sqlite3.DatabaseError as error:
            raise StorageError(str(error)) from error

    def tables(self) -> list[str]:
        """The names of its tables."""
        return [row[0] for row in self._raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def keys(self) -> int:
        """The number of API keys that aren't revoked."""
        return int(self._raw.execute(KEYS).fetchone()[0])

    def take_lock(self) -> None:
        """Takes the lock that a write takes, and gives it back. Raises StorageError."""
        try:
            self._raw.execute("BEGIN IMMEDIATE")
            self._raw.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise StorageError(str(error)) from error

    def journal_mode(self) -> str:
        """`wal`, once a gateway has served it."""
        return str(self._raw.execute("PRAGMA journal_mode").fetchone()[0])


@contextmanager
def opened(path: Path, seconds: float) -> Iterator[SqliteFile]:
    """Open the file; wait so many seconds for another program's lock. Raises StorageError."""
    try:
        raw = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=rw", uri=True, timeout=seconds, isolation_level=None)
    except sqlite3.Error as error:
        raise StorageError(str(error)) from error
    try:
        yield SqliteFile(raw)
    finally:
        raw.close()
