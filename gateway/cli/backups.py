"""Backups as the command line makes and restores them: which file may be written, what must fit, and in which order it is done."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway import VERSION
from gateway.environment import of_file
from gateway.migrations import Package, knows, upgrade
from schema.rules.clock import now
from schema.storage.database import Connection, StorageError, sqlite_path
from schema.storage.epochs import begin_epoch
from schema.storage.manifest import (
    FORMAT,
    SUFFIX,
    BackupFailed,
    BackupRefused,
    DatabaseFacts,
    Manifest,
    ReportBytes,
    check_whole,
    digest,
    manifest_path,
    partial,
    publish,
    read_manifest,
)
from schema.storage.opening import open_database
from schema.storage.postgresql import backup as postgresql
from schema.storage.sqlite import backup as sqlite
from schema.values import Value

#: What SQLite keeps beside a file: with another file it would damage that.
_BESIDE: Final = ("-wal", "-shm", "-journal")
EPOCH_SECONDS: Final = 3_600.0
"""Seconds for the one transaction that begins an epoch: it changes a row for each workspace."""


def back_up(url: str, file: Path, tell: ReportBytes, *, force: bool = False) -> Manifest:
    """Backs up the database at `url` into `file`, with a manifest beside it: both whole, or none. Raises BackupRefused, BackupFailed."""
    path = sqlite_path(url)
    _check_target(file, path, force=force)
    began = now()
    with partial(file) as made, partial(manifest_path(file)) as described:
        found = sqlite.copy(path, made, tell) if path is not None else asyncio.run(postgresql.copy(url, made, tell))
        manifest = _describe(found, "sqlite" if path is not None else "postgresql", made, began)
        described.write_bytes(manifest.encoded())
        if force:
            # In between, a file has no manifest rather than one that isn't its own.
            manifest_path(file).unlink(missing_ok=True)
        publish(made, file, force=force)
        publish(described, manifest_path(file), force=True)
    return manifest


def _check_target(file: Path, path: Path | None, *, force: bool) -> None:
    if str(file) == "-":
        raise BackupRefused("a backup is a file with a manifest beside it, so it can't go to standard output: name a file")
    if file.is_dir():
        raise BackupRefused(f"{file} is a folder: name a file in it")
    if not file.parent.is_dir():
        raise BackupRefused(f"there is no folder {file.parent}")
    if path is not None and file.absolute() in {path.with_name(path.name + end).absolute() for end in ("", *_BESIDE, "-checkpoint")}:
        raise BackupRefused(f"{file} belongs to the database itself: name another file")
    if not force and (taken := next((each for each in (file, manifest_path(file)) if each.exists()), None)):
        raise BackupRefused(f"{taken} is there already: name another file, or replace it by --force")


def _describe(found: DatabaseFacts, database: str, made: Path, taken_at: str) -> Manifest:
    return Manifest(
        format=FORMAT,
        database=database,
        taken_at=taken_at,
        gateway=VERSION,
        schema=found.schema,
        epoch=found.epoch,
        workspaces=found.workspaces,
        size=made.stat().st_size,
        sha256=digest(made),
    )


def restore(url: str, file: Path, tell: ReportBytes, packages: Sequence[Package] = ()) -> tuple[Manifest, int]:
    """Puts a backup into the empty place at `url`: its manifest, and the epoch that begins. Raises BackupRefused, BackupFailed."""
    path = sqlite_path(url)
    manifest = read_manifest(file)
    _check_fits(manifest, "sqlite" if path is not None else "postgresql", packages)
    if path is not None:
        _check_free(path)
    else:
        asyncio.run(postgresql.check_empty(url))
    check_whole(file, manifest, tell)
    if path is None:
        return manifest, asyncio.run(_into_postgresql(file, url, packages))
    return manifest, _into_sqlite(file, path, packages)


def _check_fits(manifest: Manifest, database: str, packages: Sequence[Package]) -> None:
    if manifest.database != database:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        raise BackupRefused(
            f"this is a backup of {names.get(manifest.database, manifest.database)}, and the database is {names[database]}:"
            " name one of the same kind by --database-url"
        )
    unknown = [revision for revision in manifest.schema if not knows(revision, packages)]
    if unknown:
        raise BackupRefused(
            f"the backup is of a newer schema ({', '.join(unknown)}), made by gateway {manifest.gateway}; this is {VERSION}:"
            " restore it with that version or a newer one, and with the same extensions"
        )


def _check_free(path: Path) -> None:
    if not path.parent.is_dir():
        raise BackupRefused(f"there is no folder {path.parent}")
    for end in ("", *_BESIDE):
        there = path.with_name(path.name + end)
        if there.exists():
            raise BackupRefused(
                f"{there} is there already: stop its gateways and move it away with all that begins with {path.name}, or name another"
                " place by --database-url"
            )


def _into_sqlite(file: Path, path: Path, packages: Sequence[Package]) -> int:
    with partial(path) as made:
        shutil.copyfile(file, made)
        sqlite.check_file(made)
        epoch = asyncio.run(_renewed(f"sqlite:///{made}", packages))
        publish(made, path, force=False)
    return epoch


async def _into_postgresql(file: Path, url: str, packages: Sequence[Package]) -> int:
    await postgresql.put_back(file, url)
    try:
        return await _renewed(url, packages)
    except (StorageError, OSError) as error:
        message = f"the backup is in the database, and then this went wrong: {error}"
        raise BackupFailed(f"{message}. Before you serve it: gateway migrate, then gateway epoch --new") from error


async def _renewed(url: str, packages: Sequence[Package]) -> int:
    """The epoch that begins in a database that was just put back, at the newest revision of the schema."""
    await upgrade(url, packages)
    return await renew(url)


async def renew(url: str) -> int:
    """Begin a new epoch in a migrated database, and return its number. Raises StorageError."""
    database = open_database(url, statement_timeout=EPOCH_SECONDS)
    await database.open()

    async def work(connection: Connection) -> int:
        return await begin_epoch(database, connection)

    try:
        return await database.write(work, long=True)
    finally:
        await database.close()


@contextmanager
def orderly_interrupts() -> Iterator[None]:
    """Ends by SIGTERM as by Ctrl-C, so that nothing half-done is left, and says of a disk's fault what it was."""
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    except OSError as error:
        raise BackupFailed(f"{of_file(error)}; nothing half-done was left") from error
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminated(number: int, _frame: Value) -> None:
    sys.exit(128 + number)


def is_manifest(file: Path) -> bool:
    """Whether somebody named the manifest in place of the backup."""
    return file.name.endswith(SUFFIX)


def advice(manifest: Manifest) -> Iterator[str]:
    """Advice for after a restore: changes since the backup that must be made again."""
    yield f"Keys that were revoked and users who were locked out after {manifest.taken_at} may come in again: look at gateway token list."
    yield "Persons who were erased after that are back: erase them again (gateway erase)."
    yield "Cursors, positions of events and entity tags from before the restore are refused; clients read their lists again."
