"""A cheap HTTP client of persistent connections, so that a test can ask for more than a server can give, and see what each request met."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import orjson

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
    """Connections to one address, as many as are needed at once; a connection that the server gives up is not used again."""

    def __init__(self, address: str) -> None:
        host, port = address.split(":")
        self.host, self.port = host, int(port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

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
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            await reader.readexactly(int(fields.get(b"content-length", b"0")))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()
            return BROKEN
        if fields.get(b"connection") == b"close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(head[9:12])

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self.host, self.port)

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


async def closed_loop(connections: Connections, request: bytes, clients: int, seconds: float) -> Told:
    """So many clients, each of which asks again as soon as it is answered."""
    told, end = Told(), time.perf_counter() + seconds

    async def client() -> None:
        while time.perf_counter() < end:
            await connections.ask(request, told)

    await asyncio.gather(*(client() for _ in range(clients)))
    return told


async def open_loop(connections: Connections, request: bytes, rate: float, seconds: float) -> Told:
    """So many requests a second, whether or not they are answered."""
    told, began, sent = Told(), time.perf_counter(), 0
    async with asyncio.TaskGroup() as group:
        while (now := time.perf_counter() - began) < seconds:
            while sent < now * rate:
                sent += 1
                group.create_task(connections.ask(request, told))
            await asyncio.sleep(0.002)
    return told
