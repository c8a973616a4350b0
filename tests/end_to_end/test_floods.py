"""What anyone may do without a token, done to a real process: others are served meanwhile, and nothing stays behind."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.end_to_end.fleet import Gateway, access, serving
from tests.end_to_end.http_client import Connections, Told, get

#: The healthy client's longest wait, in seconds, of which a busy machine may take some; and the memory that may be left over, in MB.
PATIENCE, LEFT_MB = 2.0, 60
WISH = b"POST /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\n{}"


def megabytes(gateway: Gateway) -> float:
    status = Path(f"/proc/{gateway.process.pid}/status").read_text("utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


@asynccontextmanager
async def beside(gateway: Gateway, database_url: str) -> AsyncIterator[Told]:
    """A healthy client that asks for a page all the while, and what it is told."""
    request = get("/api/opportunities/?limit=1", (await access(database_url)).token)
    connections, told = Connections(gateway.address), Told()

    async def ask() -> None:
        while True:
            await connections.ask(request, told)
            await connections.close()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(ask())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connections.close()
    assert set(told.statuses) == {200}, told.statuses
    assert told.longest() < PATIENCE


async def flood(address: str, seconds: float, size: int) -> None:
    """Requests without end, answers unread, and gone."""
    host, port = address.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    some, sent, began = b"GET /x HTTP/1.1\r\n\r\n" * 500, 0, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        if sent < size * passed / seconds and writer.transport.get_write_buffer_size() < len(some):
            writer.write(some)
            sent += len(some)
        await asyncio.sleep(0.01)
    writer.transport.abort()


async def test_pipelines(sqlite_url: str, tmp_path: Path) -> None:
    """N1: four bursts of 16 connections that write 20 MB of small requests and leave."""
    async with serving(sqlite_url, tmp_path) as (gateway,):
        before = megabytes(gateway)
        async with beside(gateway, sqlite_url):
            for _ in range(4):
                await asyncio.gather(*(flood(gateway.address, 2, 20_000_000 // 16) for _ in range(16)))
                assert megabytes(gateway) < before + LEFT_MB


@pytest.mark.parametrize("sent", [b"", WISH], ids=["silent", "wishes"])
async def test_connections_that_stay(sqlite_url: str, tmp_path: Path, sent: bytes) -> None:
    """N2, N4: 400 connections that are silent, or wish for a WebSocket by POST, where there are 256 descriptors; then an orderly stop."""
    async with serving(sqlite_url, tmp_path, descriptors=256) as (gateway,), AsyncExitStack() as stack:
        host, port = gateway.address.split(":")
        async with beside(gateway, sqlite_url) as told:
            for _ in range(400):
                opened = await asyncio.open_connection(host, int(port))
                # The reader is held, too: without it the connection would be closed.
                stack.callback(lambda opened: opened[1].transport.abort(), opened)
                opened[1].write(sent)
            while told.statuses[200] < 20:  # noqa: ASYNC110  a client beside is waited for
                await asyncio.sleep(0.05)
        assert await gateway.end() in {0, -signal.SIGTERM}
    lines = [json.loads(line) for line in gateway.log.read_text("utf-8").splitlines()]
    assert {line["level"] for line in lines} <= {"info", "warning"}
    assert [line["event"] for line in lines].count("The bound of connections is reached.") >= 1
