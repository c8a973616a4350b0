"""Whatever bytes come, over HTTP, WebSocket or as a stream: no defect, no silence where an answer is due, no socket without a close code.

`python -m tests.end_to_end.raw_bytes --attempts 10000` is the long form. Good requests and messages are cut, repeated, flipped and mixed;
the server is the real one, over a database with deals.
"""

import argparse
import asyncio
import json
import os
import random
import re
import struct
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.connecting import connected
from tests.end_to_end.deals import deals
from tests.end_to_end.fleet import Access, access, fresh, in_process

PATIENCE = 10.0
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
DROPPED, NO_CODE, DEFECT = "dropped", "closed without a code", "defect"
BAD_ENDS = {DROPPED, NO_CODE, DEFECT, "1011"}

QUERY = "query Q($n: Int) { opportunities(first: $n) { nodes { id name account { name } } totalCount } }"
FOLLOW = "subscription { opportunityChanged { type cursor opportunity { id name } } }"
#: Pieces of JSON that have broken servers, put in a value's place.
VALUES = [
    *(b"5", b"null", b'"x"', b"[]", b"{}", b"", b"{", b"true", b"-0", b"NaN", b"-Infinity", b"1e999", b"1.0000000000000001", b"9" * 5_000),
    *(b"[" * 30_000, b'{"a":' * 40 + b"1" + b"}" * 40, b'{"query":1,"query":2}'),
    *(b'"\\u0000"', b'"\\ud800"', b'"\\u0000\\ud83d"', b"\xff\xfe", b"\xef\xbb\xbf{}"),
]
TARGETS = [(b"POST", b"/graphql"), (b"POST", b"/api/opportunities/"), (b"PATCH", b"/api/opportunities/opp_1/")]
ACCEPTED = [b"*/*", b"application/json", b"x", b"", b"\xff", b"text/html"]
HEADERS = [
    b"transfer-encoding: chunked",
    b"content-length: 5",
    b"content-length: -1",
    b"content-encoding: gzip",
    b"\xff: \xff",
    b"a" * 70_000,
]


@dataclass(slots=True)
class Report:
    """What was sent, and what came. The last three are 0, or nothing, where the edge is strict."""

    http: int = 0
    streams: int = 0
    sockets: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    defects: list[str] = field(default_factory=list)
    unanswered: int = 0
    dropped: list[str] = field(default_factory=list)

    @property
    def flawless(self) -> bool:
        return not (self.defects or self.unanswered or self.dropped)


class Bytes:
    """Good bytes, and what becomes of them. `who` is a good token's."""

    def __init__(self, who: Access, account: str, seed: int) -> None:
        self.token = who.headers["authorization"].encode()
        self.random = random.Random(seed)
        self.bodies = [
            json.dumps({"name": "Deal", "accountId": account, "value": 12.5, "contactIds": [], "closeDate": "2027-01-31"}).encode(),
            json.dumps({"query": QUERY, "variables": {"n": 2}, "operationName": "Q", "extensions": {}}).encode(),
            json.dumps({"query": FOLLOW}).encode(),
        ]

    def body(self) -> bytes:
        """A body, or what is left of one."""
        body = self.random.choice(self.bodies)
        match self.random.randrange(5):
            case 0:
                return self.random.choice(VALUES)
            case 1:
                return self._with_value(body)
            case 2:
                return self.mangled(body)
            case 3:
                return self.random.randbytes(self.random.randrange(200))
        return body

    def _with_value(self, body: bytes) -> bytes:
        """With another value at one of its colons."""
        places = [match.end() for match in re.finditer(rb": ", body)]
        place = self.random.choice(places)
        end = re.search(rb", \"|\}", body[place:])
        assert end is not None
        return body[:place] + self.random.choice(VALUES) + body[place + end.start() :]

    def mangled(self, data: bytes) -> bytes:
        """With a few bytes flipped, cut, repeated or put in."""
        for _ in range(self.random.randrange(1, 4)):
            start = self.random.randrange(len(data) + 1)
            end = min(len(data), start + self.random.randrange(1, 20))
            middle = self.random.choice(
                [b"", data[start:end] * 2, self.random.randbytes(end - start), b"\0", b"\r\n", b"\r\n\r\n", b"%00", b"\xff", bytes(9_000)]
            )
            data = data[:start] + middle + data[end:]
        return data

    def request(self, *, stream: bool) -> tuple[bytes, bool]:
        """A request, and whether it is whole: then an answer is due."""
        body = self.body()
        method, path = self.random.choice(TARGETS)
        accept = b"text/event-stream" if stream else self.random.choice(ACCEPTED)
        head = [
            b"%b %b HTTP/1.1" % (method, b"/graphql" if stream else path),
            b"host: x",
            b"authorization: " + self.token,
            b"content-type: application/json",
            b"accept: " + accept,
            b"content-length: %d" % len(body),
            b"connection: close",
        ]
        whole = b"\r\n".join([*head, b"", body])
        if self.random.random() < 0.6:
            return whole, True
        return self._broken(head, whole, body), False

    def _broken(self, head: list[bytes], whole: bytes, body: bytes) -> bytes:
        match self.random.randrange(4):
            case 0:
                return self.mangled(whole)
            case 1:
                return b"\r\n".join([self.mangled(head[0]), *head[1:], b"", body])
            case 2:
                return b"\r\n".join([*head, self.random.choice(HEADERS), b"", body])
        query = bytes(self.random.choice(b"abc%&=?#/\\\xff0123\t\"'<") for _ in range(40))
        return b"GET /api/opportunities/?" + query + b" HTTP/1.1\r\nauthorization: " + self.token + b"\r\nconnection: close\r\n\r\n"

    def messages(self) -> list[bytes]:
        """Frames of a client's side of a socket, the last of them bad, as likely as not."""
        init = json.dumps({"type": "connection_init", "payload": {"Authorization": self.token.decode()}}).encode()
        subscribe = b'{"type": "subscribe", "id": "1", "payload": %b}' % self.body()
        last = self.random.choice([subscribe, self.mangled(subscribe), self.mangled(init), self.random.choice(VALUES), self.body()])
        frames = [frame(init)] if self.random.random() < 0.8 else []
        match self.random.randrange(6):
            case 0:
                return [*frames, self.mangled(frame(last))]
            case 1:
                return [*frames, self.random.randbytes(self.random.randrange(1, 60))]
            case 2:
                return [*frames, frame(last, opcode=self.random.choice([0, 2, 3, 7, 8, 9, 10, 11]), final=self.random.random() < 0.5)]
        return [*frames, frame(last)]


def frame(data: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    """A client's frame (RFC 6455 section 5.2)."""
    size = len(data)
    length = bytes([0x80 | min(size, 125)])
    if size > 125:
        length = b"\xfe" + struct.pack("!H", size) if size < 65_536 else b"\xff" + struct.pack("!Q", size)
    mask = os.urandom(4)
    return bytes([opcode | (0x80 if final else 0)]) + length + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


async def ask(address: str, request: bytes) -> bytes:
    """All that comes back until the server closes."""
    try:
        async with asyncio.timeout(PATIENCE), connected(address) as (reader, writer):
            writer.write(request)
            await writer.drain()
            return await reader.read()
    except (ConnectionError, TimeoutError):
        return b""


async def first_bytes(address: str, request: bytes) -> bytes:
    """What a stream begins with, or the answer in its place."""
    try:
        async with asyncio.timeout(PATIENCE), connected(address) as (reader, writer):
            writer.write(request)
            writer.write_eof()
            return await reader.read(2_000)
    except (ConnectionError, TimeoutError):
        return b""


async def talk(address: str, frames: list[bytes]) -> str:
    """How the server ends a socket that sent these frames and then nothing: a close code, `open`, or `dropped`."""
    upgrade = f"GET /graphql HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
    upgrade += "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
    try:
        async with connected(address) as (reader, writer):
            writer.write(upgrade.encode())
            await reader.readuntil(b"\r\n\r\n")
            for each in frames:
                writer.write(each)
            return await _ending(reader)
    except (ConnectionError, asyncio.IncompleteReadError):
        return DROPPED


async def _ending(reader: asyncio.StreamReader) -> str:
    while True:
        try:
            async with asyncio.timeout(0.4):
                first, second = await reader.readexactly(2)
        except TimeoutError:
            return "open"
        size = second
        if size == 126:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await reader.readexactly(8))
        data = await reader.readexactly(size)
        if b"INTERNAL_ERROR" in data:
            return DEFECT
        if first & 15 == 8:
            return str(struct.unpack("!H", data[:2])[0]) if len(data) >= 2 else NO_CODE


async def attempt(address: str, made: Bytes, report: Report, told: Counter[str]) -> None:
    """One request, stream or socket."""
    kind = made.random.choice(["http", "http", "streams", "sockets"])
    setattr(report, kind, getattr(report, kind) + 1)
    if kind == "sockets":
        frames = made.messages()
        end = await talk(address, frames)
        told[f"socket {end}"] += 1
        if end in BAD_ENDS:
            (report.defects if end == DEFECT else report.dropped).append(f"{end}: {frames[-1][:200]!r}")
        return
    request, whole = made.request(stream=kind == "streams")
    answer = await (first_bytes if kind == "streams" else ask)(address, request)
    status = STATUS.match(answer)
    told[f"{kind} {status[1].decode() if status else 'no answer'}"] += 1
    report.unanswered += whole and status is None
    if any(int(each) >= 500 for each in STATUS.findall(answer)) or b"INTERNAL_ERROR" in answer:
        report.defects.append(f"{request[:400]!r} {answer[:300]!r}")


async def run(database_url: str, *, attempts: int, seed: int = 1, at_once: int = 16) -> Report:
    """So many attempts."""
    report, told, who, began = Report(), Counter[str](), await access(database_url), time.perf_counter()
    async with deals(database_url, who) as here:
        await here.create()
        made = Bytes(who, here.account, seed)
    async with in_process(database_url) as (address, _):
        left = iter(range(attempts))

        async def worker() -> None:
            for _ in left:
                await attempt(address, made, report, told)

        await asyncio.gather(*(worker() for _ in range(at_once)))
    report.answers, report.seconds = dict(sorted(told.items())), round(time.perf_counter() - began, 1)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--attempts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given: Any = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-bytes-") as name, fresh(given.database, Path(name)) as url:
        report = asyncio.run(run(url, attempts=given.attempts, seed=given.seed))
    print(json.dumps(asdict(report), indent=2))
    sys.exit(not report.flawless)


if __name__ == "__main__":
    main()
