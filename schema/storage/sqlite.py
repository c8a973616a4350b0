"""SQLite: reads run in the event loop's own thread as long as they are quick, and move to a worker thread when they aren't.

A thread hop costs more than a point query (26 µs against 7), so a read starts where it is. SQLite's progress handler stops it when it
has used its time, and it starts anew in a thread; reads known to be slow go there at once. For writes see `sqlite_writer`.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import Any, TypeVar

from sqlalchemy import Dialect

from .checkpoints import Checkpoints, at_risk
from .database import Row, StatementTimeout, Unavailable, Work
from .sqlite_writer import OverBudget, SqliteWriter
from .statements import SQLITE, Statement, compile_statement

T = TypeVar("T")
Read = Callable[[sqlite3.Cursor], Sequence[Row]]

_log = logging.getLogger(__name__)

INLINE_SECONDS = 0.004
SLOW_SECONDS = 5.0
"""How long a statement that was slow is sent to a thread at once; then it may show that it is quick again."""
SLOW_MEMORY = 1_000
READER_THREADS = 4
BUSY_SECONDS = 10.0
POLL_SECONDS = 0.2
_PROGRESS_STEPS = 10_000

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA cache_size=-65536",
    "PRAGMA mmap_size=1073741824",
    "PRAGMA temp_store=MEMORY",
    # Who checkpoints, and when, is decided in `checkpoints`.
    "PRAGMA wal_autocheckpoint=0",
)


_AT_RISK = "SQLite %s has the WAL-reset bug (3.51.3 has not): gateways take turns at checkpoints; let no other program write to %s"


class SqliteConnection:
    """A connection and its deadline. Its coroutines never suspend, so that work can be driven without an event loop."""

    dialect: Dialect = SQLITE

    def __init__(self, path: str) -> None:
        self.raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS, cached_statements=512)
        self.deadline = float("inf")
        self.slow: dict[str, float] | None = None
        self.inline = False
        for pragma in _PRAGMAS:
            self.raw.execute(pragma)
        self.raw.set_progress_handler(self._late, _PROGRESS_STEPS)
        self._check()

    def _check(self) -> None:
        found = [self.raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "foreign_keys")]
        if found != [2, 1]:
            message = "SQLite refused synchronous=FULL or foreign_keys=ON"
            raise Unavailable(message)

    def _late(self) -> bool:
        return perf_counter() > self.deadline

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        return self.rows(statement, values)

    async def fetch_portions(
        self, statement: Statement, values: Mapping[str, Any], size: int, look: Callable[[Sequence[Row]], None]
    ) -> Sequence[Row]:
        return self.rows(statement, values, partial(_portions, size, look))

    def rows(self, statement: Statement, values: Mapping[str, Any], read: Read = sqlite3.Cursor.fetchall) -> Sequence[Row]:
        """All rows, as `read` gets them.

        Raises OverBudget after the deadline, and at once for what was slow lately if this is the event loop's thread.
        """
        if self.slow and statement.text in self.slow:
            return self._slow_rows(statement, values, read)
        return self._rows(statement, values, read)

    def _slow_rows(self, statement: Statement, values: Mapping[str, Any], read: Read) -> Sequence[Row]:
        """Elsewhere than in the event loop's thread it may show that it is no longer slow."""
        assert self.slow is not None
        began = perf_counter()
        if self.inline and self.slow.get(statement.text, 0.0) > began:
            raise OverBudget
        rows = self._rows(statement, values, read)
        if perf_counter() - began < INLINE_SECONDS / 2:
            self.slow.pop(statement.text, None)
        return rows

    def _rows(self, statement: Statement, values: Mapping[str, Any], read: Read) -> Sequence[Row]:
        try:
            return read(self.raw.execute(statement.text, statement.bind(values)))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            if self.slow is not None:
                self.slow[statement.text] = perf_counter() + SLOW_SECONDS
            raise OverBudget from error

    async def execute(self, statement: Statement, values: Mapping[str, Any]) -> int:
        return self.raw.execute(statement.text, statement.bind(values)).rowcount

    async def execute_many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        self.raw.executemany(statement.text, [statement.bind(row) for row in rows])


def _portions(size: int, look: Callable[[Sequence[Row]], None], cursor: sqlite3.Cursor) -> Sequence[Row]:
    rows = cursor.fetchmany(size)
    portion = rows
    while len(portion) == size:
        look(portion)
        portion = cursor.fetchmany(size)
        rows += portion
    return rows


def drive(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never suspends. Raises RuntimeError when it does: it awaited something other than its connection."""
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    work.close()
    message = "work on a database may await nothing but its connection"
    raise RuntimeError(message)


class SqliteDatabase:
    """One file, one connection for quick reads, a few threads for slow ones, one thread for writes."""

    dialect: Dialect = SQLITE

    def __init__(self, url: str, *, statement_timeout: float = 3.0) -> None:
        self.url = url
        self.path = url.removeprefix("sqlite:///")
        self._timeout = statement_timeout
        self._slow: dict[str, float] = {}
        self._local = threading.local()
        self._opened: list[SqliteConnection] = []

    async def open(self) -> None:
        try:
            self._inline = SqliteConnection(self.path)
            self._checkpoints = Checkpoints(self.path)
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(str(error)) from error
        self._inline.slow, self._inline.inline = self._slow, True
        self._opened.append(self._inline)
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="sqlite-read")
        writing = SqliteConnection(self.path)
        self._opened.append(writing)
        self._writer = SqliteWriter(writing, drive, self._checkpoints, timeout=self._timeout, busy=BUSY_SECONDS)

    async def close(self) -> None:
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        for connection in self._opened:
            connection.raw.close()
        self._opened.clear()
        self._checkpoints.close()

    def compile(self, clause: Any) -> Statement:
        return compile_statement(SQLITE, clause)

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        try:
            return _alone(self._inline, statement, values, INLINE_SECONDS)
        except OverBudget:
            return await self._in_thread(lambda connection, seconds: _alone(connection, statement, values, seconds))

    async def read(self, work: Work[T]) -> T:
        try:
            return await _snapshot(self._inline, work, INLINE_SECONDS)
        except OverBudget:
            return await self._in_thread(lambda connection, seconds: drive(_snapshot(connection, work, seconds)))

    async def _in_thread(self, read: Callable[[SqliteConnection, float], T]) -> T:
        if len(self._slow) > SLOW_MEMORY:
            # Whatever is slow is soon known again.
            self._slow.clear()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: read(self._thread_connection(), self._timeout))
        except OverBudget as late:
            message = f"the statement ran longer than {self._timeout:g} s"
            raise StatementTimeout(message) from late

    async def follow(self, wake: Callable[[str | None], None]) -> None:
        if at_risk():
            _log.warning(_AT_RISK, sqlite3.sqlite_version, self.path)
        # Nobody knows what was committed before the first look, so that one wakes.
        seen = -1
        while True:
            version = self._data_version()
            if version != seen:
                seen = version
                wake(None)
            await asyncio.sleep(POLL_SECONDS)

    def _data_version(self) -> int:
        """Grows when any other connection, of whatever process, has committed (2 µs). Raises Unavailable."""
        try:
            return int(self._inline.raw.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise Unavailable(str(error)) from error

    async def write(self, work: Work[T], *, long: bool = False) -> T:
        return await self._writer.write(work, long=long)  # type: ignore[no-any-return]

    def _thread_connection(self) -> SqliteConnection:
        connection: SqliteConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = SqliteConnection(self.path)
            connection.slow = self._slow
            self._opened.append(connection)
        return connection


async def _snapshot(connection: SqliteConnection, work: Work[T], seconds: float) -> T:
    """`work`'s result, within a time that is for its statements alone.

    BEGIN, COMMIT and what others run on the connection must not be interrupted, yet a statement's steps add up over its executions, and
    every 10,000 the clock is looked at.
    """
    raw = connection.raw
    raw.execute("BEGIN")
    connection.deadline = perf_counter() + seconds
    try:
        return await work(connection)
    except sqlite3.OperationalError as error:
        raise Unavailable(str(error)) from error
    finally:
        connection.deadline = float("inf")
        if raw.in_transaction:
            raw.execute("COMMIT")


def _alone(connection: SqliteConnection, statement: Statement, values: Mapping[str, Any], seconds: float) -> Sequence[Row]:
    """The rows of one statement, within its time."""
    connection.deadline = perf_counter() + seconds
    try:
        return connection.rows(statement, values)
    except sqlite3.OperationalError as error:
        raise Unavailable(str(error)) from error
    finally:
        connection.deadline = float("inf")
