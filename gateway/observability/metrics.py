"""Prometheus metrics: requests by route, method and status, operations by name and path, what is in flight.

Operations are noted, and told to prometheus-client with others (`settle`), beside the requests instead of within each.
"""

import os
from collections import Counter as Tally
from collections.abc import Mapping
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from gateway import VERSION

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
#: Operation names are the clients' to choose: beyond so many, further ones count as `other`.
MAX_NAMES: Final = 200
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
#: What the database measures of itself, each kind its own: in words, and how the figures of several workers become one.
MEASURES: Final[Mapping[str, tuple[str, Literal["livemax", "livesum"]]]] = {
    "gateway_sqlite_wal_bytes": ("Size of SQLite's write-ahead log; usually below 5 MB, warned of above 64.", "livemax"),
    "gateway_database_writes_waiting": ("Writes that wait for their turn at SQLite's file.", "livesum"),
    "gateway_database_connections_in_use": ("Connections to PostgreSQL that are at work.", "livesum"),
    "gateway_database_connections_waited_for": ("Requests that wait for a connection to PostgreSQL.", "livesum"),
}


class Metrics:
    """The process's metrics. With several workers (`PROMETHEUS_MULTIPROC_DIR` is set then) `text` adds up all of them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        build = Gauge("gateway_build_info", "1, with the version.", ["version"], registry=self.registry, multiprocess_mode="livemax")
        build.labels(VERSION).set(1)
        self.requests = Histogram(
            "gateway_request_seconds", "Time to answer a request.", ["route", "method", "status"], buckets=BUCKETS, registry=self.registry
        )
        self.operations = Counter("gateway_operations", "Operations run.", ["kind", "name", "outcome"], registry=self.registry)
        ways = Counter("gateway_executions", "Operations by the way that they ran.", ["path"], registry=self.registry)
        self._planned, self._completed = ways.labels("plan"), ways.labels("graphql-core")
        self._told = (0, 0)
        self.sockets = Gauge("gateway_sockets", "Open WebSockets.", registry=self.registry, multiprocess_mode="livesum")
        self.streams = Gauge("gateway_streams", "Open SSE streams.", registry=self.registry, multiprocess_mode="livesum")
        self.connections = Gauge("gateway_connections", "Open connections.", registry=self.registry, multiprocess_mode="livesum")
        self.refusals = Counter(
            "gateway_connections_refused",
            "Connections that were refused or closed before a request of theirs got in.",
            ["reason"],
            registry=self.registry,
        )
        self._measures: dict[str, Gauge] = {}
        self._children: dict[tuple[str, str, int], Histogram] = {}
        self._operations: Tally[tuple[str, str | None, bool]] = Tally()
        self._names: set[str] = set()

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered with `status` in `seconds`. Routes are templates, so they are few."""
        key = (route, method, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self.requests.labels(*key)
        child.observe(seconds)

    def refused(self, reason: str) -> None:
        """Count a connection that was refused, or closed in favour of another (`gave_way`)."""
        self.refusals.labels(reason).inc()

    def measured(self, figures: Mapping[str, float]) -> None:
        """The newest figures of the database, by the names of their metrics."""
        for name, value in figures.items():
            if name not in self._measures:
                words, mode = MEASURES[name]
                self._measures[name] = Gauge(name, words, registry=self.registry, multiprocess_mode=mode)
            self._measures[name].set(value)

    def executions(self, planned: int, completed: int) -> None:
        """How many operations this process has run by a plan, and how many through graphql-core."""
        if self._told != (planned, completed):
            self._planned.inc(planned - self._told[0])
            self._completed.inc(completed - self._told[1])
            self._told = (planned, completed)

    def operation(self, kind: str, name: str | None, *, failed: bool) -> None:
        """Count an operation."""
        self._operations[kind, name, failed] += 1
        if len(self._operations) >= MAX_NAMES:
            self.settle()

    def settle(self) -> None:
        """Tell what was noted."""
        for (kind, name, failed), count in self._operations.items():
            self.operations.labels(kind, self._bounded(name or "anonymous"), "error" if failed else "ok").inc(count)
        self._operations.clear()

    def _bounded(self, name: str) -> str:
        if name not in self._names:
            if len(self._names) >= MAX_NAMES:
                return "other"
            self._names.add(name)
        return name

    def text(self) -> bytes:
        """What Prometheus scrapes."""
        self.settle()
        if MULTIPROCESS not in os.environ:
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)
