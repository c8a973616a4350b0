"""What answered requests have to tell: noted in passing, told to metrics and log a batch at a time, beside the requests.

A batch finds its code and data in the processor's caches: of a REST detail's 120 µs, telling of each one by one was 12; noting it, and
its share of a batch, are 6.
"""

import asyncio
from collections.abc import Callable
from time import time
from typing import Final

from starlette.types import Scope

from .logs import AccessLog, Line
from .metrics import Metrics

#: How long a note may wait for others, in seconds, and how many wait at most: so few that telling them holds up nobody.
WAIT_SECONDS: Final = 0.05
WAITING: Final = 100


class Journal:
    """Takes a note of each answered request. `before` is called before a batch is told; `due` is whether one is about to be."""

    def __init__(self, metrics: Metrics, access_log: AccessLog, before: Callable[[], None]) -> None:
        self.metrics = metrics
        self.access_log = access_log
        self.before = before
        self.due = False
        self._waiting: list[Line] = []

    def wake(self) -> None:
        """There is something to tell, soon."""
        self.due = True
        asyncio.get_running_loop().call_later(WAIT_SECONDS, self._ring)

    def _ring(self) -> None:
        self.due = False
        self.tell()

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """A request was answered with `status` (499: its client left) after `seconds`."""
        if not self.due:
            self.wake()
        state = scope["state"]
        caller, client = state.get("caller"), scope.get("client")
        # What is needed of it and not the scope itself: the next request then finds its memory free, and in the caches.
        line = (
            time(),
            state["request_id"],
            scope["method"],
            scope["path"],
            state.get("route", "other"),
            status,
            seconds,
            state.get("operation"),
            None if caller is None else caller.token_id,
            None if client is None else client[0],
            state.get("ignored"),
        )
        self._waiting.append(line)
        if len(self._waiting) >= WAITING:
            self.tell()

    def tell(self) -> None:
        """Tell what waits."""
        lines, self._waiting = self._waiting, []
        for _, _, method, _, route, status, seconds, *_ in lines:
            self.metrics.request(route, method if route != "other" else "other", status, seconds)
        self.before()
        self.metrics.settle()
        self.access_log.write(lines)
