"""A collector of traces: OTLP over HTTP, as the specification has it, on a port of its own."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


@dataclass
class Told:
    """A span that came in."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    failed: bool
    nanoseconds: int
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class Collector:
    """What came to `url`: as spans, and as bytes; `headers` of each request."""

    url: str = ""
    spans: list[Told] = field(default_factory=list)
    raw: bytes = b""
    headers: list[dict[str, str]] = field(default_factory=list)

    def named(self, name: str) -> Told:
        """The one span of this name."""
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, sorted(span.name for span in self.spans)
        return found[0]

    def below(self, parent: Told) -> list[Told]:
        return [span for span in self.spans if (span.trace, span.parent) == (parent.trace, parent.id)]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.headers.append({"path": path, **headers})
        if path != "/v1/traces":
            return
        data = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        self.raw += data
        for group in ExportTraceServiceRequest.FromString(data).resource_spans:
            resource = _attributes(group.resource.attributes)
            self.spans += [_told(span, resource) for scope in group.scope_spans for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that answers until the end of the context."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _told(span: Span, resource: dict[str, Any]) -> Told:
    return Told(
        span.name,
        Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.status.code == Status.STATUS_CODE_ERROR,
        span.end_time_unix_nano - span.start_time_unix_nano,
        _attributes(span.attributes),
        resource,
    )


def _attributes(pairs: "list[KeyValue]") -> dict[str, Any]:
    return {pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in pairs}
