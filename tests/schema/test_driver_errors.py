"""What the drivers' errors mean: each is provoked on a real database, and told as what it is."""

import os
import sqlite3
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from schema.storage.database import (
    Connection,
    Contention,
    Database,
    DatabaseUnavailable,
    InputRejected,
    LockTimeout,
    ReadOnly,
    StatementTimeout,
)
from schema.storage.driver_errors import of_postgresql, of_sqlite
from tests.end_to_end.fleet import opened
from tests.schema.dataset import World, ask

#: Statements that ask for too much, or hold a value that is none: by their SQL, and the value of `:value` if there is one.
TOO_MUCH: dict[str, dict[str, tuple[str, Any]]] = {
    "sqlite": {
        "number beyond 64 bits": ("SELECT :value", 2**63),
        "text that is none": ("SELECT :value", "\ud800"),
        "sum beyond 64 bits": ("SELECT sum(value) FROM json_each('[9223372036854775807, 1]') WHERE :value = 1", 1),
        "text too long": ("SELECT zeroblob(:value)", 2_000_000_000),
        "deep expression": (f"SELECT {'1 + ' * 2_000}:value", 1),
        "deep brackets": (f"SELECT {'(' * 500}:value{')' * 500}", 1),
        "many columns": (f"SELECT :value{', 1' * 3_000}", 1),
        "many tables": (f"SELECT :value FROM workspace AS t{''.join(f', workspace AS t{number}' for number in range(70))}", 1),
        "many selections": (f"SELECT :value{' UNION SELECT 1' * 600}", 1),
        "many values": (f"SELECT :value{'+?' * 300_000}", 1),
    },
    "postgresql": {
        "number beyond 64 bits": ("SELECT CAST(:value AS bigint)", 2**63),
        "text that is none": ("SELECT CAST(:value AS text)", "\ud800"),
        "text with NUL": ("SELECT CAST(:value AS text)", "\0"),
        "sum beyond 64 bits": ("SELECT 9223372036854775807 + CAST(:value AS bigint)", 1),
        "day beyond the calendar": ("SELECT CAST(CAST(:value AS text) AS date)", "9999999-01-01"),
        "text too long": ("SELECT repeat('x', CAST(:value AS int))", 2_000_000_000),
        "deep expression": (f"SELECT {'1 + ' * 200_000}CAST(:value AS int)", 1),
        "deep brackets": (f"SELECT {'(' * 50_000}CAST(:value AS int){')' * 50_000}", 1),
        "many columns": (f"SELECT CAST(:value AS int){', 1' * 1_700}", 1),
        "many values": ("SELECT 1", 1),
    },
}
CASES = [(kind, name) for kind, cases in TOO_MUCH.items() for name in cases]


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str) -> str:
    """The address of an empty database of this kind."""
    return str(request.getfixturevalue("sqlite_url" if kind == "sqlite" else "postgres_url"))


@pytest.mark.parametrize(("kind", "name"), CASES)
async def test_what_asks_for_too_much(url: str, kind: str, name: str) -> None:
    """It is the request's fault, not the database's: the client hears what to change, and the next statement works."""
    sql, value = TOO_MUCH[kind][name]
    async with opened(url) as database:
        statement = database.compile(text(sql))
        if name == "many values":
            places = (f"${number}::int" if kind == "postgresql" else "?" for number in range(1, 300_001))
            statement.text = f"SELECT {' + '.join(places)}"
            statement.bind = lambda _: [1] * 300_000

        async def work(connection: Connection) -> Any:
            return await connection.fetch(statement, {"value": value})

        for way in (database.fetch(statement, {"value": value}), database.read(work), database.write(work)):
            with pytest.raises(InputRejected, match=r"outside of what the database can hold|too complex") as refused:
                await way
            assert str(2**63) not in str(refused.value.__cause__), "the log tells the cause, and no values"
        assert (await database.fetch(database.compile(text("SELECT 1")), {}))[0][0] == 1


@pytest.mark.parametrize("sql", ["SELECT nothing FROM nowhere", "SELEC 1"])
async def test_defects_are_told_as_they_are(database: Database, sql: str) -> None:
    """A statement of ours that is wrong is neither the client's fault nor a database that is away: the driver's own error is raised."""
    statement = database.compile(text(sql))
    with pytest.raises((sqlite3.OperationalError, asyncpg.PostgresSyntaxError, asyncpg.UndefinedTableError)):
        await database.fetch(statement, {})


async def test_a_broken_rule_of_the_tables_is_a_defect(database: Database) -> None:
    """Nothing in the tables refuses what was checked before: when it does, that is no reason to come back later. Logs hear no values."""

    async def work(connection: Any) -> None:
        sql = "INSERT INTO workspace (id, name, currency, revision, created_at) VALUES ('jane', 'w', 'EUR', 1, '2025-01-01T00:00:00Z')"
        for _ in range(2):
            await connection.execute(database.compile(text(sql)), {})

    with pytest.raises((sqlite3.IntegrityError, asyncpg.UniqueViolationError)) as broken:
        await database.write(work)
    assert "jane" not in str(broken.value)


async def test_a_client_hears_what_to_change(world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What gets through to the database and is too much for it is a BAD_REQUEST, and the log says that nothing caught it before."""

    async def refuse(*_: Any) -> Any:
        message = "The request is too complex for the database: ask with fewer conditions, fields or levels."
        raise InputRejected(message) from OverflowError("stack depth limit exceeded")

    for name in ("fetch", "read", "write"):
        monkeypatch.setattr(world.database, name, refuse)
    answer = await ask(world.graph, "{ opportunities { nodes { id } } }", world.here.caller())
    assert answer.errors is not None
    assert answer.errors[0]["extensions"] == {"code": "BAD_REQUEST"}
    assert "fewer conditions" in answer.errors[0]["message"]
    assert "stack depth limit exceeded" in caplog.text


async def test_a_statement_that_takes_too_long(database_url: str) -> None:
    """On both databases the statement is stopped, and told as that."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    async with opened(database_url, statement_timeout=0.2) as database:
        with pytest.raises(StatementTimeout):
            await database.fetch(database.compile(text(endless)), {})


def _postgres_error(sqlstate: str) -> Exception:
    error: Exception = asyncpg.PostgresError.new({"C": sqlstate, "M": "as the server says"})
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        *(
            (_postgres_error(state), DatabaseUnavailable)
            for state in ("08006", "53100", "53200", "53300", "57P01", "57P02", "57P03", "58030", "25P03")
        ),
        *((_postgres_error(state), Contention) for state in ("40001", "40P01")),
        *((_postgres_error(state), InputRejected) for state in ("22003", "22021", "22P02", "54000", "54001")),
        *((_postgres_error(state), type(None)) for state in ("23505", "25P02", "42601", "42P01", "XX000", "XX001")),
        (_postgres_error("25006"), ReadOnly),
        (_postgres_error("55P03"), LockTimeout),
        (_postgres_error("57014"), StatementTimeout),
        (asyncpg.InternalClientError("odd"), DatabaseUnavailable),
        (asyncpg.ProtocolError("odd"), DatabaseUnavailable),
        (asyncpg.TargetServerAttributeNotMatched("none"), ReadOnly),
        (ConnectionResetError(), DatabaseUnavailable),
        (TimeoutError(), DatabaseUnavailable),
        (asyncpg.InterfaceError("another operation is in progress"), type(None)),
        (ValueError("a defect of ours"), type(None)),
    ],
)
def test_errors_of_postgresql(error: Exception, expected: type) -> None:
    """Those that a test can't provoke: the server's shutdown, its disk, its memory, and what asyncpg says of a connection gone wrong."""
    assert type(of_postgresql(error, closed=False)) is expected


def test_a_closed_connection_is_no_defect() -> None:
    """Asyncpg uses one class for its misuse and for a closed connection: whether it is closed decides."""
    assert type(of_postgresql(asyncpg.InterfaceError("connection is closed"), closed=True)) is DatabaseUnavailable


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, DatabaseUnavailable) for name in ("FULL", "IOERR", "CANTOPEN", "NOMEM", "CORRUPT", "NOTADB", "PROTOCOL")),
        *((name, LockTimeout) for name in ("BUSY", "BUSY_SNAPSHOT", "LOCKED")),
        ("READONLY", ReadOnly),
        ("READONLY_DBMOVED", ReadOnly),
        ("INTERRUPT", StatementTimeout),
        ("TOOBIG", InputRejected),
        *((name, type(None)) for name in ("ERROR", "CONSTRAINT", "MISUSE", "RANGE")),
    ],
)
def test_errors_of_sqlite(name: str, expected: type) -> None:
    """By SQLite's result codes, extended ones too."""
    error = sqlite3.OperationalError("as SQLite says")
    error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
    assert type(of_sqlite(error)) is expected


async def test_a_file_that_is_damaged(sqlite_url: str) -> None:
    """A read that meets garbage is told as a database that is away, not as a defect of ours."""
    path = sqlite_url.removeprefix("sqlite:///")
    async with opened(sqlite_url) as database:
        raw = sqlite3.connect(path)
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw.close()
        file = os.open(path, os.O_WRONLY)
        os.pwrite(file, b"\x07" * 400_000, 4096)
        os.close(file)
        with pytest.raises(DatabaseUnavailable):
            await database.fetch(database.compile(text("SELECT count(*) FROM workspace")), {})


async def test_a_server_that_does_not_let_us_in(postgres_url: str) -> None:
    """Without a connection nothing can be done but to come back later, whatever the reason."""
    with pytest.raises(DatabaseUnavailable, match="nobody"):
        async with opened(postgres_url.replace("postgres:", "nobody:")):
            pass
