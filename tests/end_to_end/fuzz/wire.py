"""Whatever bytes come: good requests and frames that are cut, repeated, flipped and mixed."""

import json
import os
import struct
from collections.abc import Sequence

from tests.end_to_end.fuzz.graph import Graph
from tests.end_to_end.fuzz.invalid_values import RAW, Odd, written
from tests.end_to_end.fuzz.rest import Rest

FOLLOW = "subscription { opportunityChanged { type cursor opportunity { id name } } }"
#: What else breaks parsers, put somewhere within.
_PIECES = (b"", b"\0", b"\r\n", b"\r\n\r\n", b"\n", b"%00", b"\xff", bytes(9_000), b":", b" ")
_LINES = (
    *(
        b"transfer-encoding: chunked",
        b"content-length: 5",
        b"content-length: -1",
        b"content-length: 1_0",
        b"content-length: +1",
        b"\xff: \xff",
    ),
    *(b"a" * 70_000, b"upgrade: websocket", b"upgrade: h2c", b"connection: upgrade", b"expect: 100-continue", b" folded", b"a\0: b"),
    *(b"transfer-encoding: gzip, chunked", b"sec-websocket-version: 13", b"host: y", b"authorization: Bearer x"),
)
#: Of frames: every opcode that there is, and that there isn't (RFC 6455, section 5.2).
_OPCODES = range(16)
_CLOSES = (b"", b"\x03", b"\x03\xe8", b"\x03\xed", b"\x00\x00", b"\xff\xff", b"\x03\xe8\xff\xfe", b"\x03\xe8" + b"x" * 124)


def head_of(method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes) -> list[bytes]:
    """The lines of a request's head."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    length = [f"content-length: {len(body)}"] if body else []
    return [line.encode("latin-1", "replace") for line in (*lines, *length)]


def frame(data: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    """A client's frame (RFC 6455 section 5.2)."""
    size = len(data)
    length = bytes([0x80 | min(size, 125)])
    if size > 125:
        length = b"\xfe" + struct.pack("!H", size) if size < 65_536 else b"\xff" + struct.pack("!Q", size)
    mask = os.urandom(4)
    masked = (int.from_bytes(data) ^ int.from_bytes((mask * (size // 4 + 1))[:size])).to_bytes(size)
    return bytes([opcode | (0x80 if final else 0)]) + length + mask + masked


class Wire:
    """Draws bytes."""

    def __init__(self, odd: Odd, rest: Rest, graph: Graph, token: str) -> None:
        self.odd = odd
        self.rest = rest
        self.graph = graph
        self.token = token

    def mangled(self, data: bytes) -> bytes:
        """With a few bytes flipped, cut, repeated or put in."""
        random = self.odd.random
        for _ in range(random.randrange(1, 4)):
            start = random.randrange(len(data) + 1)
            end = min(len(data), start + random.randrange(1, 20))
            middle = random.choice((data[start:end] * 2, random.randbytes(end - start), *_PIECES))
            data = data[:start] + middle + data[end:]
        return data

    def good(self) -> tuple[list[bytes], bytes]:
        """The head and the body of a request that can be read as such."""
        if self.odd.chance(0.5):
            return self.rest_request()
        return self.graph_request("*/*")

    def rest_request(self) -> tuple[list[bytes], bytes]:
        method, target, headers, body = self.rest.request()
        return head_of(method, target, headers, body), body

    def graph_request(self, accept: str, kinds: str = "qqqm") -> tuple[list[bytes], bytes]:
        body = self.graph.body(kinds).encode("utf-8", "surrogatepass")
        headers = [("host", "x"), ("authorization", f"Bearer {self.token}"), ("content-type", "application/json"), ("accept", accept)]
        return head_of("POST", "/graphql", headers, body), body

    def broken(self) -> bytes:
        """A request that is none any more."""
        head, body = self.good()
        head.append(b"connection: close")
        match self.odd.random.randrange(4):
            case 0:
                return self.mangled(b"\r\n".join([*head, b"", body]))
            case 1:
                return b"\r\n".join([self.mangled(head[0]), *head[1:], b"", body])
            case 2:
                return b"\r\n".join([*head, self.odd.random.choice(_LINES), b"", body])
        query = bytes(self.odd.random.choice(b"abc%&=?#/\\\xff0123\t\"'<") for _ in range(40))
        return b"\r\n".join([b"GET /api/opportunities/?" + query + b" HTTP/1.1", *head[1:], b"", body])

    def frames(self) -> list[bytes]:
        """A client's side of a socket after its upgrade; the last of them bad, as likely as not."""
        token = self.token if self.odd.chance(0.97) else self.odd.text()
        init = json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        messages = [init] if self.odd.chance(0.9) else []
        messages += [self._message() for _ in range(self.odd.random.choice((1, 1, 2, 4)))]
        sent = [frame(message.encode("utf-8", "surrogatepass")) for message in messages]
        return [*sent[:-1], self._last(sent[-1], messages[-1].encode("utf-8", "surrogatepass"))]

    def _message(self) -> str:
        payload = self.graph.body("qms") if self.odd.chance(0.8) else written({"query": FOLLOW})
        id_ = written(self.odd.anything()) if self.odd.chance(0.1) else f'"{self.odd.random.randrange(3)}"'
        match self.odd.random.randrange(8):
            case 0:
                return written(self.odd.anything())
            case 1:
                type_ = self.odd.random.choice(("ping", "pong", "complete", "connection_init", "connection_ack", "next", "error", "x", ""))
                return written({"type": type_, "id": self.odd.anything(), "payload": self.odd.anything()})
            case 2:
                return f'{{"type": "complete", "id": {id_}}}'
            case 3:
                return self.odd.twisted(f'{{"type": "subscribe", "id": {id_}, "payload": {payload}}}')
        return f'{{"type": "subscribe", "id": {id_}, "payload": {payload}}}'

    def _last(self, whole: bytes, message: bytes) -> bytes:
        random = self.odd.random
        match random.randrange(8):
            case 0:
                return self.mangled(whole)
            case 1:
                return random.randbytes(random.randrange(1, 60))
            case 2:
                return frame(message, random.choice(_OPCODES), final=self.odd.chance(0.5))
            case 3:
                return frame(random.choice(_CLOSES), 8)
            case 4:
                return frame(random.choice(RAW).encode("utf-8", "surrogatepass"))
        return whole
