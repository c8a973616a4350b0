"""Where traces go, if anywhere: our setting, or else the variables that OpenTelemetry has for it.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp
"""

from collections.abc import Mapping
from typing import Final

PATH: Final = "/v1/traces"


def endpoint_of(setting: str | None, environ: Mapping[str, str]) -> str | None:
    """The whole address that traces are posted to; None where tracing is off."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    whole = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip()
    base = setting or (None if whole else environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip())
    return f"{base.rstrip('/')}{PATH}" if base else whole or None
