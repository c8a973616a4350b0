"""A backup of PostgreSQL by its own tools, `pg_dump` and `pg_restore`, and what the gateway adds to them.

`pg_dump` reads the snapshot of which the manifest tells the revisions. Passwords go by the environment, never on a command line.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import asyncpg

from schema.storage.manifest import BackupFailed, BackupRefused, DatabaseFacts, ReportBytes
from schema.values import Value

from .connector import connected

LOOK_SECONDS: Final = 0.5
"""Between two looks at how much is written."""
SHOWN: Final = 3
"""The most lines of a tool's output that are shown."""
DUMP: Final = ("pg_dump", "--format=custom", "--no-owner", "--no-privileges")
RESTORE: Final = ("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")

_RELATIONS = """SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"""
_OPTION: Final = "password="
_GATEWAYS = """SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'gateway' AND pid <> pg_backend_pid()"""


async def copy(url: str, target: Path, tell: ReportBytes) -> DatabaseFacts:
    """Dumps the database into `target`, checks that it can be read, and says what is in it. Raises BackupRefused, BackupFailed."""
    _find("pg_dump", f"{' '.join(DUMP)} --file=FILE DATABASE")
    async with connected(url) as raw:
        await raw.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await raw.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        found = await facts(raw)
        snapshot = await raw.fetchval("SELECT pg_export_snapshot()")
        size = await raw.fetchval("SELECT pg_database_size(current_database())")
        await _run([*DUMP, f"--snapshot={snapshot}", f"--file={target}"], url, lambda: tell(target.stat().st_size, size))
    await _run(["pg_restore", f"--file={os.devnull}", str(target)])
    return found


async def facts(raw: asyncpg.Connection) -> DatabaseFacts:
    """Return the facts about a connection's database. Raises BackupRefused if it isn't a gateway's."""
    if await raw.fetchval("SELECT to_regclass('alembic_version') IS NULL OR to_regclass('workspace') IS NULL"):
        raise BackupRefused("the database has no tables of a gateway: name another one by --database-url, or run gateway migrate")
    migrations = await raw.fetch("SELECT version_num FROM alembic_version ORDER BY version_num")
    has_epoch = await raw.fetchval("SELECT to_regclass('epoch') IS NOT NULL")
    epoch = await raw.fetchval("SELECT number FROM epoch") if has_epoch else None
    workspaces = await raw.fetch("SELECT id, revision FROM workspace ORDER BY id")
    return DatabaseFacts([row[0] for row in migrations], epoch or 0, {row[0]: row[1] for row in workspaces})


async def check_empty(url: str) -> None:
    """Raises BackupRefused where a database isn't empty, or gateways are connected to it."""
    _find("pg_restore", f"{' '.join(RESTORE)} --dbname=DATABASE FILE")
    async with connected(url) as raw:
        name = await raw.fetchval("SELECT current_database()")
        if await raw.fetchval(_RELATIONS):
            raise BackupRefused(f"the database {name} is not empty: make another one (createdb NAME), and name it by --database-url")
        if count := await raw.fetchval(_GATEWAYS):
            raise BackupRefused(f"{count} connections of gateways lead to the database {name}: stop them first")


async def put_back(file: Path, url: str) -> None:
    """Fills an empty database from a dump, wholly or not at all. Raises BackupFailed."""
    await _run([*RESTORE, str(file)], url)


def _find(tool: str, by_hand: str) -> None:
    if shutil.which(tool) is None:
        raise BackupRefused(
            f"{tool} is not on the path: install PostgreSQL's client programs (Debian: apt install postgresql-client),"
            f" of the server's version or newer; or run it where it is: {by_hand}"
        )


async def _run(command: Sequence[str], url: str | None = None, look: Value = None) -> None:
    """Runs a tool to its end on the database at `url`, if there is one. Raises BackupFailed with what the tool said."""
    address, password = without_secrets(url) if url else ("", "")
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    tool, *arguments = command
    process = await asyncio.create_subprocess_exec(
        tool,
        *([f"--dbname={address}"] if url else []),
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said = await _watched(process, look)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        raise BackupFailed("\n".join(lines[-SHOWN:]) or f"{command[0]} ended with {process.returncode}")


async def _watched(process: asyncio.subprocess.Process, look: Value) -> bytes:
    """Return the tool's output, once it has ended; meanwhile `look` is called regularly."""
    ending = asyncio.ensure_future(process.communicate())
    while not ending.done():
        await asyncio.wait([ending], timeout=LOOK_SECONDS)
        if look is not None:
            look()
    return (await ending)[1]


def without_secrets(url: str) -> tuple[str, str]:
    """An address without its password, and the password."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    account, at, place = authority.rpartition("@")
    user, _, password = account.partition(":")
    path, _, query = rest[len(authority) :].partition("?")
    options = query.split("&") if query else []
    shown = "&".join(each for each in options if not each.startswith(_OPTION))
    given = next((each.removeprefix(_OPTION) for each in options if each.startswith(_OPTION)), "")
    return f"{scheme}://{user}{at}{place}{path}{'?' if shown else ''}{shown}", unquote(password or given)
