"""Gateway processes over one database, each started as an operator does, and tokens to them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from gateway.app import Application, create_app
from gateway.migrations import upgrade
from gateway.serving import config_of
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, NewKey
from schema.rules.access import Caller, Role
from schema.storage.database import Database
from schema.storage.opening import open_database
from tests.connecting import free_port
from tests.live_server import ROOT
from tests.postgres import start_postgres
from tests.tokens import check_log

PATIENCE = 60.0


@dataclass(slots=True)
class Gateway:
    """A process that serves at `address`, `host:port`; `log` is what it printed."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    async def ready(self) -> None:
        """Until it takes requests. Raises RuntimeError with its output where it ends first, TimeoutError where it takes too long."""
        async with asyncio.timeout(PATIENCE), httpx.AsyncClient(base_url=self.url) as client:
            while not await _is_ready(client):
                if self.process.poll() is not None:
                    raise RuntimeError(f"the gateway ended with {self.process.returncode}:\n{self.log.read_text('utf-8')}")
                await asyncio.sleep(0.05)

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Its exit status after this signal."""
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, PATIENCE)


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def start(database_url: str, folder: Path, port: int | None = None, *, descriptors: int | None = None, **settings: Any) -> Gateway:
    """A gateway that comes up on `port`, or a free one; `settings` are its `GATEWAY_…` variables, `descriptors` how many it may open."""
    port = port or free_port()
    log = folder / f"gateway-{port}.txt"
    given = {"database_url": database_url, "port": port, "access_log": "false", **settings}
    variables = {f"GATEWAY_{name.upper()}": str(value) for name, value in given.items()}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    with log.open("ab") as sink:
        # In a process group of its own, so that a test can signal all of it.
        limited = ["sh", "-c", f'ulimit -n {descriptors}; exec "$0" "$@"'] if descriptors else []
        command = [*limited, sys.executable, "-m", "gateway", "serve"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=sink, stderr=sink, start_new_session=True)
    return Gateway(f"127.0.0.1:{port}", process, log)


@asynccontextmanager
async def serving(database_url: str, folder: Path, count: int = 1, **settings: Any) -> AsyncIterator[list[Gateway]]:
    """`count` gateways that are ready; whatever is left of them at the end is killed."""
    async with AsyncExitStack() as stack:
        gateways = []
        for _ in range(count):
            gateways.append(start(database_url, folder, **settings))
            stack.callback(reap, gateways[-1])
        await asyncio.gather(*(gateway.ready() for gateway in gateways))
        yield gateways


def reap(gateway: Gateway) -> None:
    """Nothing is left of it, no worker either, and no token in its log."""
    gateway.process.kill()
    with suppress(ProcessLookupError):  # it has a group of its own where `start` began it
        os.killpg(gateway.process.pid, signal.SIGKILL)
    gateway.process.wait(PATIENCE)
    check_log(gateway.log.read_bytes())


@asynccontextmanager
async def in_process(database_url: str, **settings: Any) -> AsyncIterator[tuple[str, Application]]:
    """A gateway on a port of its own, in this process: its address and application. It is stopped in order at the end."""
    app = create_app(Settings(**{"database_url": database_url, "port": 0, "access_log": False, "shutdown_timeout": 2, **settings}))
    server = uvicorn.Server(config_of(app.settings, lambda: app))
    task = asyncio.create_task(server._serve())
    while not server.started:
        assert not task.done(), task
        await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", app
    finally:
        app.closing.set()
        server.should_exit = True
        await task


@asynccontextmanager
async def opened(database_url: str, **options: Any) -> AsyncIterator[Database]:
    """The database, from this process; `options` are of `open_database`."""
    database = open_database(database_url, **options)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@dataclass(frozen=True, slots=True)
class Access:
    """An API key: its token, and who it makes of the bearer."""

    token: str
    caller: Caller

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


async def access(database_url: str, role: Role = Role.ADMIN, account_id: str | None = None, *scopes: str) -> Access:
    """A new key to the workspace `Here`, which is made if need be."""
    async with opened(database_url) as database:
        key = await ApiKeys(database).create(NewKey("Here", role, "test", account_id=account_id, scopes=scopes))
    return Access(key.token, Caller(workspace_id=key.workspace_id, role=role, user_id=None, account_id=account_id, token_id=key.id))


@contextmanager
def fresh(kind: str, folder: Path) -> Iterator[str]:
    """The address of a new, migrated database of this kind, outside pytest."""
    if kind == "sqlite":
        url = f"sqlite:///{folder / 'gateway.db'}"
        asyncio.run(upgrade(url))
        yield url
        return
    server = start_postgres()
    try:
        server.ensure_template(lambda url: asyncio.run(upgrade(url)))
        with server.lent() as url:
            yield url
    finally:
        server.stop()
