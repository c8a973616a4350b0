"""The application over a stand-in graph, called in process or on a port; `make_app(…)` takes settings."""

import asyncio
import ctypes
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
import uvicorn

from gateway.app import Application, create_app
from gateway.cli.main import main
from gateway.serving import config_of
from gateway.settings import Settings
from schema.rules.access import Caller, Role
from tests.gateway.fake_graph import StandIn, StandInRest

CALLER = Caller(workspace_id="ws_1", role=Role.ADMIN, user_id=None, account_id=None, token_id="key_1")
TOKEN = "Bearer test"
HEADERS = {"authorization": TOKEN}

MakeApp: TypeAlias = Callable[..., Application]
Serve: TypeAlias = Callable[..., Any]
Run: TypeAlias = "Callable[..., Result]"


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs the command line in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    # The logs would go on to what capfd put in standard error's place, after it was closed.
    monkeypatch.setattr("gateway.observability.logs.configure", lambda _settings: None)

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["gateway", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        return Result(code, *capfd.readouterr())

    return run


@pytest.fixture
def bound_by_rights(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files' rights bind this thread, and those that it begins, also where root runs the tests (capabilities(7))."""
    if os.geteuid() != 0:
        yield
        return
    libc, header, data = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, data) == 0
    effective, data[0] = data[0], data[0] & ~0b110
    assert libc.capset(header, data) == 0
    monkeypatch.setattr("os.access", partial(os.access, effective_ids=True))
    yield
    data[0] = effective
    assert libc.capset(header, data) == 0


@pytest.fixture
def make_app(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    monkeypatch.setattr("gateway.graph_settings.Graph", lambda _database, **_options: StandIn())
    monkeypatch.setattr("gateway.app.RestGraph", lambda *_arguments: None)
    monkeypatch.setattr("gateway.app.rest_of", lambda _graph: StandInRest())

    def make(**settings: Any) -> Application:
        app = create_app(Settings(**{"database_url": sqlite_url, "access_log": False, **settings}))
        app.authenticator._known.put(TOKEN, CALLER, 1000)
        return app

    return make


@asynccontextmanager
async def calling(app: Application, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `app` in process, with a good token; `app`'s lifespan around it."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.lifespan(app), httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=HEADERS, **options) as client:
        yield client


@pytest.fixture
async def client(make_app: MakeApp) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(make_app()) as client:
        yield client


@pytest.fixture
async def serve(make_app: MakeApp) -> AsyncIterator[Serve]:
    """Serves an application with the given settings on a free port; gives it with its address `host:port` in `.address`."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Application:
            app = make_app(port=0, **settings)
            server = uvicorn.Server(config_of(app.settings, lambda: app))
            task = asyncio.create_task(server._serve())
            stack.push_async_callback(_stop, server, task, app)
            while not server.started:  # noqa: ASYNC110  uvicorn tells it in no other way
                await asyncio.sleep(0.01)
            app.address = f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
            return app

        yield start


async def _stop(server: uvicorn.Server, task: asyncio.Task[None], app: Application) -> None:
    app.closing.set()
    server.should_exit = True
    await task


async def ask(client: httpx.AsyncClient, query: str, headers: dict[str, str] | None = None, **members: Any) -> httpx.Response:
    return await client.post("/graphql", json={"query": query, **members}, headers=headers)
