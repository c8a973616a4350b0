"""Contenders as running processes, each alone on the server's core while it is measured."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from tests.connecting import free_port

from .contenders.catalog import NODE, PEERS, ROOT, Contender, Place, gateway_url
from .data import FOLDER, Data
from .machine import SERVER_CORE, family, pinned
from .workloads import Request

START_SECONDS = 60.0
# The peers answer anyone; they are sent as long a token as the gateway, so that all read the same bytes.
_ANY_TOKEN = "k" * 43


class ServerFault(Exception):
    """A contender can't be installed, doesn't start or answers with an error."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running contender."""

    contender: Contender
    port: int
    token: str
    process: "subprocess.Popen[bytes]"

    def ask(self, request: Request) -> Any:
        """The JSON of an answer. Raises ServerFault where it is an error."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Accept": "application/json"}
        try:
            connection.request(request.method, request.path, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise ServerFault(f"{self.contender.name} answers {request.method} {request.path} with {answer.status}: {body[:500]!r}")
        return orjson.loads(body)

    def pause(self) -> None:
        """Stops the process where it is, so that it takes nothing from those that are measured."""
        for member in family(self.process.pid):
            os.kill(member, signal.SIGSTOP)

    def resume(self) -> None:
        for member in family(self.process.pid):
            os.kill(member, signal.SIGCONT)


@contextmanager
def running(contender: Contender, data: Data) -> Iterator[Server]:
    """The contender on its own copy of the data. Raises ServerFault where it doesn't start."""
    install(contender.needs)
    with data.lend(contender.name, contender.prepared) as database:
        server, log = _started(contender, Place(free_port(), database), data)
        try:
            _wait(server, log)
            yield server
        finally:
            _stop(server)


def _started(contender: Contender, place: Place, data: Data) -> tuple[Server, Path]:
    key = (data.token or token(place.database, contender.root)) if contender.is_gateway else _ANY_TOKEN
    log = FOLDER / f"{contender.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "BENCH_DATABASE": place.database,
        "BENCH_WORKSPACE": data.workspace,
        "BENCH_PORT": str(place.port),
        "NODE_ENV": "production",
        "PYTHONPATH": str(contender.root),
        **contender.environment,
    }
    with log.open("wb") as out:
        command = [*pinned(SERVER_CORE), *contender.command(place)]
        process = subprocess.Popen(command, cwd=contender.root, env=environment, stdout=out, stderr=out)
    return Server(contender, place.port, key, process), log


def _wait(server: Server, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        time.sleep(0.05)
    raise ServerFault(f"{server.contender.name} doesn't start: {log.read_text(errors='replace')[-2_000:]}")


def _stop(server: Server) -> None:
    if server.process.poll() is None:
        server.resume()
        server.process.terminate()
    try:
        server.process.wait(15)
    except subprocess.TimeoutExpired:
        for member in list(family(server.process.pid)):
            os.kill(member, signal.SIGKILL)
        server.process.wait()


def token(database: str, root: Path = ROOT) -> str:
    """A new token of an admin for a contender's database. Raises ServerFault."""
    return command_line(root, "token", "create", "--workspace", "Main", "--role", "admin", "--database-url", gateway_url(database)).strip()


def command_line(root: Path, *arguments: str) -> str:
    """What `gateway …` prints, run from the checkout at `root`. Raises ServerFault."""
    command = [sys.executable, "-m", "gateway", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)  # noqa: PLW1510  told below, in words
    if done.returncode:
        raise ServerFault(f"gateway {' '.join(arguments)}: {done.stderr[-1_000:]}")
    return done.stdout


def install(needs: str) -> None:
    """Makes what the peers need, once for each version of their lists: `.venv-bench` or `node_modules`. Raises ServerFault."""
    if needs == "python":
        wanted = Path(__file__).with_name("requirements.txt")
        pip = [str(PEERS / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes"]
        _made(PEERS, wanted, [[sys.executable, "-m", "venv", str(PEERS)], [*pip, "-r", str(wanted)]])
    elif needs == "node":
        _made(NODE / "node_modules", NODE / "package-lock.json", [["npm", "--prefix", str(NODE), "ci", "--no-progress"]], _compiling())


def _compiling() -> dict[str, str]:
    """The variables by which better-sqlite3 is compiled, in a minute or two, with the headers that came with node, if they did."""
    place = Path(shutil.which("node") or "/").resolve().parents[1]
    headers = {"npm_config_nodedir": str(place)} if (place / "include" / "node" / "node_api.h").exists() else {}
    return {"npm_config_build_from_source": "true", **headers}


def _made(folder: Path, wanted: Path, commands: Sequence[Sequence[str]], variables: Mapping[str, str] = MappingProxyType({})) -> None:
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_bytes() == wanted.read_bytes():
        return
    for command in commands:
        if not shutil.which(command[0]):
            raise ServerFault(f"there is no {command[0]}")
        done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)  # noqa: PLW1510  told below, in words
        if done.returncode:
            raise ServerFault(f"{' '.join(command)}: {(done.stderr or done.stdout)[-2_000:]}")
    stamp.write_bytes(wanted.read_bytes())
