"""A process's instruments together: metrics, the log of requests, slow statements, and traces if they are exported."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog
from starlette.types import ASGIApp

from gateway.settings import Settings, SettingsError
from schema.storage.timing import Timing

from .logs import AccessLog
from .metrics import Metrics, ReadFigures, process_figures
from .slow_statements import SlowStatements
from .telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from .tracing import Tracing

PATH: Final = "/v1/traces"
_MISSING: Final = "GATEWAY_OTLP_ENDPOINT: OpenTelemetry is not installed: pip install 'opportunities-gateway[otel]'"


class Instruments:
    """Raises SettingsError where traces are set but can't be exported.

    Without traces the parts are as if there were no code for them: what tracing does is put in their place here, once.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.metrics = Metrics()
        self.telemetry = Telemetry(self.metrics, AccessLog(settings))
        self.tracing = _tracing(settings)
        self.observe = self.telemetry.note if self.tracing is None else self.tracing.observing(self.telemetry.note)
        """The function to call with each answered request."""

    def watch(self, timing: Timing, sources: Sequence[ReadFigures]) -> None:
        """Ask `sources` for figures, and hear of the statements that `timing` is about."""
        self.metrics.statements = timing.taken
        self.metrics.sources += [*sources, process_figures]
        slow = SlowStatements(self.metrics.slow_statements)
        if self._settings.slow_statement:
            timing.above, timing.report = self._settings.slow_statement, slow
        if self.tracing is not None:
            self.metrics.sources.append(self.tracing.figures)
            timing.above, timing.report = -1.0, self.tracing.reporting(slow, timing.above)

    def layers(self) -> "list[Callable[[ASGIApp], ASGIApp]]":
        """The layers that trace requests."""
        if self.tracing is None:
            return []
        from .tracing import Traced  # noqa: PLC0415  the extra may not be installed

        return [partial(Traced, tracing=self.tracing)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While it is open, figures are shared with the other workers; at its end all notes that wait are reported."""
        async with self.metrics.running():
            try:
                yield
            finally:
                self.telemetry.report()
                if self.tracing is not None:
                    await self.tracing.close()


def _tracing(settings: Settings) -> "Tracing | None":
    endpoint = endpoint_of(settings.otlp_endpoint, os.environ)
    if endpoint is None:
        return None
    try:
        from .tracing import Tracing  # noqa: PLC0415  the extra may not be installed
    except ImportError as error:
        if settings.otlp_endpoint is not None:
            raise SettingsError(_MISSING) from error
        # The variable of OpenTelemetry may be there for others.
        structlog.get_logger().warning("OTEL_EXPORTER_OTLP_… is set, but traces are off: OpenTelemetry is not installed.")
        return None
    return Tracing(endpoint, settings.trace_sampling, settings.database_url.partition("://")[0])


def endpoint_of(setting: str | None, environ: Mapping[str, str]) -> str | None:
    """The whole address that traces are posted to, by our setting or else OpenTelemetry's variables; None where tracing is off.

    https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    whole = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip()
    base = setting or (None if whole else environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip())
    return f"{base.rstrip('/')}{PATH}" if base else whole or None
