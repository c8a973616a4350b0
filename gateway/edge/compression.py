"""Answers compressed for clients that take that: by gzip, and with the extra `[compress]` by Zstandard and Brotli too.

Who sends no Accept-Encoding pays nothing. An entity tag stays as it is: it names what is told, and not how it is packed.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple, Self

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, IdentityResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from rest_compat.parse_cache import cached_parser
from schema.values import Value

from .negotiate import EVENTS

#: Bytes of a body from which on it is worth it.
SMALLEST: Final = 1_000
#: Bytes of an Accept-Encoding header that are read: real ones are shorter.
LONGEST_READ: Final = 512
#: Bytes that are compressed before others have their turn.
PIECE: Final = 65_536
#: Those of starlette, but for streams, which are flushed after each event.
UNCOMPRESSED: Final = tuple(kind for kind in DEFAULT_EXCLUDED_CONTENT_TYPES if kind != EVENTS)
NOT_MODIFIED: Final = 304
GZIP: Final = "gzip"


class Coder(NamedTuple):
    """The compressor of one response: compress a piece, flush what was given so far, finish."""

    compress: Callable[[Value], bytes]
    flush: Callable[[], bytes]
    finish: Callable[[], bytes]


def _gzip() -> Coder:
    """Return a gzip coder of 32 KB, since a stream keeps it while it is open: the usual windows take 256 KB, and make lists no smaller."""
    coder = zlib.compressobj(4, zlib.DEFLATED, 16 + 12, 5)
    return Coder(coder.compress, partial(coder.flush, zlib.Z_SYNC_FLUSH), coder.flush)


CODERS: dict[str, Callable[[], Coder]] = {GZIP: _gzip}
"""The coders, by their names in HTTP, the preferred last. Zstandard isn't preferred: clients of Node.js 20 name it, and can't read it."""

with suppress(ImportError):
    import zstandard

    _PARAMETERS: Final = zstandard.ZstdCompressionParameters.from_level(1, window_log=15, hash_log=13, chain_log=13)

    def _zstd() -> Coder:
        """Return a coder of some 180 KB."""
        coder = zstandard.ZstdCompressor(compression_params=_PARAMETERS).compressobj()
        return Coder(coder.compress, partial(coder.flush, zstandard.COMPRESSOBJ_FLUSH_BLOCK), coder.flush)

    CODERS["zstd"] = _zstd

with suppress(ImportError):
    import brotli

    def _brotli() -> Coder:
        """Return a coder of some 200 KB."""
        coder = brotli.Compressor(quality=3, lgwin=16)
        return Coder(coder.process, coder.flush, coder.finish)

    CODERS["br"] = _brotli


class ConstantBody(bytes):
    """A body that many answers share: it is compressed once by each coding."""

    packed: dict[str, bytes]

    def __new__(cls, body: bytes) -> Self:
        made = super().__new__(cls, body)
        made.packed = {}
        return made

    def pack(self, coding: str) -> bytes:
        """The body, compressed as a whole."""
        if coding not in self.packed:
            coder = CODERS[coding]()
            self.packed[coding] = coder.compress(self) + coder.finish()
        return self.packed[coding]


def compressed(app: ASGIApp, scope: Scope) -> ASGIApp:
    """`app`, whose answer to the request of `scope` is compressed if its Accept-Encoding takes that.

    An answer of a known length is compressed by the best that client and process have, a stream by gzip alone.
    """
    taken = codings(scope["state"]["headers"][b"accept-encoding"])
    # HTTP/1.0 has no chunks for what has no known length.
    if not taken or scope["http_version"] == "1.0":
        return app
    return partial(_answer_head, app, [*taken][-1]) if scope["method"] == "HEAD" else CompressedResponse(app, taken)


async def _answer_head(app: ASGIApp, coding: str, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, partial(_send_head, send, coding))


async def _send_head(send: Send, coding: str, message: Message) -> None:
    """Send what answers HEAD: of an answer that GET would have compressed, not the length of the plain one (RFC 9110 section 8.6)."""
    if message["type"] == "http.response.start":
        headers = MutableHeaders(raw=[*message.get("headers", [])])
        length = int(headers.get("content-length", "0"))
        if message["status"] == NOT_MODIFIED:
            headers.add_vary_header("Accept-Encoding")
        if length >= SMALLEST and "content-encoding" not in headers and not _is_packed(headers.get("content-type", "")):
            headers.add_vary_header("Accept-Encoding")
            del headers["content-length"]
            headers["content-encoding"] = coding
        message = {**message, "headers": headers.raw}
    await send(message)


def _is_packed(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media in UNCOMPRESSED or media.partition("/")[0] + "/*" in UNCOMPRESSED


class CompressedResponse(IdentityResponder):
    """One answer, in one of the codings that are `taken`."""

    def __init__(self, app: ASGIApp, taken: Mapping[str, Callable[[], Coder]]) -> None:
        # A stream holds its coder while it is open: it is compressed by the smallest, or not at all.
        super().__init__(app, SMALLEST, exclude_content_types=UNCOMPRESSED if GZIP in taken else DEFAULT_EXCLUDED_CONTENT_TYPES)
        self._taken = taken
        self._coder: Coder | None = None

    @override
    async def send_with_compression(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            # A list of its own, since what is changed here may be the headers of other answers too.
            message = {**message, "headers": [*message.get("headers", [])]}
            if message["status"] == NOT_MODIFIED:
                message["headers"].append((b"vary", b"Accept-Encoding"))
        await super().send_with_compression(message)

    @override
    async def apply_compression(self, body: bytes, *, more_body: bool) -> bytes:
        if isinstance(body, ConstantBody):
            self.content_encoding = [*self._taken][-1]
            return body.pack(self.content_encoding)
        if self._coder is None:
            # A stream, whose length nobody knows, may go on for long, and takes the least memory.
            stream = more_body and all(name != b"content-length" for name, _ in self.initial_message["headers"])
            self.content_encoding = GZIP if stream and GZIP in self._taken else [*self._taken][-1]
            self._coder = self._taken[self.content_encoding]()
        pieces = []
        for start in range(0, len(body), PIECE):
            pieces.append(self._coder.compress(body[start : start + PIECE]))
            if more_body or len(body) > PIECE:
                await asyncio.sleep(0)
        pieces.append(self._coder.flush() if more_body else self._coder.finish())
        return b"".join(pieces)


@cached_parser
def codings(accept_encoding: bytes) -> Mapping[str, Callable[[], Coder]]:
    """Those of our codings that an Accept-Encoding header takes, the best last: what weighs more, then our own order.

    None that weighs less than no coding at all (RFC 9110 section 12.5.3).
    """
    weights = dict(_weighed(part) for part in accept_encoding[:LONGEST_READ].decode("latin-1").lower().split(","))
    anything, plain = weights.get("*", 0.0), weights.get("identity", 0.0)
    found = {name: weights.get(name, weights.get(f"x-{name}", anything)) for name in CODERS}
    return {name: CODERS[name] for name in sorted(found, key=found.__getitem__) if found[name] > 0 and found[name] >= plain}


def _weighed(part: str) -> tuple[str, float]:
    name, _, parameter = part.partition(";")
    key, _, value = parameter.partition("=")
    try:
        return name.strip(), float(value) if key.strip() == "q" else 1.0
    except ValueError:
        return name.strip(), 0.0
