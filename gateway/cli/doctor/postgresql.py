"""Checks of a PostgreSQL server, and of a pooler that may stand before it. Nothing is written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from gateway.environment import without_password
from gateway.settings import Settings
from schema.storage.database import Unavailable
from schema.storage.postgresql.connecting import Connector
from schema.storage.postgresql.driver import session_settings
from schema.values import Value

from .process import compare_clock, tell_keys
from .report import DoctorReport
from .revisions import tell_revisions

CONNECT_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 3.0
#: Connections that a process opens beside its pool: it listens by one.
BESIDE_POOL: Final = 1

_PRIVILEGES = """
SELECT relname || ': ' || privilege FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND NOT has_table_privilege(pg_class.oid, privilege) ORDER BY 1
"""
_ROOM = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
  (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
"""


def check(settings: Settings, report: DoctorReport) -> None:
    """Tells of the server, what the gateway's role may do there, and how connections reach it."""
    asyncio.run(_check(settings, report))


async def _check(settings: Settings, report: DoctorReport) -> None:
    place = without_password(settings.database_url)
    try:
        async with _connected(settings) as one, _connected(settings) as other:
            report.ok("database", f"{place} answers: PostgreSQL {(await _ask(one, 'SHOW server_version'))[0][0]}")
            await _look(one, other, settings, report)
    except Unavailable as error:
        refused = isinstance(error.__cause__, ConnectionRefusedError)
        report.fault("database", f"{place}: {'nothing listens there' if refused else error}: {_remedy(str(error))}")


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[asyncpg.Connection]:
    session = session_settings(settings.statement_timeout)
    connector = Connector(settings.database_url, CONNECT_SECONDS, settings=session, statement_cache_size=0)
    connection = await connector.connect()
    try:
        yield connection
    finally:
        connection.terminate()


def _remedy(error: str) -> str:
    if "startup parameter" in error:
        return "the pooler doesn't take the session's settings; docs/deploying.md says how PgBouncer is set"
    if "password" in error or "role" in error or "authentication" in error:
        return "look at user and password in GATEWAY_DATABASE_URL"
    if "does not exist" in error:
        return "make the database by createdb, or look at its name in GATEWAY_DATABASE_URL"
    return "is the server running, and is GATEWAY_DATABASE_URL its address?"


async def _ask(connection: asyncpg.Connection, statement: str) -> Value:
    """The rows, asked for in one transaction: outside of one, a pooler may change the session between preparing and running."""
    async with connection.transaction():
        return await connection.fetch(statement, timeout=STATEMENT_SECONDS)


async def _look(one: asyncpg.Connection, other: asyncpg.Connection, settings: Settings, report: DoctorReport) -> None:
    revisions = await _revisions(one)
    tell_revisions(settings, report, revisions, by_itself=settings.migrate)
    await _writable(one, report)
    (moment,) = (await _ask(one, "SELECT extract(epoch FROM clock_timestamp())::float8"))[0]
    compare_clock(report, moment, "the server's")
    await _room(one, settings, report)
    await _pooler(one, other, settings, report)
    if revisions:
        tell_keys(settings, report, (await _ask(one, "SELECT count(*) FROM api_key WHERE revoked_at IS NULL"))[0][0])


async def _revisions(connection: asyncpg.Connection) -> list[str]:
    if (await _ask(connection, "SELECT to_regclass('alembic_version') IS NULL"))[0][0]:
        return []
    return [row[0] for row in await _ask(connection, "SELECT version_num FROM alembic_version")]


async def _writable(connection: asyncpg.Connection, report: DoctorReport) -> None:
    if (await _ask(connection, "SHOW transaction_read_only"))[0][0] == "on":
        report.fault("writable", "the server takes no writes, as a standby does: name the primary, or add ?target_session_attrs=read-write")
        return
    missing = [row[0] for row in await _ask(connection, _PRIVILEGES)]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""  # noqa: PLR2004
        report.fault("writable", f"this role may not {', '.join(missing[:3])}{more}: GRANT it, or migrate as this role")
    else:
        report.ok("writable", "it takes writes, and this role may do all that is needed")


async def _room(connection: asyncpg.Connection, settings: Settings, report: DoctorReport) -> None:
    """Whether the server has room for the pools of this machine's processes."""
    room, used = (await _ask(connection, _ROOM))[0]
    wanted = settings.workers * (settings.pool_size + BESIDE_POOL)
    report.judge(
        "pool",
        good=wanted <= room,
        well=f"{settings.workers} × ({settings.pool_size} + {BESIDE_POOL}) connections of {room}, {used} of them in use",
        ill=f"the processes take up to {wanted} connections, and the server has {room}: lower GATEWAY_POOL_SIZE or GATEWAY_WORKERS, "
        "or raise max_connections",
    )


async def _pooler(one: asyncpg.Connection, other: asyncpg.Connection, settings: Settings, report: DoctorReport) -> None:
    """Whether a pooler stands between, by what it does to a session."""
    if await _changes_sessions(one, other):
        await _tell_of_changes(one, other, report)
        return
    wanted = session_settings(settings.statement_timeout)["statement_timeout"]
    (found,) = (await _ask(one, "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'"))[0]
    report.judge(
        "pooler",
        good=found == wanted,
        well="each connection keeps its session and its settings",
        ill=f"something between drops the session's settings (statement_timeout is {found} ms, not {wanted}): "
        f"ALTER ROLE … SET statement_timeout = {wanted}; docs/deploying.md has them all",
    )


async def _pid(connection: asyncpg.Connection) -> int:
    """The server's process behind a connection."""
    return int((await _ask(connection, "SELECT pg_backend_pid()"))[0][0])


async def _changes_sessions(one: asyncpg.Connection, other: asyncpg.Connection) -> bool:
    """Whether the session that one connection has just used is another's in the next moment."""
    first = await _pid(one)
    async with other.transaction():
        await other.fetch("SELECT 1", timeout=STATEMENT_SECONDS)
        return await _pid(one) != first


async def _tell_of_changes(one: asyncpg.Connection, other: asyncpg.Connection, report: DoctorReport) -> None:
    late = "transaction pooling: events come up to 2 s late, and the settings of a session are lost; pool_mode = session keeps both"
    if await _keeps_statements(one, other):
        report.warn("pooler", late)
    else:
        report.fault("pooler", f"{late}. Prepared statements are lost, too: PgBouncer 1.21 with max_prepared_statements = 300 keeps them")


async def _keeps_statements(one: asyncpg.Connection, other: asyncpg.Connection) -> bool:
    """Whether a prepared statement is found again in another session."""
    statement = await one.prepare("SELECT 1", timeout=STATEMENT_SECONDS)
    try:
        async with other.transaction():
            await other.fetch("SELECT 1", timeout=STATEMENT_SECONDS)
            await statement.fetch(timeout=STATEMENT_SECONDS)
    except asyncpg.PostgresError:
        return False
    return True
