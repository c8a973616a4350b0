"""Starting and stopping as an operator meets it: what can't work is one sentence and an exit code, never a traceback."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway import serving
from gateway.cli import command_database
from gateway.settings import Settings
from schema.storage.sqlite.file import with_place
from tests.connecting import PATIENCE, free_port
from tests.gateway.conftest import Run
from tests.live_server import ROOT
from tests.tokens import check_log

GATEWAY = [sys.executable, "-m", "gateway"]
SERVE = ["serve", "--port", "0"]
#: The database, its log and its index, and the lock of who moves the one into the other.
FILES = ["gateway.db", "gateway.db-wal", "gateway.db-shm", "gateway.db-checkpoint"]


def refusal(result: Any, code: int) -> str:
    """The one sentence on standard error, with nothing on standard output."""
    assert (result.code, result.out) == (code, "")
    (line,) = result.err.splitlines()
    assert line.startswith("gateway: ")
    return str(line)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("flags", [[], ["--demo"], ["--workers", "2"]], ids=["one", "demo", "workers"])
def test_a_port_that_is_taken(run: Run, taken: int, flags: list[str], tmp_path: Path) -> None:
    """It is told before anything else is done: no database is made and no token shown."""
    assert f":{taken}: address already in use: is a gateway running already?" in refusal(run("serve", "--port", str(taken), *flags), 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "says"),
    [("203.0.113.5", "assign requested address"), ("no-such-host.invalid", "http://no-such-host.invalid:8000"), ("a..b", "no host's name")],
)
def test_an_address_that_is_not_ours(run: Run, host: str, says: str) -> None:
    """Neither another machine's address nor a name without one can be listened on."""
    assert says in refusal(run("serve", "--host", host), 1)


def _directory(place: Path) -> None:
    place.mkdir()


def _garbage(place: Path) -> None:
    place.write_bytes(b"no database" * 1_000)


@pytest.mark.parametrize("flags", [[], ["--demo"], ["--workers", "2"]], ids=["one", "demo", "workers"])
@pytest.mark.parametrize(
    ("make", "says"), [(_directory, "unable to open database file"), (_garbage, "file is not a database")], ids=["directory", "garbage"]
)
def test_a_file_that_is_no_database(run: Run, tmp_path: Path, make: Any, says: str, flags: list[str]) -> None:
    """The file is named, left as it is, and nothing is served."""
    make(tmp_path / "gateway.db")
    told = refusal(run(*SERVE, *flags), 1)
    assert says in told
    assert "sqlite:///gateway.db" in told
    assert (tmp_path / "gateway.db").is_dir() or (tmp_path / "gateway.db").read_bytes().startswith(b"no database")


def test_a_file_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rights that this user lacks are told with the file, by its whole path."""
    path = tmp_path / "gateway.db"
    path.touch()
    monkeypatch.setattr("os.access", lambda *_: False)
    assert with_place("SQLite's words", str(path)) == f"SQLite's words (sqlite:///{path}): this user may not read and write {path}"


@pytest.mark.usefixtures("bound_by_rights")
def test_a_file_that_may_only_be_read(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write says which file and whose rights, serving warns of it, and the doctor finds it, though SQLite gives the lock."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    create = ("token", "create", "--workspace", "W", "--role", "admin", "--database-url", url)
    assert run(*create).code == 0
    (tmp_path / "a.db").chmod(0o444)
    hinders = f"this user may not read and write {tmp_path / 'a.db'}"
    written = run(*create)
    assert (written.code, written.out) == (1, "")
    assert written.err.splitlines()[-1].endswith(hinders)
    said: list[str] = []
    monkeypatch.setattr("gateway.serving.structlog.get_logger", lambda: SimpleNamespace(warning=said.append))
    command_database.run(Settings(database_url=url), partial(serving.advise, Settings(database_url=url)))
    assert f"{hinders}. The gateway is not ready until it does." in said[0]
    found = json.loads(run("doctor", "--json", "--port", "0", "--database-url", url).out)
    assert [(each["check"], each["says"]) for each in found if each["level"] == "fault"] == [("writable", hinders)]
    (tmp_path / "a.db").chmod(0)
    found = json.loads(run("doctor", "--json", "--port", "0", "--database-url", url).out)
    assert hinders in next(each["says"] for each in found if each["level"] == "fault")


def test_a_folder_that_is_not_there(run: Run) -> None:
    """A database can't be made in a folder that doesn't exist."""
    assert "there is no folder none/such: make it" in refusal(run(*SERVE, "--database-url", "sqlite:///none/such/gateway.db"), 1)


def test_a_database_of_a_newer_gateway(run: Run, sqlite_url: str) -> None:
    """A revision that this gateway doesn't know is told as that."""
    with_newer = ["UPDATE alembic_version SET version_num = '9999'"]
    _change(sqlite_url, with_newer)
    told = refusal(run(*SERVE, "--database-url", sqlite_url), 1)
    assert "9999" in told
    assert "newer gateway" in told


def _change(sqlite_url: str, statements: list[str]) -> None:
    raw = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    for statement in statements:
        raw.execute(statement)
    raw.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_postgresql_that_is_not_migrated(run: Run, postgres_server: Any, workers: str) -> None:
    """An unmigrated PostgreSQL isn't served; the message says what to do."""
    with postgres_server.database(template="template0") as url:
        told = refusal(run(*SERVE, "--workers", workers, "--database-url", url), 2)
    assert told.endswith("the database isn't at the newest revision: run gateway migrate first")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_postgresql_that_is_away(run: Run, workers: str) -> None:
    """A PostgreSQL that nobody answers for is told as that."""
    told = refusal(run(*SERVE, "--workers", workers, "--database-url", "postgresql://nobody@127.0.0.1:1/none"), 1)
    assert "the database can't be reached: 127.0.0.1:1: nothing listens there" in told


@dataclass(frozen=True)
class Served:
    """`gateway serve` in a process group of its own, as a terminal has it."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def started(self) -> int:
        """How many workers serve."""
        return self.log.read_bytes().count(b"Application startup complete.")


@contextmanager
def gateway(folder: Path, *flags: str, workers: int = 1) -> Iterator[Served]:
    """A gateway that serves with all its workers; it is gone at the end."""
    port, log = free_port(), folder / "log.txt"
    command = [*GATEWAY, "serve", "--port", str(port), "--workers", str(workers), *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as sink, subprocess.Popen(command, cwd=folder, env=environment, stderr=sink, start_new_session=True) as process:
        served = Served(process, port, log)
        try:
            deadline = time.monotonic() + PATIENCE
            while served.started() < workers:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield served
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            check_log(log.read_bytes())


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c(tmp_path: Path, workers: int) -> None:
    """Ctrl-C reaches the whole process group: everything ends in order, without a traceback, and the port is free."""
    with gateway(tmp_path, workers=workers) as served:
        # Nobody else reads what is served, wherever SQLite puts it.
        assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("gateway.db*")} == dict.fromkeys(FILES, 0o600)
        os.killpg(served.process.pid, signal.SIGINT)
        assert served.process.wait(PATIENCE) in {0, 130, -signal.SIGINT}
    log = served.log.read_bytes()
    assert log.count(b"Application shutdown complete.") == workers
    assert b"Traceback" not in log
    with socket.socket() as free:
        free.bind(("127.0.0.1", served.port))


@pytest.mark.parametrize("full", [True, False], ids=["a full disk", "a reader that has left"])
def test_a_log_that_cannot_be_written(tmp_path: Path, full: bool) -> None:  # noqa: FBT001
    """Its lines are lost, and nothing else: it starts, each request is answered, metrics are told, and it stops in order."""
    port = free_port()
    reader, log = os.pipe()
    if full:
        os.close(log)
        log = os.open("/dev/full", os.O_WRONLY)
    command = [*GATEWAY, "serve", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=log) as process:
        os.close(log)
        try:
            _wait_for(port, process)
            os.close(reader)
            assert _statuses(port, [b"/api/accounts/"] * 50 + [b"/metrics"]) == [b"401"] * 50 + [b"200"]
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) in {0, -signal.SIGTERM}
        finally:
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError


def _statuses(port: int, paths: Sequence[bytes]) -> list[bytes]:
    """The statuses of the answers to requests that are sent at once, over one connection."""
    heads = [b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n" for path in paths]
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        client.sendall(b"\r\n".join(heads) + b"Connection: close\r\n\r\n")
        answers = b"".join(iter(partial(client.recv, 65_536), b""))
    return re.findall(rb"HTTP/1\.1 ([0-9]{3})", answers)


def test_localhost_is_both_addresses(tmp_path: Path) -> None:
    """Whoever finds `localhost` at its IPv6 address is answered too, where the machine has one. A closed terminal stops it in order."""
    # Whoever runs the tests may ignore the signal, as nohup does, and what they start would ignore it too.
    ours = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with gateway(tmp_path, "--host", "localhost") as served:
        signal.signal(signal.SIGHUP, ours)
        for family, _, _, _, address in socket.getaddrinfo("localhost", served.port, type=socket.SOCK_STREAM):
            with socket.socket(family, socket.SOCK_STREAM) as client:
                client.connect(address)
        served.process.send_signal(signal.SIGHUP)
        assert served.process.wait(PATIENCE) in {0, -signal.SIGTERM}
        assert b"Application shutdown complete." in served.log.read_bytes()


def test_a_reader_that_has_enough() -> None:
    """`gateway openapi | head -1` ends without a word about the broken pipe."""
    with subprocess.Popen([*GATEWAY, "openapi"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        process.wait(PATIENCE)
    assert told == b""


def test_a_full_disk_is_told() -> None:
    """Standard output that can't be written to is not the database's fault."""
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run([*GATEWAY, "schema"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "gateway: no space left on device\n")
