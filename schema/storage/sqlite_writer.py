"""Writing to SQLite: transactions that wait together are committed together, since the wait for the disk costs more than they do.

Statements run in the event loop's thread (a transaction takes some 100 µs), the commit with its fsync in a thread of its own. What
arrives meanwhile makes up the next batch; each of it is a savepoint, so one that fails takes nothing else back. Nothing is acknowledged
before the commit of its batch.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from .checkpoints import Checkpoints
from .database import StatementTimeout, Unavailable, Work

MAX_BATCH = 32
_BUSY = "PRAGMA busy_timeout={}"


class OverBudget(Exception):
    """A statement was stopped because its time was over."""


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    long: bool
    done: "asyncio.Future[Any]"
    value: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.done.done():
            return  # the caller has gone; what was written stays written
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(self.value)


class SqliteWriter:
    """One connection that writes, one transaction for all who wait. Times in seconds."""

    def __init__(self, connection: Any, drive: Callable[[Any], Any], checkpoints: Checkpoints, *, timeout: float, busy: float) -> None:
        self._connection = connection
        self._checkpoints = checkpoints
        self._drive = drive
        self._timeout = timeout
        self._busy = busy
        self._waiting: deque[_Job] = deque()
        self._batch: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-write")

    async def close(self) -> None:
        """Ends what is under way."""
        if self._batch is not None:
            await asyncio.wait([self._batch])
        await asyncio.to_thread(self._thread.shutdown)

    async def write(self, work: Work[Any], *, long: bool) -> Any:
        """The result of `work`, once it is committed; `long` work keeps out of the event loop's thread. Raises Unavailable."""
        job = _Job(work, long, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._batch is None:
            self._batch = asyncio.create_task(self._batches())
        return await job.done

    async def _batches(self) -> None:
        try:
            while self._waiting:
                jobs = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
                try:
                    await self._commit_together(jobs)
                except Exception as error:  # noqa: BLE001  whatever it is, those who wait must hear of it
                    for job in jobs:
                        job.error = _told(error)
                for job in jobs:
                    job.settle()
        finally:
            self._batch = None

    async def _commit_together(self, jobs: list[_Job]) -> None:
        await self._begin()
        try:
            for job in jobs:
                if job.long:
                    await self._in_thread(self._attempt, job, len(jobs) > 1)
                else:
                    self._attempt(job, len(jobs) > 1)
            if all(job.error is not None for job in jobs):
                # A full disk has rolled back by itself.
                if self._connection.raw.in_transaction:
                    self._execute("ROLLBACK")
                return
            await self._in_thread(self._commit)
        except BaseException:
            if self._connection.raw.in_transaction:
                self._execute("ROLLBACK")
            raise

    async def _begin(self) -> None:
        # A deferred BEGIN that turns into a write fails at once under contention, whatever the busy timeout; IMMEDIATE waits its turn:
        # not at all here, where others would wait too, but in the thread.
        self._connection.deadline = float("inf")
        self._execute(_BUSY.format(0))
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            self._execute(_BUSY.format(int(self._busy * 1000)))
            await self._in_thread(self._execute, "BEGIN IMMEDIATE")

    def _attempt(self, job: _Job, several: bool) -> None:  # noqa: FBT001
        if several:
            self._execute("SAVEPOINT job")
        self._connection.deadline = perf_counter() + self._timeout
        try:
            job.value = self._drive(job.work(self._connection))
        except BaseException as error:  # noqa: BLE001  it belongs to the one whose work it was
            job.error = _told(error)
            self._connection.deadline = float("inf")
            if several:
                self._execute("ROLLBACK TO job")
        self._connection.deadline = float("inf")
        if several:
            self._execute("RELEASE job")

    def _commit(self) -> None:
        with self._checkpoints.turn(self._connection.raw):
            self._execute("COMMIT")

    def _execute(self, text: str) -> None:
        self._connection.raw.execute(text)

    async def _in_thread(self, function: Callable[..., None], *arguments: Any) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


def _told(error: BaseException) -> BaseException:
    """What the caller hears of it: that the file is locked, full or can't be read is no fault of the statement."""
    if isinstance(error, OverBudget):
        return StatementTimeout("the transaction took too long")
    return Unavailable(str(error)) if isinstance(error, sqlite3.OperationalError) else error
