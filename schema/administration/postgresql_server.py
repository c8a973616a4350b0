"""Facts about a PostgreSQL server, and whether a pooler in front of it changes sessions. Nothing is written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from schema.storage.postgresql.connector import connected
from schema.storage.postgresql.driver import session_settings
from schema.values import Value

from .sqlite_file import KEYS, REVISIONS

STATEMENT_SECONDS: Final = 3.0

_PRIVILEGES: Final = """
SELECT relname || ': ' || privilege FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND NOT has_table_privilege(pg_class.oid, privilege) ORDER BY 1
"""
_ROOM: Final = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
"""


class ServerSession:
    """A connection, set as the gateway's own are."""

    def __init__(self, raw: asyncpg.Connection) -> None:
        self._raw = raw

    async def _rows(self, statement: str) -> Value:
        """The rows, asked for in one transaction: outside of one, a pooler may change the session between preparing and running."""
        async with self._raw.transaction():
            return await self._raw.fetch(statement, timeout=STATEMENT_SECONDS)

    async def _value(self, statement: str) -> Value:
        return (await self._rows(statement))[0][0]

    async def version(self) -> str:
        """The server's version."""
        return str(await self._value("SHOW server_version"))

    async def revisions(self) -> list[str]:
        """The revisions that the database is at, none where it was never migrated."""
        missing = await self._value("SELECT to_regclass('alembic_version') IS NULL")
        return [] if missing else [row[0] for row in await self._rows(REVISIONS)]

    async def tables(self) -> list[str]:
        """The names of the tables where new ones are made."""
        return [row[0] for row in await self._rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]

    async def seconds(self) -> float:
        """The server's clock, in seconds since 1970."""
        return float(await self._value("SELECT extract(epoch FROM clock_timestamp())::float8"))

    async def keys(self) -> int:
        """The number of API keys that aren't revoked."""
        return int(await self._value(KEYS))

    async def takes_writes(self) -> bool:
        """Whether it isn't a standby."""
        return bool(await self._value("SHOW transaction_read_only") == "off")

    async def missing_privileges(self) -> list[str]:
        """The privileges that the role lacks, as `table: PRIVILEGE`."""
        return [row[0] for row in await self._rows(_PRIVILEGES)]

    async def room(self) -> tuple[int, int]:
        """The most connections that the server accepts, and the present number."""
        room, used = (await self._rows(_ROOM))[0]
        return room, used

    async def statement_timeout(self) -> str:
        """The session's time for a statement, in milliseconds."""
        return str(await self._value("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'"))

    async def _process(self) -> int:
        return int(await self._value("SELECT pg_backend_pid()"))

    async def is_changed_by(self, other: "ServerSession") -> bool:
        """Whether the session that this connection has just used is another's in the next moment."""
        first = await self._process()
        async with other.busy():
            return await self._process() != first

    async def keeps_statements(self, other: "ServerSession") -> bool:
        """Whether a statement that this connection has prepared is found again while `other` has its session."""
        statement = await self._raw.prepare("SELECT 1", timeout=STATEMENT_SECONDS)
        try:
            async with other.busy():
                await statement.fetch(timeout=STATEMENT_SECONDS)
        except asyncpg.PostgresError:
            return False
        return True

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Inside it, a transaction is under way that has asked for something."""
        async with self._raw.transaction():
            await self._raw.fetch("SELECT 1", timeout=STATEMENT_SECONDS)
            yield


@asynccontextmanager
async def session_at(url: str, statement_timeout: float, seconds: float) -> AsyncIterator[ServerSession]:
    """A session of its own, connected to within so many seconds. Raises DatabaseUnavailable."""
    async with connected(url, seconds, settings=session_settings(statement_timeout), statement_cache_size=0) as raw:
        yield ServerSession(raw)
