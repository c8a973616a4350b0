"""Telemetry of answered requests: noted within the request, written to metrics and log in batches beside the requests.

A batch finds its code and data in the processor's caches: of a REST detail's 120 µs, telling of each one by one was 12; noting it, and
its share of a batch, are 6.
"""

import asyncio
from time import time
from typing import Final

from starlette.types import Scope

from schema.engine.document.documents import PreparedOperation
from schema.engine.execute.responses import EventResponse, GraphQLResponse
from schema.values import Value

from .log_lines import LONGEST_NAME, LONGEST_PATH, LONGEST_TRACEPARENT, AnsweredRequest
from .logs import AccessLog
from .metrics import MAX_NAMES, Metrics

#: How long a note may wait for others, in seconds, and how many wait at most: so few that telling them holds up nobody.
WAIT_SECONDS: Final = 0.05
WAITING: Final = 100


class Telemetry:
    """Notes each answered request. `due` is whether a batch is about to be written."""

    def __init__(self, metrics: Metrics, access_log: AccessLog) -> None:
        self.metrics = metrics
        self.access_log = access_log
        self.due = False
        #: The members of `AnsweredRequest` of each: to make one of them takes longer than the note.
        self._waiting: list[tuple[Value, ...]] = []

    def wake(self) -> None:
        """Schedule the next batch."""
        self.due = True
        asyncio.get_running_loop().call_later(WAIT_SECONDS, self._ring)

    def _ring(self) -> None:
        self.due = False
        self.report()

    def count(self, prepared: PreparedOperation, answer: GraphQLResponse | EventResponse) -> None:
        """Count an operation that ran, or the response to an event: those of a socket have no HTTP request that would be noted."""
        operations = self.metrics.operations_run
        operations[prepared.kind, prepared.name, bool(answer.errors)] += 1
        if len(operations) >= MAX_NAMES:
            self.metrics.settle()
        if not self.due:
            self.wake()

    def note(self, scope: Scope, status: int, seconds: float, size: int) -> None:
        """A request was answered with `status` (499: its client left) and `size` bytes after `seconds`."""
        if not self.due:
            self.wake()
        state = scope["state"]
        headers, client, error = state["headers"], scope.get("client"), state.get("error")
        traceparent = headers.get(b"traceparent")
        # What is needed of it and not the scope itself: the next request then finds its memory free, and in the caches.
        line = (
            time(),
            state["request_id"],
            scope["method"],
            scope["path"][:LONGEST_PATH],
            state.get("route", "other"),
            status,
            seconds,
            size,
            state.get("operation"),
            state.get("caller"),
            None if client is None else client[0][:LONGEST_NAME],
            headers.get(b"user-agent", b"")[:LONGEST_NAME],
            error,
            None if error is None else state.get("reason", error.lower()),
            state.get("ignored"),
            None if traceparent is None else traceparent[:LONGEST_TRACEPARENT],
        )
        self._waiting.append(line)
        if len(self._waiting) >= WAITING:
            self.report()

    def report(self) -> None:
        """Tell what waits."""
        waiting, self._waiting = self._waiting, []
        lines = [*map(AnsweredRequest._make, waiting)]
        self.metrics.answered(lines)
        self.metrics.settle()
        self.access_log.write(lines)
