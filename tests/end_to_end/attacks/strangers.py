"""What anyone may do who reaches the port: no token is needed for any of this."""

import asyncio
import contextlib
import re
from collections import Counter
from contextlib import AsyncExitStack

from tests.connecting import Streams, connected
from tests.end_to_end.attacks.target import Target
from tests.end_to_end.fuzz.judge import UPGRADE, ending

#: Seconds that an answer is waited for which has to come.
PATIENCE = 20.0
SMALL = b"GET /x HTTP/1.1\r\n\r\n" * 500
WISH = (
    b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b'content-length: 24\r\n\r\n{"query":"{__typename}"}'
)


def status(answer: bytes) -> str:
    """Of an answer's first bytes."""
    return answer[9:12].decode() if answer.startswith(b"HTTP/1.1 ") else "no answer"


async def answer(streams: Streams, request: bytes) -> str:
    """The status of the answer to a request, of which the rest is left."""
    reader, writer = streams
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(request)
            return status(await reader.readline())
    except (OSError, TimeoutError):
        return "no answer"


async def poured(streams: Streams, data: bytes, total: int, seconds: float) -> str:
    """So many bytes, again and again the same, as far as they are taken in the time; nothing is read. Then it leaves."""
    writer = streams[1]
    writer.transport.pause_reading()
    try:
        async with asyncio.timeout(seconds):
            for _ in range(total // len(data)):
                writer.write(data)
                await writer.drain()
            await asyncio.sleep(seconds)
    except TimeoutError:
        return "left"
    except OSError:
        return "dropped"
    return "left"


async def pipelines(target: Target, scale: float) -> Counter[str]:
    """N1: 16 connections write small requests over and over, read nothing, and leave; four bursts of 20 MB."""

    async def one(total: int) -> str:
        async with connected(target.address) as streams:
            return await poured(streams, SMALL, total, 1 + 5 * scale)

    ends: list[str] = []
    for _ in range(4 if scale == 1 else 2):
        ends += await asyncio.gather(*(one(int(20_000_000 * scale) // 16) for _ in range(16)))
    return Counter(ends)


async def wishes(target: Target, scale: float) -> Counter[str]:
    """N2: 250 POSTs with a body that wish for a WebSocket."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(connected(target.address)) for _ in range(int(250 * scale))]
        return Counter(await asyncio.gather(*(answer(streams, WISH) for streams in opened)))


def frames(opcode: int, payload: bytes, count: int) -> bytes:
    """A client's frames (RFC 6455 section 5.2), with a mask of zeros."""
    return (bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload) * count


async def socket(streams: Streams) -> None:
    """A WebSocket, before its `connection_init`. Raises OSError, EOFError where it isn't to be had."""
    reader, writer = streams
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")


async def ended(reader: asyncio.StreamReader) -> str:
    """The code that a socket was closed with, if it was."""
    try:
        async with asyncio.timeout(PATIENCE):
            return (await ending(reader))[0]
    except (OSError, EOFError):
        return "dropped"
    except TimeoutError:
        return "open"


async def pongs(target: Target, scale: float) -> Counter[str]:
    """N3: 4 sockets send 24 MB of empty pongs, and then pings with payloads, whose pongs nobody reads, before `connection_init`."""

    async def one(data: bytes) -> str:
        async with connected(target.address) as streams:
            await socket(streams)
            end = await poured(streams, data, int(24_000_000 * scale) // 4, 2 + 8 * scale)
            streams[1].transport.resume_reading()
            return end if end == "dropped" else await ended(streams[0])

    kinds = [frames(10, b"", 10_000), frames(9, b"x" * 120, 500)]
    return Counter([end for kind in kinds for end in await asyncio.gather(*(one(kind) for _ in range(4)))])


async def silent(target: Target, scale: float) -> Counter[str]:
    """N4: 400 connections that say nothing, to a process that may open 256 files. Others come on new connections."""
    async with AsyncExitStack() as stack:
        for _ in range(400):
            await stack.enter_async_context(connected(target.address))
        await asyncio.sleep(1 + 5 * scale)
        async with connected(target.address) as streams:
            return Counter([await answer(streams, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")])


async def together(target: Target, scale: float) -> Counter[str]:
    """N5: 400 KB of small requests in a pipeline, so that one read ends within one of them; each is answered."""
    count = int(8_000 * scale)
    request = b"GET /healthz HTTP/1.1\r\nhost: gateway.example\r\nx: %s\r\n\r\n"
    data = b"".join(request % (b"y" * (number % 7)) for number in range(count - 1))
    heard = bytearray()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(PATIENCE * 3), connected(target.address) as (reader, writer):
            writer.write(data + b"GET /healthz HTTP/1.1\r\nhost: gateway.example\r\nconnection: close\r\n\r\n")
            while some := await reader.read(65_536):
                heard += some
    told = re.findall(rb"HTTP/1\.1 (\d{3}) ", heard)
    return Counter(each.decode() for each in told) + Counter({"no answer": count - len(told)})
