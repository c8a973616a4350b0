"""SQLite's write-ahead log is moved into the file by one process at a time."""

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from schema.storage.database import Connection
from schema.storage.opening import open_database
from schema.storage.sqlite.checkpoints import at_risk

ROOT = Path(__file__).parents[2]
PAGE = 4096
PAGES = 1_200
HOLDER = """
import sqlite3, sys, time
from schema.storage.sqlite.checkpoints import Checkpoints
with Checkpoints(sys.argv[1]).turn(sqlite3.connect(":memory:")):
    print("mine", flush=True)
    time.sleep(60)
"""


class Growing:
    """An open database that grows by more than the log may hold."""

    def __init__(self, url: str) -> None:
        self.file = Path(url.removeprefix("sqlite:///"))
        self.database = open_database(url)

    async def grow(self, name: str) -> int:
        """Commits a long row; the size of the database's file then, in pages."""
        clause = text(
            "INSERT INTO workspace (id, name, currency, revision, created_at) VALUES (:id, :name, 'EUR', 0, '2025-01-01T00:00:00Z')"
        )

        async def work(connection: Connection) -> None:
            await connection.execute(self.database.compile(clause), {"id": name, "name": name * PAGE * PAGES})

        await self.database.write(work)
        return self.size()

    def size(self, suffix: str = "") -> int:
        """Of the database's file, or the one beside it, in pages."""
        return Path(f"{self.file}{suffix}").stat().st_size // PAGE


async def test_one_at_a_time(sqlite_url: str) -> None:
    """While another process has its turn, commits leave the log as it is; the first commit after that moves all of it."""
    growing = Growing(sqlite_url)
    await growing.database.open()
    command = [sys.executable, "-c", HOLDER, str(growing.file)]
    other = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert other.stdout is not None
    assert await other.stdout.readline() == b"mine\n"
    before = growing.size()
    assert [await growing.grow("a"), await growing.grow("b")] == [before, before]
    # However it ends: the turn ends with its process.
    other.kill()
    await other.wait()
    assert await growing.grow("c") > before + 3 * PAGES
    await growing.database.close()


async def test_nobody_else_writes(sqlite_url: str) -> None:
    """A process alone checkpoints as SQLite does: the log does not grow without end."""
    growing = Growing(sqlite_url)
    await growing.database.open()
    sizes = [await growing.grow(name) for name in "abcd"]
    assert sizes == sorted(set(sizes))
    assert growing.size("-wal") < 3 * PAGES
    await growing.database.close()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        *[((3, 40, 1), True), ((3, 44, 5), True), ((3, 50, 4), True), ((3, 51, 2), True)],
        *[((3, 44, 6), False), ((3, 50, 7), False), ((3, 51, 3), False), ((3, 53, 0), False)],
    ],
)
def test_versions(version: tuple[int, int, int], *, expected: bool) -> None:
    """3.51.3 mended it, and 3.44.6 and 3.50.7 in their branches."""
    assert at_risk(version) is expected
