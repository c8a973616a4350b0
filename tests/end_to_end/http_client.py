"""A cheap HTTP client of persistent connections, so that a test can ask for more than a server can give, and see what each request met."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

import orjson

from tests.connecting import Streams, drop

#: What stands in a status's place: the connection broke after the request was sent, or couldn't be made.
BROKEN, REFUSED = -1, 0


def post(path: str, token: str, body: object) -> bytes:
    """A POST of JSON."""
    data = orjson.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data


def get(path: str, token: str = "") -> bytes:
    """A GET."""
    return f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n".encode()


@dataclass(slots=True)
class Told:
    """How often each status came, and the seconds that answers of each took."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: dict[int, list[float]] = field(default_factory=dict)

    def note(self, status: int, seconds: float) -> None:
        self.statuses[status] += 1
        self.seconds.setdefault(status, []).append(seconds)

    def longest(self, status: int = 200) -> float:
        return max(self.seconds.get(status, [0.0]))


class Connections:
    """Connections to one address, as many as are needed at once, all of them dropped at the end.

    One that the server gives up, or whose request was given up, is not used again.
    """

    def __init__(self, address: str) -> None:
        host, port = address.split(":")
        self.host, self.port = host, int(port)
        self._idle: list[Streams] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Drop those that are open: the next request gets a new one."""
        idle, self._idle = self._idle, []
        await drop(*(writer for _, writer in idle))

    async def ask(self, request: bytes, told: Told) -> int:
        """The status, or BROKEN or REFUSED; noted in `told`."""
        began = time.perf_counter()
        status = await self._ask(request)
        told.note(status, time.perf_counter() - began)
        return status

    async def _ask(self, request: bytes) -> int:
        try:
            reader, writer = await self._connection()
        except OSError:
            return REFUSED
        kept = False
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            await reader.readexactly(int(fields.get(b"content-length", b"0")))
            kept = fields.get(b"connection") != b"close"
        except (OSError, asyncio.IncompleteReadError):
            return BROKEN
        finally:
            # Also where the asker is cancelled.
            if kept:
                self._idle.append((reader, writer))
            else:
                await drop(writer)
        return int(head[9:12])

    async def _connection(self) -> Streams:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            await drop(writer)
        return await asyncio.open_connection(self.host, self.port)


async def closed_loop(connections: Connections, request: bytes, clients: int, seconds: float) -> Told:
    """So many clients, each of which asks again as soon as it is answered."""
    told, end = Told(), time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < end:
            await connections.ask(request, told)

    await asyncio.gather(*(client() for _ in range(clients)))
    return told


async def open_loop(connections: Connections, request: bytes, rate: float, seconds: float, *, at_once: int = 0) -> Told:
    """So many requests a second, whether or not they are answered, of which the first come at once."""
    told, began, sent = Told(), time.perf_counter(), 0
    async with asyncio.TaskGroup() as group:
        while (now := time.perf_counter() - began) < seconds:
            while sent < max(now * rate, at_once):
                sent += 1
                group.create_task(connections.ask(request, told))
            await asyncio.sleep(0.002)
    return told
