"""Large answers wait for their readers within a bound of bytes; who takes nothing is dropped, and nobody else notices."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest

from gateway.edge.unsent_bytes import UnsentBytes
from gateway.server.write_flow_control import WriteFlowControl
from tests.connecting import PATIENCE, until
from tests.gateway.conftest import HEADERS, TOKEN, Serve, ask

NAME = "x" * 900_000
WIDE = "query($n: String!) { " + " ".join(f"k{place}: hello(name: $n)" for place in range(10)) + " }"
SAYING = "mutation($n: String!) { " + " ".join(f"k{place}: say(name: $n)" for place in range(10)) + " }"
SIZE = 9_000_000


class Reader:
    """A client that asks for a large answer and reads only when it is told to."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.socket.connect((host, int(port)))
        self.socket.settimeout(0)

    async def ask(self, document: str) -> None:
        body = orjson.dumps({"query": document, "variables": {"n": NAME}})
        head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\nContent-Type: application/json\r\n"
        await self._loop.sock_sendall(self.socket, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def status(self) -> int:
        """The status, of which no more than a little is read."""
        return int((await self._loop.sock_recv(self.socket, 12)).split()[1])

    async def rest(self, most: int = 2 * SIZE) -> int:
        """How many bytes still come before the connection ends, or until it is `most`."""
        count = 0
        try:
            while count < most and (data := await self._loop.sock_recv(self.socket, 1_000_000)):
                count += len(data)
        except ConnectionResetError:
            pass
        return count

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()


async def until_nothing_waits(app: Any) -> None:
    await until(lambda: not app.unsent.bytes)


async def test_the_bound(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it a large answer is refused (503) while nobody is slow; small ones, and the answer to a write, are sent all the same."""
    monkeypatch.setattr("gateway.server.write_flow_control.STALL_SECONDS", PATIENCE)
    app = await serve(max_unsent=2 * SIZE + 1_000_000, slow_reader_timeout=60)
    readers = [Reader(app.address) for _ in range(3)]
    try:
        for reader in readers[:2]:
            await reader.ask(WIDE)
            assert await reader.status() == 200
        async with httpx.AsyncClient(base_url=f"http://{app.address}", headers=HEADERS) as client:
            refused = await ask(client, WIDE, variables={"n": NAME})
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert (await ask(client, "{ hello }")).json()["data"] == {"hello": "hello you"}
            await readers[2].ask(SAYING)
            assert await readers[2].status() == 200
            assert app.unsent.bytes > 3 * SIZE
            for reader in readers:
                reader.socket.close()
            await until_nothing_waits(app)
            assert len((await ask(client, WIDE, variables={"n": NAME})).content) > SIZE
        assert (app.unsent.bytes, app.unsent.answers, app.limiter.free) == (0, 0, app.settings.max_in_flight)
    finally:
        for reader in readers:
            reader.socket.close()


async def test_slow_readers_make_room(serve: Serve) -> None:
    """A client that reads gets its large answers: whoever has held room for longest without reading is dropped for it, and nobody else."""
    app = await serve(max_unsent=3 * SIZE + 1_000_000, slow_reader_timeout=PATIENCE)
    readers = [Reader(app.address) for _ in range(3)]
    try:
        for reader in readers:
            await reader.ask(WIDE)
            assert await reader.status() == 200
        await until(lambda: sum(one.slow_since() is not None for one in app.unsent.readers) == 3)
        async with httpx.AsyncClient(base_url=f"http://{app.address}", headers=HEADERS, timeout=PATIENCE) as client:
            for _ in range(3):
                assert len((await ask(client, WIDE, variables={"n": NAME})).content) > SIZE
        assert [await reader.rest(SIZE) >= SIZE for reader in readers] == [False, True, True]
    finally:
        for reader in readers:
            reader.socket.close()


def test_a_reader_is_looked_at_by_what_it_takes() -> None:
    """Less waits than at the last look: it has more time. As much or more waits: it has none, and holds its room since it first paused."""
    clock = SimpleNamespace(now=100.0, timers=[])
    timer = SimpleNamespace(cancel=lambda: None, when=lambda: clock.timers[-1])
    clock.time = lambda: clock.now
    clock.call_later = lambda seconds, _: clock.timers.append(clock.now + seconds) or timer
    waits, ended = iter([300, 300, 200, 200, 300]), []
    unsent = UnsentBytes(1_000)
    settings = SimpleNamespace(slow_reader_timeout=5.0)
    reader = WriteFlowControl.__new__(WriteFlowControl)
    reader.app_state = {"application": SimpleNamespace(unsent=unsent, settings=settings)}
    WriteFlowControl.__init__(reader)
    reader.loop = clock  # type: ignore[assignment]
    reader.transport = SimpleNamespace(get_write_buffer_size=lambda: next(waits), abort=lambda: ended.append(clock.now))  # type: ignore[assignment]
    reader.pause_writing()
    assert (unsent.bytes, reader.slow_since()) == (300, None)
    clock.now += 1
    assert reader.slow_since() == 100
    clock.now += 4
    reader._look_at_reader()
    assert (reader.slow_since(), ended) == (None, [])
    clock.now += 0.1
    assert reader.slow_since() == 100
    clock.now += 4.9
    reader._look_at_reader()
    assert ended == [110]
    reader.resume_writing()
    assert (reader.slow_since(), unsent.bytes, unsent.readers) == (None, 0, set())


async def test_a_reader_that_stops(serve: Serve) -> None:
    """It is dropped once it has taken nothing for its time, and what waited for it is forgotten."""
    app = await serve(slow_reader_timeout=0.3)
    reader = Reader(app.address)
    try:
        await reader.ask(WIDE)
        assert await reader.status() == 200
        await until_nothing_waits(app)
        assert await reader.rest() < SIZE
    finally:
        reader.socket.close()


async def test_a_reader_that_takes_its_time(serve: Serve) -> None:
    """As long as it takes something it gets all of its answer, also after the operation's own time."""
    app = await serve(slow_reader_timeout=60, operation_timeout=0.3)
    reader = Reader(app.address)
    try:
        await reader.ask(WIDE)
        assert await reader.status() == 200
        await asyncio.sleep(0.6)
        count = 0
        async with asyncio.timeout(PATIENCE):
            while count < SIZE:
                count += len(await asyncio.get_running_loop().sock_recv(reader.socket, 300_000))
        await until_nothing_waits(app)
    finally:
        reader.socket.close()


async def test_a_client_that_leaves(serve: Serve) -> None:
    """What waited for it is forgotten at once."""
    app = await serve()
    reader = Reader(app.address)
    await reader.ask(WIDE)
    await reader.status()
    assert app.unsent.bytes >= SIZE
    reader.socket.close()
    await until_nothing_waits(app)
