"""What tests connect with leaves nothing behind: what it left would fail some other test, now and then."""

import asyncio
import gc
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.connecting import beside, connected, free_port
from tests.end_to_end.http_client import Connections, Told, get


@asynccontextmanager
async def silent() -> AsyncIterator[tuple[str, asyncio.Semaphore]]:
    """The address of a server that reads and never answers; the semaphore is released for each request."""
    asked = asyncio.Semaphore(0)

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1_000):
            asked.release()
        writer.close()

    async with await asyncio.start_server(read, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_a_request_given_up_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is cancelled while it waits for its answer leaves no open connection to the garbage collector."""
    left: list[Any] = []
    async with silent() as (address, asked), Connections(address) as connections:
        async with beside(*(connections.ask(get("/"), Told()) for _ in range(3))):
            for _ in range(3):
                await asked.acquire()
        monkeypatch.setattr(sys, "unraisablehook", left.append)
        gc.collect()
    assert left == []


async def test_a_connection_is_dropped_whatever_happens() -> None:
    """What fails while it is connected is told, and the server sees the connection's end."""
    ended = asyncio.Event()

    async def until_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    async with await asyncio.start_server(until_the_end, "127.0.0.1", 0) as server:
        with pytest.raises(ZeroDivisionError):
            async with connected(f"127.0.0.1:{server.sockets[0].getsockname()[1]}"):
                raise ZeroDivisionError
        await ended.wait()


async def test_what_goes_on_beside_and_fails_is_told() -> None:
    """A watcher that fails isn't forgotten."""

    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with beside(fail()):
            await asyncio.sleep(0.01)


def test_ports_are_kept() -> None:
    """No port is given twice, nor one that somebody listens on or that the system gives to clients."""
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == len(ports)
    assert max(ports) < 32_768
    with socket.socket() as found:
        found.bind(("127.0.0.1", ports[0]))
