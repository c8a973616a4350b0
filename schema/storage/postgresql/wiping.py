"""Wiping what was deleted out of PostgreSQL's tables: dead rows, and what the planner's statistics keep of values."""

import asyncio
import time

import asyncpg
from sqlmodel import SQLModel

from schema.storage.database import LockTimeout

from .connector import connected

LOCK_SECONDS = 60
"""Seconds to wait for a table's lock: while this waits for a long reader, all others wait behind it."""
SNAPSHOT_SECONDS = 60
"""Seconds to wait for transactions that may still see what was deleted: VACUUM keeps it for them, with FULL as well."""
PAUSE_SECONDS = 0.05

_ELDEST = """SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
    AND (age(backend_xmin) > age($1::text::xid) OR age(backend_xid) > age($1::text::xid))
  ORDER BY greatest(age(backend_xmin), age(backend_xid)) DESC, age(backend_xid) DESC NULLS LAST LIMIT 1"""
"""The server's process with the oldest transaction of this database, if that is older than the transaction `$1`, and no VACUUM.

While a transaction that has written is open, all others that look at data have it as their `backend_xmin`, this connection among them.
"""


async def wipe(url: str, *, full: bool = False) -> None:
    """Vacuum and analyze all tables; `full` rewrites them, for which each is locked meanwhile.

    Raises LockTimeout where another transaction still sees what was deleted, DatabaseUnavailable.
    """
    async with connected(url) as raw:
        await raw.execute("SET statement_timeout = 0")
        await raw.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
        await _wait_for_elders(raw)
        for table in (each.name for each in SQLModel.metadata.sorted_tables):
            if await raw.fetchval("SELECT to_regclass($1) IS NULL", f'"{table}"'):
                continue  # It is a table of a package that this database has nothing of.
            await raw.execute(f'VACUUM ({"FULL, " if full else ""}ANALYZE) "{table}"')
        if await raw.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            # Old samples are still stored there, and files of the old state go at the next checkpoint.
            await raw.execute(f"VACUUM {'(FULL)' if full else ''} pg_statistic")
            await raw.execute("CHECKPOINT")


async def _wait_for_elders(raw: asyncpg.Connection) -> None:
    """Return when no transaction of this database is older than this one. Raises LockTimeout."""
    now = await raw.fetchval("SELECT pg_current_xact_id()::xid::text")
    latest = time.monotonic() + SNAPSHOT_SECONDS
    while (eldest := await raw.fetchval(_ELDEST, now)) is not None:
        if time.monotonic() > latest:
            message = (
                f"a transaction of the server's process {eldest} still sees what was deleted, and PostgreSQL keeps it for that: "
                "end it, and run gateway erase remains"
            )
            raise LockTimeout(message)
        await asyncio.sleep(PAUSE_SECONDS)
