"""Opens a database for a command: migrated if asked for, at the newest revision, closed at the end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer

from gateway.settings import Settings
from schema.values import Value

from . import lazy
from .terminal import CommandError

if TYPE_CHECKING:
    from schema.storage.database import Database

T = TypeVar("T")

DatabaseUrl: TypeAlias = Annotated[
    str | None, typer.Option(help="sqlite:///path or postgresql://user:password@host/name (default: GATEWAY_DATABASE_URL).", metavar="URL")
]


def run(settings: Settings, work: Callable[["Database"], Coroutine[Value, Value, T]], workspace: str | None = None) -> T:
    """Return the result of `work` on the opened, migrated database. Raises CommandError if `workspace` does not exist."""

    async def opened() -> T:
        async with _naming_the_file(settings), _database(settings) as database:
            # An empty list of a name that was mistyped would say that there is nothing.
            if workspace is not None and not await lazy.workspaces.is_there(database, workspace):
                raise CommandError(f"--workspace: there is no workspace {workspace!r}")
            return await work(database)

    return asyncio.run(opened())


def existing_database(settings: Settings) -> Settings:
    """The settings of a database that must be there: to look at it is no reason to make one. Raises CommandError."""
    path = lazy.database.sqlite_path(settings.database_url)
    if path is not None and path.parent.is_dir() and not path.exists():
        raise CommandError(f"there is no database {path} here: name the one that is meant by --database-url or GATEWAY_DATABASE_URL")
    return settings


@asynccontextmanager
async def _naming_the_file(settings: Settings) -> AsyncIterator[None]:
    """What SQLite says of a file that it has opened names no file, and not what of the file system hinders: both are added."""
    path = lazy.database.sqlite_path(settings.database_url)
    try:
        yield
    except lazy.database.DatabaseUnavailable as error:
        if path is None or str(path) in str(error):
            raise
        raise type(error)(lazy.file.with_place(str(error), str(path))) from error


@asynccontextmanager
async def _database(settings: Settings) -> AsyncIterator["Database"]:
    packages = lazy.extension_packages.packages_in(settings)
    if settings.migrate or settings.database_url.startswith("sqlite"):
        await lazy.migrations.upgrade(settings.database_url, packages)
    database = lazy.opening.open_database(settings.database_url, statement_timeout=settings.statement_timeout)
    await database.open()
    try:
        if (await lazy.migrations.migration_status(database, packages)).behind:
            raise CommandError("the database isn't at the newest revision: run gateway migrate first")
        yield database
    finally:
        await database.close()
