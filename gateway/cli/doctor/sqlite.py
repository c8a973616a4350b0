"""Checks of an SQLite file. It is opened as it is: what would make or change it is only said."""

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from gateway.settings import Settings
from schema.storage.database import sqlite_path
from schema.storage.sqlite.file import LARGE_LOG

from .process import compare_clock, tell_keys
from .report import DoctorReport
from .revisions import tell_revisions

#: For another program's lock.
BUSY_SECONDS: Final = 2.0
#: Bytes of the disk that should be free: a log that is being moved into the file, and a copy of a page here and there.
FREE: Final = 268_435_456
_MEGABYTE: Final = 1_048_576


def check(settings: Settings, report: DoctorReport) -> None:
    """Tells of the file, its folder and its disk. Raises sqlite3.Error for a file that is no database."""
    path = sqlite_path(settings.database_url)
    assert path is not None
    if not path.parent.is_dir():
        report.fault("database", f"there is no folder {path.parent.resolve()}: make it, or name another file by --database-url")
        return
    _folder(path, report)
    if not path.exists():
        report.warn("database", f"there is no file {path.resolve()} yet: gateway serve makes it, as does gateway migrate")
        return
    with _opened(path) as connection:
        _look(connection, path, settings, report)


def _folder(path: Path, report: DoctorReport) -> None:
    """SQLite keeps its log beside the file."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        report.fault("folder", f"{path.parent.resolve()} can't be written, where SQLite keeps its log: let this user write there")
    free = shutil.disk_usage(path.parent).free
    report.judge(
        "disk",
        good=free >= FREE,
        well=f"{free // _MEGABYTE:,} MB free",
        ill=f"only {free // _MEGABYTE:,} MB free: make room, or writes will soon be refused",
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def _look(connection: sqlite3.Connection, path: Path, settings: Settings, report: DoctorReport) -> None:
    size = path.stat().st_size // _MEGABYTE
    try:
        revisions = _revisions(connection)
    except sqlite3.DatabaseError as error:
        report.fault("database", f"{path.resolve()}: {error}: name another file by --database-url, or put a backup in its place")
        return
    report.ok("database", f"{path.resolve()} ({size:,} MB), SQLite {sqlite3.sqlite_version}")
    tell_revisions(settings, report, revisions, by_itself=True)
    _writable(connection, path, report)
    _log(connection, path, report)
    _clock(path, report)
    if revisions:
        tell_keys(settings, report, connection.execute("SELECT count(*) FROM api_key WHERE revoked_at IS NULL").fetchone()[0])


def _revisions(connection: sqlite3.Connection) -> list[str]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
        return []
    return [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]


def _writable(connection: sqlite3.Connection, path: Path, report: DoctorReport) -> None:
    """Takes the lock that a write takes, and gives it back."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        locked = "locked" in str(error)
        what = f"another program has held the lock for {BUSY_SECONDS:g} s: end it" if locked else "let this user write the file"
        report.fault("writable", f"{path.resolve()}: {error}: {what}")
        return
    report.ok("writable", "a write gets its turn")


def _log(connection: sqlite3.Connection, path: Path, report: DoctorReport) -> None:
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        report.warn("write-ahead log", f"the journal's mode is {mode}: gateway serve changes it to WAL")
        return
    log = path.with_name(f"{path.name}-wal")
    size = log.stat().st_size if log.exists() else 0
    report.judge(
        "write-ahead log",
        good=size <= LARGE_LOG,
        well=f"{size // _MEGABYTE} MB",
        ill=f"{size // _MEGABYTE} MB: another program has been reading for a long time; end it, and the gateway shortens the log",
    )


def _clock(path: Path, report: DoctorReport) -> None:
    """A file that was changed in the future tells that the clock was set back since."""
    compare_clock(report, max(path.stat().st_mtime, time.time()), "the database's last change")
