"""Large answers wait for their readers within a bound of bytes; who takes nothing is dropped, and nobody else notices."""

import asyncio
import socket
from typing import Any

import httpx
import orjson

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

    async def rest(self) -> int:
        """How many bytes still come before the connection ends."""
        count = 0
        try:
            while data := await self._loop.sock_recv(self.socket, 1_000_000):
                count += len(data)
        except ConnectionResetError:
            pass
        return count

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()


async def until_nothing_waits(app: Any) -> None:
    """Within some seconds."""
    async with asyncio.timeout(10):
        while app.unsent.bytes:  # noqa: ASYNC110  it happens in the server
            await asyncio.sleep(0.01)


async def test_the_bound(serve: Serve) -> None:
    """Beyond it a large answer is refused (503); small ones, and the answer to what was written, are sent all the same."""
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
        assert (app.unsent.bytes, app.unsent.answers, app.places.free) == (0, 0, app.settings.max_in_flight)
    finally:
        for reader in readers:
            reader.socket.close()


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
        async with asyncio.timeout(20):
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
