"""Many subscribers on one process: whether every event reaches all, how late, and what a subscriber costs.

`python -m tests.end_to_end.subscribers --count 1000` opens as many WebSockets from this process, writes at a steady pace, and prints the
times from sending the write until each subscriber has the event, beside the memory of the server.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from typing_extensions import override

from gateway.live.messages import SUBPROTOCOL
from tests.connecting import PATIENCE
from tests.end_to_end.fleet import Access, Gateway, access, fresh, serving
from tests.end_to_end.writing import CREATE, CREATE_ACCOUNT

FOLLOW = (
    "subscription { opportunityChanged { cursor type opportunityId changedFields at opportunity { name value stage account { name } } } }"
)
#: Some 200 KB an event, to fill what two systems and the gateway keep for a reader that has stopped.
FOLLOW_MUCH = (
    f"subscription {{ opportunityChanged {{ opportunityId {' '.join(f'_{n}: opportunity {{ description }}' for n in range(20))} }} }}"
)
LONG = "x" * 10_000
RECEIVED = 65_536
SERVER_PATIENCE = 30.0
#: Sockets that are opened at a time.
TOGETHER = 50


class Subscriber(asyncio.Protocol):
    """The least that a WebSocket client can be (RFC 6455), so that the measurement is of the server: it notes when what came."""

    def __init__(self, address: str, token: str, query: str = FOLLOW) -> None:
        self._address = address
        self._token = token
        self._query = query
        self._buffer = bytearray()
        self._upgraded = False
        self.arrived: list[tuple[str, float]] = []
        self.subscribed = asyncio.Event()
        self.ended = asyncio.Event()
        self.transport: Any = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        head = (
            f"GET /graphql HTTP/1.1\r\nHost: {self._address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        )
        self.transport.write(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode())

    def _begin(self) -> None:
        """What follows the server's answer, and not before it (RFC 6455, 4.1): a server may drop what comes with the request."""
        self._say({"type": "connection_init", "payload": {"Authorization": f"Bearer {self._token}"}})
        self._say({"id": "1", "type": "subscribe", "payload": {"query": self._query}})
        # Answered when what stands before it was read.
        self._say({"type": "ping"})

    def _say(self, message: Any) -> None:
        self._send(0x81, orjson.dumps(message))

    def _send(self, first: int, body: bytes) -> None:
        """A masked frame; a mask of zeros leaves the body as it is."""
        size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
        self.transport.write(bytes([first]) + size + bytes(4) + body)

    @override
    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._buffer += data
        if not self._upgraded:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._upgraded, self._buffer = True, rest
            self._begin()
        while (body := self._frame()) is not None:
            self._hear(body, now)

    def _frame(self) -> tuple[int, bytes] | None:
        """The next frame's opcode and body, if all of it is there."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        start, size = 2, buffer[1]
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(buffer[2:start], "big") if len(buffer) >= start else sys.maxsize
        if len(buffer) < start + size:
            return None
        frame = buffer[0] & 15, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return frame

    def _hear(self, frame: tuple[int, bytes], now: float) -> None:
        opcode, body = frame
        if opcode == 9:
            self._send(0x8A, body)
        elif b'"type":"next"' in body:
            # An id is 30 characters long; parsing all of it would cost more than what is measured.
            place = body.index(b'"opp_') + 1
            self.arrived.append((body[place : place + 30].decode(), now))
        elif b'"pong"' in body:
            self.subscribed.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


@dataclass(slots=True)
class Figures:
    """What was measured: milliseconds from sending a write to its event's arrival, kibibytes of the server's memory."""

    subscribers: int
    events: int
    missed: int
    repeated: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    rss_before_kib: int
    rss_after_kib: int
    rss_per_subscriber_kib: float
    dropped: int = 0
    stopped_dropped: bool = False


def resident(process_id: int) -> int:
    """The memory that a process holds, in KiB (proc(5))."""
    status = Path(f"/proc/{process_id}/status").read_text("ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


async def subscribe(address: str, token: str, count: int) -> list[Subscriber]:
    """That many subscribers, all of them following."""
    host, port = address.split(":")
    loop = asyncio.get_running_loop()
    subscribers: list[Subscriber] = []
    while len(subscribers) < count:
        batch = min(TOGETHER, count - len(subscribers))
        opened = await asyncio.gather(*(loop.create_connection(lambda: Subscriber(address, token), host, int(port)) for _ in range(batch)))
        subscribers += [subscriber for _, subscriber in opened]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(subscriber.subscribed.wait() for _, subscriber in opened))
    return subscribers


@asynccontextmanager
async def subscribed(address: str, token: str, count: int) -> AsyncIterator[list[Subscriber]]:
    """The same, dropped at the end."""
    subscribers = await subscribe(address, token, count)
    try:
        yield subscribers
    finally:
        for subscriber in subscribers:
            subscriber.transport.abort()


class Writer:
    """Makes deals through the server, and notes when each was sent."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.sent: dict[str, float] = {}
        self._account = ""

    async def _ask(self, document: str, variables: dict[str, Any]) -> Any:
        answer = (await self._client.post("/graphql", json={"query": document, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def write(self, description: str | None = None) -> None:
        """One deal."""
        if not self._account:
            self._account = (await self._ask(CREATE_ACCOUNT, {}))["createAccount"]["account"]["id"]
        began = time.perf_counter()
        made = await self._ask(CREATE, {"input": {"name": "Deal", "accountId": self._account, "value": 1, "description": description}})
        self.sent[made["createOpportunity"]["opportunity"]["id"]] = began


def count(writer: Writer, subscribers: list[Subscriber]) -> tuple[int, int, list[float]]:
    """How many events were missed, how many came twice, and how late each was, in milliseconds."""
    missed = repeated = 0
    late: list[float] = []
    for subscriber in subscribers:
        first = {id_: at for id_, at in reversed(subscriber.arrived) if id_ in writer.sent}
        missed += len(writer.sent) - len(first)
        repeated += sum(id_ in writer.sent for id_, _ in subscriber.arrived) - len(first)
        late += [(at - writer.sent[id_]) * 1_000 for id_, at in first.items()]
    return missed, repeated, late


async def begun(writer: Writer, subscribers: list[Subscriber]) -> None:
    """Until each has an event: the protocol says nowhere that a subscription has begun."""
    while not all(subscriber.arrived for subscriber in subscribers):
        await writer.write()
        await asyncio.sleep(0.1)
    await settled(writer, subscribers)
    writer.sent.clear()


async def settled(writer: Writer, subscribers: list[Subscriber]) -> None:
    """Until the last event has arrived everywhere, or won't any more."""
    deadline, last = time.perf_counter() + SERVER_PATIENCE, list(writer.sent)[-1]
    while time.perf_counter() < deadline and any(subscriber.arrived[-1][0] != last for subscriber in subscribers):  # noqa: ASYNC110  it happens in the server
        await asyncio.sleep(0.05)


async def measure(gateway: Gateway, who: Access, total: int, events: int, pause: float, slow: float = 5.0) -> Figures:
    """Events at a steady pace to `total` subscribers; `slow` is the gateway's GATEWAY_SLOW_READER_TIMEOUT."""
    async with httpx.AsyncClient(base_url=gateway.url, headers=who.headers, timeout=30) as client:
        writer = Writer(client)
        await writer.write()
        before = resident(gateway.process.pid)
        async with subscribed(gateway.address, who.token, total) as subscribers:
            await begun(writer, subscribers)
            for _ in range(events):
                await asyncio.gather(writer.write(), asyncio.sleep(pause))
            await settled(writer, subscribers)
            figures = _figures(writer, subscribers, before, resident(gateway.process.pid))
            figures.stopped_dropped = await _one_stops(gateway.address, who.token, writer, subscribers, slow)
        return figures


def _figures(writer: Writer, subscribers: list[Subscriber], before: int, after: int) -> Figures:
    """`before` and `after` are what the server held, in KiB."""
    total = len(subscribers)
    missed, repeated, late = count(writer, subscribers)
    cuts = statistics.quantiles(late, n=100)
    return Figures(
        *(total, len(writer.sent), missed, repeated, round(cuts[49], 1), round(cuts[98], 1), round(max(late), 1)),
        *(before, after, round((after - before) / total, 1)),
        dropped=sum(subscriber.ended.is_set() for subscriber in subscribers),
    )


async def _stopped(address: str, token: str) -> Subscriber:
    """A subscriber to much, that reads nothing of it."""
    host, port = address.split(":")
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED)
    narrow.setblocking(False)  # noqa: FBT003  socket's own
    loop = asyncio.get_running_loop()
    await loop.sock_connect(narrow, (host, int(port)))
    _, subscriber = await loop.create_connection(lambda: Subscriber(address, token, FOLLOW_MUCH), sock=narrow)
    async with asyncio.timeout(PATIENCE):
        await subscriber.subscribed.wait()
    subscriber.transport.pause_reading()
    return subscriber


async def _one_stops(address: str, token: str, writer: Writer, others: list[Subscriber], slow: float) -> bool:
    """One more comes and reads nothing: whether it alone is dropped, and the others miss nothing."""
    stopped = await _stopped(address, token)
    for _ in range(250):
        await writer.write(LONG)
    await settled(writer, others)
    await asyncio.sleep(slow + 2)
    stopped.transport.resume_reading()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SERVER_PATIENCE):
            await stopped.ended.wait()
    stopped.transport.abort()
    missed, repeated, _ = count(writer, others)
    return stopped.ended.is_set() and not any(other.ended.is_set() for other in others) and not missed and not repeated


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between writes")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()

    async def run(url: str, folder: Path) -> Figures:
        async with serving(url, folder) as (gateway,):
            return await measure(gateway, await access(url), given.count, given.events, given.pause)

    with tempfile.TemporaryDirectory(prefix="gateway-subscribers-") as name, fresh(given.database, Path(name)) as url:
        figures = asyncio.run(run(url, Path(name)))
    print(json.dumps(asdict(figures), indent=2))
    sys.exit(bool(figures.missed or figures.repeated or figures.dropped or not figures.stopped_dropped))


if __name__ == "__main__":
    main()
