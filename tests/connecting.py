"""Connections, ports and tasks of tests, given back whatever happens in between.

What is left to the garbage collector is collected in the middle of some other test, and fails that one: warnings are errors here.
"""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]
#: Seconds for what comes at once on a quiet machine.
PATIENCE = 60.0
#: Ports below those that the system gives to whoever connects, so that no client takes one between its choice and its use.
PORTS = range(10_000, 32_768)


def free_port() -> int:
    """A port that nobody listens on, kept from the other tests of this machine until this process ends.

    It is kept by a UDP socket of its number: the system gives that up, however the process ends.
    """
    while True:
        port = random.SystemRandom().choice(PORTS)
        with contextlib.suppress(OSError), _bound(port, socket.SOCK_DGRAM) as kept, _bound(port, socket.SOCK_STREAM):
            kept.detach()
            return port


def _bound(port: int, kind: socket.SocketKind) -> socket.socket:
    found = socket.socket(socket.AF_INET, kind)
    try:
        found.bind(("127.0.0.1", port))
    except OSError:
        found.close()
        raise
    return found


@asynccontextmanager
async def connected(address: str, **options: Any) -> AsyncIterator[Streams]:
    """A connection to `host:port`, dropped at the end. Raises OSError."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port), **options)
    try:
        yield reader, writer
    finally:
        await drop(writer)


async def drop(*writers: asyncio.StreamWriter) -> None:
    """Breaks connections off, and waits until nothing is left of them."""
    for writer in writers:
        writer.transport.abort()
    for writer in writers:
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def until(found: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Until it is so, on a busy machine too. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not found():  # noqa: ASYNC110  what is waited for tells it in no other way
            await asyncio.sleep(0.01)


@asynccontextmanager
async def beside(*work: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
    """Work that goes on while something else is done, and is cancelled at the end. Raises what it failed with."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
