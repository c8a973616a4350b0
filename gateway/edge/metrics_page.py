"""`/metrics`: the figures as text, made once for all who ask at the same time."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.observability.metrics import CONTENT_TYPE

#: The figures are made again after so many times the seconds that it took: others have the event loop meanwhile.
PAUSE: Final = 9
HEADERS: Final = {"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"}


class MetricsPage:
    """Sends what `make` returns. As a rule nobody needs a token to ask, so a tenth of the process is all that they get together.

    No answer is older than its question: who asks while the figures are made gets the next ones.
    """

    def __init__(self, make: Callable[[], bytes]) -> None:
        self.make = make
        self._due = 0.0
        self._next: asyncio.Task[bytes] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._next is None:
            self._next = asyncio.create_task(self._made())
        await Response(await asyncio.shield(self._next), headers=HEADERS)(scope, receive, send)

    async def _made(self) -> bytes:
        await asyncio.sleep(max(0.0, self._due - perf_counter()))
        self._next, began = None, perf_counter()
        try:
            return self.make()
        finally:
            now = perf_counter()
            self._due = now + PAUSE * (now - began)
