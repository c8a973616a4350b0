"""Translates drivers' errors, in one table: retry later, mend the request, or a defect of ours.

Only locks, time limits, lost connections, a full disk, and a server that is read-only or is being stopped are DatabaseUnavailable. A value
or a size that the database can't take is InputRejected. Whatever isn't in the table is a defect: it is raised as it is, so that the log has
all of it.
"""

import re
import sqlite3
from collections.abc import Mapping
from typing import Final

import asyncpg
import orjson

from .database import Contention, DatabaseUnavailable, InputRejected, LockTimeout, ReadOnly, StatementTimeout, StorageError

_VALUE: Final = "A value is outside of what the database can hold: give a smaller number, or text without control characters."
_SIZE: Final = "The request is too complex for the database: ask with fewer conditions, fields or levels."

_REFERRED: Final = (
    "Other records still refer to this one, of a package that isn't loaded here: name it in GATEWAY_EXTENSIONS, and do this again."
)

_SQLSTATES: Final[Mapping[str, type[StorageError]]] = {
    "08": DatabaseUnavailable,  # the connection is lost
    "22": InputRejected,  # a value is out of range, or text isn't text
    "23503": InputRejected,  # another record refers to it
    "25006": ReadOnly,
    "25P03": DatabaseUnavailable,  # idle in a transaction for too long
    "25P04": DatabaseUnavailable,  # in a transaction for too long
    "28": DatabaseUnavailable,  # the server no longer takes our password
    "3D000": DatabaseUnavailable,  # there is no such database
    "40001": Contention,
    "40003": DatabaseUnavailable,
    "40P01": Contention,  # deadlock
    "53": DatabaseUnavailable,  # memory, disk or connections are used up
    "54": InputRejected,  # a statement is too complex
    "55006": DatabaseUnavailable,
    "55P03": LockTimeout,
    "57": DatabaseUnavailable,  # the server is stopped, starts, or has crashed
    "57014": StatementTimeout,
    "58": DatabaseUnavailable,  # the server's disk
}
"""PostgreSQL's error codes (https://www.postgresql.org/docs/current/errcodes-appendix.html): a whole code goes before its class."""
_TOLD: Final[Mapping[str, str]] = {"22": _VALUE, "23": _REFERRED}

_SQLITE: Final[Mapping[int, type[StorageError]]] = {
    sqlite3.SQLITE_BUSY: LockTimeout,
    sqlite3.SQLITE_LOCKED: LockTimeout,
    sqlite3.SQLITE_PROTOCOL: DatabaseUnavailable,
    sqlite3.SQLITE_FULL: DatabaseUnavailable,
    sqlite3.SQLITE_IOERR: DatabaseUnavailable,
    sqlite3.SQLITE_CANTOPEN: DatabaseUnavailable,
    sqlite3.SQLITE_CORRUPT: DatabaseUnavailable,
    sqlite3.SQLITE_NOTADB: DatabaseUnavailable,
    sqlite3.SQLITE_NOMEM: DatabaseUnavailable,
    sqlite3.SQLITE_READONLY: ReadOnly,
    sqlite3.SQLITE_INTERRUPT: StatementTimeout,
    sqlite3.SQLITE_TOOBIG: InputRejected,
}
"""SQLite's primary result codes (https://www.sqlite.org/rescode.html)."""

_BY_TEXT: Final[Mapping[str, str]] = {
    "Expression tree is too large": _SIZE,
    "too many SQL variables": _SIZE,
    "too many columns": _SIZE,
    "too many terms in compound SELECT": _SIZE,
    "at most 64 tables in a join": _SIZE,
    "parser stack overflow": _SIZE,
    "integer overflow": _VALUE,
    "FOREIGN KEY constraint failed": _REFERRED,
    "the number of query arguments cannot exceed": _SIZE,
    "memory exhausted at or near": _SIZE,
}
"""Beginnings of messages that have no code of their own, with the client's message."""


SQLITE_ERRORS: Final = (sqlite3.Error, OverflowError, UnicodeEncodeError, orjson.JSONEncodeError)
"""The exceptions that sqlite3 raises for a statement and its values; lists are sent as JSON."""

DRIVER_ERRORS: Final = (sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError)
"""The drivers' own exceptions, for code that uses them directly: a copy, a wipe, bulk rows."""


_ARGUMENT: Final = re.compile(r"(invalid input for query argument \$\d+): .* (\(.*\))", re.DOTALL)
"""What asyncpg says of a value that it can't send, with the value."""


def of_postgresql(error: Exception, *, closed: bool) -> StorageError | None:
    """Return the StorageError for an error of asyncpg; None for a defect. `closed` says whether its connection is lost.

    The error loses what it tells of rows and values: it goes to the log, which holds none.
    """
    if isinstance(error, asyncpg.PostgresError):
        error.detail = None
    if isinstance(error, asyncpg.DataError | asyncpg.InterfaceError):
        error.args = tuple(_ARGUMENT.sub(r"\1 \2", str(each)) for each in error.args)
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return ReadOnly(str(error))
    if isinstance(error, asyncpg.OutdatedSchemaCacheError | asyncpg.InvalidCachedStatementError) or _was_not_sent(error):
        return Contention(str(error))
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return _made(_SQLSTATES.get(state) or _SQLSTATES.get(state[:2]), error, _TOLD.get(state[:2], _SIZE))
    # An InterfaceError is asyncpg's way to say that it was used wrongly, with a closed connection among other things.
    if isinstance(error, asyncpg.InterfaceError) and not closed:
        return _made(InputRejected if isinstance(error, ValueError) else None, error, _VALUE)
    if isinstance(error, OSError | asyncpg.InternalClientError | asyncpg.InterfaceError):
        return DatabaseUnavailable(f"{type(error).__name__}: {error}")
    return None


def _was_not_sent(error: Exception) -> bool:
    """Whether asyncpg didn't send a statement, because the server had said goodbye while nothing was asked of it.

    It does so where a transaction is left idle for too long, or before a restart. The connection is of no more use.
    """
    return isinstance(error, asyncpg.InternalClientError) and str(error).startswith("cannot switch to state")


def of_sqlite(error: Exception) -> StorageError | None:
    """Return the StorageError for an error that sqlite3 raised (some are Python's own classes, as OverflowError); None for a defect."""
    if isinstance(error, OverflowError | UnicodeEncodeError | orjson.JSONEncodeError):
        return InputRejected(_VALUE)
    return _made(_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF), error, _SIZE)


def _made(kind: type[StorageError] | None, error: Exception, told: str) -> StorageError | None:
    if kind is InputRejected:
        return InputRejected(told)
    if kind is not None:
        return kind(str(error))
    found = next((told for beginning, told in _BY_TEXT.items() if str(error).startswith(beginning)), None)
    return None if found is None else InputRejected(found)
