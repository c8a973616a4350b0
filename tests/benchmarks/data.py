"""The data: filled once for each number of rows and kind of database, copied for each contender: none writes into another's."""

import asyncio
import hashlib
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from gateway.migrations import upgrade
from gateway.seed import SeedSpec, seed

from .contenders.catalog import ROOT
from .machine import LOAD_CORE, pin

FOLDER = Path(__file__).with_name("data")
# The day that the data was made on: the workloads' dates lie around it, whenever they are run.
TODAY = date(2026, 11, 24)


@dataclass(frozen=True, slots=True)
class Sample:
    """Ids that the workloads ask for: deals of any kind, deals that are open, and what a new one hangs on."""

    any: Sequence[str]
    open: Sequence[str]
    accounts: Sequence[str]
    users: Sequence[str]
    contacts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Data:
    """`lend(name, statements)` gives a contender its own database's address, with `statements` run; `kind` is `sqlite` or `postgresql`.

    `token` is an admin's, where the data has one.
    """

    kind: str
    rows: int
    workspace: str
    sample: Sample
    lend: Callable[[str, Sequence[str]], AbstractContextManager[str]]
    token: str = ""


def _spec(rows: int) -> SeedSpec:
    """As many of each as the measured peers had: with 100,000 deals 5,000 accounts, 200 users, 20,000 contacts."""
    return SeedSpec(opportunities=rows, accounts=max(1, rows // 20), users=max(5, rows // 500), contacts=max(2, rows // 5), today=TODAY)


def version(root: Path = ROOT) -> str:
    """Changes with what the data is made by in the checkout at `root`, so that none is used that was made otherwise."""
    folders = (root / "gateway" / "migrations", root / "gateway" / "seed")
    files = [*sorted(path for folder in folders for path in folder.rglob("*.py")), root / "schema" / "storage" / "tables.py"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]


def sqlite_data(rows: int, folder: Path = FOLDER, *, shared: bool = False) -> Data:
    """A SQLite file with `rows` opportunities; `shared` is lent as it is, to who only reads."""
    folder.mkdir(parents=True, exist_ok=True)
    original = folder / f"{rows}-{version()}.db"
    if not original.exists():
        for old in folder.glob(f"{rows}-*.db*"):
            old.unlink()
        _fill_sqlite(folder / f"{rows}.part", rows)
        (folder / f"{rows}.part").rename(original)
    return sqlite_of(original, rows, shared=shared)


def sqlite_of(original: Path, rows: int, *, shared: bool = False) -> Data:
    """The data of a SQLite file that is there."""
    with closing(sqlite3.connect(original)) as connection:
        workspace, sample = _sample(lambda text: connection.execute(text).fetchall())

    @contextmanager
    def lend(name: str, statements: Sequence[str]) -> Iterator[str]:
        if shared:
            yield str(original)
            return
        copy = original.with_name(f"{rows}-{name}.db")
        _copy(original, copy, statements)
        try:
            yield str(copy)
        finally:
            _remove(copy)

    return Data("sqlite", rows, workspace, sample, lend)


def _fill_sqlite(path: Path, rows: int) -> None:
    """Its indexes are made when the rows are there: that is several times faster, and nobody reads it before."""
    _remove(path)
    url = f"sqlite:///{path}"
    asyncio.run(upgrade(url))
    connection = sqlite3.connect(path, isolation_level=None)
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid").fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    asyncio.run(seed(url, _spec(rows)))
    for _, statement in indexes:
        connection.execute(statement)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _copy(original: Path, copy: Path, statements: Sequence[str]) -> None:
    _remove(copy)
    shutil.copyfile(original, copy)
    connection = sqlite3.connect(copy, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def _remove(path: Path) -> None:
    """A database and what lies beside it."""
    for left in path.parent.glob(f"{path.name}*"):
        left.unlink()


def postgresql_data(rows: int, folder: Path) -> Data:
    """A database with `rows` opportunities in a server of our own below `folder`, durable, on the load's core."""
    from tests.postgres import start_postgres  # noqa: PLC0415  a package that only these runs need

    server = start_postgres(folder, durable=True)
    pin(int((folder / "postmaster.pid").read_text().split()[0]), LOAD_CORE)
    original = f"bench_{rows}_{version()}"
    if not server.sql(f"SELECT 1 FROM pg_database WHERE datname = '{original}'"):
        part = f"bench_{rows}_part"
        server.sql(f"DROP DATABASE IF EXISTS {part}", f"CREATE DATABASE {part}")
        asyncio.run(upgrade(server.url(part)))
        asyncio.run(seed(server.url(part), _spec(rows)))
        server.sql("VACUUM ANALYZE", database=part)
        server.sql(f"ALTER DATABASE {part} RENAME TO {original}")
    return postgresql_of(server, original, rows)


def postgresql_of(server: Any, original: str, rows: int) -> Data:
    """The data of a database that is there, in a server of `tests.postgres`."""
    workspace, sample = _sample(lambda text: [line.split("|") for line in server.sql(text, database=original).splitlines()])

    @contextmanager
    def lend(name: str, statements: Sequence[str]) -> Iterator[str]:
        own = f"{original}_{name.replace('-', '_')}"
        server.sql(f"DROP DATABASE IF EXISTS {own} WITH (FORCE)", f"CREATE DATABASE {own} TEMPLATE {original} STRATEGY FILE_COPY")
        server.sql(*statements, "VACUUM ANALYZE", "CHECKPOINT", database=own)
        try:
            yield server.url(own)
        finally:
            server.sql(f"DROP DATABASE {own} WITH (FORCE)")

    return Data("postgresql", rows, workspace, sample, lend)


def _sample(ask: Callable[[str], Sequence[Sequence[Any]]]) -> tuple[str, Sample]:
    def column(text: str, most: int) -> list[str]:
        values = [str(row[0]) for row in ask(text)]
        random.Random(3).shuffle(values)
        return values[:most]

    (workspace,) = column("SELECT id FROM workspace", 1)
    sample = Sample(
        any=column("SELECT id FROM opportunity ORDER BY id", 5_000),
        open=column("SELECT id FROM opportunity WHERE stage < 5 ORDER BY id", 1_000),
        accounts=column("SELECT id FROM account ORDER BY id", 1_000),
        users=column("SELECT id FROM \"user\" WHERE is_active AND role <> 'viewer' ORDER BY id", 1_000),
        contacts=column("SELECT id FROM contact ORDER BY id", 5_000),
    )
    return workspace, sample
