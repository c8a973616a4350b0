"""Request bodies are read here, whole and counted, before a request takes a place: a slow upload holds up nobody.

How long a body may take is the server protocol's matter (`gateway/server/http_protocol.py`): a timer here would cost every request.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .faults import TooLarge
from .observed import ClientGone
from .respond import GRAPHQL_PATH
from .unpacked import codings, unpacked

BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: How much of a body that is too large is read and thrown away, so that its sender gets to read the refusal.
LINGER_BYTES: Final = 8 * 1_048_576
LINGER_SECONDS: Final = 1.0


class Bodies:
    """Reads the body of each request up to its limit (bytes) and hands it on: to GraphQL in `scope["state"]`, to others as one message."""

    def __init__(self, app: ASGIApp, graphql_limit: int, rest_limit: int) -> None:
        self.app = app
        self.graphql_limit = graphql_limit
        self.rest_limit = rest_limit

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        way = self.app if scope["method"] in BODILESS else self._with_body
        return way(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["state"]["headers"]
        packed = b"content-encoding" in headers and codings(headers[b"content-encoding"])
        limit = self.graphql_limit if scope["path"] == GRAPHQL_PATH else self.rest_limit
        if headers.get(b"expect") and _declared(headers.get(b"content-length")) > limit:
            raise TooLarge(limit)
        body = await _read(receive, limit)
        if body is None:
            await _linger(receive)
            raise TooLarge(limit)
        if packed:
            body = unpacked(body, limit)
        if scope["path"] == GRAPHQL_PATH:
            scope["state"]["body"] = body
        else:
            receive = _replay(body, receive)
        await self.app(scope, receive, send)


def _declared(length: bytes | None) -> int:
    # Of digits without end, as of any large number, the first twenty say enough.
    return int(length[:20]) if length and length.isdigit() else 0


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The body; None as soon as it is over the limit."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body"):
        return body if len(body) <= limit else None
    chunks, size = [body], len(body)
    while size <= limit:
        if message["type"] == "http.disconnect":
            raise ClientGone
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
    return None


async def _linger(receive: Receive) -> None:
    """Closing on a client that is still sending resets the connection, and the refusal is lost with it."""
    size = 0
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while size < LINGER_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body"):
                    return
    except TimeoutError:
        return


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once, and then what comes after it (that the client has left)."""
    first: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replay() -> Message:
        nonlocal first
        if first is None:
            return await receive()
        message, first = first, None
        return message

    return replay
