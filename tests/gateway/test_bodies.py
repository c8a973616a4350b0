"""What the bodies of requests take in memory, over all connections: large ones have a share each, small ones always pass."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import Message, Scope

from gateway.edge.bodies import HELD_BYTES, SMALL, TOO_MANY, RequestBodies
from gateway.edge.shared_memory import SharedMemory
from gateway.edge.turns import Turns
from rest_compat.errors import Unavailable
from tests.connecting import PATIENCE, connected, until
from tests.gateway.conftest import CALLER, TOKEN, Serve
from tests.gateway.test_pipelines import statuses

OTHER = "Bearer other"
LARGE = 1_000_000
LIMIT = 4 * LARGE


def head(token: str, length: int, *more: str) -> bytes:
    lines = ["POST /graphql HTTP/1.1", "host: x", f"authorization: {token}", "content-type: application/json", "connection: close", *more]
    return "\r\n".join([*lines, f"content-length: {length}", "", ""]).encode()


def query(size: int) -> bytes:
    """A request's body of so many bytes."""
    body = json.dumps({"query": "{ hello }", "variables": {"unused": ""}}).encode()
    return body.replace(b'""', b'"%b"' % (b"x" * (size - len(body))))


async def ask(app: Any, token: str, body: bytes, *more: str) -> list[int]:
    async with connected(app.address) as (reader, writer), asyncio.timeout(PATIENCE):
        writer.write(head(token, len(body), *more) + body)
        return statuses(await reader.read())


@asynccontextmanager
async def uploading(app: Any, count: int, size: int = LARGE) -> AsyncIterator[None]:
    """So many clients that have sent all but the last byte of a large body."""
    async with AsyncExitStack() as stack:
        for _ in range(count):
            _, writer = await stack.enter_async_context(connected(app.address))
            writer.write(head(TOKEN, size) + b" " * (size - 1))
            await writer.drain()
        yield


async def test_bodies_are_bounded_together(serve: Serve) -> None:
    """Who uploads much at once gets half of the room: more is 503; those of others, and small ones, pass."""
    app = await serve()
    app.bodies.limit = LIMIT
    app.authenticator._known.put(OTHER, replace(CALLER, token_id="key_2"), 1000)
    async with uploading(app, 2):
        await until(lambda: app.bodies.bytes > 2 * (LARGE - SMALL) - 10)
        assert await ask(app, TOKEN, query(LARGE)) == [503]
        assert await ask(app, OTHER, query(LARGE)) == [200]
        assert await ask(app, TOKEN, query(SMALL)) == [200]
    await until(lambda: not app.bodies.bytes)
    assert not app.bodies._by_owner
    assert await ask(app, TOKEN, query(LARGE)) == [200]


async def test_packed_bodies_count_unpacked(serve: Serve) -> None:
    """What a small body becomes when it is unpacked counts as any other."""
    app = await serve()
    app.bodies.limit = LARGE
    assert await ask(app, TOKEN, gzip.compress(query(LARGE)), "content-encoding: gzip") == [503]
    assert await ask(app, TOKEN, gzip.compress(query(LARGE // 4)), "content-encoding: gzip") == [200]
    assert not app.bodies.bytes


async def test_the_largest_body_passes_alone(serve: Serve) -> None:
    """By default sixteen of the largest bodies of one token are well within its share, and each is answered."""
    app = await serve()
    assert 16 * app.settings.graphql_body_limit <= HELD_BYTES // 2
    assert await asyncio.gather(*(ask(app, TOKEN, query(LARGE)) for _ in range(16))) == [[200]] * 16


class Piece(bytes):
    """A piece of a body, which is counted while anyone holds it."""

    held = 0

    def __del__(self) -> None:
        Piece.held -= 1


async def test_a_refused_body_is_let_go_of_before_its_rest_is_passed_over() -> None:
    """While the sender of a body for which there is no room goes on sending, nothing of that body is in memory."""
    held: list[int] = []

    async def receive() -> Message:
        held.append(Piece.held)
        Piece.held += 1
        return {"type": "http.request", "body": Piece(SMALL), "more_body": len(held) < 10}

    room = SharedMemory(4 * SMALL, TOO_MANY, SMALL)
    with pytest.raises(Unavailable):
        await RequestBodies(nothing, LARGE, LARGE, room, Turns(), nothing)(post_scope(), receive, nothing)
    assert held == [0, 1, 2, 3, 0, 0, 0, 0, 0, 0]
    assert not room.bytes


def post_scope() -> Scope:
    return {"type": "http", "method": "POST", "path": "/", "state": {"headers": {}, "caller": CALLER}}


async def nothing(*_: object) -> None:
    """What the refused request doesn't come to."""
