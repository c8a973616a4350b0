"""The gateway that is attacked: a real process, over a database in which some things are large, and what can be seen of it from outside."""

import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.connecting import PATIENCE, free_port
from tests.end_to_end.fleet import Gateway, reap
from tests.live_server import ROOT

DEALS = 2_000
#: Deals of one account that have a long text and, by the stage history, a long past.
LARGE, TEXT, STEPS = 100, "x" * 10_000, 5_000
#: On SIGUSR2 it writes down how many tasks there are.
PROGRAM = """
import asyncio, os, signal
from pathlib import Path
from gateway.cli.main import main
place = Path(os.environ["TASKS"])
def tell(*_):
    place.with_suffix(".new").write_text(str(len(asyncio.all_tasks())))
    place.with_suffix(".new").rename(place)
signal.signal(signal.SIGUSR2, tell)
main()
"""
_LARGE = """
UPDATE opportunity SET account_id = (SELECT max(id) FROM account) WHERE account_id = (SELECT min(id) FROM account);
UPDATE opportunity SET account_id = (SELECT min(id) FROM account), description = :text
  WHERE id IN (SELECT id FROM opportunity ORDER BY id LIMIT :large);
WITH RECURSIVE step(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM step WHERE number < :steps)
INSERT INTO stage_change (workspace_id, opportunity_id, sequence, from_stage, to_stage, at, duration)
  SELECT workspace_id, id, 1000 + number, 0, 1, '2025-01-01T00:00:00Z', 1 FROM opportunity, step WHERE description = :text;
"""

_ROLES = ("admin", "viewer")


@dataclass(frozen=True, slots=True)
class Standing:
    """What a process holds: memory in MB, connections, tasks."""

    memory: float
    sockets: int
    tasks: int


@dataclass(slots=True)
class Target:
    """A running gateway, tokens of an admin and of a viewer, and ids of what is large."""

    gateway: Gateway
    tasks: Path
    admin: str
    viewer: str
    account: str
    deal: str
    accounts: list[str]

    @property
    def address(self) -> str:
        return self.gateway.address

    @property
    def alive(self) -> bool:
        return self.gateway.process.poll() is None

    def standing(self) -> Standing:
        """Raises OSError where the process has gone, TimeoutError where it is too busy to say."""
        return Standing(self._kib("VmRSS") / 1_024, self._sockets(), self._tasks())

    def peak(self) -> float:
        """The most memory that it held since `forget_peak`, in MB."""
        return self._kib("VmHWM") / 1_024

    def forget_peak(self) -> None:
        (self._proc / "clear_refs").write_text("5")

    @property
    def _proc(self) -> Path:
        return Path(f"/proc/{self.gateway.process.pid}")

    def _kib(self, name: str) -> int:
        return int(next(line.split()[1] for line in (self._proc / "status").read_text("ascii").splitlines() if line.startswith(name)))

    def _sockets(self) -> int:
        found = 0
        for each in (self._proc / "fd").iterdir():
            with contextlib.suppress(OSError):  # it is closed by now
                found += str(each.readlink()).startswith("socket:")
        return found

    def _tasks(self) -> int:
        self.tasks.unlink(missing_ok=True)
        self.gateway.process.send_signal(signal.SIGUSR2)
        end = time.monotonic() + PATIENCE
        while not self.tasks.exists():
            if time.monotonic() > end:
                raise TimeoutError("it doesn't say how many tasks it has")
            time.sleep(0.01)
        return int(self.tasks.read_text())


def prepare(root: Path, folder: Path) -> None:
    """Fills `folder`/gateway.db by the command line of the checkout at `root`, makes some of it large, and makes tokens for it."""
    database = folder / "gateway.db"
    command_line(root, "seed", "--opportunities", str(DEALS), "--database-url", f"sqlite:///{database}")
    with closing(sqlite3.connect(database, isolation_level=None)) as raw:
        for statement in _LARGE.split(";")[:-1]:
            raw.execute(statement, {"text": TEXT, "large": LARGE, "steps": STEPS})
    for role in _ROLES:
        made = command_line(root, "token", "create", "--workspace", "Main", "--role", role, "--database-url", f"sqlite:///{database}")
        (folder / role).write_text(made)


def command_line(root: Path, *arguments: str) -> str:
    """What `gateway …` of a checkout prints. Raises CalledProcessError."""
    command = [sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(command, cwd=root, env=_environment(root), check=True, capture_output=True, text=True).stdout.strip()


def _environment(root: Path, **settings: Any) -> dict[str, str]:
    variables = {f"GATEWAY_{name.upper()}": str(value) for name, value in settings.items()}
    return {**os.environ, "PYTHONPATH": str(root), **variables}


@contextmanager
def target(root: Path, folder: Path, *, memory: int, files: int = 1_024, **settings: Any) -> Iterator[Target]:
    """The gateway of a checkout over the database in `folder`; it may take at most so many bytes, and open so many files."""
    url = f"sqlite:///{folder / 'gateway.db'}"
    keys = [(folder / role).read_text() for role in _ROLES]
    with closing(sqlite3.connect(folder / "gateway.db")) as raw:
        account, deal = raw.execute("SELECT account_id, id FROM opportunity WHERE description = ? ORDER BY id", (TEXT,)).fetchone()
        accounts = [row[0] for row in raw.execute("SELECT id FROM account ORDER BY id LIMIT ?", (LARGE,))]
    port = free_port()
    log, tasks = folder / f"gateway-{port}.txt", folder / f"tasks-{port}.txt"
    environment = _environment(root, database_url=url, port=port, access_log="false", **settings) | {"TASKS": str(tasks)}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "serve"],
            cwd=folder,
            env=environment,
            stdout=sink,
            stderr=sink,
            preexec_fn=_limits(memory, files),  # noqa: PLW1509  nothing else runs in this process
        )
    gateway = Gateway(f"127.0.0.1:{port}", process, log)
    try:
        yield Target(gateway, tasks, *keys, account, deal, accounts)
    finally:
        reap(gateway)


def _limits(memory: int, files: int) -> Callable[[], None]:
    """What is done in the new process: an attack that works may cost it its life, and not the machine its memory."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    return limit


@contextmanager
def temporary() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gateway-attacks-") as name:
        yield Path(name)


def healthy(target: Target, kept: str) -> "subprocess.Popen[str]":
    """The client that behaves; its reads have begun."""
    program = [sys.executable, "-m", "tests.end_to_end.attacks.healthy"]
    command = [*program, target.address, f"/api/opportunities/{target.deal}/", target.admin, kept]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def end_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What the client met."""
    out, _ = process.communicate(timeout=PATIENCE * 2)
    told: dict[str, Any] = json.loads(out)
    return told
