"""Request bodies are read here, whole and counted, before a request takes a place: a slow upload holds up nobody.

A body that comes later than its headers may come when its caller has lost the right to send it, so the caller is looked up once more.

How long a body may take is the server protocol's matter (`gateway/server/http_protocol.py`): a timer here would cost every request.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rest_compat.errors import BodyTooLarge, Unavailable

from .decompression import codings, unpacked
from .request_scope import ClientGone
from .respond import GRAPHQL_PATH
from .shared_memory import MemoryHold, SharedMemory
from .turns import Turns

BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: How much of a body that is too large is read and thrown away, so that its sender gets to read the refusal.
LINGER_BYTES: Final = 8 * 1_048_576
LINGER_SECONDS: Final = 1.0


#: Bytes of a body that aren't counted: those of most requests, and so little of each that all connections together may have it.
SMALL: Final = 16_384
#: Bytes that larger bodies may take together while they come in and are worked on, and messages of sockets while they come in.
HELD_BYTES: Final = 33_554_432
TOO_MANY: Final = "Too many large request bodies come in or are worked on at once. Try again in a moment."


class RequestBodies:
    """Reads the body of each request up to its limit (bytes) and hands it on in `scope["state"]`."""

    def __init__(
        self,
        app: ASGIApp,
        graphql_limit: int,
        rest_limit: int,
        room: SharedMemory,
        turns: Turns,
        authenticate_again: Callable[[Scope], Awaitable[None]],
    ) -> None:
        self.app = app
        self.graphql_limit = graphql_limit
        self.rest_limit = rest_limit
        self.room = room
        self.turns = turns
        self.authenticate_again = authenticate_again

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        way = self.app if scope["method"] in BODILESS else self._with_body
        return way(scope, receive, send)

    async def _with_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["state"]["headers"]
        packed = b"content-encoding" in headers and codings(headers[b"content-encoding"])
        limit = self.graphql_limit if scope["path"] == GRAPHQL_PATH else self.rest_limit
        if headers.get(b"expect") and _declared(headers.get(b"content-length")) > limit:
            raise BodyTooLarge(limit)
        message = await receive()
        body: bytes = message.get("body", b"")
        if packed or len(body) > SMALL or message.get("more_body") or message["type"] != "http.request":
            # Nobody else holds what has come: a body that is refused is let go of before the rest of it is passed over.
            come = [message]
            del body, message
            with MemoryHold(self.room, scope["state"]["caller"].token_id) as hold:
                body = await self._read(come, receive, limit, hold)
                come.clear()
                if packed:
                    await self.turns.come()
                    body = unpacked(body, limit)
                    hold.grow(len(body))
                scope["state"]["body"] = body
                # GraphQL's door drops a body that it has decoded: while the operation waits, its text alone is in memory.
                del body
                await self.authenticate_again(scope)
                await self.app(scope, receive, send)
            return
        if len(body) > limit:
            raise BodyTooLarge(limit)
        scope["state"]["body"] = body
        if "late_body" in scope["state"]:
            await self.authenticate_again(scope)
        await self.app(scope, receive, send)

    @staticmethod
    async def _read(come: list[Message], receive: Receive, limit: int, hold: MemoryHold) -> bytes:
        """The body that begins with the message in `come`.

        Raises BodyTooLarge or Unavailable as soon as that is known, and lets the sender read it.
        """
        try:
            return await _joined(come, receive, limit, hold)
        except (BodyTooLarge, Unavailable):
            come.clear()
            hold.release()
            await _linger(receive)
            raise


def _declared(length: bytes | None) -> int:
    # Of digits without end, as of any large number, the first twenty say enough.
    return int(length[:20]) if length and length.isdigit() else 0


async def _joined(come: list[Message], receive: Receive, limit: int, hold: MemoryHold) -> bytes:
    size = 0
    while True:
        last = come[-1]
        if last["type"] == "http.disconnect":
            raise ClientGone
        size += len(last.get("body", b""))
        more = last.get("more_body")
        # The error's traceback holds this call: but for `come`, nothing in it is large.
        del last
        if size > limit:
            raise BodyTooLarge(limit)
        hold.grow(size)
        if not more:
            return b"".join([message.get("body", b"") for message in come])
        come.append(await receive())


async def _linger(receive: Receive) -> None:
    """Closing on a client that is still sending resets the connection, and the refusal is lost with it."""
    size, more = 0, True
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while more and size < LINGER_BYTES:
                passed, more = await _pass_over(receive)
                size += passed
    except TimeoutError:
        return


async def _pass_over(receive: Receive) -> tuple[int, bool]:
    """The bytes of the next piece, which nobody holds, and whether there are more."""
    message = await receive()
    return len(message.get("body", b"")), message.get("more_body", False)
