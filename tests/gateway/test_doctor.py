"""`gateway doctor`: each thing that serving needs is looked at, what isn't well is told with what to do, and nothing is changed."""

import asyncio
import hashlib
import json
import os
import re
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import Connection, text

from gateway.cli.doctor import examination
from gateway.migrations.runner import connected
from tests.deploy.pgbouncer import pgbouncer
from tests.deploy.tools import substituted
from tests.gateway.conftest import Result, Run


@dataclass(frozen=True)
class Doctor:
    """The command on one database."""

    run: Run
    url: str

    def __call__(self, *flags: str, url: str | None = None) -> "Findings":
        return Findings(self.run("doctor", "--json", "--port", "0", "--database-url", url or self.url, *flags))


class Findings:
    """What the doctor printed."""

    def __init__(self, result: Result) -> None:
        assert result.err == ""
        self.code = result.code
        self.all: list[dict[str, str]] = json.loads(result.out)

    def of(self, check: str) -> tuple[str, str]:
        """The one finding of a check: its level and what it says."""
        (found,) = [(each["level"], each["says"]) for each in self.all if each["check"] == check]
        return found

    def faults(self) -> set[str]:
        return {each["check"] for each in self.all if each["level"] == "fault"}


@pytest.fixture
def whole() -> None:
    """For tests in which the doctor makes an application of the settings."""


@pytest.fixture(autouse=True)
def _light(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes half a second, and most tests are of something else."""
    if "whole" not in request.fixturenames:
        monkeypatch.setattr("gateway.app.create_app", lambda _settings: None)


@pytest.fixture
def doctor(run: Run, database_url: str) -> Doctor:
    return Doctor(run, database_url)


@pytest.fixture
def on_sqlite(run: Run, sqlite_url: str) -> Doctor:
    return Doctor(run, sqlite_url)


@pytest.fixture
def on_postgresql(run: Run, postgres_url: str) -> Doctor:
    return Doctor(run, postgres_url)


@pytest.mark.usefixtures("whole")
def test_all_is_well(doctor: Doctor) -> None:
    """Every check tells of something, and a new database lacks only a key."""
    assert doctor.run("token", "create", "--workspace", "W", "--role", "admin", "--database-url", doctor.url).code == 0
    found = doctor()
    assert (found.code, found.faults()) == (0, set())
    checks = {each["check"] for each in found.all}
    common = {"version", "settings", "descriptors", "pages", "port", "database", "migrations", "writable", "clock", "keys"}
    assert checks >= common
    assert checks - common == ({"disk", "write-ahead log"} if doctor.url.startswith("sqlite") else {"pool", "pooler"})
    assert found.of("keys") == ("ok", "1 API key")


def test_a_line_a_check(doctor: Doctor) -> None:
    """For people each finding is one line: level, what, how it is."""
    lines = doctor.run("doctor", "--port", "0", "--database-url", doctor.url).out.splitlines()
    assert all(line.split(maxsplit=1)[0] in {"ok", "warning", "fault"} for line in lines)
    (keys,) = [line for line in lines if line.split()[1] == "keys:"]
    assert keys == "warning  keys: there is none, so that nobody can call: gateway token create --workspace NAME --role admin"


def test_warnings_count_where_wished(doctor: Doctor) -> None:
    """Without a key it ends with 0, and with 1 where warnings count."""
    assert (doctor().code, doctor("--strict").code) == (0, 1)


def test_settings_that_can_not_be(doctor: Doctor) -> None:
    """They are told as by every command, with 2."""
    result = doctor.run("doctor", "--port", "many")
    assert (result.code, result.out, result.err) == (2, "", "gateway: --port: write a whole number\n")


@pytest.mark.parametrize(
    ("flags", "level", "says"),
    [
        (["--heartbeat", "60"], "warning", "GATEWAY_HEARTBEAT (60 s)"),
        (["--extensions", "no_such_module"], "fault", "GATEWAY_EXTENSIONS"),
        (["--jwt-secret", "short"], "fault", "at least 32 bytes"),
    ],
)
@pytest.mark.usefixtures("whole")
def test_settings(doctor: Doctor, flags: list[str], level: str, says: str) -> None:
    """What doesn't fit together is a warning, what no application can be made of is a fault."""
    found = doctor(*flags)
    assert any((each["level"], each["check"]) == (level, "settings") and says in each["says"] for each in found.all)
    assert found.code == (level == "fault")


def test_a_variable_that_is_none(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, with the one that it may be meant for."""
    monkeypatch.setenv("GATEWAY_DATABSE_URL", "x")
    result = doctor.run("doctor", "--json", "--database-url", doctor.url)
    assert any("is GATEWAY_DATABASE_URL meant?" in each["says"] for each in json.loads(result.out))


def test_a_port_that_is_taken(doctor: Doctor) -> None:
    """Perhaps a gateway is running already."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        level, says = doctor("--port", str(taken.getsockname()[1])).of("port")
    assert (level, "is a gateway running already?" in says) == ("warning", True)


def test_pages(doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pages that aren't built are told with how to build them."""
    monkeypatch.setattr("gateway.cli.doctor.process.WEB", tmp_path)
    assert doctor().of("pages")[0] == "warning"
    assert "make web" in doctor().of("pages")[1]
    assert doctor("--no-graphiql").of("pages")[0] == "ok"


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limit")
def test_descriptors(doctor: Doctor) -> None:
    """Connections that the process may not open are counted."""
    level, says = doctor("--max-connections", "100000000").of("descriptors")
    assert (level, "ulimit -n 200000000" in says) == ("warning", True)


class Provider(BaseHTTPRequestHandler):
    """An identity provider whose clock is ahead."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.send_response(200)
        self.end_headers()
        found = (
            {"issuer": origin, "jwks_uri": f"{origin}/keys"}
            if "openid" in self.path
            else {"keys": [{"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB"}]}
        )
        self.wfile.write(json.dumps(found).encode())

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + 3_600)

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


@pytest.fixture
def provider() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("flag", "path"), [("--jwt-jwks-url", "/keys"), ("--oidc-issuer", "")])
def test_an_identity_provider(on_sqlite: Doctor, provider: str, flag: str, path: str) -> None:
    """Its keys are asked for, by their address or by discovery, each once, and its clock is compared."""
    Provider.asked.clear()
    found = on_sqlite(flag, provider + path, "--jwt-audience", "a")
    assert found.of("identity provider") == ("ok", f"{provider}{path} gives 1 key")
    assert any(each["level"] == "warning" and "behind the identity provider's" in each["says"] for each in found.all)
    assert Provider.asked == (["/.well-known/openid-configuration", "/keys"] if flag == "--oidc-issuer" else ["/keys"])
    found = on_sqlite(flag, "http://127.0.0.1:1" + path, "--jwt-audience", "a")
    level, says = found.of("identity provider")
    assert (found.code, level, "can't be fetched" in says) == (1, "fault", True)
    assert f"GATEWAY_{flag[2:].upper().replace('-', '_')}" in says


def test_a_server_that_is_silent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What doesn't answer is told after a deadline, whatever it is."""
    monkeypatch.setattr("gateway.cli.doctor.postgresql.CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = Doctor(run, f"postgresql://u:s3cret@127.0.0.1:{silent.getsockname()[1]}/db")()
    assert (found.code, found.faults()) == (1, {"database"})
    assert "did not answer in time" in found.of("database")[1]
    assert "s3cret" not in str(found.all)


def test_a_check_that_hangs(monkeypatch: pytest.MonkeyPatch, on_sqlite: Doctor) -> None:
    """No check is waited for longer than its deadline; what it found until then is told."""
    never = threading.Event()

    def hang(_settings: Any, report: Any) -> None:
        report.ok("disk", "fine")
        never.wait()

    monkeypatch.setattr(examination.sqlite, "check", hang)
    monkeypatch.setattr(examination, "CHECK_SECONDS", 0.5)
    found = on_sqlite()
    never.set()
    assert found.of("disk") == ("ok", "fine")
    assert found.of("database") == ("fault", "no answer within 0.5 s: look at what it waits for, and try again")


def _bytes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def test_nothing_is_changed(on_sqlite: Doctor, tmp_path: Path) -> None:
    """The file is byte for byte what it was, and nothing new lies beside it."""
    before = _bytes(tmp_path)
    assert on_sqlite().code == 0
    assert _bytes(tmp_path) == before


def test_no_file_yet(run: Run, tmp_path: Path) -> None:
    """It is told who makes it, and it isn't made."""
    found = Doctor(run, "sqlite:///new.db")()
    assert (found.code, found.of("database")[0]) == (0, "warning")
    assert "gateway serve makes it" in found.of("database")[1]
    assert not list(tmp_path.glob("new.db*"))


def test_no_folder(run: Run) -> None:
    """A file in a folder that isn't there can't be made."""
    found = Doctor(run, "sqlite:///nowhere/new.db")()
    assert (found.code, found.faults()) == (1, {"database"})


def test_no_database(run: Run, tmp_path: Path) -> None:
    """Another file is told as that."""
    (tmp_path / "other.db").write_bytes(b"no database" * 1_000)
    found = Doctor(run, "sqlite:///other.db")()
    assert (found.code, found.faults()) == (1, {"database"})
    assert "file is not a database" in found.of("database")[1]


def test_a_lock(on_sqlite: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds the lock for long keeps everybody's writes waiting."""
    monkeypatch.setattr("gateway.cli.doctor.sqlite.BUSY_SECONDS", 0.1)
    other = sqlite3.connect(on_sqlite.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    found = on_sqlite()
    other.close()
    assert (found.code, found.faults()) == (1, {"writable"})
    assert "end it" in found.of("writable")[1]


@pytest.mark.parametrize(
    ("revision", "level", "says"),
    [
        ("9999", "fault", "it is of a newer gateway"),
        ("0003", "warning", "at 0003 and not at"),
        (None, "fault", "another program's tables have names that the gateway needs (account, "),
    ],
)
def test_revisions_of_a_file(on_sqlite: Doctor, revision: str | None, level: str, says: str) -> None:
    """An older file is migrated by whoever serves it, a newer one is not for this gateway."""
    raw = sqlite3.connect(on_sqlite.url.removeprefix("sqlite:///"), isolation_level=None)
    raw.execute("UPDATE alembic_version SET version_num = ?" if revision else "DROP TABLE alembic_version", (revision,) if revision else ())
    raw.close()
    told, words = on_sqlite().of("migrations")
    assert (told, says in words, "gateway serve migrates it" in words) == (level, True, level == "warning")


def test_tables_of_another_program(doctor: Doctor) -> None:
    """What `gateway migrate` can't do is no advice: doctor and migrate tell the tables that are in the way, on both databases."""
    asyncio.run(_without_revision(doctor.url))
    found = doctor()
    refused = doctor.run("migrate", "--database-url", doctor.url)
    told = re.escape("another program's tables have names that the gateway needs (account, ") + r"[a-z_, ]+\): name an empty database"
    assert (found.code, found.of("migrations")[0]) == (1, "fault")
    assert re.fullmatch(f"{told} by --database-url", found.of("migrations")[1])
    assert refused.code == 1
    assert re.fullmatch(f"gateway: the database says: {told}\n", refused.err)


async def _without_revision(url: str) -> None:
    def drop(connection: Connection) -> None:
        connection.execute(text("DROP TABLE alembic_version"))

    async with connected(url) as run:
        await run(drop)


def test_a_journal_of_another_kind(on_sqlite: Doctor) -> None:
    """A copy that a tool made may have none, which serving changes and the doctor doesn't."""
    path = on_sqlite.url.removeprefix("sqlite:///")
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA journal_mode=DELETE")
    assert on_sqlite().of("write-ahead log") == ("warning", "the journal's mode is delete: gateway serve changes it to WAL")
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    raw.close()


def test_a_clock_that_was_set_back(on_sqlite: Doctor) -> None:
    """A file that was changed tomorrow tells of it."""
    path = Path(on_sqlite.url.removeprefix("sqlite:///"))
    os.utime(path, (time.time() + 86_400,) * 2)
    level, says = on_sqlite().of("clock")
    assert (level, "behind the database's last change" in says) == ("warning", True)


def test_a_full_disk(on_sqlite: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little room is told before writes are refused."""
    monkeypatch.setattr("gateway.cli.doctor.sqlite.FREE", 1 << 60)
    assert on_sqlite().of("disk")[0] == "warning"


def test_postgresql_that_is_not_migrated(run: Run, postgres_server: Any) -> None:
    """The gateway wouldn't serve it."""
    with postgres_server.database(template="template0") as url:
        found = Doctor(run, url)()
    assert (found.code, found.faults()) == (1, {"migrations"})
    assert found.of("migrations")[1].endswith("gateway migrate")


@contextmanager
def role(doctor: Doctor, server: Any, rights: str) -> Iterator[Doctor]:
    """The doctor as another role, which has these rights on the tables."""
    database = doctor.url.partition("?")[0].rpartition("/")[2]
    name = f"role_{database}"
    server.sql(f"CREATE ROLE {name} LOGIN", f"GRANT {rights} ON ALL TABLES IN SCHEMA public TO {name}", database=database)
    try:
        yield Doctor(doctor.run, f"postgresql://{name}@{doctor.url.partition('@')[2]}")
    finally:
        server.sql(f"DROP OWNED BY {name}", f"DROP ROLE {name}", database=database)


def test_a_role_that_may_not_write(on_postgresql: Doctor, postgres_server: Any) -> None:
    """What it lacks is named."""
    with role(on_postgresql, postgres_server, "SELECT") as reader:
        found = reader()
    assert (found.code, found.faults()) == (1, {"writable"})
    assert "account: DELETE, account: INSERT, account: UPDATE and" in found.of("writable")[1]


@pytest.mark.parametrize(("url", "says"), [("postgresql://u@127.0.0.1:1/x", "nothing listens there: is the server running")])
def test_postgresql_that_is_away(run: Run, url: str, says: str) -> None:
    """It is told where it was looked for, and what to look at."""
    found = Doctor(run, url)()
    assert found.code == 1
    assert says in found.of("database")[1]


def test_a_database_that_is_not_there(on_postgresql: Doctor) -> None:
    """A server that answers may not have it."""
    database = on_postgresql.url.partition("?")[0].rpartition("/")[2]
    found = on_postgresql(url=on_postgresql.url.replace(database, "nothing"))
    assert (found.code, found.faults()) == (1, {"database"})
    assert "createdb" in found.of("database")[1]


def test_pools_that_are_too_large(on_postgresql: Doctor) -> None:
    """What the processes could take is compared with what the server gives."""
    level, says = on_postgresql("--workers", "64", "--pool-size", "64").of("pool")
    assert level == "warning"
    assert "take up to 4160 connections" in says


def test_behind_a_pooler_that_keeps_sessions(on_postgresql: Doctor, postgres_server: Any) -> None:
    """PgBouncer as deploy/ sets it can't pass on settings: the role is given them, as deploy/postgresql.sql does."""
    with role(on_postgresql, postgres_server, "ALL") as gateway:
        name = gateway.url.partition("://")[2].partition("@")[0]
        with pgbouncer(gateway.url) as url:
            assert gateway(url=url).of("pooler")[0] == "warning"
            assert "ALTER ROLE" in gateway(url=url).of("pooler")[1]
        postgres_server.sql(substituted("postgresql.sql", **{"ROLE gateway": f"ROLE {name}"}))
        with pgbouncer(gateway.url) as url:
            assert gateway(url=url).of("pooler")[0] == "ok"


def test_behind_a_pooler_that_changes_sessions(on_postgresql: Doctor) -> None:
    """Transaction pooling loses notifications and, before 1.21, prepared statements."""
    with pgbouncer(on_postgresql.url, pool_mode="transaction") as url:
        level, says = on_postgresql(url=url).of("pooler")
    assert level in {"warning", "fault"}
    assert says.startswith("transaction pooling")


def test_behind_a_pooler_that_refuses_settings(on_postgresql: Doctor) -> None:
    """PgBouncer as it comes takes no such session, and says so in its words."""
    with pgbouncer(on_postgresql.url, ignore_startup_parameters="extra_float_digits") as url:
        found = on_postgresql(url=url)
    assert (found.code, found.faults()) == (1, {"database"})
    assert "docs/deploying.md" in found.of("database")[1]
