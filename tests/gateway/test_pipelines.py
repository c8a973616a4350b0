"""Many requests on one connection: each is answered, in order, and what waits costs next to nothing."""

import asyncio
import contextlib
import gc
import json
import re
from typing import Any

import pytest

from gateway.server.request_parser import END, RequestParser
from tests.connecting import PATIENCE, connected
from tests.gateway.conftest import TOKEN, Serve

GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def post(query: str, more: str = "", *, chunked: bool = False, **members: Any) -> bytes:
    """A GraphQL request with its body."""
    body = json.dumps({"query": query, **members}).encode()
    length = "transfer-encoding: chunked" if chunked else f"content-length: {len(body)}"
    text = f"POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: {TOKEN}\r\ncontent-type: application/json\r\n{more}{length}\r\n\r\n"
    return text.encode() + (b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body)


async def talk(app: Any, *parts: bytes) -> bytes:
    """All that comes, until the server closes, for what is sent in these parts."""
    host, port = app.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            return await reader.read()
    finally:
        writer.close()


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


async def test_each_is_answered_in_order(serve: Serve) -> None:
    """Requests with and without bodies, in one write: as many answers, in their order."""
    app = await serve()
    both = post("{ hello }") + GET + post("{ nothing }", chunked=True) + GET
    answer = await talk(app, both * 50 + LAST)
    assert statuses(answer) == [200, 200, 200, 200] * 50 + [200]
    first = answer.split(b'{"status":"ok",')
    assert b'"hello"' in first[0]
    assert b'"errors"' in first[1]


@pytest.mark.parametrize("size", [1, 3, 7, 64, 1_000])
async def test_wherever_they_are_cut(serve: Serve, size: int) -> None:
    """Reads may end anywhere, within a line's end too."""
    app = await serve()
    data = post("{ hello }", chunked=True) + b"\r\n" + GET + post("{ hello }") + b"\r\n\r\n\r\n" + LAST
    answer = await talk(app, *(data[start : start + size] for start in range(0, len(data), size)))
    assert statuses(answer) == [200] * 4


async def test_one_at_a_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 5,000 requests that come at once one is parsed at a time: the others wait as bytes, and reading pauses."""
    waiting: list[int] = []
    complete = RequestParser.on_headers_complete

    def note(wire: RequestParser) -> None:
        complete(wire)
        waiting.append(len(wire.pipeline))

    monkeypatch.setattr(RequestParser, "on_headers_complete", note)
    app = await serve()
    assert statuses(await talk(app, GET * 5_000 + LAST)) == [200] * 5_001
    assert max(waiting) == 0


async def test_the_header_limit_is_of_one_request(serve: Serve) -> None:
    """Small requests that fill a read, which ends within one of them, are not one with large headers."""
    app = await serve(header_limit=1_000)
    data = GET * 400
    assert statuses(await talk(app, data[:10_001], data[10_001:] + LAST)) == [200] * 401


async def test_a_client_that_leaves_takes_all_with_it(serve: Serve) -> None:
    """What has come and was not answered is dropped with its connection."""
    app = await serve()
    host, port = app.address.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(post("{ slow(seconds: 0.2) }") + GET * 20_000)
    await writer.drain()
    writer.transport.abort()
    async with asyncio.timeout(PATIENCE):
        while len(app.connections):  # noqa: ASYNC110  the server tells it in no other way
            await asyncio.sleep(0.02)
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, RequestParser) and one.ahead]


async def test_a_body_ends_where_it_says(serve: Serve) -> None:
    """A body that holds the end of headers is one body, whether its length is told or it comes in chunks."""
    app = await serve()
    inside = "{ hello } #" + END.decode() * 20
    for chunked in (False, True):
        assert statuses(await talk(app, post(inside, chunked=chunked) + LAST)) == [200, 200]


async def test_trailers_are_no_headers(serve: Serve) -> None:
    """What comes behind the chunks doesn't say who asks (RFC 9110 section 6.5.1)."""
    app = await serve()
    data = post("{ hello }", chunked=True).replace(b"authorization: " + TOKEN.encode() + b"\r\n", b"")
    data = data[:-2] + b"authorization: " + TOKEN.encode() + b"\r\n\r\n"
    assert statuses(await talk(app, data + LAST)) == [401, 200]


@pytest.mark.parametrize(
    ("first", "endless"),
    [(b"1;", b"x" * 1_000), (b"0\r\na: ", b"b" * 1_000), (b"0\r\n", b"a: b\r\n" * 100)],
    ids=["extension", "trailer", "trailers"],
)
async def test_endless_chunks(serve: Serve, first: bytes, endless: bytes) -> None:
    """Chunks that hold next to nothing, and trailers without end, are refused long before the time for a body is over."""
    app = await serve()
    start = post("", chunked=True).partition(END)[0] + END
    assert statuses(await talk(app, start + first, *[endless] * 3_000)) in ([400], [431])


async def test_a_body_that_nobody_wants(serve: Serve) -> None:
    """A request that was refused before its body came: what comes of it is thrown away, and the next request is answered."""
    app = await serve()
    body = b"x" * 300_000
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    assert statuses(await talk(app, head, body[:100], body[100:], LAST)) == [401, 200]


async def test_a_body_that_was_not_asked_for(serve: Serve) -> None:
    """A client that asks before it sends its body, and is refused, may send it or not: the connection is over (RFC 9110 section 10.1.1)."""
    app = await serve()
    head = b"POST /graphql HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n"
    assert statuses(await talk(app, head)) == [401]


async def test_blank_lines_keep_nothing_open(serve: Serve) -> None:
    """Between requests they are skipped, and are no sign of life."""
    app = await serve(keep_alive=1, header_timeout=1)
    for first in (b"", GET):
        async with asyncio.timeout(PATIENCE), connected(app.address) as (reader, writer):
            writer.write(first)
            reading = asyncio.create_task(reader.read())
            while not reading.done():
                writer.write(b"\r\n")
                await asyncio.wait([reading], timeout=0.1)
            # What is sent on to a server that has ended breaks the connection.
            with contextlib.suppress(ConnectionError):
                await reading
