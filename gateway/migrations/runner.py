"""Brings a database to the newest revision, safely from several processes at once, and reports its status."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from schema.nouns.all import BUILT_IN
from schema.storage.database import Connection as Session
from schema.storage.database import Database, StorageError
from schema.storage.postgresql.connector import CONNECT_SECONDS, Connector
from schema.storage.sqlite.file import make_private, with_place

from .packages import MigrationStatus, Package, is_known, label_of

SCRIPTS = Path(__file__).parent
GATEWAY = "the gateway"
"""The label of the gateway's own revisions, beside the labels of packages."""
WAIT_SECONDS = 120.0
"""Seconds to wait for another process that migrates."""
TABLE_SECONDS = 10.0
"""Seconds to wait for a table that others use."""
STATEMENT_SECONDS = 3600.0
"""Seconds for one statement of a migration, which may have to read a large table."""
# Any number will do, as long as every gateway takes the same one.
_LOCK = 7_207_146_316
_LOCK_TIMEOUT = "55P03"

_HAS_TABLE = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'",
    "postgresql": "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL",
}


def _config(connection: Connection | None = None, packages: Sequence[Package] = ()) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, [SCRIPTS / "versions", *[each.folder for each in packages]])))
    config.attributes["connection"] = connection
    return config


@cache
def head() -> str:
    """The newest revision's id. Raises alembic's CommandError where the revisions have several ends."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return newest


def knows(revision: str, packages: Sequence[Package] = ()) -> bool:
    """Whether there is such a revision here: that of a newer gateway, or of an extension that is missing, isn't known."""
    return is_known(ScriptDirectory.from_config(_config(packages=packages)), revision)


async def upgrade(database_url: str, packages: Sequence[Package] = ()) -> None:
    """Takes the database at `sqlite:///path` or `postgresql://…` to the newest revision; does nothing where it is there already.

    The tables of `packages` come after the gateway's own, to which they refer. Several processes may do it at once: one works, the others
    wait for it. Raises StorageError.
    """

    def work(connection: Connection) -> None:
        if taken := names_taken(inspect(connection).get_table_names()):
            raise StorageError(f"{taken}: name an empty database")
        for target in (head(), *[each.head for each in packages]):
            command.upgrade(_config(connection, packages), target)

    try:
        async with connected(database_url) as run:
            await run(work)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == _LOCK_TIMEOUT:
            raise StorageError("another program holds a lock that the migration needs: try again later") from error
        path = database_url.removeprefix("sqlite:///")
        raise StorageError(str(error.orig) if path == database_url else with_place(str(error.orig), path)) from error
    except CommandError as error:
        raise StorageError(f"{error}; was it migrated by a newer gateway?") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StorageError(str(error)) from error


def names_taken(tables: Collection[str]) -> str:
    """A sentence where these tables of a database bear names of the gateway's and no gateway made them; nothing otherwise."""
    taken = sorted({str(noun.row.__tablename__) for noun in BUILT_IN}.intersection(tables))
    if not taken or "alembic_version" in tables:
        return ""
    return f"another program's tables have names that the gateway needs ({', '.join(taken)})"


async def head_is_current(database: Database, packages: Sequence[Package] = ()) -> bool:
    """Whether the database is at the newest revision: two point queries. Raises DatabaseUnavailable."""
    return not (await migration_status(database, packages)).behind


async def migration_status(database: Database, packages: Sequence[Package] = ()) -> MigrationStatus:
    """Return the database's migration status: two point queries. Raises DatabaseUnavailable."""
    has_table = database.compile(text(_HAS_TABLE[database.dialect.name]))
    revision = database.compile(text("SELECT version_num FROM alembic_version"))

    async def look(session: Session) -> list[str]:
        if not await session.fetch(has_table, {}):
            return []
        return [row[0] for row in await session.fetch(revision, {})]

    return migration_status_of(await database.read(look), packages)


def migration_status_of(revisions: Collection[str], packages: Sequence[Package] = ()) -> MigrationStatus:
    """Return the migration status of a database at these revisions."""
    newest = heads(packages)
    labels = {label for each in revisions if (label := label_of(each)) is not None}
    return MigrationStatus([name for name, each in newest.items() if each not in revisions], sorted(labels - newest.keys()))


def heads(packages: Sequence[Package] = ()) -> dict[str, str]:
    """The newest revisions: the gateway's own, and those of `packages`, by their labels."""
    if not packages:
        return {GATEWAY: head()}
    script = ScriptDirectory.from_config(_config(packages=packages))
    found = {each.label: script.get_revision(each.head) for each in packages}
    return {GATEWAY: head(), **{label: revision.revision for label, revision in found.items() if revision is not None}}


RunMigration = Callable[[Callable[[Connection], None]], Any]


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[RunMigration]:
    """Yield a function that runs work on a SQLAlchemy connection, in a transaction that only one process holds at a time."""
    if database_url.startswith("sqlite"):
        yield lambda work: asyncio.to_thread(_in_sqlite, database_url.removeprefix("sqlite:///"), work)
        return
    # Connected to as the gateway's own pool does, so that the address means the same to both.
    connector = Connector(database_url, CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connector.connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            # A role may have short times, as it must behind a pooler: a migration takes what it needs.
            await connection.execute(text(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS:g}s'"))
            await connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS:g}s'"))
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            # A change of a table that waits for somebody's long read holds up everybody behind it: better to come back later.
            await connection.execute(text(f"SET LOCAL lock_timeout = '{TABLE_SECONDS:g}s'"))
            yield connection.run_sync
    finally:
        await engine.dispose()


def _in_sqlite(path: str, work: Callable[[Connection], None]) -> None:
    engine = _sqlite_engine(path)
    try:
        with engine.begin() as connection:
            work(connection)
    finally:
        engine.dispose()


def _sqlite_engine(path: str) -> Engine:
    """An engine whose transactions begin by taking SQLite's write lock, so that `BEGIN` is where a second process waits."""

    def connect() -> sqlite3.Connection:
        make_private(path)
        raw = sqlite3.connect(path, isolation_level=None, timeout=WAIT_SECONDS)
        try:
            raw.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error:
            raw.close()
            raise
        return raw

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine
