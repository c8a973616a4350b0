"""What comes of what is sent: whether it is an answer, and one that a client can do something with."""

import asyncio
import contextlib
import json
import re
import struct
from dataclasses import dataclass

from tests.connecting import Streams, drop

PATIENCE = 30.0
#: Seconds that a socket is given for a word, after it was sent what may have no answer.
SILENCE = 0.5
#: What a client's fault must not be called, and no message may hold: Python's own words, and those of drivers.
_DEFECTS = re.compile(
    rb"INTERNAL_ERROR|internal_error|\"UNAVAILABLE\"|\"TIMEOUT\"|Traceback|NoneType|object has no|invalid literal|could not convert"
    rb"|codec can't|JSON serializable|unhashable|Expecting value|Invalid control character|list index"
    rb"|KeyError|ValueError|TypeError|ConversionSyntax"
    rb"|isoformat|strptime|Decimal\(|sqlite3|asyncpg|constraint failed|no such column|too many SQL|Exceeds the limit"
)
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)
DROPPED, NO_CODE, DEFECT, OPEN = "dropped", "no close code", "defect", "open"


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: its status (0 where there is none), what is wrong with it, whether the connection can be used again."""

    status: int
    fault: str = ""
    kept: bool = False


class Line:
    """A connection that is kept while the server keeps it."""

    def __init__(self, address: str) -> None:
        self.host, port = address.split(":")
        self.port = int(port)
        self._streams: Streams | None = None
        #: Whether the latest request came on a connection that had been used.
        self.used = False

    async def ask(self, request: bytes) -> Heard:
        """The answer to a whole request."""
        self.used = self._streams is not None
        try:
            async with asyncio.timeout(PATIENCE):
                streams = self._streams or await asyncio.open_connection(self.host, self.port)
                self._streams = streams
                streams[1].write(request)
                heard = await _heard(streams[0], head_only=request.startswith(b"HEAD "))
        except (OSError, EOFError, TimeoutError, ValueError) as fault:
            heard = Heard(0, f"no answer: {type(fault).__name__}")
        if not heard.kept:
            await self.close()
        return heard

    async def close(self) -> None:
        if self._streams:
            await drop(self._streams[1])
        self._streams = None


async def _heard(reader: asyncio.StreamReader, *, head_only: bool) -> Heard:
    while (head := await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 "):
        pass
    fields = {name.lower(): value for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n")[1:-2])}
    status = int(head[9:12])
    if head_only or status in {204, 304}:
        body = b""
    elif fields.get(b"transfer-encoding") == b"chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(fields.get(b"content-length", b"0")))
    kept = fields.get(b"connection") != b"close" and status != 101
    return Heard(status, fault_of(status, fields.get(b"content-type", b""), body, asked=not head_only), kept)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def fault_of(status: int, kind: bytes, body: bytes, *, asked: bool = True) -> str:
    """What is wrong with an answer, or nothing."""
    if status >= 500 and status != 501:
        return f"{status}: {body[:300]!r}"
    if found := _DEFECTS.search(body):
        return f"{found[0].decode()}: {body[:300]!r}"
    if b"json" in kind and body:
        try:
            told = json.loads(body)
        except ValueError:
            return f"no JSON: {body[:300]!r}"
        if status >= 400 and not (isinstance(told, dict) and ({"code", "errors"} & told.keys() or {"detail", "title"} & told.keys())):
            return f"an error without a code: {body[:300]!r}"
    if status >= 400 and status != 416 and not body and asked:
        return f"{status} without a word"
    return ""


async def first_words(address: str, request: bytes, *, whole: bool) -> Heard:
    """What a stream begins with, or comes in its place; bytes that are no `whole` request may have no answer."""
    host, port = address.split(":")
    streams: Streams | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            streams = await asyncio.open_connection(host, int(port))
            streams[1].write(request)
            if not whole:
                streams[1].write_eof()
            return _first(await streams[0].read(20_000), whole=whole)
    except (OSError, TimeoutError) as fault:
        return Heard(0, f"no answer: {type(fault).__name__}" if whole else "")
    finally:
        if streams:
            await drop(streams[1])


def _first(answer: bytes, *, whole: bool) -> Heard:
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    if not found:
        return Heard(0, f"no answer but {answer[:200]!r}" if whole or answer else "")
    status, later = int(found[1]), [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    return Heard(status, fault_of(max(status, *later), b"", answer.partition(b"\r\n\r\n")[2], asked=False))


async def talk(address: str, frames: list[bytes]) -> tuple[str, str]:
    """How a socket ends that sends these frames and then nothing, and the message of a defect: a close code, `open`, or how it broke."""
    host, port = address.split(":")
    streams: Streams | None = None
    try:
        async with asyncio.timeout(PATIENCE):
            streams = await asyncio.open_connection(host, int(port))
            streams[1].write(UPGRADE)
            await streams[0].readuntil(b"\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                for each in frames:
                    streams[1].write(each)
            return await ending(streams[0])
    except (OSError, EOFError):
        return DROPPED, ""
    finally:
        if streams:
            await drop(streams[1])


async def ending(reader: asyncio.StreamReader) -> tuple[str, str]:
    """The same of what comes on a socket after its upgrade. Raises OSError, EOFError where it breaks."""
    while True:
        try:
            async with asyncio.timeout(SILENCE):
                first, second = await reader.readexactly(2)
        except TimeoutError:
            return OPEN, ""
        size = second
        if size == 126:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await reader.readexactly(8))
        data = await reader.readexactly(size)
        if first & 15 == 8:
            return (str(struct.unpack("!H", data[:2])[0]) if len(data) >= 2 else NO_CODE), ""
        if _DEFECTS.search(data):
            return DEFECT, data[:300].decode(errors="replace")
