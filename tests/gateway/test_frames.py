"""Frames of a WebSocket: a budget of them and of bytes, for every kind of frame and at every time, and bounds on what is held meanwhile."""

import asyncio
import base64
import contextlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest

from gateway.auth import AuthError
from gateway.live.messages import SUBPROTOCOL
from gateway.live.outbox import Message, Outbox
from gateway.server.websocket_protocol import PIECE, TokenBucket, WebSocketProtocol
from tests.connecting import PATIENCE, connected, until
from tests.gateway.conftest import CALLER, HEADERS, TOKEN, Serve, ask

TEXT, CONT, PING, PONG, CLOSE = 1, 0, 9, 10, 8
INIT = {"type": "connection_init", "payload": {"Authorization": TOKEN}}
#: Nothing but the budget ends a socket: its clients say neither who they are nor that they are alive, however long that takes.
PATIENT = {"websocket_init_timeout": PATIENCE, "heartbeat": PATIENCE, "slow_reader_timeout": PATIENCE}
UNLIMITED = {"websocket_frames": 10**9, "websocket_bytes": 2**31 - 1, **PATIENT}


def frame(opcode: int, body: bytes = b"", *, fin: bool = True) -> bytes:
    """A masked frame; a mask of zeros leaves the body as it is."""
    size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    return bytes([(0x80 if fin else 0) | opcode]) + size + bytes(4) + body


def text(message: Any) -> bytes:
    return frame(TEXT, orjson.dumps(message))


class Raw:
    """A client that writes what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def frames(self) -> AsyncIterator[tuple[int, bytes]]:
        """What the server sends, to the end of the connection."""
        try:
            while True:
                first, size = await self.reader.readexactly(2)
                if size >= 126:
                    size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8))
                yield first & 15, await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return

    async def some(self, number: int) -> AsyncIterator[tuple[int, bytes]]:
        """The next frames, whatever they are."""
        left = number
        async with asyncio.timeout(PATIENCE):
            async for came in self.frames():
                yield came
                left -= 1
                if not left:
                    return

    async def closed(self) -> tuple[int, str]:
        """What the server closes with."""
        async with asyncio.timeout(PATIENCE):
            async for opcode, body in self.frames():
                if opcode == CLOSE:
                    return int.from_bytes(body[:2]), body[2:].decode()
        return 0, "without a word"

    async def count(self, opcode: int, number: int) -> list[bytes]:
        """The bodies of the next frames of a kind."""
        found: list[bytes] = []
        async with asyncio.timeout(PATIENCE):
            async for came, body in self.frames():
                found += [body] if came == opcode else []
                if len(found) == number:
                    break
        return found


@asynccontextmanager
async def raw(app: Any) -> AsyncIterator[Raw]:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET /graphql HTTP/1.1\r\nHost: {app.address}\r\nConnection: Upgrade\r\nUpgrade: websocket", "Sec-WebSocket-Version: 13"]
    lines += [f"Sec-WebSocket-Key: {key}", f"Sec-WebSocket-Protocol: {SUBPROTOCOL}", "\r\n"]
    async with connected(app.address) as (reader, writer):
        writer.write("\r\n".join(lines).encode())
        assert b" 101 " in await reader.readline()
        await reader.readuntil(b"\r\n\r\n")
        yield Raw(reader, writer)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[WebSocketProtocol]:
    """The server's side of each socket."""
    found: list[WebSocketProtocol] = []
    made = WebSocketProtocol.connection_made

    def note(self: WebSocketProtocol, transport: Any) -> None:
        found.append(self)
        made(self, transport)

    monkeypatch.setattr(WebSocketProtocol, "connection_made", note)
    return found


FLOODS = {
    "pongs": frame(PONG) * 20_000,
    "pings": frame(PING) * 20_000,
    "pings with a body": frame(PING, b"x" * 125) * 20_000,
    "fragments of nothing": frame(TEXT, fin=False) + frame(CONT, fin=False) * 20_000,
    "fragments of little": frame(TEXT, fin=False) + frame(CONT, b"x", fin=False) * 20_000,
    "graphql pings": text({"type": "ping"}) * 20_000,
}


@pytest.mark.parametrize("begun", [False, True], ids=["before init", "after init"])
@pytest.mark.parametrize("flood", FLOODS)
async def test_more_frames_than_the_budget(serve: Serve, flood: str, begun: bool) -> None:  # noqa: FBT001  a parameter of the test
    """Whatever frames they are, and whether or not the client has said who it is: 1008, and it can read why."""
    app = await serve(**PATIENT)
    async with raw(app) as client:
        if begun:
            client.writer.write(text(INIT))
            assert await client.count(TEXT, 1) == [b'{"type":"connection_ack"}']
        client.writer.write(FLOODS[flood])
        assert await client.closed() == (1008, "More than 500 frames a second")


async def test_more_bytes_than_the_budget(serve: Serve) -> None:
    """1008 too, also where they are few frames."""
    app = await serve(**PATIENT)
    async with raw(app) as client:
        client.writer.write(text({"type": "ping", "payload": {"x": "x" * 60_000}}) * 200)
        assert await client.closed() == (1008, "More than 1048576 bytes a second")


async def test_within_the_budget(serve: Serve) -> None:
    """Three seconds' worth at once is answered, in order."""
    app = await serve(**PATIENT)
    async with raw(app) as client:
        client.writer.write(b"".join(frame(PING, b"%d" % number) for number in range(700)) + text({"type": "ping"}) * 700)
        client.writer.write(frame(PING, b"last"))
        bodies = await client.count(PONG, 701)
        assert bodies == [*(b"%d" % number for number in range(700)), b"last"]


def test_a_budget_is_of_a_second() -> None:
    """Three seconds' worth at once, and then as much as time brings; a long silence saves no more than that up."""
    budget = TokenBucket(100, 0.0)
    assert budget.spend(300, 0.0)
    assert not budget.spend(1, 0.0)
    assert budget.spend(99, 1.0)
    assert budget.spend(300, 1_000.0)
    assert not budget.spend(1, 1_000.0)


async def test_a_flood_beside_a_healthy_client(serve: Serve) -> None:
    """Four sockets that write pongs without end keep nobody else waiting, and none of it stays in memory."""
    app = await serve(**PATIENT)
    pongs = frame(PONG) * 100_000

    async def flood() -> None:
        async with raw(app) as client:
            with contextlib.suppress(OSError):
                while True:
                    client.writer.write(pongs)
                    await client.writer.drain()

    floods = [asyncio.create_task(flood()) for _ in range(4)]
    async with httpx.AsyncClient(base_url=f"http://{app.address}", headers=HEADERS, timeout=PATIENCE) as client:
        waits = []
        while not all(task.done() for task in floods):
            # Of the processor, which others may have meanwhile: all that is waited for is in this process.
            began = time.process_time()
            assert (await ask(client, "{ hello }")).status_code == 200
            waits.append(time.process_time() - began)
    await asyncio.gather(*floods)
    assert sorted(waits)[len(waits) // 2] < 0.25


async def test_pongs_that_nobody_reads(serve: Serve, opened: list[WebSocketProtocol]) -> None:
    """While a client reads nothing, no more of its pings are read than answers to them fit; when it reads, all are answered."""
    app = await serve(**UNLIMITED)
    async with raw(app) as client:
        client.writer.transport.pause_reading()
        client.writer.write(frame(PING, b"x" * 125) * 100_000)
        (server,) = opened
        await until(lambda: not server.writable.is_set())
        for _ in range(50):
            await asyncio.sleep(0)
            assert server.transport.get_write_buffer_size() <= 65_536 + 2 * PIECE
        assert len(server.ahead) <= 300_000
        client.writer.transport.resume_reading()
        assert len(await client.count(PONG, 100_000)) == 100_000


async def test_messages_that_the_application_does_not_take(serve: Serve, opened: list[WebSocketProtocol]) -> None:
    """Small messages wait as the bytes that they came in, not as thousands of messages."""
    app = await serve(**UNLIMITED, websocket_queue=5)
    async with raw(app) as client:
        client.writer.transport.pause_reading()
        client.writer.write(text({"type": "ping", "payload": {"x": "x" * 1_000}}) * 15_000)
        (server,) = opened
        await until(lambda: not server.writable.is_set())
        assert server.queue.qsize() <= PIECE
        client.writer.transport.resume_reading()
        assert len(await client.count(TEXT, 15_000)) == 15_000


async def test_a_client_that_takes_nothing(serve: Serve, opened: list[WebSocketProtocol]) -> None:
    """It is dropped, though little waits for it and nothing more comes."""
    app = await serve(**UNLIMITED | {"slow_reader_timeout": 0.3})
    async with raw(app) as client:
        client.writer.transport.pause_reading()
        client.writer.write(frame(PING, b"x" * 125) * 100_000)
        (server,) = opened
        await until(server.transport.is_closing)
    await until(lambda: app.metrics.sockets._value.get() == 0)
    assert (app.unsent.bytes, app.unsent.readers) == (0, set())


async def test_an_event_that_waits_for_its_client(serve: Serve, opened: list[WebSocketProtocol], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not told any more once its token is doubted, also where the client takes what waits before the token has been looked up."""
    app = await serve(**UNLIMITED)
    happens, known, waiting = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def count(_source: Any, _info: Any, **_arguments: Any) -> AsyncIterator[dict[str, int]]:
        await happens.wait()
        yield {"count": 1}
        await asyncio.Event().wait()

    async def look_up(_authorization: str) -> Any:
        await known.wait()
        raise AuthError("The API key was revoked.")

    async def get(outbox: Outbox) -> Message:
        message = await taken(outbox)
        if message.event:
            waiting.set()
        return message

    taken = Outbox.get
    monkeypatch.setattr(Outbox, "get", get)
    app.graph.graphql_schema.subscription_type.fields["count"].subscribe = count
    async with raw(app) as client:
        client.writer.write(text(INIT))
        await client.count(TEXT, 1)
        client.writer.write(text({"id": "1", "type": "subscribe", "payload": {"query": "subscription { count(to: 1) }"}}))
        client.writer.transport.pause_reading()
        client.writer.write(frame(PING, b"x" * 125) * 100_000)
        (server,) = opened
        server.close_timeout = 0.2  # this client confirms nothing
        await until(lambda: not server.writable.is_set())
        happens.set()
        await waiting.wait()
        monkeypatch.setattr(app.authenticator, "authenticate", look_up)
        app.authenticator.forget(CALLER.token_id)
        client.writer.transport.resume_reading()
        kinds = [kind async for kind, _ in client.some(100_000)]
        assert kinds == [PONG] * 100_000
        known.set()
        assert [came async for came in client.frames()] == [(CLOSE, b"\x11\x33Forbidden: The API key was revoked.")]


async def test_a_message_in_many_fragments(serve: Serve) -> None:
    """It is put together again."""
    app = await serve(**UNLIMITED)
    body = orjson.dumps({"type": "ping", "payload": {"x": "y" * 50_000}})
    async with raw(app) as client:
        parts = [frame(CONT, body[place : place + 1], fin=False) for place in range(1, len(body))]
        client.writer.write(frame(TEXT, body[:1], fin=False) + b"".join(parts) + frame(CONT))
        (answer,) = await client.count(TEXT, 1)
        assert orjson.loads(answer) == {"type": "pong", "payload": {"x": "y" * 50_000}}


async def test_a_message_that_is_far_too_large(serve: Serve) -> None:
    """1009 comes through, also to a client that goes on sending."""
    app = await serve(**PATIENT)
    async with raw(app) as client:
        client.writer.write(b"\x81\xff" + (2_000_000).to_bytes(8) + bytes(4) + b"x" * 2_000_000)
        assert (await client.closed())[0] == 1009


async def test_messages_that_come_in_are_bounded_together(serve: Serve) -> None:
    """Large messages that aren't whole count as bodies of requests do: above its share a token's next one is 1013."""
    app = await serve(**UNLIMITED)
    app.bodies.limit = 200_000
    app.authenticator._known.put("Bearer other", replace(CALLER, token_id="key_2"), 1000)
    part = frame(TEXT, b'{"type":"ping","payload":{"x":"' + b"x" * 60_000, fin=False)
    async with raw(app) as one, raw(app) as two, raw(app) as three, raw(app) as other:
        for client, token in ((one, TOKEN), (two, TOKEN), (three, TOKEN), (other, "Bearer other")):
            client.writer.write(text({"type": "connection_init", "payload": {"Authorization": token}}))
            await client.count(TEXT, 1)
        for client in (one, two):
            client.writer.write(part[:-1])
        await until(lambda: app.bodies.bytes > 80_000)
        three.writer.write(part)
        assert await three.closed() == (1013, "Too many large messages at once")
        other.writer.write(part + frame(CONT, b'"}}'))
        assert orjson.loads((await other.count(TEXT, 1))[0])["type"] == "pong"
        one.writer.write(part[-1:] + frame(CONT, b'"}}'))
        assert orjson.loads((await one.count(TEXT, 1))[0])["type"] == "pong"
    await until(lambda: not app.bodies.bytes)
    assert not app.bodies._by_owner
