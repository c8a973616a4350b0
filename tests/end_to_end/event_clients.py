"""Clients that follow events over a WebSocket or a stream, as their protocols say, and notice what a client can notice."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from gateway.live.messages import SUBPROTOCOL
from tests.connecting import PATIENCE, connected

EVENTS = "subscription($since: String) { opportunityChanged(since: $since) { cursor type opportunityId } }"
Event: TypeAlias = dict[str, Any]
Events: TypeAlias = AsyncGenerator[Event, None]
Follow: TypeAlias = Callable[..., Events]
#: What a connection ends with when its server does.
GONE = (OSError, EOFError, ConnectionClosed, InvalidHandshake)


class Refused(Exception):
    """The subscription can't begin, or go on: the errors that were told."""

    def __init__(self, errors: list[Any]) -> None:
        super().__init__(errors)
        self.errors = errors
        self.code = errors[0]["extensions"]["code"]


async def by_socket(address: str, token: str, query: str = EVENTS, **variables: Any) -> Events:
    """The events of a subscription over graphql-transport-ws. Raises Refused, and GONE when the socket ends."""
    socket = await connect(f"ws://{address}/graphql", subprotocols=[SUBPROTOCOL], compression=None, ping_interval=None)  # type: ignore[list-item]
    try:
        await socket.send(orjson.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}).decode())
        assert orjson.loads(await socket.recv()) == {"type": "connection_ack"}
        payload = {"query": query, "variables": variables}
        await socket.send(orjson.dumps({"id": "1", "type": "subscribe", "payload": payload}).decode())
        while True:
            message = orjson.loads(await socket.recv())
            if message["type"] == "error":
                raise Refused(message["payload"])
            if message["type"] == "complete":
                return
            yield _event(message["payload"])
    finally:
        socket.transport.abort()


async def by_stream(address: str, token: str, query: str = EVENTS, **variables: Any) -> Events:
    """The events of a subscription over SSE. Raises Refused, and GONE when the stream breaks."""
    async with connected(address) as (reader, writer):
        body = orjson.dumps({"query": query, "variables": variables})
        head = f"POST /graphql HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\naccept: text/event-stream\r\n"
        writer.write(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        status = await reader.readline()
        if b" 200 " not in status:
            raise Refused([{"message": status.decode(), "extensions": {"code": status.split()[1].decode() if status else ""}}])
        while line := await reader.readline():
            if line == b"event: complete\n":
                return
            if line.startswith(b"data: "):
                yield _event(orjson.loads(line[6:]))
        raise EOFError


def _event(payload: dict[str, Any]) -> Event:
    if "errors" in payload:
        raise Refused(payload["errors"])
    told: Event = payload["data"]["opportunityChanged"]
    return told


BOTH: tuple[Follow, ...] = (by_socket, by_stream)


async def take(events: Events, count: int, seconds: float = PATIENCE) -> list[Event]:
    """The next `count` events, and the end of the subscription. Raises TimeoutError."""
    taken: list[Event] = []
    async with asyncio.timeout(seconds), aclosing(events):
        async for event in events:
            taken.append(event)
            if len(taken) == count:
                break
    return taken
