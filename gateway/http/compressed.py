"""Answers compressed for clients that take that: by gzip, and with the extra `[compress]` by Zstandard and Brotli too.

Who sends no Accept-Encoding pays nothing. An entity tag stays as it is: it names what is told, and not how it is packed.
"""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import Final

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rest_compat.accept import remembered

from .negotiate import EVENTS

try:
    from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type
except ImportError:  # The extra isn't installed.
    CompressMiddleware = None  # type: ignore[assignment,misc]

#: Bytes of a body from which on it is worth it.
SMALLEST: Final = 1_000
#: Of 9: a tenth of the size of a long list, in a third of the time that the best takes.
LEVEL: Final = 4
#: Those of starlette, but for streams, which are flushed after each event.
UNCOMPRESSED: Final = tuple(kind for kind in DEFAULT_EXCLUDED_CONTENT_TYPES if kind != EVENTS)
#: Codings of the extra: better ones.
BETTER: Final = frozenset({"zstd", "br"})
JSON_TYPES: Final = ("application/graphql-response+json", "application/problem+json")

NOT_MODIFIED: Final = 304


class Compressed:
    """Compresses the answers of `app`: by Zstandard or Brotli where client and process have it, else by gzip, and streams by gzip."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.better: ASGIApp | None = None
        if CompressMiddleware is not None:
            for kind in JSON_TYPES:
                add_compress_type(kind)
            # It leaves out the empty messages by which a stream learns that its client has taken what came before.
            remove_compress_type(EVENTS)
            self.better = CompressMiddleware(self._with_own_headers, minimum_size=SMALLEST, gzip=False)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and b"accept-encoding" in scope["state"]["headers"]:
            return self._compressed(scope, receive, send)
        return self.app(scope, receive, send)

    def _compressed(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        headers = scope["state"]["headers"]
        taken = codings(headers[b"accept-encoding"])
        # HTTP/1.0 has no chunks for what has no known length, and HEAD no body.
        if not taken or scope["method"] == "HEAD" or scope["http_version"] == "1.0":
            return self.app(scope, receive, send)
        way = self._way(taken, streaming=EVENTS.encode() in headers.get(b"accept", b""))
        finished: Awaitable[None] = way(scope, receive, partial(_send, send))
        return finished

    def _way(self, taken: frozenset[str], *, streaming: bool) -> ASGIApp:
        if self.better is not None and not streaming and taken & BETTER:
            return self.better
        if "gzip" in taken:
            return GZipResponder(self._with_own_headers, SMALLEST, LEVEL, exclude_content_types=UNCOMPRESSED)
        return self.app

    async def _with_own_headers(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What compresses changes the headers that it is given, which may be those of other answers too."""

        def own(message: Message) -> Awaitable[None]:
            return send({**message, "headers": [*message["headers"]]} if "headers" in message else message)

        await self.app(scope, receive, own)


@remembered
def codings(accept_encoding: bytes) -> frozenset[str]:
    """Those of our codings that an Accept-Encoding header takes (RFC 9110 section 12.5.3)."""
    weights = dict(_weighed(part) for part in accept_encoding.decode("latin-1").lower().split(","))
    anything = weights.get("*", 0.0)
    return frozenset(coding for coding in ("gzip", *BETTER) if weights.get(coding, weights.get(f"x-{coding}", anything)) > 0)


def _weighed(part: str) -> tuple[str, float]:
    name, _, parameter = part.partition(";")
    key, _, value = parameter.partition("=")
    try:
        return name.strip(), float(value) if key.strip() == "q" else 1.0
    except ValueError:
        return name.strip(), 0.0


async def _send(send: Send, message: Message) -> None:
    """Others have their turn between the pieces of a long answer, which take time to compress; a 304 varies as what it stands for."""
    if message.get("status") == NOT_MODIFIED:
        message["headers"] = [*message["headers"], (b"vary", b"Accept-Encoding")]
    await send(message)
    if message.get("more_body"):
        await asyncio.sleep(0)
