"""The commands for backups: `gateway backup`, `restore`, `epoch`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.environment import without_password
from gateway.settings import load

from . import lazy
from .command_database import DatabaseUrl, existing_database, run
from .terminal import CommandError, bytes_progress, say

if TYPE_CHECKING:
    from schema.storage.database import Database


def backup(
    file: Annotated[Path, typer.Argument(help="Where the backup goes; its manifest goes beside it.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a backup that is there.")] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Back up the database while it is served, with a manifest beside the file."""
    settings = existing_database(load(database_url=database_url))
    with lazy.backups.orderly_interrupts(), bytes_progress("Copying") as tell:
        manifest = lazy.backups.back_up(settings.database_url, file, tell, force=force)
    say(f"Backed up {_workspaces(len(manifest.workspaces))}, {manifest.size:,} bytes, into {file}. It was read again and is whole.")
    say(f"The manifest is {lazy.manifest.manifest_path(file)}: schema {', '.join(manifest.schema)}, epoch {manifest.epoch}.")


def restore(
    file: Annotated[Path, typer.Argument(help="A backup; its manifest must be beside it.")], *, database_url: DatabaseUrl = None
) -> None:
    """Put a backup into an empty place: a SQLite file that isn't there yet, or an empty PostgreSQL database."""
    settings = load(database_url=database_url)
    if lazy.backups.is_manifest(file):
        raise CommandError(f"{file} is the manifest: name the backup itself")
    with lazy.backups.orderly_interrupts(), bytes_progress("Checking") as tell:
        manifest, epoch = lazy.backups.restore(settings.database_url, file, tell, lazy.extension_packages.packages_in(settings))
    say(f"Restored {_workspaces(len(manifest.workspaces))} of {manifest.taken_at} into {without_password(settings.database_url)}.")
    say(f"A new epoch has begun: {epoch}.")
    for line in lazy.backups.advice(manifest):
        say(line)


def epoch(
    *,
    new: Annotated[
        bool, typer.Option("--new", help="Begin a new one: the database was put back by other means than gateway restore.")
    ] = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Print which history of the database this is: 0 until it is restored for the first time."""
    settings = existing_database(load(database_url=database_url))

    async def look(database: "Database") -> int:
        return database.epoch

    number = run(settings, look)
    if new:
        number = asyncio.run(lazy.backups.renew(settings.database_url))
        say("A new epoch has begun: cursors, positions of events and entity tags of before are refused.")
    typer.echo(number)


def _workspaces(count: int) -> str:
    return "1 workspace" if count == 1 else f"{count:,} workspaces"


def register(app: typer.Typer) -> None:
    """Adds the commands to the command line."""
    for command in (backup, restore, epoch):
        app.command()(command)
