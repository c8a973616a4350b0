"""SQLite's file as it is found at its path: the one that is open or another one, and how long its write-ahead log is."""

import contextlib
import logging
import os
import sqlite3
import time
from typing import Final, TypeAlias

from schema.storage.database import FileReplaced, ReadOnly

_log = logging.getLogger(__name__)

LARGE_LOG = 64 * 1024 * 1024
"""Bytes of the write-ahead log above which it is worth a warning. It is usually below 5 MB."""

FileIdentity: TypeAlias = tuple[int, int]
OWNER_ONLY = 0o600
PAUSE_SECONDS: Final = 0.02


def make_private(path: str) -> None:
    """Makes an empty file where there is none, for its owner alone: SQLite gives its log and its index the same rights.

    A file that is there keeps the rights that its owner gave it. What else hinders is for SQLite to tell.
    """
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY))


def use_log(raw: sqlite3.Connection, patience: float) -> None:
    """Switch a file to a write-ahead log. Raises sqlite3.OperationalError where others have locked it for more than `patience` seconds.

    Several processes may start over a new file at once, and of those that switch it SQLite refuses some without a wait of its own.
    """
    latest = time.monotonic() + patience
    while True:
        try:
            raw.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > latest:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def file_problem(path: str) -> str:
    """Return what in the file system prevents a file from being opened or written; an empty text if that is not the cause."""
    folder = os.path.dirname(path) or "."  # noqa: PTH120  as SQLite reads it
    if os.path.isdir(path):  # noqa: PTH112
        return f"{path} is a folder: name a file in it"
    if not os.path.isdir(folder):  # noqa: PTH112
        return f"there is no folder {folder}: make it, or name another file"
    shut = next((each for each in (path, folder) if os.path.exists(each) and not os.access(each, os.R_OK | os.W_OK)), None)  # noqa: PTH110
    return f"this user may not read and write {os.path.abspath(shut)}" if shut else ""  # noqa: PTH100


def with_place(message: str, path: str) -> str:
    """SQLite's message with the file that it is about, and what of the file system hinders."""
    why = file_problem(path)
    return f"{message} (sqlite:///{path})" + (f": {why}" if why else "")


class OpenFile:
    """The database at `path`, which is open, and its write-ahead log. What is written to a file that has lost its name is lost, too."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._log_path = f"{path}-wal"
        self._known = _identity(path)
        self._known_log = _identity(self._log_path)
        self._replaced = False
        self._warned = LARGE_LOG

    def check(self) -> None:
        """Raises FileReplaced (a few microseconds)."""
        log = _identity(self._log_path)
        if self._known_log is None:
            # It is made by the first who reads or writes.
            self._known_log = log
        if _identity(self._path) == self._known and log == self._known_log:
            self._note(replaced=False)
            return
        self._note(replaced=True)
        raise FileReplaced(f"{self._path} or its -wal was moved, deleted or replaced")

    def check_writable(self) -> None:
        """Raises FileReplaced, ReadOnly."""
        self.check()
        if not os.access(self._path, os.W_OK):
            raise ReadOnly(with_place("the file is read-only", self._path))

    def log_bytes(self) -> int:
        """The size of the write-ahead log."""
        try:
            return os.stat(self._log_path).st_size  # noqa: PTH116  as below
        except OSError:
            return 0

    def log_is_large(self) -> bool:
        """Whether the write-ahead log has outgrown its size; said in the log once, and each time that it has doubled."""
        size = self.log_bytes()
        if size > self._warned:
            _log.warning(
                "the write-ahead log %s has %d MB: another program has been reading %s for a long time",
                self._log_path,
                size >> 20,
                self._path,
            )
            self._warned = size * 2
        elif size <= LARGE_LOG:
            self._warned = LARGE_LOG
        return size > LARGE_LOG

    def _note(self, *, replaced: bool) -> None:
        if replaced == self._replaced:
            return
        self._replaced = replaced
        if replaced:
            _log.error(
                "%s or its -wal was moved, deleted or replaced: writes are refused until it is back, or the gateway is started anew",
                self._path,
            )
        else:
            _log.warning("%s is back: writes are taken again", self._path)


def _identity(path: str) -> FileIdentity | None:
    try:
        found = os.stat(path)  # noqa: PTH116  a path's own takes three times as long
    except OSError:
        return None
    return found.st_dev, found.st_ino
