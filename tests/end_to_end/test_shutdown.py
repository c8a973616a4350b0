"""Stops and restarts: the short form of `tests.end_to_end.shutdown`."""

import asyncio
import os
import socket
import time
from pathlib import Path

import pytest
import uvicorn

from gateway.server.graceful_stop import Server
from gateway.serving import WORKER_SECONDS
from tests.connecting import until
from tests.end_to_end.fleet import PATIENCE, reap, serving, start
from tests.end_to_end.http_client import REFUSED, Connections, Told, get
from tests.end_to_end.shutdown import SOCKETS, STREAMS, run, whole_group

DELAY = 2.0


async def test_nobody_is_let_down(sqlite_url: str, tmp_path: Path) -> None:
    """A gateway is stopped, with and without a balancer, and workers are restarted: failed requests 0, sockets 1012, streams completed."""
    report = await run(sqlite_url, tmp_path, rounds=1)
    assert report.flawless, report
    assert report.ends == {"socket 1012": 2 * SOCKETS, "stream completed": 2 * STREAMS}
    assert report.alone == 3
    assert report.answered > 100


async def test_delay_of_workers(sqlite_url: str, tmp_path: Path) -> None:
    """Workers that get SIGTERM with their supervisor, as from systemd, answer on for the whole delay: its own signal cuts nothing."""
    told = Told()
    async with serving(sqlite_url, tmp_path, workers=2, shutdown_delay=DELAY) as (gateway,), Connections(gateway.address) as connections:
        whole_group(gateway)
        began = time.monotonic()
        while await connections.ask(get("/readyz"), told) != REFUSED:
            pass
        assert time.monotonic() - began >= DELAY
        assert gateway.process.wait(PATIENCE) == 0
    assert set(told.statuses) <= {200, 503, REFUSED}


async def test_a_stop_at_the_start(sqlite_url: str, tmp_path: Path) -> None:
    """Workers that end while they start keep nobody waiting: the supervisor, which asks for a sign of life, sees that they are gone."""
    gateway = start(sqlite_url, tmp_path, workers=2)
    try:
        await until(lambda: b"Started parent process" in gateway.log.read_bytes())
        # It has asked by then, and they are not yet there to answer.
        await asyncio.sleep(0.8)
        whole_group(gateway)
        began = time.monotonic()
        assert await asyncio.to_thread(gateway.process.wait, PATIENCE) == 0
        assert time.monotonic() - began < WORKER_SECONDS / 2
    finally:
        reap(gateway)


async def test_a_port_that_others_listen_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that starts doesn't make the port wait: others accept on it, and who waits for a connection answers nobody meanwhile."""
    seen: list[bool] = []

    async def note(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        server.servers = []
        seen.append(os.get_blocking(port.fileno()))

    monkeypatch.setattr(uvicorn.Server, "startup", note)
    monkeypatch.setattr(uvicorn.Server, "shutdown", note)
    server = Server(uvicorn.Config("none"))
    # As another process gets it, whose Python knows nothing of the flag.
    with socket.create_server(("127.0.0.1", 0)) as port, socket.socket(fileno=os.dup(port.fileno())) as ours:
        port.settimeout(0)
        await server.startup([ours])
        await server.shutdown([ours])
    assert seen == [False, False]
