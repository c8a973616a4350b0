"""The server's side of HTTP, below the application: slow, silent and malformed clients."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from tests.connecting import PATIENCE, connected
from tests.gateway.conftest import TOKEN, Serve

POST = (
    f"POST /graphql HTTP/1.1\r\nhost: x\r\nauthorization: {TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n".encode()
)


#: More parts than can be sent in the time that there is for all of them.
LONG = 60


async def talk(app: Any, *parts: bytes, pause: float = 0.0) -> tuple[int, Any]:
    """Send the parts; the status and JSON that come before the server closes (0 if nothing does)."""
    status, body, _ = await talk_until_answered(app, *parts, pause=pause)
    return status, body


async def talk_until_answered(app: Any, *parts: bytes, pause: float) -> tuple[int, Any, int]:
    """The same, and how many of the parts were not sent any more, as the answer had come."""
    left = len(parts)
    async with asyncio.timeout(PATIENCE), connected(app.address) as (reader, writer):
        answering = asyncio.create_task(_all(reader))
        for part in parts:
            writer.write(part)
            left -= 1
            await asyncio.wait([answering], timeout=pause)
            if answering.done():
                break
        head, _, body = (await answering).partition(b"\r\n\r\n")
    return (int(head.split()[1]), json.loads(body), left) if head else (0, None, left)


async def _all(reader: asyncio.StreamReader) -> bytes:
    """What comes; a part that crosses the server's end breaks the connection after it."""
    came = b""
    with contextlib.suppress(ConnectionError):
        while some := await reader.read(65_536):
            came += some
    return came


@pytest.mark.parametrize(
    "parts", [[b""], [b"GET / HT"], [b"GET / HTTP/1.1\r\n", *[b"a: b\r\n"] * LONG]], ids=["silent", "stopped", "trickling"]
)
async def test_slow_headers(serve: Serve, parts: list[bytes]) -> None:
    """408 when headers haven't come in their time, however busily they trickle."""
    app = await serve(header_timeout=0.3)
    status, body, left = await talk_until_answered(app, *parts, pause=0.05)
    assert (status, body["code"]) == (408, "request_timeout")
    assert left > 0 or len(parts) == 1


@pytest.mark.parametrize("parts", [[b"{"], [b"{", *[b" "] * 40]], ids=["stopped", "trickling"])
async def test_slow_bodies(serve: Serve, parts: list[bytes]) -> None:
    """408 for the body as well; nobody's place was taken meanwhile."""
    app = await serve(body_timeout=0.6, max_in_flight=1)
    task = asyncio.create_task(talk_until_answered(app, POST, *parts, pause=0.09))
    await asyncio.sleep(0.1)
    assert app.limiter.free == 1
    status, body, left = await task
    assert (status, body["code"]) == (408, "request_timeout")
    assert left > 0 or len(parts) == 1


async def test_an_idle_connection_is_kept(serve: Serve) -> None:
    """The time for headers isn't that of a connection that waits for its next request."""
    app = await serve(header_timeout=2, keep_alive=PATIENCE)
    async with connected(app.address) as (reader, writer):
        for seconds in (0, 2.3):
            await asyncio.sleep(seconds)
            writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b"}")


async def test_header_limit(serve: Serve) -> None:
    """64 KiB of headers are read and 256 of them, more are 431: also where they come whole, and where they never end."""
    app = await serve()
    assert (await talk(app, head(60, 1_000)))[0] == 200
    assert (await talk(app, head(250, 10)))[0] == 200
    for large in (head(70, 1_000), head(1, 100_000), head(70, 1_000)[:-2], head(300, 1), b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 20_000):
        status, body = await talk(app, large)
        assert (status, body["code"]) == (431, "headers_too_large")


async def test_blanks_around_values(serve: Serve) -> None:
    """They are no part of a header's value: a host is one with them, and an idempotency key the same one (RFC 9110 section 5.5)."""
    app = await serve()
    async with asyncio.timeout(PATIENCE), connected(app.address) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: \tx \t \r\nx-request-id:mine \r\naccept: \r\nconnection: close \r\n\r\n")
        answer = await _all(reader)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nx-request-id: mine\r\n" in answer


@pytest.mark.parametrize(
    ("codings", "status"),
    [
        ("chunked", 200),
        (", Chunked", 200),
        ("gzip, chunked", 501),
        ("identity, chunked", 501),
        ("gzip\r\nTransfer-Encoding: chunked", 501),
        ("gzip", 400),
        ("identity", 400),
        ("chunked, gzip", 400),
        ("chunked, chunked", 400),
        ("chunked\r\nTransfer-Encoding: chunked", 400),
        ("chunked;q=1", 400),
        ("chunked\r\nContent-Length: 2", 400),
    ],
)
async def test_transfer_codings(serve: Serve, codings: str, status: int) -> None:
    """Chunks are read; another coding is 501, and a body of unclear length 400 (RFC 9112 section 6.1)."""
    app = await serve()
    lines = (
        f"host: x\r\nconnection: close\r\nauthorization: {TOKEN}\r\ncontent-type: application/json\r\nTransfer-Encoding: {codings}\r\n\r\n"
    )
    body = b'{"query":"{hello}"}'
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    assert (await talk(app, f"POST /graphql HTTP/1.1\r\n{lines}".encode() + sent))[0] == status
    assert (await talk(app, f"POST /graphql HTTP/1.0\r\n{lines}".encode() + sent))[0] == 400


async def test_a_coding_among_trailers(serve: Serve) -> None:
    """Behind the chunks it is no header of the request: the parser refuses it, and nobody is told of a coding (501)."""
    lines = (
        f"host: x\r\nconnection: close\r\nauthorization: {TOKEN}\r\ncontent-type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    sent = b'13\r\n{"query":"{hello}"}\r\n0\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'
    assert (await talk(await serve(), f"POST /graphql HTTP/1.1\r\n{lines}".encode() + sent))[0] == 400


def head(count: int, size: int) -> bytes:
    """The headers of a request, so many of such a size."""
    return b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n" + (b"a: " + b"b" * size + b"\r\n") * count + b"\r\n"


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x00\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"]
)
async def test_not_http(serve: Serve, data: bytes) -> None:
    """400, in JSON."""
    status, body = await talk(await serve(), data)
    assert (status, body["code"]) == (400, "bad_request")


async def test_a_large_body_gets_its_refusal(serve: Serve) -> None:
    """A client that sends far more than it may still gets to read the 413, and not a reset connection."""
    head = POST.replace(b"content-length: 50", b"content-length: 5000000")
    status, body = await talk(await serve(), head, b"x" * 5_000_000)
    assert (status, body["errors"][0]["extensions"]["code"]) == (413, "TOO_LARGE")
