"""How many connections there may be: who gives way, who is refused, and what is told of it."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from websockets.protocol import State

from gateway.server.connections import IDLE, READING, SENDING, UNKNOWN, YOUNG_SECONDS, most_connections
from tests.connecting import PATIENCE, connected, until
from tests.gateway.conftest import CALLER, TOKEN, Serve
from tests.gateway.test_frames import text
from tests.gateway.test_pipelines import GET, LAST, post, statuses
from tests.gateway.test_socket import Socket, dial
from tests.gateway.test_upgrades import get as handshake

Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SLOW = f"GET /graphql?query=%7Bslow(seconds:60)%7D HTTP/1.1\r\nhost: x\r\nauthorization: {TOKEN}\r\n\r\n".encode()
HELLO = SLOW.replace(b"slow(seconds:60)", b"hello").replace(b"host: x", b"host: x\r\nconnection: close")


#: A client that reads in this very event loop may still take something of what waits for it.
READ_SECONDS = 0.3


@asynccontextmanager
async def opened(app: Any, count: int, first: bytes = b"", rank: int | None = UNKNOWN) -> AsyncIterator[list[Opened]]:
    """So many more connections that have sent this and are seen to wait with that rank, not young any more; None: they are at work."""
    host, port = app.address.split(":")
    there = len(app.connections)
    found = [await asyncio.open_connection(host, int(port)) for _ in range(count)]
    for _, writer in found:
        writer.write(first)
    await until(lambda: len(app.connections) >= there + count and sum(_is_settled(one, rank) for one in app.connections._open) >= count)
    try:
        yield found
    finally:
        for _, writer in found:
            writer.transport.abort()


def _is_settled(one: Any, rank: int | None) -> bool:
    look = one.waiting()
    if look is None or rank is None:
        return look is rank
    return bool(look.rank == rank and one.loop.time() - look.since > (READ_SECONDS if rank == READING else 2 * YOUNG_SECONDS))


async def none_left(app: Any) -> None:
    """Until the server knows that all clients have left."""
    await until(lambda: not len(app.connections))


async def ask(app: Any, request: bytes) -> list[int]:
    """The statuses that come for a request on a connection of its own."""
    host, port = app.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    async with asyncio.timeout(PATIENCE):
        answer = await reader.read()
    writer.close()
    return statuses(answer)


def counted(app: Any) -> dict[str, float]:
    """How many connections were refused, or gave way, by the metrics."""
    return {reason: float(count) for reason, count in re.findall(r'refused_total{reason="(\w+)"} (\S+)', app.metrics.text().decode())}


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET], ids=["silent", "stopped", "idle"])
async def test_who_waits_gives_way(serve: Serve, sent: bytes) -> None:
    """Where the bound is reached, those who send nothing go, the oldest first, and everybody else is served."""
    app = await serve(max_connections=10)
    async with opened(app, 10, sent, IDLE if sent == GET else UNKNOWN) as waiting:
        for _ in range(5):
            assert await ask(app, HELLO) == [200]
        async with asyncio.timeout(PATIENCE):
            told = await waiting[0][0].read()
        assert statuses(told) == ([200] if sent == GET else [503])
        assert not waiting[9][0].at_eof()
    assert counted(app)["gave_way"] >= 1


async def test_a_body_that_stops(serve: Serve) -> None:
    """Those who are in the middle of a request go last; they are told."""
    app = await serve(max_connections=4)
    half = LAST.replace(b"GET", b"POST").replace(b"connection: close", b"content-length: 9")
    async with opened(app, 4, half.replace(b"/healthz", b"/graphql") + b"1", SENDING):
        assert await ask(app, HELLO) == [200]


async def test_sockets_of_strangers(serve: Serve) -> None:
    """A socket whose client hasn't said who it is gives way like any other that waits; one that has stays."""
    app = await serve(max_connections=4)
    async with opened(app, 2, handshake()) as known:
        for reader, writer in known:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(text({"type": "connection_init", "payload": {"Authorization": TOKEN}}))
            await reader.readuntil(b"connection_ack")
        async with opened(app, 2, handshake()) as strangers:
            for _ in range(2):
                assert await ask(app, HELLO) == [200]
            async with asyncio.timeout(PATIENCE):
                # 1013 (RFC 6455 section 7.4.1): try again later.
                assert b"\x03\xf5Too many connections" in await strangers[0][0].read()
        for _, writer in known:
            assert not writer.is_closing()


async def test_who_does_not_read(serve: Serve) -> None:
    """A client that leaves its answer unread waits for nothing: it goes where others want its place."""
    app = await serve(max_connections=2, slow_reader_timeout=60)
    fields = "".join(f"a{each}:hello(name:$n)" for each in range(20))
    large = post(f"query($n:String!){{{fields}}}", variables={"n": "x" * 5_000})
    async with opened(app, 2, large * 300, READING):
        assert await ask(app, HELLO) == [200]


async def test_all_at_work(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    """Where none waits, further ones are told 503 when they have asked, and the process's health all the same; the log says it once."""
    app = await serve(max_connections=5)
    async with opened(app, 5, SLOW, None):
        assert await ask(app, HELLO) == [503]
        assert await ask(app, GET + GET) == [200]
        assert await ask(app, GET.replace(b"/healthz", b"/readyz")) == [200]
        assert await ask(app, HELLO.replace(b"/graphql", b"/api/opportunities/")) == [503]
    assert counted(app)["refused"] == 4
    assert capsys.readouterr().out.count("The bound of connections is reached.") == 1
    await none_left(app)
    assert await ask(app, HELLO) == [200]


async def test_far_too_many(serve: Serve) -> None:
    """Beyond what is kept back nobody is read, and health is answered as long as there is room for it."""
    app = await serve(max_connections=2)
    host, port = app.address.split(":")
    async with opened(app, 2, SLOW, None), AsyncExitStack() as stack:
        for _ in range(30):
            stack.enter_context(socket.create_connection((host, int(port)), 5))
            await asyncio.sleep(0)
        await until(lambda: len(app.connections) <= 2 + app.connections.spare)
        await asyncio.sleep(YOUNG_SECONDS + 0.05)
        assert await ask(app, LAST) == [200]


async def test_by_address(serve: Serve) -> None:
    """One address's bound is its own; a trusted proxy speaks for many and has none."""
    app = await serve(max_connections_per_address=3)
    async with opened(app, 3, SLOW, None):
        assert await ask(app, HELLO) == [429]
    app = await serve(max_connections_per_address=3, trusted_proxies=("127.0.0.1",))
    async with opened(app, 3, SLOW, None):
        assert await ask(app, HELLO) == [200]


def test_half_of_the_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process may open isn't all for its clients."""
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 256))
    assert most_connections(1_000) == 128
    assert most_connections(100) == 100


OTHER = "Bearer other"


@asynccontextmanager
async def held(app: Any, count: int, token: str, by: str) -> AsyncIterator[list[Any]]:
    """So many more sockets, or streams, that are open for as long as their client likes."""
    async with AsyncExitStack() as stack:
        found = [await stack.enter_async_context(_held_one(app, token, by)) for _ in range(count)]
        yield found


@asynccontextmanager
async def _held_one(app: Any, token: str, by: str) -> AsyncIterator[Any]:
    if by == "sockets":
        async with dial(app) as connection:
            socket = Socket(connection)
            await socket.say({"type": "connection_init", "payload": {"Authorization": token}})
            assert (await socket.hear())["type"] == "connection_ack"
            yield socket
        return
    head = f"GET /graphql?query=subscription%7Bcount(to:2,delay:60)%7D HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n"
    async with connected(app.address) as (reader, writer):
        writer.write(f"{head}accept: text/event-stream\r\n\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b":\n\n")
        yield reader


@pytest.mark.parametrize("by", ["sockets", "streams"])
async def test_one_token_keeps_nobody_out(serve: Serve, by: str) -> None:
    """Where sockets and streams take all places, those of the token with more than half of them go, the newest first; others' stay."""
    app = await serve(max_connections=10)
    app.authenticator._known.put(OTHER, replace(CALLER, token_id="key_2"), 1000)
    async with held(app, 2, OTHER, by) as others, held(app, 8, TOKEN, by) as many:
        for _ in range(3):
            assert await ask(app, HELLO.replace(TOKEN.encode(), OTHER.encode())) == [200]
            await asyncio.sleep(2 * YOUNG_SECONDS)
        await until(lambda: len(app.connections) < 10)
        kept = [*others, *many[:5]]
        assert not any(map(_ended, kept))
        if by == "sockets":
            assert (await many[7].end())[0] == 1013
        else:
            async with asyncio.timeout(PATIENCE):
                await many[7].read()


def _ended(one: Any) -> bool:
    return one.connection.state is not State.OPEN if isinstance(one, Socket) else one.at_eof()


@pytest.mark.parametrize("by", ["sockets", "streams"])
async def test_many_tokens_keep_theirs(serve: Serve, by: str) -> None:
    """Where no token holds more than half, what is open stays open, and who comes on top is told to come back."""
    app = await serve(max_connections=10)
    app.authenticator._known.put(OTHER, replace(CALLER, token_id="key_2"), 1000)
    async with held(app, 5, OTHER, by) as some, held(app, 5, TOKEN, by) as others:
        assert await ask(app, HELLO) == [503]
        assert not any(map(_ended, [*some, *others]))
