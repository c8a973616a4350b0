"""Checks of an SQLite file. It is opened as it is: what would make or change it is only said."""

import os
import shutil
import time
from pathlib import Path
from typing import Final

from gateway.settings import Settings
from schema.administration.sqlite_file import VERSION, SqliteFile, opened
from schema.storage.database import StorageError, sqlite_path
from schema.storage.sqlite.file import LARGE_LOG, file_problem, with_place

from .process import compare_clock, report_keys
from .report import DoctorReport
from .revisions import report_revisions

#: For another program's lock.
BUSY_SECONDS: Final = 2.0
#: Bytes of the disk that should be free: a log that is being moved into the file, and a copy of a page here and there.
FREE: Final = 268_435_456
_MEGABYTE: Final = 1_048_576


def check(settings: Settings, report: DoctorReport) -> None:
    """Tells of the file, its folder and its disk."""
    path = sqlite_path(settings.database_url)
    assert path is not None
    if not path.parent.is_dir():
        report.fault("database", f"there is no folder {path.parent.resolve()}: make it, or name another file by --database-url")
        return
    _folder(path, report)
    if not path.exists():
        report.warn("database", f"there is no file {path.resolve()} yet: gateway serve makes it, as does gateway migrate")
        return
    try:
        with opened(path, BUSY_SECONDS) as file:
            _look(file, path, settings, report)
    except StorageError as error:
        report.fault("database", with_place(str(error), str(path)))


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


def _look(file: SqliteFile, path: Path, settings: Settings, report: DoctorReport) -> None:
    size = path.stat().st_size // _MEGABYTE
    try:
        revisions = file.revisions()
    except StorageError as error:
        report.fault("database", f"{path.resolve()}: {error}: name another file by --database-url, or put a backup in its place")
        return
    report.ok("database", f"{path.resolve()} ({size:,} MB), SQLite {VERSION}")
    report_revisions(settings, report, revisions, file.tables(), by_itself=True)
    _writable(file, path, report)
    _log(file, path, report)
    _clock(path, report)
    if revisions:
        report_keys(settings, report, file.keys())


def _writable(file: SqliteFile, path: Path, report: DoctorReport) -> None:
    try:
        file.take_lock()
    except StorageError as error:
        locked = "locked" in str(error)
        what = f"another program has held the lock for {BUSY_SECONDS:g} s: end it" if locked else "let this user write the file"
        report.fault("writable", f"{path.resolve()}: {error}: {what}")
        return
    # SQLite opens a file that may not be written for reading alone, and gives the lock all the same.
    problem = file_problem(str(path))
    if problem:
        report.fault("writable", problem)
    else:
        report.ok("writable", "a write gets its turn")


def _log(file: SqliteFile, path: Path, report: DoctorReport) -> None:
    mode = file.journal_mode()
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
    """A file whose last change lies in the future shows that the clock was set back since."""
    compare_clock(report, max(path.stat().st_mtime, time.time()), "the database's last change")
