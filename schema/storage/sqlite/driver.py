"""SQLite: reads run in the event loop's own thread as long as they are quick, and move to a worker thread when they aren't.

A thread hop costs more than a point query (26 µs against 7), so a read starts where it is. SQLite's progress handler stops it when it
has used its time, and it starts anew in a thread; reads known to be slow go there at once. For writes see `writer`.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from itertools import count
from time import perf_counter
from typing import NoReturn, TypeVar

from sqlalchemy import Dialect

from schema.storage.database import DatabaseUnavailable, Figures, LockTimeout, Row, StatementTimeout, StorageError, Work
from schema.storage.driver_errors import SQLITE_ERRORS, of_sqlite
from schema.storage.epochs import FIND, SeenEpoch
from schema.storage.incoming import INCOMING
from schema.storage.statements import SQLITE, Statement, compile_statement
from schema.storage.timing import FAILED, Timing
from schema.values import Value, Values

from .checkpoints import Checkpoints
from .file import OpenFile, make_private, use_log, with_place
from .kept_values import KEPT_BYTES, STATEMENTS, drop_statements
from .synchronous import in_portions, run_synchronously, write_nothing
from .writer import OverBudget, SqliteWriter

T = TypeVar("T")
ReadWork = Callable[[sqlite3.Cursor], Sequence[Row]]

INLINE_SECONDS = 0.004
SLOW_SECONDS = 5.0
"""Seconds for which a slow statement goes straight to a thread; then it may prove quick again."""
SLOW_MEMORY = 1_000
READER_THREADS = 4
POLL_SECONDS = 0.2
CLOSE_SECONDS = 5.0
LOOK_SECONDS = 5.0
"""Between looks at the write-ahead log's size; one that is large is tried to be shortened each sixth time."""
CACHE_KIB = 65_536
"""Pages of the file that a connection keeps; what is mapped isn't kept again, so it is the writer that fills this."""
MAPPED_BYTES = 1_073_741_824
"""The first so many bytes of the file are mapped into memory, which the system takes back when another needs it."""
_PROGRESS_STEPS = 10_000

_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA cache_size=-{CACHE_KIB}",
    f"PRAGMA mmap_size={MAPPED_BYTES}",
    "PRAGMA temp_store=MEMORY",
    # The module `checkpoints` decides when to checkpoint, and in which process.
    "PRAGMA wal_autocheckpoint=0",
    # A log that has grown is cut to this many bytes when it starts again.
    "PRAGMA journal_size_limit=16777216",
)


class SqliteConnection:
    """A connection and its deadline. Its coroutines never suspend, so that work can be driven without an event loop."""

    dialect: Dialect = SQLITE

    def __init__(self, path: str, timing: Timing, *, busy: float = 0.0) -> None:
        """`busy` is how long a statement waits for another program's lock, in seconds."""
        self.timing = timing
        self.raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=busy, cached_statements=STATEMENTS)
        self.deadline = float("inf")
        self.slow: dict[int, float] | None = None
        self.inline = False
        self.drop_at = INCOMING.bytes + KEPT_BYTES
        use_log(self.raw, busy)
        for pragma in _PRAGMAS:
            self.raw.execute(pragma)
        # The first read opens the log and the shared memory beside the file, by its path: later the file may have lost its name.
        self.raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self.raw.set_progress_handler(self._late, _PROGRESS_STEPS)
        self._check()

    def _check(self) -> None:
        found = [self.raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "foreign_keys")]
        if found != [2, 1]:
            raise DatabaseUnavailable("SQLite refused synchronous=FULL or foreign_keys=ON")

    def _late(self) -> bool:
        return perf_counter() > self.deadline

    async def fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        return self.rows(statement, values)

    async def fetch_portions(self, statement: Statement, values: Values, size: int, look: Callable[[Sequence[Row]], None]) -> Sequence[Row]:
        return self.rows(statement, values, partial(in_portions, size, look))

    def rows(self, statement: Statement, values: Values, read: ReadWork = sqlite3.Cursor.fetchall) -> Sequence[Row]:
        """All rows, as `read` gets them.

        Raises OverBudget after the deadline, and at once for what was slow lately if this is the event loop's thread.
        """
        timing, began = self.timing, perf_counter()
        if self.slow and self.inline and self.slow.get(hash(statement.text), 0.0) > began:
            raise OverBudget
        try:
            rows = read(self.raw.execute(statement.text, statement.bind(values)))
        except SQLITE_ERRORS as error:
            self._fail(error, statement, began)
        took = perf_counter() - began
        timing.note(took)
        if took > timing.above:
            timing.report(statement, took, len(rows))
        if INCOMING.bytes > self.drop_at:
            self.drop_at = drop_statements(self.raw)
        if self.slow and took < INLINE_SECONDS / 2:
            # Wherever it ran, it has shown that it is no longer slow.
            self.slow.pop(hash(statement.text), None)
        return rows

    async def execute(self, statement: Statement, values: Values) -> int:
        timing, began = self.timing, perf_counter()
        try:
            count = self.raw.execute(statement.text, statement.bind(values)).rowcount
        except SQLITE_ERRORS as error:
            self._fail(error, statement, began)
        took = perf_counter() - began
        timing.note(took)
        if took > timing.above:
            timing.report(statement, took, count)
        if INCOMING.bytes > self.drop_at:
            self.drop_at = drop_statements(self.raw)
        return count

    async def execute_many(self, statement: Statement, rows: Iterable[Values]) -> None:
        began = perf_counter()
        try:
            count = self.raw.executemany(statement.text, [statement.bind(row) for row in rows]).rowcount
        except SQLITE_ERRORS as error:
            self._fail(error, statement, began)
        self.timing.took(statement, perf_counter() - began, max(count, 0))

    def _fail(self, error: Exception, statement: Statement, began: float) -> NoReturn:
        """Raises what went wrong, in our words where there are any. Where waiting would hold up the event loop, a thread is to do it."""
        translated = of_sqlite(error)
        if not (self.inline and isinstance(translated, StatementTimeout | LockTimeout)):
            self.timing.took(statement, perf_counter() - began, FAILED)
        if isinstance(translated, StatementTimeout) and self.slow is not None:
            self.slow[hash(statement.text)] = perf_counter() + SLOW_SECONDS
        try:
            if translated is None:
                raise error
            if isinstance(translated, StatementTimeout) or (self.inline and isinstance(translated, LockTimeout)):
                raise OverBudget from error
            raise translated from error
        finally:
            # What is raised holds this call by its traceback, and the request.
            del error, translated


class SqliteDatabase(SeenEpoch):
    """One file, one connection for quick reads, a few threads for slow ones, one thread for writes. Times in seconds.

    While its file is moved or replaced, reads go on from what is open: it is what was acknowledged. Writes are refused.
    """

    dialect: Dialect = SQLITE

    def __init__(self, url: str, *, statement_timeout: float, acquire_timeout: float, patience: float) -> None:
        self.url = url
        self.path = url.removeprefix("sqlite:///")
        self._timeout = statement_timeout
        self._acquire = acquire_timeout
        self._patience = patience
        self._slow: dict[int, float] = {}
        self._local = threading.local()
        self.timing = Timing()
        self._opened: list[SqliteConnection] = []

    async def open(self) -> None:
        make_private(self.path)
        try:
            self._inline, writing = self._connection(), self._connection()
            # Now, since later another file may be found at the path, or none, and SQLite would make one.
            self._unused = [self._reader() for _ in range(READER_THREADS)]
            self._file = OpenFile(self.path)
            self._checkpoints = Checkpoints(self.path)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseUnavailable(with_place(str(error), self.path)) from error
        self._inline.slow, self._inline.inline = self._slow, True
        self._look_at_epoch()
        self._readers = ThreadPoolExecutor(READER_THREADS, thread_name_prefix="sqlite-read")
        self._writer = SqliteWriter(writing, self._checkpoints, self._file, timeout=self._timeout, patience=self._patience)

    def _connection(self) -> SqliteConnection:
        """One that doesn't wait for others' locks, once it is there."""
        connection = SqliteConnection(self.path, self.timing, busy=self._patience)
        connection.raw.execute("PRAGMA busy_timeout=0")
        self._opened.append(connection)
        return connection

    def _reader(self) -> SqliteConnection:
        """A connection for one of the threads."""
        connection = SqliteConnection(self.path, self.timing, busy=self._timeout)
        connection.slow = self._slow
        self._opened.append(connection)
        return connection

    async def close(self) -> None:
        await self._writer.close(self._patience + self._timeout)
        self._readers.shutdown(wait=False, cancel_futures=True)
        # Reads have a deadline of their own; only a disk that hangs keeps a thread, and what it uses, for longer.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout + CLOSE_SECONDS):
                await asyncio.to_thread(self._readers.shutdown)
            for connection in self._opened:
                connection.raw.close()
        self._opened.clear()
        self._checkpoints.close()

    def compile(self, clause: Value) -> Statement:
        return compile_statement(SQLITE, clause)

    async def fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        try:
            return _alone(self._inline, statement, values, INLINE_SECONDS)
        except OverBudget:
            return await self._in_thread(lambda connection, seconds: _alone(connection, statement, values, seconds))

    async def read(self, work: Work[T]) -> T:
        try:
            return await _snapshot(self._inline, work, INLINE_SECONDS)
        except OverBudget:
            return await self._in_thread(lambda connection, seconds: run_synchronously(_snapshot(connection, work, seconds)))

    async def check(self) -> None:
        self._file.check_writable()

    def figures(self) -> Figures:
        if not self._opened:
            return {}
        return {"gateway_sqlite_wal_bytes": self._file.log_bytes(), "gateway_database_writes_waiting": self._writer.waiting}

    async def _in_thread(self, read: Callable[[SqliteConnection, float], T]) -> T:
        if len(self._slow) > SLOW_MEMORY:
            # Whatever is slow is soon known again.
            self._slow.clear()
        latest = perf_counter() + self._acquire

        def run() -> T:
            if perf_counter() > latest:
                raise DatabaseUnavailable(f"no thread was free to read within {self._acquire:g} s")
            return read(self._thread_connection(), self._timeout)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, copy_context().run, run)
        except OverBudget as late:
            raise StatementTimeout(f"the statement ran longer than {self._timeout:g} s") from late

    async def follow(self, wake: Callable[[str | None], None]) -> None:
        shortening = asyncio.create_task(self._keep_log_short())
        # Nobody knows what was committed before the first look, so that one wakes.
        seen = -1
        try:
            while True:
                version = self._data_version()
                if version != seen:
                    seen = version
                    self._look_at_epoch()
                    wake(None)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            shortening.cancel()

    async def _keep_log_short(self) -> None:
        """Let a log restart that a long read kept growing: with the second commit after that read, even if nobody writes."""
        for turn in count():
            await asyncio.sleep(LOOK_SECONDS)
            if self._file.log_is_large() and turn % 6 == 0:
                with contextlib.suppress(StorageError):
                    await self.write(write_nothing)
                    await self.write(write_nothing)

    def _data_version(self) -> int:
        """A number that grows when another connection, of any process, has committed (2 µs). Raises DatabaseUnavailable."""
        try:
            return int(self._inline.raw.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error as error:
            raise DatabaseUnavailable(str(error)) from error

    def _look_at_epoch(self) -> None:
        """Raises DatabaseUnavailable. A database that is not migrated yet has no epoch."""
        try:
            row = self._inline.raw.execute(FIND).fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise DatabaseUnavailable(str(error)) from error
            row = None
        self.saw_epoch(row)

    async def write(self, work: Work[T], *, long: bool = False) -> T:
        return await self._writer.write(work, long=long)  # type: ignore[no-any-return]

    def _thread_connection(self) -> SqliteConnection:
        connection: SqliteConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._unused.pop()
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
    finally:
        connection.deadline = float("inf")
        if raw.in_transaction:
            raw.execute("COMMIT")


def _alone(connection: SqliteConnection, statement: Statement, values: Values, seconds: float) -> Sequence[Row]:
    """The rows of one statement, within its time."""
    connection.deadline = perf_counter() + seconds
    try:
        return connection.rows(statement, values)
    finally:
        connection.deadline = float("inf")
