"""A served process, from its start to its orderly stop."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from gateway.live.messages import SUBPROTOCOL
from tests.connecting import PATIENCE, free_port, until
from tests.gateway.conftest import HEADERS, TOKEN

ROOT = Path(__file__).parents[2]
PROGRAM = """
import gateway.app
import gateway.graph_settings
import gateway.observability.usage_counts
from gateway.server.listen import listening
from gateway.serving import serve
from gateway.settings import load
from tests.gateway.conftest import CALLER, TOKEN
from tests.gateway.fake_graph import StandIn, StandInRest

async def authenticate(_self, _authorization):
    return CALLER

async def flush(_self):
    "The workspace and the token of this caller are nowhere in the database."

gateway.graph_settings.Graph = lambda _database, **_options: StandIn()
gateway.app.RestGraph = lambda *_: None
gateway.app.rest_of = lambda _: StandInRest()
gateway.app.Authenticator.authenticate = authenticate
gateway.observability.usage_counts.UseCounter.flush = flush
if __name__ == "__main__":
    with listening(load()) as found:
        serve(*found)
"""

Start = Callable[..., Any]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A file, since worker processes import it again."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


@asynccontextmanager
async def served(program: Path, url: str, **settings: Any) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx.AsyncClient]]:
    """A process serving, ready, and a client of it."""
    port = free_port()
    variables = {"DATABASE_URL": url, "PORT": port, **{name.upper(): value for name, value in settings.items()}}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **{f"GATEWAY_{name}": str(value) for name, value in variables.items()}}
    command, pipe = [sys.executable, str(program)], asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=pipe, start_new_session=True)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=HEADERS, timeout=PATIENCE) as client:
        try:
            async with asyncio.timeout(PATIENCE):
                while not await answers(client):  # noqa: ASYNC110  a process tells it in no other way
                    await asyncio.sleep(0.1)
            yield process, client
        except BaseException as error:
            error.add_note(await _ended(process))
            raise
        finally:
            await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> str:
    """Kill a process, and those that it began. Returns what it logged."""
    # Workers that outlive their supervisor hold its standard error open: the wait for its end would be for ever.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    _, log = await process.communicate()
    return log.decode()


async def told(client: httpx.AsyncClient, *samples: str) -> None:
    """Until the metrics, which a process notes down after a while, say so. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        while not set(samples) <= set((await metrics(client)).splitlines()):  # noqa: ASYNC110  a process tells it in no other way
            await asyncio.sleep(0.05)


async def metrics(client: httpx.AsyncClient) -> str:
    """What the gateway measures; only the error where the worker that was asked has just died, and the connection with it."""
    try:
        return (await client.get("/metrics")).text
    except httpx.TransportError as error:
        return repr(error)


async def answers(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def test_an_orderly_stop(program: Path, sqlite_url: str) -> None:
    """SIGTERM: not ready any more, what is in flight is finished, streams complete, sockets close with 1012, the process ends well."""
    async with served(program, sqlite_url, shutdown_delay=2) as (process, client):
        slow = asyncio.create_task(client.post("/graphql", json={"query": "{ slow(seconds: 3) }"}))
        stream = asyncio.create_task(
            client.post("/graphql", json={"query": "subscription { count(to: 1, delay: 60) }"}, headers={"accept": "text/event-stream"})
        )
        closed = asyncio.create_task(closing_of(f"ws://{client.base_url.netloc.decode()}/graphql"))
        await told(client, "gateway_websockets_open 1.0", "gateway_streams_open 1.0")
        process.send_signal(signal.SIGTERM)
        while (stopping := await client.get("/readyz")).status_code == 200:  # noqa: ASYNC110  the same
            await asyncio.sleep(0.05)
        assert (stopping.status_code, stopping.json()["checks"]["process"]) == (503, "stopping")
        assert stopping.headers["connection"] == "close"
        assert (await slow).json()["data"] == {"slow": "done"}
        assert (await stream).text.endswith("event: complete\ndata:\n\n")
        assert await closed == 1012
        _, log = await process.communicate()
    assert process.returncode in {0, -signal.SIGTERM}
    assert b"Traceback" not in log


async def closing_of(url: str) -> int | None:
    """The code that a socket with a subscription is closed with."""
    subprotocols: Any = [SUBPROTOCOL]
    async with connect(url, subprotocols=subprotocols) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": {"Authorization": TOKEN}}))
        subscription = {"type": "subscribe", "id": "1", "payload": {"query": "subscription { count(to: 1, delay: 60) }"}}
        await connection.send(json.dumps(subscription))
        try:
            while True:
                await connection.recv()
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else None


async def test_workers(program: Path, sqlite_url: str) -> None:
    """Several processes share both ports; whichever is asked tells the metrics of all, which each notes down every 50 ms."""
    port, token = free_port(), "m" * 20
    metrics = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {token}"})
    async with served(program, sqlite_url, workers=2, metrics_port=port, metrics_token=token) as (process, client), metrics:
        for _ in range(20):
            assert (await client.post("/graphql", json={"query": "{ hello }"}, headers={"connection": "close"})).status_code == 200
        await told(metrics, 'gateway_request_duration_seconds_count{method="POST",route="/graphql",status="200"} 20.0')
        # The first may have answered all of them before the second had started.
        await swept(metrics, 2)
        text = (await metrics.get("/metrics")).text
        assert {"gateway_requests_in_flight 0.0", "gateway_database_writes_waiting 0.0"} <= set(text.splitlines())
        assert "_created" not in text
        assert sum(process.memory_info().rss for process in serving(process.pid)) / 2 < sample(text, "process_resident_memory_bytes")
        assert (await metrics.get("/metrics", headers={"authorization": ""})).status_code == 401
        assert [(await metrics.get("/graphql")).status_code, (await client.get("/metrics")).status_code] == [404, 404]
        assert (await metrics.get("/healthz")).headers["x-content-type-options"] == "nosniff"
        process.send_signal(signal.SIGTERM)
        await process.communicate()


async def test_a_worker_that_dies(program: Path, sqlite_url: str) -> None:
    """It is an error in the log, with what ended it; another one takes its place, also in the metrics, where the dead one's figures go."""
    async with served(program, sqlite_url, workers=2) as (process, client):
        await until(lambda: len(serving(process.pid)) == 2)
        first = {worker.pid for worker in serving(process.pid)}
        descriptors = f"process_max_fds {2.0 * serving(process.pid)[0].rlimit(psutil.RLIMIT_NOFILE)[0]}"
        await swept(client, 2)
        await told(client, descriptors)
        os.kill(min(first), signal.SIGKILL)
        await until(lambda: len({worker.pid for worker in serving(process.pid)} - first) == 1)
        await swept(client, 3)
        await told(client, descriptors)
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    [line] = [line for line in map(json.loads, log.splitlines()) if line["event"].startswith("A worker has died")]
    assert (line["level"], line["pid"], line["signal"]) == ("error", min(first), "SIGKILL")


async def test_temporary_files_that_are_cleared_away(
    program: Path, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the folder of the workers' figures is gone, as systemd-tmpfiles takes it, metrics are told and a dead worker is replaced."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    async with served(program, sqlite_url, workers=2) as (process, client):
        await until(lambda: len(serving(process.pid)) == 2)
        await swept(client, 2)
        first = {worker.pid for worker in serving(process.pid)}
        clear(tmp_path)
        assert (await client.get("/metrics")).status_code == 200
        os.kill(min(first), signal.SIGKILL)
        await until(lambda: len({worker.pid for worker in serving(process.pid)} - first) == 1)
        await swept(client, 1)
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    assert log.count(b"A worker has died") == 1


def clear(folder: Path) -> None:
    """Takes away all folders in it."""
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)


def serving(supervisor: int) -> list[psutil.Process]:
    """The workers of a supervisor that live."""
    return [child for child in psutil.Process(supervisor).children() if "spawn_main" in " ".join(_command(child))]


async def swept(client: httpx.AsyncClient, workers: int) -> None:
    """Until so many workers, dead ones among them, have told their figures: each looks for old rows once, as it starts."""
    latest = time.monotonic() + PATIENCE
    while sum(map(float, re.findall(r"gateway_sweeps_total\{.*\} (\S+)", text := await metrics(client)))) < workers:
        assert time.monotonic() < latest, text
        await asyncio.sleep(0.05)


def sample(text: str, name: str) -> float:
    return float(next(line for line in text.splitlines() if line.startswith(f"{name} ")).split()[1])


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return process.cmdline()
    return []


@pytest.mark.parametrize("form", ["json", "console"])
async def test_logs(program: Path, sqlite_url: str, form: str) -> None:
    """Every line on standard error is in the wished form; a defect is told under its request's id, and without what variables held."""
    async with served(program, sqlite_url, log_format=form) as (process, client):
        response = await client.post("/graphql", json={"query": "{ boom }"})
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    request_id = response.json()["errors"][0]["extensions"]["requestId"]
    assert request_id == response.headers["x-request-id"]
    assert "secret detail" in log.decode()
    assert TOKEN not in log.decode()
    if form == "console":
        assert request_id in log.decode()
        return
    lines = [json.loads(line) for line in log.splitlines()]
    defect = next(line for line in lines if line["event"] == "defect")
    assert defect["request_id"] == request_id
    assert "secret detail" in defect["exception"]
    assert {"event", "level", "timestamp"} <= set(lines[0])
