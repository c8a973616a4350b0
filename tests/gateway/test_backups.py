"""`gateway backup`, `restore` and `epoch`: what is written, what is refused in a sentence, and that nothing half-done is left."""

import json
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from asyncio import to_thread
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from gateway.cli import backups
from gateway.migrations import head
from gateway.migrations.runner import _config, connected
from schema.storage.database import StorageError
from schema.storage.manifest import BackupFailed, manifest_path
from schema.storage.postgresql.backup import without_secrets
from tests.gateway.conftest import Run
from tests.live_server import ROOT
from tests.postgres import POSTGRES_BIN_PATH, Postgres

SILENT = "postgresql://user:s3cret@127.0.0.1:9/none"


@pytest.fixture
def on(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line on a database of each kind, which has a workspace and a key; PostgreSQL's programs are on the path."""
    monkeypatch.setenv("GATEWAY_DATABASE_URL", database_url)
    monkeypatch.setenv("PATH", f"{POSTGRES_BIN_PATH}{os.pathsep}{os.environ['PATH']}")
    assert run("token", "create", "--workspace", "Acme", "--role", "admin").code == 0
    return run


@pytest.fixture
def on_sqlite(run: Run, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same on SQLite."""
    monkeypatch.setenv("GATEWAY_DATABASE_URL", sqlite_url)
    assert run("token", "create", "--workspace", "Acme", "--role", "admin").code == 0
    return run


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:s3cret@db:5432/crm?sslmode=require", "postgresql://ann@db:5432/crm?sslmode=require"),
        ("postgresql://ann@db/crm?password=s3cret", "postgresql://ann@db/crm"),
        ("postgresql://ann@db/crm?password=s3cret&sslmode=require", "postgresql://ann@db/crm?sslmode=require"),
        ("postgresql://ann@db/crm?sslmode=require&password=s3cret", "postgresql://ann@db/crm?sslmode=require"),
        ("postgresql://?host=/run/db&password=s3cret&dbname=crm", "postgresql://?host=/run/db&dbname=crm"),
    ],
)
def test_what_the_tools_are_told(url: str, shown: str) -> None:
    """The password is taken out of an address wherever it stands, and what is left is an address that PostgreSQL's tools read."""
    assert without_secrets(url) == (shown, "s3cret")


def _files(folder: Path) -> set[str]:
    """What is in the folder but for the database, its log and its locks."""
    return {path.name for path in folder.iterdir() if not path.name.startswith("gateway.db")}


def test_the_manifest_says_what_is_in_it(on: Run, tmp_path: Path) -> None:
    """Schema, epoch, revisions, size and digest stand beside the backup; both are for their owner alone, and nothing else is left."""
    done = on("backup", "kept")
    assert (done.code, done.out) == (0, ""), done.err
    assert "whole" in done.err
    manifest = json.loads((tmp_path / "kept.manifest.json").read_text("utf-8"))
    assert (manifest["schema"], manifest["epoch"], [*manifest["workspaces"].values()]) == ([head()], 0, [1])
    assert manifest["size"] == (tmp_path / "kept").stat().st_size
    assert _files(tmp_path) == {"kept", "kept.manifest.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("kept*")} == {0o600}


def test_nothing_is_replaced_unless_it_is_meant(on: Run, tmp_path: Path) -> None:
    """A file that is there stays as it is; `--force` replaces it, manifest included."""
    (tmp_path / "kept").write_text("mine")
    refused = on("backup", "kept")
    assert (refused.code, refused.err) == (2, "gateway: kept is there already: name another file, or replace it by --force\n")
    assert (tmp_path / "kept").read_text() == "mine"
    assert on("backup", "kept", "--force").code == 0
    assert on("backup", "kept", "--force").code == 0
    assert _files(tmp_path) == {"kept", "kept.manifest.json"}


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("-", "can't go to standard output"),
        (".", "is a folder"),
        ("no/such/kept", "there is no folder no/such"),
        ("gateway.db", "belongs to the database itself"),
        ("gateway.db-wal", "belongs to the database itself"),
    ],
)
def test_where_a_backup_can_not_go(on_sqlite: Run, tmp_path: Path, file: str, says: str) -> None:
    """Each is a sentence and exit code 2, and nothing is written."""
    refused = on_sqlite("backup", file, "--force")
    assert (refused.code, says in refused.err, refused.err.count("\n")) == (2, True, 1), refused.err
    assert _files(tmp_path) == set()


def test_what_is_no_database_of_ours(run: Run, tmp_path: Path) -> None:
    """No database, another program's, and one that is no database at all: a sentence each, and no file."""
    assert "there is no database other.db" in run("backup", "kept", "--database-url", "sqlite:///other.db").err
    with closing(sqlite3.connect(tmp_path / "other.db")) as raw:
        raw.execute("CREATE TABLE other (a)")
    assert "no tables of a gateway" in run("backup", "kept", "--database-url", "sqlite:///other.db").err
    (tmp_path / "other.db").write_bytes(b"x" * 10_000)
    refused = run("backup", "kept", "--database-url", "sqlite:///other.db")
    assert (refused.code, "not a database" in refused.err) == (1, True)
    assert {path.name for path in tmp_path.iterdir()} == {"other.db"}


def test_a_database_that_is_away(run: Run, tmp_path: Path) -> None:
    """A sentence and exit code 1, without the password."""
    refused = run("backup", "kept", "--database-url", SILENT)
    assert (refused.code, "s3cret" in refused.err, refused.err.count("\n")) == (1, False, 1), refused.err
    assert {path.name for path in tmp_path.iterdir()} == set()


async def test_a_restore_that_can_not_be_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the data is in PostgreSQL a fault says which commands are still to be run: a second restore would find the database filled."""

    async def done(_file: Path, _url: str) -> None:
        pass

    async def away(_url: str, _packages: object) -> None:
        raise StorageError("the server is away")

    monkeypatch.setattr("gateway.cli.backups.postgresql.put_back", done)
    monkeypatch.setattr("gateway.cli.backups.upgrade", away)
    with pytest.raises(BackupFailed, match=r"the server is away.*gateway migrate, then gateway epoch --new"):
        await backups._into_postgresql(Path("kept"), SILENT, ())


def test_pg_dump_is_missing(run: Run, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install, and how to do it by hand."""
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = run("backup", "kept", "--database-url", postgres_url)
    assert (refused.code, "pg_dump is not on the path" in refused.err, "--format=custom" in refused.err) == (2, True, True)


def test_the_password_is_on_no_command_line(run: Run, postgres_server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lists processes must not read it: the tools get it by the environment. What a tool complains of is told, without it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("pg_dump", "pg_restore"):
        said = f'echo "$@" >> {tmp_path}/said\necho "$PGPASSWORD" >> {tmp_path}/given\necho "no room" >&2'
        (folder / tool).write_text(f"#!/bin/sh\n{said}\nexit 3\n")
        (folder / tool).chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    with postgres_server.database() as url:
        failed = run("backup", "kept", "--database-url", url.replace("postgres:@", "postgres:s3cr%25t@"))
    assert (failed.code, failed.err) == (1, "gateway: no room\n")
    assert "s3cr" not in (tmp_path / "said").read_text()
    assert (tmp_path / "given").read_text() == "s3cr%t\n"
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "said", "given"}


def test_a_full_disk(on_sqlite: Run, tmp_path: Path) -> None:
    """A sentence, exit code 1, and nothing of the backup is left."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, limits[1]))
    try:
        failed = on_sqlite("backup", "kept")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert (failed.code, failed.err.startswith("gateway: the backup could not be made: ")) == (1, True), failed.err
    assert _files(tmp_path) == set()


def test_a_backup_that_is_stopped(on_sqlite: Run, sqlite_url: str, tmp_path: Path) -> None:
    """SIGTERM in the middle leaves nothing behind."""
    code = (
        "import signal, os, sys; from schema.storage.sqlite import backup; from gateway.cli.main import main\n"
        "copy = backup._copy\n"
        "backup._copy = lambda *given: (copy(*given), os.kill(os.getpid(), signal.SIGTERM), __import__('time').sleep(60))\n"
        "sys.argv = ['gateway', 'backup', 'kept']; main()"
    )
    assert on_sqlite("epoch").out == "0\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GATEWAY_DATABASE_URL": sqlite_url}
    began = time.monotonic()
    stopped = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (stopped.returncode, time.monotonic() - began < 60) == (128 + signal.SIGTERM, True), stopped.stderr
    assert _files(tmp_path) == set()


def _spoil(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def _other_manifest(**members: Any) -> Callable[[bytes], bytes]:
    return lambda found: json.dumps({**json.loads(found), **members}).encode()


@pytest.mark.parametrize(
    ("spoils", "change", "says"),
    [
        ("kept", lambda found: found[:-1], "is damaged: it has"),
        ("kept", lambda found: found[:-1] + b"?", "its SHA-256 is not that"),
        ("kept.manifest.json", lambda _: b"{}", "is not the manifest of a backup"),
        ("kept.manifest.json", lambda _: b"[", "is not the manifest of a backup"),
        ("kept.manifest.json", _other_manifest(schema=5), "is not the manifest of a backup"),
        ("kept.manifest.json", _other_manifest(schema=[5]), "is not the manifest of a backup"),
        ("kept.manifest.json", _other_manifest(schema="0008"), "is not the manifest of a backup"),
        ("kept.manifest.json", _other_manifest(database=["sqlite"]), "is not the manifest of a backup"),
        ("kept.manifest.json", _other_manifest(workspaces=None), "is not the manifest of a backup"),
        ("kept.manifest.json", _other_manifest(taken_at="\x1b[2J"), "is not the manifest of a backup"),
        ("kept.manifest.json", _other_manifest(format=2), "restore it with a newer one"),
        ("kept.manifest.json", _other_manifest(schema=["9999"]), "is of a newer schema (9999)"),
        ("kept.manifest.json", _other_manifest(database="oracle"), "this is a backup of oracle"),
    ],
)
def test_a_backup_that_will_not_do(on_sqlite: Run, tmp_path: Path, spoils: str, change: Callable[[bytes], bytes], says: str) -> None:
    """What is damaged, newer or of another kind is refused before anything is written."""
    assert on_sqlite("backup", "kept").code == 0
    _spoil(tmp_path / spoils, change)
    refused = on_sqlite("restore", "kept", "--database-url", "sqlite:///new.db")
    assert (refused.code, says in refused.err, refused.err.count("\n")) == (2, True, 1), refused.err
    assert _files(tmp_path) == {"kept", "kept.manifest.json"}


def test_a_copy_without_a_manifest(on_sqlite: Run, tmp_path: Path) -> None:
    """It says what such a copy needs; the manifest in place of the backup is told, too."""
    assert on_sqlite("backup", "kept").code == 0
    assert "is the manifest" in on_sqlite("restore", "kept.manifest.json", "--database-url", "sqlite:///new.db").err
    manifest_path(tmp_path / "kept").unlink()
    assert "gateway epoch --new" in on_sqlite("restore", "kept", "--database-url", "sqlite:///new.db").err
    assert "there is no backup none" in on_sqlite("restore", "none", "--database-url", "sqlite:///new.db").err
    assert on_sqlite("restore", ".", "--database-url", "sqlite:///new.db").err == "gateway: there is no backup .\n"


def test_only_an_empty_place_will_do(on: Run, postgres_server: Postgres, tmp_path: Path) -> None:
    """What is there is never overwritten, and a log that an older file left isn't taken for the new one's."""
    assert on("backup", "kept").code == 0
    refused = on("restore", "kept")
    assert (refused.code, "--database-url" in refused.err) == (2, True), refused.err
    assert ("move it away" in refused.err) != ("is not empty: make another one (createdb NAME)" in refused.err)
    (tmp_path / "new.db-wal").touch()
    with postgres_server.database(template="template0") as url:
        other = url if "sqlite" in os.environ["GATEWAY_DATABASE_URL"] else "sqlite:///other.db"
        assert "name one of the same kind" in on("restore", "kept", "--database-url", other).err
    if "sqlite" in os.environ["GATEWAY_DATABASE_URL"]:
        assert "new.db-wal is there already" in on("restore", "kept", "--database-url", "sqlite:///new.db").err


async def test_a_backup_of_an_older_schema(on: Run, database_url: str, postgres_server: Postgres, tmp_path: Path) -> None:
    """A newer version backs up what an older one left, restores it, and takes it to the newest schema."""
    async with connected(database_url) as work:
        await work(lambda connection: command.downgrade(_config(connection), "0005"))

    def untold(done: int, total: int) -> None:
        assert done >= 0 < total

    await to_thread(backups.back_up, database_url, tmp_path / "kept", untold)
    manifest = json.loads((tmp_path / "kept.manifest.json").read_text("utf-8"))
    assert (manifest["schema"], manifest["epoch"]) == (["0005"], 0)
    with postgres_server.database(template="template0") as url:
        place = f"sqlite:///{tmp_path / 'new.db'}" if database_url.startswith("sqlite") else url
        await to_thread(backups.restore, place, tmp_path / "kept", untold)
        assert int((await to_thread(on, "epoch", "--database-url", place)).out) > 0


def test_the_epoch(on: Run) -> None:
    """It is 0 until a new one is begun, and each is greater than the one before."""
    assert on("epoch").out == "0\n"
    begun = on("epoch", "--new")
    assert (begun.code, "are refused" in begun.err) == (0, True)
    assert int(begun.out) > 0
    assert on("epoch").out == begun.out
    assert int(on("epoch", "--new").out) > int(begun.out)
