"""Wiping what was deleted out of PostgreSQL's tables: dead rows, and what the planner's statistics keep of values."""

from sqlmodel import SQLModel

from .connector import connected

LOCK_SECONDS = 60
"""Seconds to wait for a table's lock: while this waits for a long reader, all others wait behind it."""


async def wipe(url: str, *, full: bool = False) -> None:
    """Vacuum and analyze all tables; `full` rewrites them, for which each is locked meanwhile. Raises DatabaseUnavailable."""
    async with connected(url) as raw:
        await raw.execute("SET statement_timeout = 0")
        await raw.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
        for table in (each.name for each in SQLModel.metadata.sorted_tables):
            if await raw.fetchval("SELECT to_regclass($1) IS NULL", f'"{table}"'):
                continue  # It is a table of a package that this database has nothing of.
            await raw.execute(f'VACUUM ({"FULL, " if full else ""}ANALYZE) "{table}"')
        if await raw.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            # Old samples are still stored there, and files of the old state go at the next checkpoint.
            await raw.execute(f"VACUUM {'(FULL)' if full else ''} pg_statistic")
            await raw.execute("CHECKPOINT")
