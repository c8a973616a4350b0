"""How answers are written: what a client's socket gets, and in how many pieces."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from gateway.server.exchange import Exchange

DATE = (b"date", b"Thu, 26 Nov 2026 23:00:00 GMT")


class Transport(asyncio.Transport):
    """Keeps what is written, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: Any) -> None:
        self.pieces.append(bytes(data))

    def writelines(self, pieces: Any) -> None:
        self.pieces.append(b"".join(pieces))

    def close(self) -> None:
        self.closed = True

    def resume_reading(self) -> None:
        """Nothing is read here."""


class Opened:
    """A request on a connection, and what its answer made of it."""

    def __init__(self, method: str = "GET", version: str = "1.1", *, keep_alive: bool = True, waits: bool = False) -> None:
        self.transport = Transport()
        self.ended = 0
        self.exchange = Exchange(
            {"method": method},
            self.transport,
            FlowControl(self.transport),
            [DATE],
            self._end,
            expect_100_continue=waits,
            keep_alive=keep_alive,
            in_chunks=version != "1.0",
        )

    def _end(self) -> None:
        self.ended += 1

    async def begin(self, *headers: tuple[bytes, bytes], status: int = 200) -> None:
        await self.exchange.send({"type": "http.response.start", "status": status, "headers": [*headers]})

    async def go_on(self, body: bytes = b"", *, more: bool = False) -> None:
        await self.exchange.send({"type": "http.response.body", "body": body, "more_body": more})

    @property
    def pieces(self) -> Sequence[bytes]:
        """What was written, without the head's first lines."""
        return [piece.replace(b"HTTP/1.1 200 OK\r\ndate: " + DATE[1] + b"\r\n", b"HEAD ") for piece in self.transport.pieces]


def length(size: int) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % size


async def test_head_and_body_are_one_piece() -> None:
    """A client gets an answer in one packet; what comes behind it goes as it comes."""
    opened = Opened()
    await opened.begin(length(6))
    assert opened.pieces == []
    await opened.go_on(b"one", more=True)
    await opened.go_on(b"two")
    assert opened.pieces == [b"HEAD content-length: 6\r\n\r\none", b"two"]
    assert (opened.ended, opened.transport.closed) == (1, False)


async def test_a_stream() -> None:
    """A stream's head goes at once, so that a follower learns that it has begun; its pieces are chunks, and an empty piece is none."""
    opened = Opened()
    await opened.begin()
    assert opened.pieces == [b"HEAD transfer-encoding: chunked\r\n\r\n"]
    for piece in (b"0123456789abcdef", b""):
        await opened.go_on(piece, more=True)
    await opened.go_on(memoryview(b"end"))  # type: ignore[arg-type]  long answers are sent in portions
    assert opened.pieces[1:] == [b"10\r\n0123456789abcdef\r\n", b"3\r\nend\r\n0\r\n\r\n"]


async def test_a_stream_for_http_1_0() -> None:
    """Who knows no chunks gets the bytes, and their end is that of the connection."""
    opened = Opened(version="1.0", keep_alive=False)
    await opened.begin()
    await opened.go_on(b"one", more=True)
    await opened.go_on(b"two")
    assert opened.pieces == [b"HEAD connection: close\r\n\r\n", b"one", b"two"]
    assert opened.transport.closed


async def test_no_body() -> None:
    """The answer to HEAD has its length and no body; 204 has neither."""
    head, empty = Opened("HEAD"), Opened()
    await head.begin(length(3))
    await head.go_on(b"one")
    await empty.begin(status=204)
    await empty.go_on()
    assert head.pieces == [b"HEAD content-length: 3\r\n\r\n"]
    assert empty.transport.pieces == [b"HTTP/1.1 204 No Content\r\ndate: " + DATE[1] + b"\r\n\r\n"]


async def test_continue() -> None:
    """`100 Continue` goes when the body is asked for, and not once the answer has begun."""
    asked, refused = Opened("POST", waits=True), Opened("POST", waits=True)
    asked.exchange.body += b"body"
    asked.exchange.wake()
    assert (await asked.exchange.receive())["body"] == b"body"
    await refused.begin(length(0))
    await refused.go_on()
    await refused.exchange.receive()
    assert asked.transport.pieces == [b"HTTP/1.1 100 Continue\r\n\r\n"]
    assert refused.pieces == [b"HEAD content-length: 0\r\n\r\n"]


async def test_all_who_wait_are_woken() -> None:
    """The work and the watch over its client may wait at once: both learn that the client has left."""
    opened = Opened()
    opened.exchange.wake()
    assert (await opened.exchange.receive())["type"] == "http.request"
    waiting = [asyncio.create_task(opened.exchange.receive()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    opened.exchange.disconnected = True
    opened.exchange.wake()
    assert [message["type"] for message in await asyncio.gather(*waiting)] == ["http.disconnect"] * 2


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\x00b", b"\x7f"])
async def test_a_header_is_one_line(value: bytes) -> None:
    """A value that would end its line, or holds another control character, is a defect of ours and sent to nobody."""
    opened = Opened()
    with pytest.raises(RuntimeError, match="control character"):
        await opened.begin((b"x-told", value), length(0))
    assert (opened.pieces, opened.exchange.response_started) == ([], False)
    await opened.begin((b"x-told", b"a\tb \xe4"), length(0))
    await opened.go_on()
    assert opened.pieces == [b"HEAD x-told: a\tb \xe4\r\ncontent-length: 0\r\n\r\n"]


@pytest.mark.parametrize("body", [b"too long", b"no"])
async def test_a_body_is_as_long_as_it_says(body: bytes) -> None:
    """A body of another length would be taken for the next answer."""
    opened = Opened()
    await opened.begin(length(3))
    with pytest.raises(RuntimeError, match="Content-Length"):
        await opened.go_on(body)
    assert opened.pieces == []


async def test_what_is_not_due() -> None:
    """A body before its head, a second head and a body behind the last one are defects."""
    opened = Opened()
    with pytest.raises(RuntimeError, match="not due"):
        await opened.go_on()
    await opened.begin(length(0))
    with pytest.raises(RuntimeError, match="not due"):
        await opened.begin()
    await opened.go_on()
    with pytest.raises(RuntimeError, match="not due"):
        await opened.go_on()
