"""PostgreSQL through asyncpg: dates and instants travel as ISO 8601 text, so that rows are the same as SQLite's."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Dialect

from .connections import Connections
from .database import Row, StatementTimeout, Unavailable, Work
from .statements import POSTGRESQL, Statement, compile_statement

T = TypeVar("T")

ATTEMPTS = 12
CHANNEL = "gateway_events"
POLL_SECONDS = 2.0
_RETRIABLE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)


def _instant(text: str) -> str:
    """`2025-01-20 10:00:00+00` as `2025-01-20T10:00:00Z` (the session's time zone is UTC, columns hold whole seconds)."""
    return f"{text[:10]}T{text[11:19]}Z"


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec("timestamptz", schema="pg_catalog", encoder=str, decoder=_instant, format="text")
    await connection.set_type_codec("date", schema="pg_catalog", encoder=str, decoder=str, format="text")


async def _keep(_: Any) -> None:
    """Nothing that a session sets here outlives its transaction, so a connection goes back as it is, without a round trip."""


class PostgresqlConnection:
    """A pooled connection inside a transaction, or about to run one single statement."""

    dialect: Dialect = POSTGRESQL

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        rows: Sequence[Row] = await self.raw.fetch(statement.text, *statement.bind(values))
        return rows

    async def fetch_portions(
        self, statement: Statement, values: Mapping[str, Any], size: int, look: Callable[[Sequence[Row]], None]
    ) -> Sequence[Row]:
        binds = statement.bind(values)
        # One round trip for whoever has no more than a portion; a cursor takes two for its first.
        rows: list[Row] = await self.raw.fetch(f"{statement.text}\nLIMIT {size + 1}", *binds)
        if len(rows) <= size:
            return rows
        rows.clear()
        cursor = await self.raw.cursor(statement.text, *binds)
        while portion := await cursor.fetch(size):
            look(portion)
            rows += portion
        return rows

    async def execute(self, statement: Statement, values: Mapping[str, Any]) -> int:
        status: str = await self.raw.execute(statement.text, *statement.bind(values))
        return int(status.rpartition(" ")[2])

    async def execute_many(self, statement: Statement, rows: Iterable[Mapping[str, Any]]) -> None:
        await self.raw.executemany(statement.text, [statement.bind(row) for row in rows])


class PostgresqlDatabase:
    """A pool of connections. A write that loses a serialization race is tried again, with growing, random pauses."""

    dialect: Dialect = POSTGRESQL

    def __init__(self, url: str, *, statement_timeout: float, pool_size: int, acquire_timeout: float) -> None:
        self.url = url
        self._timeout = statement_timeout
        self._size = pool_size
        self._acquire = acquire_timeout

    async def open(self) -> None:
        settings = {
            "statement_timeout": str(int(self._timeout * 1000)),
            "idle_in_transaction_session_timeout": str(int(self._timeout * 4000)),
            "timezone": "UTC",
            "datestyle": "ISO",
            "jit": "off",
            "application_name": "gateway",
        }
        try:
            pool = await asyncpg.create_pool(
                self.url,
                min_size=1,
                max_size=self._size,
                init=_prepare,
                reset=_keep,
                server_settings=settings,
                statement_cache_size=1_000,
                max_cached_statement_lifetime=0,
            )
        except (*_AWAY, asyncpg.PostgresError) as error:
            raise Unavailable(str(error)) from error
        self._connections = Connections(pool, self._size, self._acquire)

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._connections.close(), self._timeout * 2)
        except TimeoutError:
            self._connections.terminate()

    def compile(self, clause: Any) -> Statement:
        return compile_statement(POSTGRESQL, clause)

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        return await self._run(lambda connection: connection.fetch(statement, values), None)

    async def read(self, work: Work[T]) -> T:
        return await self._run(work, {"isolation": "repeatable_read", "readonly": True})

    async def write(self, work: Work[T], *, long: bool = False) -> T:
        del long  # asyncpg waits without holding anyone up
        for attempt in range(ATTEMPTS):
            try:
                return await self._run(work, {"isolation": "read_committed"})
            except _RETRIABLE:
                await asyncio.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))  # noqa: S311  jitter, not a secret
        message = f"the transaction met another one {ATTEMPTS} times"
        raise Unavailable(message)

    async def follow(self, wake: Callable[[str | None], None]) -> None:
        try:
            listener = await asyncpg.connect(self.url)
        except (*_AWAY, asyncpg.PostgresError) as error:
            raise Unavailable(str(error)) from error
        try:
            await listener.add_listener(CHANNEL, lambda *message: wake(message[-1]))
            # A notification can be lost with its connection, and a pooler may not pass them on: a slow poll makes good for that.
            while not listener.is_closed():
                await asyncio.sleep(POLL_SECONDS)
                wake(None)
        finally:
            listener.terminate()
        message = "the connection that listens for events was closed"
        raise Unavailable(message)

    async def _run(self, work: Work[T], transaction: dict[str, Any] | None) -> T:
        try:
            raw = await self._connections.take()
            try:
                result = await _on(raw, work, transaction)
            except BaseException:
                await self._connections.discard(raw)
                raise
        except asyncpg.QueryCanceledError as error:
            message = f"the statement ran longer than {self._timeout:g} s"
            raise StatementTimeout(message) from error
        except _AWAY as error:
            message = "the database is away"
            raise Unavailable(message) from error
        self._connections.keep(raw)
        return result


async def _on(raw: Any, work: Work[T], transaction: dict[str, Any] | None) -> T:
    if transaction is None:
        return await work(PostgresqlConnection(raw))
    async with raw.transaction(**transaction):
        return await work(PostgresqlConnection(raw))
