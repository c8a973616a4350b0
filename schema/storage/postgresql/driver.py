"""PostgreSQL through asyncpg: dates and instants travel as ISO 8601 text, so that rows are the same as SQLite's."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from time import monotonic
from typing import Any, NoReturn, TypeVar

import asyncpg
from sqlalchemy import Dialect, text

from schema.storage.database import (
    Contention,
    DatabaseUnavailable,
    Figures,
    LockTimeout,
    OutcomeUnknown,
    ReadOnly,
    Row,
    StatementTimeout,
    StorageError,
    Work,
)
from schema.storage.driver_errors import of_postgresql
from schema.storage.epochs import FIND, SeenEpoch
from schema.storage.statements import POSTGRESQL, Statement, compile_statement
from schema.storage.timing import Timing
from schema.values import Value, Values

from .connector import Connector
from .pool import ConnectionPool
from .session import PostgresqlConnection

T = TypeVar("T")

ATTEMPTS = 12
CHANNEL = "gateway_events"
POLL_SECONDS = 2.0
OPEN_SECONDS = 10.0
#: Seconds that a connection may take longer than the statement's time limit, which the server keeps by itself, before it is cut off.
GRACE_SECONDS = 1.0
#: Prepared statements a connection, and the characters of one that is kept: on the server each takes 20 to 140 KB with its plan.
STATEMENTS = 300
STATEMENT_LENGTH = 16_384

_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
# PostgreSQL below 14 doesn't know it, and refuses a connection that asks for what it doesn't know.
_CHECK_CLIENT = "SELECT set_config(name, '1000', false) FROM pg_settings WHERE name = 'client_connection_check_interval'"
_READ_ONLY = compile_statement(POSTGRESQL, text("SELECT current_setting('transaction_read_only')"))


def _instant(text: str) -> str:
    """`2025-01-20 10:00:00+00` as `2025-01-20T10:00:00Z` (the session's time zone is UTC, columns hold whole seconds)."""
    return f"{text[:10]}T{text[11:19]}Z"


def _idle_seconds(timeout: float) -> float:
    """Return the seconds that a transaction may wait for this process before the server ends it."""
    return timeout * 0.8


def session_settings(timeout: float) -> dict[str, str]:
    """A session's settings. The shorter times are for others who wait for the same lock: they see a gateway that froze within a
    transaction go, or are told of a lock, before their own statement has had its time.
    """
    milliseconds = timeout * 1000
    return {
        "statement_timeout": str(int(milliseconds)),
        "lock_timeout": str(int(milliseconds * 0.9)),
        "idle_in_transaction_session_timeout": str(int(_idle_seconds(milliseconds))),
        "timezone": "UTC",
        "datestyle": "ISO",
        "jit": "off",
        "application_name": "gateway",
    }


class PostgresqlDatabase(SeenEpoch):
    """A pool of connections. What loses a serialization race is tried again, with growing, random pauses. Times in seconds."""

    dialect: Dialect = POSTGRESQL

    def __init__(self, url: str, *, statement_timeout: float, pool_size: int, acquire_timeout: float) -> None:
        self.url = url
        self._timeout = statement_timeout
        self._limit = statement_timeout + GRACE_SECONDS
        self.timing = Timing()
        self._connector = Connector(
            url,
            acquire_timeout + GRACE_SECONDS,
            prepare=self._prepare,
            settings=session_settings(statement_timeout),
            statement_cache_size=STATEMENTS,
            max_cacheable_statement_size=STATEMENT_LENGTH,
            max_cached_statement_lifetime=0,
        )
        self._connections = ConnectionPool(
            self._connector.connect, self.timing, size=pool_size, patience=acquire_timeout, limit=self._limit
        )

    async def open(self) -> None:
        self._connections.adopt(await self._connector.connect(OPEN_SECONDS))

    async def close(self) -> None:
        await self._connections.close(self._timeout * 2)

    def compile(self, clause: Value) -> Statement:
        return compile_statement(POSTGRESQL, clause)

    def figures(self) -> Figures:
        connections = self._connections
        return {
            "gateway_database_connections_in_use": connections.in_use,
            "gateway_database_connections_limit": connections.size,
            "gateway_database_connections_waiting": connections.waiting,
        }

    async def fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        connections = self._connections
        session = connections.take_now() or await connections.take()
        try:
            rows = await session.fetch(statement, values)
        except Exception as error:
            translated = await self._failed(session, error)
            if translated is None:
                raise
            try:
                if not isinstance(translated, Contention):
                    raise translated from error
            finally:
                # What is raised holds this call by its traceback, and the request.
                del translated
        except BaseException:
            connections.mend(session)
            raise
        else:
            connections.keep(session)
            return rows
        return await self._run(lambda session: session.fetch(statement, values), None)

    async def read(self, work: Work[T]) -> T:
        return await self._run(work, _READ)

    async def write(self, work: Work[T], *, long: bool = False) -> T:
        del long  # asyncpg waits without holding anyone up
        return await self._run(work, _WRITE)

    async def _prepare(self, raw: asyncpg.Connection) -> None:
        """Makes a new connection ready. It may lead to a database that was restored since the last one was made."""
        await raw.set_type_codec("timestamptz", schema="pg_catalog", encoder=str, decoder=_instant, format="text")
        await raw.set_type_codec("date", schema="pg_catalog", encoder=str, decoder=str, format="text")
        await raw.execute(_CHECK_CLIENT)
        await self._look_at_epoch(raw)

    async def _look_at_epoch(self, raw: asyncpg.Connection) -> None:
        """A database that is not migrated yet has no epoch."""
        try:
            row = await raw.fetchrow(FIND)
        except asyncpg.UndefinedTableError:
            row = None
        self.saw_epoch(row)

    async def check(self) -> None:
        rows = await self.fetch(_READ_ONLY, {})
        if rows[0][0] == "on":
            self._connections.renew(reason := "the server is in recovery, or read-only by default")
            raise ReadOnly(reason)

    async def follow(self, wake: Callable[[str | None], None]) -> None:
        listener = await self._connector.connect()
        try:
            await self._listen(listener, wake)
        except Exception as error:
            translated = of_postgresql(error, closed=True)
            if translated is None:
                raise
            try:
                raise translated from error
            finally:
                del translated
        finally:
            listener.terminate()

    async def _listen(self, listener: Any, wake: Callable[[str | None], None]) -> NoReturn:
        # A standby can't listen: its followers are served by the poll alone.
        with contextlib.suppress(asyncpg.ReadOnlySQLTransactionError):
            await self._ask(listener.add_listener(CHANNEL, lambda *message: wake(message[-1])))
        # A notification can be lost with its connection, and a pooler may not pass them on: a slow poll makes good for that, and shows
        # whether the connection is more than a socket that nobody answers.
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self._ask(self._look_at_epoch(listener))
            wake(None)

    async def _run(self, work: Work[T], begin: str | None) -> T:
        for attempt in range(ATTEMPTS):
            try:
                return await self._once(work, begin)
            except Contention:
                await asyncio.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))  # noqa: S311  jitter, not a secret
        raise DatabaseUnavailable(f"the transaction met another one {ATTEMPTS} times")

    async def _once(self, work: Work[T], begin: str | None) -> T:
        session = self._connections.take_now() or await self._connections.take()
        committing, began = False, inf
        try:
            if begin is not None:
                await session.begin(begin)
                began = session.since
            result = await work(session)
            if begin is not None:
                committing = begin is _WRITE
                await session.commit()
        except Exception as error:
            lost = session.raw.is_closed()
            translated = await self._failed(session, error)
            if translated is None:
                raise
            try:
                raise (self._lost(translated, session, committing=committing, began=began) if lost else translated) from error
            finally:
                del translated
        except BaseException:
            self._connections.mend(session)
            raise
        self._connections.keep(session)
        return result

    def _lost(self, translated: StorageError, session: PostgresqlConnection, *, committing: bool, began: float) -> StorageError:
        """Return the error of a transaction, begun at `began`, that lost its connection, which `translated` says.

        The server gives up a transaction in which this process pauses for too long, as a busy machine makes it. All of that can be done
        again. A server that was waited for isn't asked a second time.
        """
        if committing:
            return OutcomeUnknown(str(translated))
        idle = _idle_seconds(self._timeout)
        paused = session.since - began > idle and monotonic() - session.since < idle
        return Contention(str(translated)) if paused else translated

    async def _failed(self, session: PostgresqlConnection, error: Exception) -> StorageError | None:
        """Return the StorageError for an error, None for a defect or an error of the work itself; the connection is released."""
        translated = of_postgresql(error, closed=session.raw.is_closed())
        if isinstance(translated, ReadOnly):
            self._connections.renew(str(translated))
        # A session that timed out or lost a race is in order; otherwise nobody knows what state it is in.
        if isinstance(translated, DatabaseUnavailable) and not isinstance(translated, StatementTimeout | Contention | LockTimeout):
            self._connections.drop(session)
        else:
            await self._connections.settle(session)
        return translated

    async def _ask(self, asked: Awaitable[Value]) -> None:
        async with asyncio.timeout(self._limit):
            await asked
