"""SQLite's file when other programs are at it: moved, deleted, replaced, locked, read for hours."""

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from schema.storage.database import Connection, FileReplaced, LockTimeout, ReadOnly, StatementTimeout
from schema.storage.opening import open_database
from schema.storage.sqlite import driver as sqlite
from schema.storage.sqlite import file as sqlite_file
from schema.storage.sqlite.driver import SqliteDatabase

INSERT = "INSERT INTO workspace (id, name, currency, revision, created_at) VALUES (:id, :id, 'EUR', 0, '2025-01-01T00:00:00Z')"
ENDLESS = """INSERT INTO workspace (id, name, currency, revision, created_at)
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i, 'EUR', 0, '2025-01-01T00:00:00Z' FROM n"""
SLOW_NAMES = "SELECT id FROM workspace WHERE (SELECT max(i) FROM n) > 0 ORDER BY id"
PAGE = 4096


class Store:
    """An open database, and what is in it."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database
        self.path = Path(database.path)

    async def add(self, name: str, sql: str = INSERT) -> None:
        async def work(connection: Connection) -> None:
            await connection.execute(self.database.compile(text(sql)), {"id": name})

        await self.database.write(work)

    async def names(self) -> list[str]:
        return [row[0] for row in await self.database.fetch(self.database.compile(text("SELECT id FROM workspace ORDER BY id")), {})]

    async def names_read_slowly(self) -> list[str]:
        """The names, by a read that takes longer than the event loop's thread may be held up."""
        took_long = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) {SLOW_NAMES}"
        return [row[0] for row in await self.database.fetch(self.database.compile(text(took_long)), {})]

    def log_bytes(self) -> int:
        return self.beside("-wal").stat().st_size

    def beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[Store]:
    database = open_database(url, **options)
    assert isinstance(database, SqliteDatabase)
    await database.open()
    try:
        yield Store(database)
    finally:
        await database.close()


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    async with opened(sqlite_url) as found:
        yield found


def _move(path: Path) -> None:
    path.rename(path.with_suffix(".away"))


def _replace(path: Path) -> None:
    shutil.copyfile(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").rename(path)


def _put_another(path: Path) -> None:
    _move_folder(path)
    raw = sqlite3.connect(path)
    raw.execute("CREATE TABLE workspace AS SELECT 'of another database' AS id")
    raw.commit()
    raw.close()


def _move_folder(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.rename(each.with_name(f"away-{each.name}"))


def _delete_log(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink()


@pytest.mark.parametrize("do", [_move, Path.unlink, _replace, _move_folder, _delete_log])
async def test_a_file_that_is_no_longer_there(store: Store, caplog: pytest.LogCaptureFixture, do: Callable[[Path], None]) -> None:
    """What was written now would be lost: writes and readiness say so, the log once; reads go on with what was acknowledged."""
    await store.add("before")
    do(store.path)
    for _ in range(3):
        with pytest.raises(FileReplaced):
            await store.add("lost")
    with pytest.raises(FileReplaced) as told:
        await store.database.check()
    assert told.value.state.startswith("replaced")
    assert await store.names() == ["before"]
    assert caplog.text.count("was moved, deleted or replaced") == 1


@pytest.mark.parametrize("do", [_move, Path.unlink, _replace, _put_another, _move_folder, _delete_log])
async def test_slow_reads_of_a_file_that_is_no_longer_there(store: Store, do: Callable[[Path], None]) -> None:
    """Reads that go to a thread see the same file as the others, and make none in its place."""
    await store.add("before")
    do(store.path)
    found = sorted(store.path.parent.iterdir())
    assert await store.names_read_slowly() == ["before"]
    assert sorted(store.path.parent.iterdir()) == found


async def test_a_file_that_comes_back(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """With the file back at its place all is well again, and the log says so."""
    await store.add("before")
    _move(store.path)
    with pytest.raises(FileReplaced):
        await store.add("lost")
    store.path.with_suffix(".away").rename(store.path)
    await store.add("after")
    await store.database.check()
    assert await store.names() == ["after", "before"]
    assert "is back" in caplog.text


async def test_a_start_over_what_is_there(sqlite_url: str) -> None:
    """A new start takes what it finds: a backup that was put in the file's place is served."""
    async with opened(sqlite_url) as store:
        await store.add("before")
        backup = store.path.with_suffix(".backup")
        raw = sqlite3.connect(store.path)
        raw.execute(f"VACUUM INTO '{backup}'")
        raw.close()
        await store.add("later")
    backup.rename(store.path)
    async with opened(sqlite_url) as store:
        await store.database.check()
        await store.add("after")
        assert await store.names() == ["after", "before"]


async def test_a_file_that_takes_no_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only file system is told as that."""
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == str(store.path) and mode == os.W_OK))
    with pytest.raises(ReadOnly):
        await store.database.check()


@asynccontextmanager
async def held(path: Path) -> AsyncIterator[sqlite3.Connection]:
    """Another program holds the file."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


async def test_a_lock_is_waited_for_as_long_as_there_is_time(sqlite_url: str) -> None:
    """All who wait are refused in time, whether first in line or behind others, and before an operation's time is over."""
    async with opened(sqlite_url, operation_timeout=2.0, statement_timeout=0.2) as store:
        async with held(store.path):
            began = time.monotonic()
            first = asyncio.create_task(store.add("first"))
            await asyncio.sleep(0.3)
            others = [asyncio.create_task(store.add(f"other {number}")) for number in range(40)]
            told = await asyncio.gather(first, *others, return_exceptions=True)
            taken = time.monotonic() - began
        assert {type(each) for each in told} == {LockTimeout}
        assert 1.0 <= taken < 2.0
        await store.add("after")
        assert await store.names() == ["after"]


async def test_a_new_file_that_another_begins_to_use(tmp_path: Path) -> None:
    """Who starts while another changes a file that has no write-ahead log yet waits for it; SQLite itself doesn't."""
    path = tmp_path / "new.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE tried (number INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    end = threading.Timer(0.2, other.rollback)
    end.start()
    database = open_database(f"sqlite:///{path}")
    await database.open()
    assert not other.in_transaction
    await database.close()
    end.join()
    other.close()


async def test_who_has_left_is_not_worked_for(sqlite_url: str) -> None:
    """A write whose caller has given up while it waited isn't carried out behind its back."""
    async with opened(sqlite_url) as store:
        async with held(store.path) as other:
            first = asyncio.create_task(store.add("first"))
            await asyncio.sleep(0.05)
            gone = asyncio.create_task(store.add("gone"))
            await asyncio.sleep(0.05)
            gone.cancel()
            other.execute("ROLLBACK")
            await first
        await store.add("after")
        assert await store.names() == ["after", "first"]


class _Locked:
    """In the place of a connection whose file is locked."""

    def execute(self, *_: Any) -> None:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY_RECOVERY
        raise error


async def test_a_file_that_is_locked_for_reading_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process recovers the log, a read waits in a thread: in the event loop it would hold up all others."""
    await store.add("before")
    with monkeypatch.context() as locked:
        locked.setattr(store.database._inline, "raw", _Locked())
        assert await store.names() == ["before"]
    assert store.database._inline.raw.execute("PRAGMA busy_timeout").fetchone()[0] == 0


async def test_one_that_is_stopped_takes_nobody_along(sqlite_url: str) -> None:
    """SQLite takes a whole transaction back when it stops a statement: the others of the batch are carried out by another one."""
    async with opened(sqlite_url, statement_timeout=0.3) as store:
        told = await asyncio.gather(store.add("a"), store.add("b"), store.add("c", ENDLESS), store.add("d"), return_exceptions=True)
        assert [type(each) for each in told] == [type(None), type(None), StatementTimeout, type(None)]
        assert await store.names() == ["a", "b", "d"]


async def test_a_long_read_by_another_program(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The log grows while the read lasts, which is measured and warned of; after it the log is cut, even if nobody writes any more."""
    monkeypatch.setattr(sqlite_file, "LARGE_LOG", 18_000_000)
    monkeypatch.setattr(sqlite, "LOOK_SECONDS", 0.02)
    async with opened(sqlite_url) as store:
        await store.add("before")
        reader = sqlite3.connect(store.path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM workspace").fetchall()
        for number in range(5):
            await store.add(f"{number}" * PAGE * 1_000)
        following = asyncio.ensure_future(store.database.follow(lambda _: None))
        await _until(lambda: "another program has been reading" in caplog.text)
        assert store.log_bytes() > 18_000_000
        assert store.database.figures()["gateway_sqlite_wal_bytes"] == store.log_bytes()
        reader.execute("COMMIT")
        reader.close()
        await _until(lambda: store.log_bytes() <= 17_000_000)
        following.cancel()
        assert len(await store.names()) == 6


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  it happens in another thread, or on the disk
            await asyncio.sleep(0.02)
