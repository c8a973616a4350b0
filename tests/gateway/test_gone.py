"""What is over is out of memory before the garbage collector comes; what large headers take is bounded over all connections."""

import asyncio
import gc
import socket
import struct
import weakref
from contextlib import AsyncExitStack

import pytest

from gateway.edge import concurrency
from gateway.edge.concurrency import ConcurrencyLimiter, DisconnectWatch
from gateway.live.events import Stream
from gateway.live.socket import SocketSession
from gateway.server.exchange import Exchange
from gateway.server.http_protocol import HttpProtocol
from gateway.server.websocket_protocol import WebSocketProtocol
from rest_compat.errors import Unavailable
from tests.connecting import beside, connected, until
from tests.gateway.conftest import TOKEN, Serve
from tests.gateway.test_frames import text
from tests.gateway.test_pipelines import GET, LAST, post, statuses, talk
from tests.gateway.test_socket import INIT, subscribe
from tests.gateway.test_upgrades import get as handshake
from tests.memory import uncollected

HELD = (HttpProtocol, WebSocketProtocol, SocketSession, Stream, Exchange)
#: 40,000 bytes of headers.
LARGE = b"".join(b"x-%d: %b\r\n" % (number, b"v" * 1_000) for number in range(40))
STREAM = b"accept: text/event-stream\r\nauthorization: %b\r\nhost: x\r\n" % TOKEN.encode()
CONNECTIONS = {
    "request": GET,
    "handshake": handshake(),
    "socket": handshake() + text(INIT),
    "subscription": handshake() + text(INIT) + text(subscribe("subscription { count(to: 1000000) }")),
    "stream": b"GET /graphql?query=subscription%7Bcount(to:1000000)%7D HTTP/1.1\r\n" + STREAM + b"\r\n",
    "partial": GET[:-2],
    "large stream": b"GET /graphql?query=subscription%7Bcount(to:1000000)%7D HTTP/1.1\r\n" + STREAM + LARGE + b"\r\n",
    "large body": b"POST /graphql HTTP/1.1\r\ncontent-length: 9\r\nexpect: 100-continue\r\n" + STREAM + LARGE + b"\r\n",
}


def reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off, so that the server sees an error and not an end."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize("first", CONNECTIONS.values(), ids=CONNECTIONS)
async def test_a_connection_that_is_over(serve: Serve, first: bytes) -> None:
    """Nothing of it is left: connections that came and went with large headers filled the memory, 160 KB each."""
    app = await serve()
    with uncollected():
        async with connected(app.address) as (reader, writer):
            head, end, frames = first.partition(b"\r\n\r\n")
            is_socket = first.startswith(handshake())
            writer.write(head + end if is_socket else first)
            if first is not CONNECTIONS["partial"]:
                await reader.read(1)
            if is_socket and frames:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(frames)
                await reader.read(1)
            await until(lambda: len(app.connections) == 1)
            held = [weakref.ref(found) for found in gc.get_objects() if isinstance(found, HELD)]
            assert held
            reset(writer)
        await until(lambda: all(found() is None for found in held))


@pytest.mark.parametrize("waits", [True, False], ids=["in line", "at work"])
async def test_what_a_socket_asked_for_last(serve: Serve, *, waits: bool) -> None:
    """An operation that is cut off with its socket is gone with it, and so is the socket: a flood of them left 107 MB."""
    app = await serve(queue_timeout=60)
    places = app.limiter.free
    app.limiter.free = 0 if waits else places
    with uncollected():
        async with connected(app.address) as (reader, writer):
            writer.write(handshake())
            await reader.readuntil(b"\r\n\r\n")
            writer.write(text(INIT) + text(subscribe("{ slow(seconds: 60) }")))
            await until(lambda: app.limiter.line.length == 1 if waits else app.limiter.free < places)
            held = [weakref.ref(found) for found in gc.get_objects() if isinstance(found, SocketSession)]
            assert held
            reset(writer)
        await until(lambda: all(found() is None for found in held))


@pytest.mark.parametrize(("seconds", "status"), [(0.05, b" 200 "), (60, b" 504 "), (60, None)], ids=["answered", "out of time", "left"])
async def test_a_request_that_was_watched(serve: Serve, monkeypatch: pytest.MonkeyPatch, seconds: float, status: bytes | None) -> None:
    """Nothing of it is left: requests that took longer than PATIENCE held their bodies, 900 KB each, until the collector came."""
    monkeypatch.setattr(concurrency, "PATIENCE", 0.01)
    app = await serve(operation_timeout=10 if status is None else 0.3)
    with uncollected():
        async with connected(app.address) as (reader, writer):
            writer.write(post(f"{{ slow(seconds: {seconds}) }}"))
            if status is None:
                await until(lambda: any(isinstance(found, DisconnectWatch) for found in gc.get_objects()))
            else:
                assert status in await reader.readline()
            held = [weakref.ref(found) for found in gc.get_objects() if isinstance(found, Exchange)]
            assert held
            reset(writer)
        await until(lambda: all(found() is None for found in held))


async def test_a_place_that_was_lost() -> None:
    """A request that gave its place in a full line to another caller's is gone with its error."""
    limiter = ConcurrencyLimiter(0, 2, 60)

    async def ask(owner: str) -> "weakref.ref[Exchange]":
        body = Exchange.__new__(Exchange)
        with pytest.raises(Unavailable):
            await limiter.take(owner)
        return weakref.ref(body)

    with uncollected():
        asked = [asyncio.create_task(ask("many")) for _ in range(2)]
        await until(lambda: limiter.line.length == 2)
        async with beside(limiter.take("other")):
            held = await asked.pop()
            assert held() is None
            asked.pop().cancel()


async def test_headers_that_do_not_end(serve: Serve) -> None:
    """What large headers take together is bounded: who comes beyond that is told 503, and all others are served."""
    app = await serve()
    app.bodies.limit = 100_000
    async with AsyncExitStack() as stack:
        for count in (1, 2):
            _, writer = await stack.enter_async_context(connected(app.address))
            writer.write(GET[:-2] + LARGE)
            await until(lambda count=count: app.bodies.bytes > (count - 1) * 25_000 and len(app.connections) == count)  # type: ignore[misc]
        reader, writer = await stack.enter_async_context(connected(app.address))
        writer.write(GET[:-2] + LARGE)
        assert b" 503 " in await reader.readline()
        assert statuses(await talk(app, LAST)) == [200]
    await until(lambda: app.bodies.bytes == 0)


@pytest.mark.parametrize("first", [GET, handshake()], ids=["request", "handshake"])
async def test_large_headers_count_while_they_are_held(serve: Serve, first: bytes) -> None:
    """Those of an answered request are gone with the answer, those of a socket with the socket."""
    app = await serve()
    async with connected(app.address) as (reader, writer):
        writer.write(first[:-2] + LARGE + b"\r\n")
        await reader.read(1)
        if first is GET:
            await until(lambda: app.bodies.bytes == 0 and next(iter(app.connections._open)).scope is None)
        else:
            assert app.bodies.bytes > 20_000
    await until(lambda: app.bodies.bytes == 0)
