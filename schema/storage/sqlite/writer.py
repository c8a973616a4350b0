"""Writing to SQLite: transactions that wait together are committed together, since the wait for the disk costs more than they do.

Statements run in the event loop's thread (a transaction takes some 100 µs), the commit with its fsync in a thread of its own. What
arrives meanwhile makes up the next batch; each of it is a savepoint, so one that fails takes nothing else back. Nothing is acknowledged
before the commit of its batch. Nobody waits for its turn, or for another program's lock, longer than the writer's patience.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from schema.storage.database import LockTimeout, StatementTimeout, Work
from schema.storage.driver_errors import of_sqlite
from schema.values import Value

from .checkpoints import Checkpoints
from .file import OpenFile
from .synchronous import run_synchronously

MAX_BATCH = 32
TICK_SECONDS = 0.25
_BUSY = "PRAGMA busy_timeout={}"


class OverBudget(Exception):
    """A statement was stopped because its time was over."""


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    long: bool
    latest: float
    done: "asyncio.Future[Value] | None"
    """None once it is settled: the error's traceback holds this job, which is not to hold the error. Nothing would end that in time."""
    value: Value = None
    error: BaseException | None = None
    context: Context = field(default_factory=copy_context)
    """The caller's context: reports of slow statements name the caller's request."""

    def settle(self) -> None:
        done, error, self.done, self.error = self.done, self.error, None, None
        if done is None or done.done():
            return  # the caller has gone; what was written stays written
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(self.value)

    def refuse_if_late(self) -> bool:
        """Whether it has waited too long: nothing of it has been done."""
        if perf_counter() > self.latest:
            self.error = LockTimeout("the write waited too long for its turn")
        return self.error is not None


class SqliteWriter:
    """One connection that writes, one transaction for all who wait. `timeout` is a transaction's, `patience` is for its turn; seconds."""

    def __init__(
        self,
        connection: Value,
        checkpoints: Checkpoints,
        file: OpenFile,
        *,
        timeout: float,
        patience: float,
    ) -> None:
        self._connection = connection
        self._checkpoints = checkpoints
        self._file = file
        self._timeout = timeout
        self._patience = patience
        self._waiting: deque[_Job] = deque()
        self._batch: asyncio.Task[None] | None = None
        self._sweeping = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-write")

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def close(self, seconds: float) -> None:
        """Ends what is under way, within so many seconds."""
        if self._batch is not None:
            await asyncio.wait([self._batch], timeout=seconds)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def write(self, work: Work[Any], *, long: bool) -> Value:
        """The result of `work`, once it is committed; `long` work keeps out of the event loop's thread. Raises DatabaseUnavailable."""
        job = _Job(work, long, perf_counter() + self._patience, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._batch is None:
            self._batch = asyncio.create_task(self._batches())
        elif not self._sweeping:
            self._sweep_later()
        assert job.done is not None
        return await job.done

    async def _batches(self) -> None:
        try:
            while jobs := self._next():
                await self._carry_out(jobs)
        finally:
            self._batch = None

    def _next(self) -> list[_Job]:
        """The first in line whose callers are still there."""
        jobs: list[_Job] = []
        while self._waiting and len(jobs) < MAX_BATCH:
            job = self._waiting.popleft()
            if job.done is not None and not job.done.done():
                jobs.append(job)
        return jobs

    async def _carry_out(self, jobs: list[_Job]) -> None:
        """Begin, run each job, commit. Jobs rolled back by another's failure go first in the queue again."""
        try:
            await self._begin(jobs[0].latest)
            await self._work(jobs)
            again: list[_Job] = []
        except _RolledBack:
            again = [job for job in jobs if job.error is None]
        except Exception as error:  # noqa: BLE001  whatever it is, those who wait must hear of it
            again = self._refused(jobs, _error_for_caller(error))
        self._waiting.extendleft(reversed(again))
        for job in jobs:
            if job not in again:
                job.settle()

    def _refused(self, jobs: list[_Job], error: BaseException) -> list[_Job]:
        """Return the jobs that may try again: a lock fails only those that have waited long enough, other errors fail all."""
        lasting = isinstance(error, LockTimeout)
        again = [job for job in jobs if lasting and perf_counter() < job.latest]
        for job in jobs:
            job.error = job.error or error
        for job in again:
            job.error = None
        return again

    async def _work(self, jobs: list[_Job]) -> None:
        try:
            for job in jobs:
                if job.long:
                    await self._in_thread(self._attempt, job, len(jobs) > 1)
                else:
                    self._attempt(job, len(jobs) > 1)
            if any(job.error is None for job in jobs):
                await self._in_thread(self._commit)
        finally:
            # A full disk has rolled back by itself.
            if self._connection.raw.in_transaction:
                self._execute("ROLLBACK")

    async def _begin(self, latest: float) -> None:
        # A deferred BEGIN that turns into a write fails at once under contention, whatever the busy timeout; IMMEDIATE waits its turn:
        # not at all here, where others would wait too, but in the thread.
        self._connection.deadline = float("inf")
        self._file.check()
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            self._execute(_BUSY.format(max(int((latest - perf_counter()) * 1000), 1)))
            try:
                await self._in_thread(self._execute, "BEGIN IMMEDIATE")
            finally:
                self._execute(_BUSY.format(0))

    def _attempt(self, job: _Job, several: bool) -> None:  # noqa: FBT001
        if job.refuse_if_late():
            return
        if several:
            self._execute("SAVEPOINT job")
        self._connection.deadline = perf_counter() + self._timeout
        try:
            coroutine: Value = job.work(self._connection)
            job.value = job.context.run(run_synchronously, coroutine)
        except BaseException as error:
            job.error = _error_for_caller(error)
            self._connection.deadline = float("inf")
            if not self._connection.raw.in_transaction:
                raise _RolledBack from error
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

    async def _in_thread(self, function: Callable[..., None], *arguments: Value) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def _sweep_later(self) -> None:
        self._sweeping = True
        asyncio.get_running_loop().call_later(TICK_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Refuse jobs that have waited too long for long work: they have no turn at which they could be refused."""
        self._sweeping = False
        for job in self._waiting:
            if job.refuse_if_late():
                job.settle()
        if self._waiting:
            self._waiting = deque(job for job in self._waiting if job.done is not None and not job.done.done())
            self._sweep_later()


class _RolledBack(Exception):
    """SQLite has rolled back the whole transaction because of one statement: its disk is full, or it was stopped."""


def _error_for_caller(error: BaseException) -> BaseException:
    """Return the caller's error for a failed transaction, such as StatementTimeout, or the error of a locked or full file."""
    if isinstance(error, OverBudget):
        return StatementTimeout("the transaction took too long")
    return (of_sqlite(error) if isinstance(error, sqlite3.Error) else None) or error
