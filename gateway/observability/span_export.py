"""Sends spans to a collector: in batches, by a thread of its own, from a bounded queue. An unavailable collector delays no request."""

import asyncio
import logging
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from typing_extensions import override

from gateway import DISTRIBUTION, VERSION
from schema.storage.database import Figures

#: Spans that wait to be sent; further ones are dropped, and counted.
MOST_SPANS: Final = 2_048
#: Attributes of a span, and characters of each: with `MOST_SPANS` that bounds what waits in bytes, to some 20 MB.
MOST_ATTRIBUTES: Final = 20
LONGEST_ATTRIBUTE: Final = 2_000
#: Spans that are sent at once, seconds between two batches, and seconds that sending one may take, with all attempts.
BATCH: Final = 512
BATCH_SECONDS: Final = 2.0
SEND_SECONDS: Final = 5.0
#: Seconds that the end of the process waits for the last spans.
CLOSE_SECONDS: Final = 2.0
#: Seconds between two warnings that spans are lost.
WARN_SECONDS: Final = 60.0


class SpanExports(SpanExporter):
    """Sends batches by `exporter`, and counts what became of them."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._warned = -WARN_SECONDS
        self.exported = 0
        self.lost = 0

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Whether the collector has taken them. Only the thread that sends comes here."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is SpanExportResult.SUCCESS:
                self.exported += len(spans)
            else:
                self.lost += len(spans)
                self._warn()
        return result

    @override
    def shutdown(self) -> None:
        self._exporter.shutdown()

    def _warn(self) -> None:
        if monotonic() - self._warned >= WARN_SECONDS:
            self._warned = monotonic()
            structlog.get_logger().warning("The collector of traces does not take them: they are lost.", lost=self.lost)


class SpanQueue(SpanProcessor):
    """The queue of ended spans, and the thread that sends them to `endpoint`."""

    def __init__(self, endpoint: str) -> None:
        # The library's own messages about each attempt are replaced by those of `SpanExports`, now and then.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        self._exports = SpanExports(OTLPSpanExporter(endpoint, timeout=SEND_SECONDS))
        self._batches = BatchSpanProcessor(
            self._exports, MOST_SPANS, schedule_delay_millis=BATCH_SECONDS * 1000, max_export_batch_size=BATCH
        )
        self._taken = 0
        self._dropped = 0

    @override
    def on_end(self, span: ReadableSpan) -> None:
        if self._taken - self._exports.exported - self._exports.lost >= MOST_SPANS:
            self._dropped += 1
            return
        self._taken += 1
        self._batches.on_end(span)

    @override
    def shutdown(self) -> None:
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    def figures(self) -> Figures:
        """Spans by what became of them: `lost` ones were not taken by the collector, `dropped` ones found the queue full."""
        ends = {"exported": self._exports.exported, "lost": self._exports.lost, "dropped": self._dropped}
        return {("gateway_spans_total", end): count for end, count in ends.items()}

    async def close(self) -> None:
        """Send what waits, for `CLOSE_SECONDS` at most.

        The library waits for half a minute, so it is left to a thread that ends with the process.
        """
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            self.shutdown()
            with suppress(RuntimeError):  # The loop is over.
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=close, name="traces-close", daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await done.wait()


def provider_of(spans: SpanQueue) -> TracerProvider:
    """Return the tracer provider that puts spans into `spans`. Sampling is decided before it is called."""
    limits = SpanLimits(max_span_attributes=MOST_ATTRIBUTES, max_span_attribute_length=LONGEST_ATTRIBUTE)
    provider = TracerProvider(sampler=ALWAYS_ON, resource=_resource(), span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(spans)
    return provider


def _resource() -> Resource:
    """The resource of all spans; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come first."""
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    return Resource.create({"service.version": VERSION, **({} if named else {"service.name": DISTRIBUTION})})
