"""Checks of a PostgreSQL server, and of a pooler in front of it, if there is one. Nothing is written."""

import asyncio
from typing import Final

from gateway.environment import without_password
from gateway.settings import Settings
from schema.administration.postgresql_server import ServerSession, session_at
from schema.storage.database import DatabaseUnavailable
from schema.storage.postgresql.driver import session_settings

from .process import compare_clock, report_keys
from .report import DoctorReport
from .revisions import report_revisions

CONNECT_SECONDS: Final = 5.0
#: Connections that a process opens beside its pool: it listens by one.
BESIDE_POOL: Final = 1


def check(settings: Settings, report: DoctorReport) -> None:
    """Tells of the server, what the gateway's role may do there, and how connections reach it."""
    asyncio.run(_check(settings, report))


async def _check(settings: Settings, report: DoctorReport) -> None:
    place = without_password(settings.database_url)
    try:
        where = settings.database_url, settings.statement_timeout, CONNECT_SECONDS
        async with session_at(*where) as one, session_at(*where) as other:
            report.ok("database", f"{place} answers: PostgreSQL {await one.version()}")
            await _look(one, other, settings, report)
    except DatabaseUnavailable as error:
        report.fault("database", str(error))


async def _look(one: ServerSession, other: ServerSession, settings: Settings, report: DoctorReport) -> None:
    revisions = await one.revisions()
    report_revisions(settings, report, revisions, await one.tables(), by_itself=settings.migrate)
    await _writable(one, report)
    compare_clock(report, await one.seconds(), "the server's")
    await _room(one, settings, report)
    await _pooler(one, other, settings, report)
    if revisions:
        report_keys(settings, report, await one.keys())


async def _writable(session: ServerSession, report: DoctorReport) -> None:
    if not await session.takes_writes():
        report.fault("writable", "the server takes no writes, as a standby does: name the primary, or add ?target_session_attrs=read-write")
        return
    missing = await session.missing_privileges()
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""  # noqa: PLR2004
        report.fault("writable", f"this role may not {', '.join(missing[:3])}{more}: GRANT it, or migrate as this role")
    else:
        report.ok("writable", "it takes writes, and this role may do all that is needed")


async def _room(session: ServerSession, settings: Settings, report: DoctorReport) -> None:
    """Whether the server has room for the pools of this machine's processes."""
    room, used = await session.room()
    wanted = settings.workers * (settings.pool_size + BESIDE_POOL)
    report.judge(
        "pool",
        good=wanted <= room,
        well=f"{settings.workers} × ({settings.pool_size} + {BESIDE_POOL}) connections of {room}, {used} of them in use",
        ill=f"the processes take up to {wanted} connections, and the server has {room}: lower GATEWAY_POOL_SIZE or GATEWAY_WORKERS, "
        "or raise max_connections",
    )


async def _pooler(one: ServerSession, other: ServerSession, settings: Settings, report: DoctorReport) -> None:
    """Whether there is a pooler in front of the server, seen by its effects on a session."""
    if await one.is_changed_by(other):
        await _report_notifications(one, other, report)
        return
    wanted = session_settings(settings.statement_timeout)["statement_timeout"]
    found = await one.statement_timeout()
    report.judge(
        "pooler",
        good=found == wanted,
        well="each connection keeps its session and its settings",
        ill=f"something between drops the session's settings (statement_timeout is {found} ms, not {wanted}): "
        f"ALTER ROLE … SET statement_timeout = {wanted}; docs/deploying.md has them all",
    )


async def _report_notifications(one: ServerSession, other: ServerSession, report: DoctorReport) -> None:
    late = "transaction pooling: events come up to 2 s late, and the settings of a session are lost; pool_mode = session keeps both"
    if await one.keeps_statements(other):
        report.warn("pooler", late)
    else:
        report.fault("pooler", f"{late}. Prepared statements are lost, too: PgBouncer 1.21 with max_prepared_statements = 300 keeps them")
