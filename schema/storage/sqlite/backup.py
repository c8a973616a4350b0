"""A backup of SQLite while it is served, by its online backup API (https://sqlite.org/backup.html), and its way back.

The copy is of one snapshot, which a read transaction holds: by itself the API would begin again with each commit of another process.
Writers go on meanwhile; only the write-ahead log grows, by as much as they write.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from schema.storage.manifest import BackupFailed, BackupRefused, DatabaseFacts, ReportBytes
from schema.values import Value

PAGES: Final = 256
"""Pages that are copied at once, a megabyte; then others have the disk for half as long as that took."""
PAUSE: Final = 0.5
BUSY_SECONDS: Final = 10.0
_FACTS: Final = (
    "SELECT version_num FROM alembic_version ORDER BY version_num",
    "SELECT number FROM epoch",
    "SELECT id, revision FROM workspace ORDER BY id",
)


def copy(path: Path, target: Path, tell: ReportBytes, *, step: Callable[[], None] = lambda: None) -> DatabaseFacts:
    """Copies the database at `path` into the empty file `target`, checks the copy, and says what is in it.

    `step` is called after each portion. Raises BackupFailed.
    """
    try:
        # It can't write, nor move the write-ahead log when it is closed.
        place = f"file:{quote(str(path.absolute()))}?mode=ro"
        with contextlib.closing(sqlite3.connect(place, uri=True, isolation_level=None, timeout=BUSY_SECONDS)) as source:
            source.execute("BEGIN")
            found = facts(source)
            _copy(source, target, tell, step)
        with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as made:
            # The copy is one file: what reads it needs no log beside it.
            made.execute("PRAGMA journal_mode=DELETE")
            check(made)
    except sqlite3.Error as error:
        raise BackupFailed(f"the backup could not be made: {error}") from error
    return found


def _copy(source: sqlite3.Connection, target: Path, tell: ReportBytes, step: Callable[[], None]) -> None:
    size = source.execute("PRAGMA page_size").fetchone()[0]
    began = time.perf_counter()

    def done(_status: int, remaining: int, total: int) -> None:
        nonlocal began
        tell((total - remaining) * size, total * size)
        step()
        time.sleep(PAUSE * (time.perf_counter() - began))
        began = time.perf_counter()

    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as made:
        source.backup(made, pages=PAGES, progress=done)


def facts(raw: sqlite3.Connection) -> DatabaseFacts:
    """Return the facts about a connection's database. Raises BackupRefused if it isn't a gateway's."""
    migrations, epochs, workspaces = (_rows(raw, text) for text in _FACTS)
    if not migrations:
        raise BackupRefused("the database has no tables of a gateway: name another one by --database-url, or run gateway migrate")
    return DatabaseFacts([row[0] for row in migrations], epochs[0][0] if epochs else 0, dict(workspaces))


def _rows(raw: sqlite3.Connection, text: str) -> list[Value]:
    try:
        return raw.execute(text).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise


def check(raw: sqlite3.Connection) -> None:
    """Raises BackupFailed where a database is damaged, or has references to rows that are not there."""
    said = [row[0] for row in raw.execute("PRAGMA integrity_check(3)")]
    if said != ["ok"]:
        raise BackupFailed(f"the copy is damaged: {'; '.join(said)}")
    if row := raw.execute("PRAGMA foreign_key_check").fetchone():
        raise BackupFailed(f"the copy is damaged: a row of {row[0]} refers to one of {row[2]} that is not there")


def check_file(path: Path) -> None:
    """The same of a file. Raises BackupFailed."""
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as raw:
            check(raw)
    except sqlite3.Error as error:
        raise BackupFailed(f"the backup can't be read: {error}") from error
