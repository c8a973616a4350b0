"""Prometheus metrics: their names, and how the process's counts become their values.

Nothing here runs within a request. What answered requests have to tell comes in batches; what the parts of the process count for themselves
(plain numbers) is asked of them when somebody reads the metrics.
"""

import asyncio
import os
from bisect import bisect_left
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from gateway import VERSION
from schema.engine.execute.throttled_log import ThrottledLog
from schema.storage.database import Figures
from schema.values import Value

from .log_lines import AnsweredRequest

# Times of creation are left out: this form of metrics has no use for them, and they would double the number of series.
disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
#: Operation names are chosen by clients: names beyond this number count as `other`, and each is cut to this length.
MAX_NAMES: Final = 200
LONGEST_NAME: Final = 100
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STATEMENT_BUCKETS: Final = (0.0001, 0.00025, 0.0005, *BUCKETS)
MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
#: How old the figures of one worker may be in the metrics of all, in seconds.
MEASURE_SECONDS: Final = 1.0
#: The reasons of refused requests that are counted, by status; other refusals are the client's own mistakes.
REFUSALS: Final = frozenset({401, 403, 413, 429, 503, 504})

GaugeMode: TypeAlias = Literal["livesum", "livemax", "livemin"]
ReadFigures: TypeAlias = Callable[[], Figures]


class Figure(NamedTuple):
    """A number that a part of the process keeps: what it means, its label if it has one, and what several workers' numbers become."""

    words: str
    label: str | None = None
    mode: GaugeMode = "livesum"


GAUGES: Final[dict[str, Figure]] = {
    "gateway_requests_in_flight": Figure("Requests that are worked on."),
    "gateway_requests_waiting": Figure("Requests that wait for a place to be worked on."),
    "gateway_connections_open": Figure("Open connections."),
    "gateway_unsent_bytes": Figure("Bytes of answers that wait for their readers."),
    "gateway_event_followers": Figure("Subscriptions that follow events."),
    "gateway_event_lag_seconds": Figure("Age of the oldest event that a subscription has not been told of.", mode="livemax"),
    "gateway_database_connections_in_use": Figure("Connections to PostgreSQL that are at work."),
    "gateway_database_connections_waiting": Figure("Requests that wait for a connection to PostgreSQL."),
    "gateway_database_connections_limit": Figure("Connections to PostgreSQL that there may be."),
    "gateway_database_writes_waiting": Figure("Writes that wait for their turn at SQLite's file."),
    "gateway_sqlite_wal_bytes": Figure("Size of SQLite's write-ahead log; usually below 5 MB, warned of above 64.", mode="livemax"),
    "process_virtual_memory_bytes": Figure("Virtual memory size in bytes."),
    "process_resident_memory_bytes": Figure("Resident memory size in bytes."),
    "process_start_time_seconds": Figure("Start time of the process since unix epoch in seconds.", mode="livemin"),
    "process_open_fds": Figure("Number of open file descriptors."),
    "process_max_fds": Figure("Maximum number of open file descriptors."),
}
COUNTERS: Final[dict[str, Figure]] = {
    "gateway_executions_total": Figure("Operations by the way that they ran: by a compiled plan, or by graphql-core.", "path"),
    "gateway_plan_cache_hits_total": Figure("Operations whose plan was at hand."),
    "gateway_plan_cache_misses_total": Figure("Operations whose plan had to be made."),
    "gateway_sweeps_total": Figure("Looks for rows that are too old, by their end.", "outcome"),
    "gateway_swept_rows_total": Figure("Rows that were removed since they were too old.", "kind"),
    "gateway_spans_total": Figure("Spans of traces, by what became of them.", "outcome"),
    "process_cpu_seconds_total": Figure("Total user and system CPU time spent in seconds."),
}


class Metrics:
    """The process's metrics. With several workers (`PROMETHEUS_MULTIPROC_DIR` is set then) `text` adds up all of them."""

    def __init__(self, sources: Sequence[ReadFigures] = ()) -> None:
        self.registry = CollectorRegistry()
        #: Asked for their figures by `measure`.
        self.sources = [*sources]
        #: Gives what statements took, in seconds, each once.
        self.statements: Callable[[], Sequence[float]] = tuple
        _ensure_folder()
        self._set_build()
        self.requests = self._histogram("gateway_request_duration_seconds", "Time to answer a request.", "route", "method", "status")
        self._statements = self._histogram("gateway_statement_duration_seconds", "Time of an SQL statement.", buckets=STATEMENT_BUCKETS)
        self.operations = self._counter("gateway_operations_total", "Operations run.", "kind", "name", "outcome")
        self._refused = self._counter("gateway_requests_refused_total", "Requests that were refused, by the reason.", "reason")
        self._bytes = self._counter("gateway_response_bytes_total", "Bytes of the bodies of answers, as they were sent.")
        self.slow_statements = self._counter("gateway_slow_statements_total", "SQL statements that took longer than they should.")
        self.sockets = self._gauge("gateway_websockets_open", Figure("Open WebSockets."))
        self.streams = self._gauge("gateway_streams_open", Figure("Open SSE streams."))
        self.refusals = self._counter(
            "gateway_connections_refused_total", "Connections that were refused or closed before a request of theirs got in.", "reason"
        )
        self._gauges: dict[str, Gauge] = {}
        self._counters: dict[str, Counter] = {}
        self._told: dict[str | tuple[str, str], float] = {}
        self._children: dict[tuple[str, str, int], Histogram] = {}
        self.operations_run: Tally[tuple[str, str | None, bool]] = Tally()
        """Operations not yet in the metrics, by kind, name and failure: `Telemetry` counts them, `settle` moves them to the metrics."""
        self._names: set[str] = set()

    def _set_build(self) -> None:
        build = Gauge("gateway_build_info", "1, with the version.", ["version"], registry=self.registry, multiprocess_mode="livemax")
        build.labels(VERSION).set(1)

    def _histogram(self, name: str, words: str, *labels: str, buckets: Sequence[float] = BUCKETS) -> Histogram:
        return Histogram(name, words, labels, buckets=buckets, registry=self.registry)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self.registry)

    def _gauge(self, name: str, figure: Figure) -> Gauge:
        return Gauge(name, figure.words, registry=self.registry, multiprocess_mode=figure.mode)

    def answered(self, lines: Sequence[AnsweredRequest]) -> None:
        """Count answered requests. Routes are templates, so they are few."""
        seconds: defaultdict[tuple[str, str, int], list[float]] = defaultdict(list)
        for line in lines:
            method = line.method if line.route != "other" else "other"
            seconds[line.route, method, line.status].append(line.seconds)
            if line.status in REFUSALS:
                self._refused.labels(line.reason or "other").inc()
        for key, values in seconds.items():
            child = self._children.get(key)
            if child is None:
                child = self._children[key] = self.requests.labels(*key)
            observe(child, values)
        self._bytes.inc(sum([line.size for line in lines]))

    def refused(self, reason: str) -> None:
        """Count a connection that was refused, or closed in favour of another (`gave_way`)."""
        self.refusals.labels(reason).inc()

    def settle(self) -> None:
        """Tell what was noted since the last time."""
        for (kind, name, failed), count in self.operations_run.items():
            self.operations.labels(kind, self._bounded(name or "anonymous"), "error" if failed else "ok").inc(count)
        self.operations_run.clear()
        observe(self._statements, self.statements())

    def _bounded(self, name: str) -> str:
        name = name[:LONGEST_NAME]
        if name not in self._names:
            if len(self._names) >= MAX_NAMES:
                return "other"
            self._names.add(name)
        return name

    def measure(self) -> None:
        """Tell the newest figures of all sources."""
        self.settle()
        for source in self.sources:
            for key, value in source().items():
                self._measured(key, value)

    def _measured(self, key: str | tuple[str, str], value: float) -> None:
        name = key if isinstance(key, str) else key[0]
        if name in COUNTERS:
            counter = self._counters.get(name) or self._counter_of(name)
            child = counter if isinstance(key, str) else counter.labels(key[1])
            child.inc(max(value - self._told.get(key, 0), 0))
            self._told[key] = value
            return
        if name not in self._gauges:
            self._gauges[name] = self._gauge(name, GAUGES[name])
        self._gauges[name].set(value)

    def _counter_of(self, name: str) -> Counter:
        words, label, _ = COUNTERS[name]
        counter = self._counters[name] = self._counter(name, words, *([label] if label else []))
        return counter

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Each of several workers writes its figures at intervals, since any of them may be asked for those of all."""
        task = asyncio.create_task(self._run()) if MULTIPROCESS in os.environ else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        broken = ThrottledLog(structlog.get_logger().error)
        while True:
            try:
                self.measure()
            except Exception as error:  # noqa: BLE001  figures that can't be read must not end those that can
                broken("The figures of the metrics can't be read: %(error)s", error=repr(error))
            await asyncio.sleep(MEASURE_SECONDS)

    def text(self) -> bytes:
        """Return the metrics as the text that Prometheus scrapes."""
        self.measure()
        if MULTIPROCESS not in os.environ:
            return generate_latest(self.registry)
        _ensure_folder()
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)


def _ensure_folder() -> None:
    """Make the folder of several workers' figures again where it was cleared away, as much is of /tmp: none could start without it."""
    folder = os.environ.get(MULTIPROCESS)
    if folder is not None:
        Path(folder).mkdir(0o700, exist_ok=True)


def observe(histogram: Histogram, values: Sequence[float]) -> None:
    """Observe many values at once, which takes a fraction of as many calls of the library. A test compares the outcome with those."""
    inside: Value = histogram
    # The library has no way to observe many.
    bounds, buckets = inside._upper_bounds, inside._buckets  # noqa: SLF001
    counts = [0] * len(bounds)
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    for bucket, count in zip(buckets, counts, strict=True):
        if count:
            bucket.inc(count)
    inside._sum.inc(sum(values))  # noqa: SLF001


_PROCESS: Final = ProcessCollector(registry=None)


def process_figures() -> Figures:
    """Seconds of CPU, bytes of memory, open descriptors and when it began (seconds since 1970); nothing where the system has no /proc."""
    return {sample.name: sample.value for family in _PROCESS.collect() for sample in family.samples}
