"""Traces by OpenTelemetry: what a collector gets, what is told on, and that nobody waits for a collector that is away."""

import asyncio
import io
import json
import socket
import subprocess
import sys
from contextlib import aclosing
from time import monotonic
from typing import Any

import httpx
import pytest
import structlog

from gateway.observability import span_export
from gateway.observability.instruments import endpoint_of
from gateway.observability.logs import AccessLog
from gateway.observability.tracing import _carrier
from gateway.settings import Settings, SettingsError, load
from tests.collector import Collector, collecting
from tests.connecting import PATIENCE, free_port, until
from tests.end_to_end.event_clients import BOTH, Follow
from tests.end_to_end.fleet import access, in_process
from tests.gateway.conftest import MakeApp, ask, calling
from tests.live_server import ROOT
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, NOT_SAMPLED = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"
SECRET = "Zanzibar"


async def listed(here: Gateway, **headers: str) -> httpx.Response:
    return await here.client.get(OPPORTUNITIES, params={"search": SECRET}, headers=headers)


async def test_a_rest_call_with_its_statements(database_url: str) -> None:
    """The collector gets one span of the call and one of each of its statements, by the conventions, and no value of either."""
    with collecting() as collector:
        async with gateway(database_url, otlp_endpoint=collector.url) as here:
            token = here.client.headers["authorization"].split()[1]
            answer = await listed(here, **{"user-agent": "legacy/1.0", "x-request-id": "r1"})
            assert answer.status_code == 200
        span = collector.named(f"GET {OPPORTUNITIES}")
        assert (span.kind, span.parent, span.failed) == ("SERVER", "", False)
        assert {name: span.attributes[name] for name in EXPECTED} == EXPECTED
        assert span.attributes["gateway.workspace"].startswith("ws_")
        assert span.attributes["http.response.body.size"] == len(answer.content)
        assert span.resource["service.name"] == "opportunities-gateway"
        statements = collector.below(span)
        assert {statement.kind for statement in statements} == {"CLIENT"}
        [page] = [statement for statement in statements if "FROM opportunity" in statement.attributes["db.query.text"]]
        assert page.name == page.attributes["db.operation.name"] == "SELECT"
        assert page.attributes["db.system.name"] == database_url.partition(":")[0]
        assert page.attributes["db.response.returned_rows"] == 1
        assert 0 < page.nanoseconds < span.nanoseconds
        assert SECRET.lower().encode() not in collector.raw.lower()
        assert token.encode() not in collector.raw


EXPECTED = {
    "http.request.method": "GET",
    "http.route": OPPORTUNITIES,
    "http.response.status_code": 200,
    "url.path": OPPORTUNITIES,
    "url.scheme": "http",
    "user_agent.original": "legacy/1.0",
    "gateway.request_id": "r1",
    "graphql.operation.type": "query",
    "graphql.operation.name": "ListOpportunities",
}


async def test_writes_and_their_statements(database_url: str) -> None:
    """The statements of a write are below its own span, also where several writes are committed together."""
    with collecting() as collector:
        async with gateway(database_url, otlp_endpoint=collector.url) as here:
            await asyncio.gather(
                *(here.client.post("/api/accounts/", json={"name": f"A{n}"}, headers={"x-request-id": f"w{n}"}) for n in range(4))
            )
        spans = [span for span in collector.spans if span.name == "POST /api/accounts/"]
        assert {span.attributes["gateway.request_id"] for span in spans} == {f"w{number}" for number in range(4)}
        for span in spans:
            texts = [statement.attributes["db.query.text"] for statement in collector.below(span)]
            assert sum(text.startswith("INSERT INTO account ") for text in texts) == 1


async def test_an_operation_of_graphql(database_url: str) -> None:
    """The span of a request has the operation's name and type; one that fails has its error, and one that is refused its route."""
    with collecting() as collector:
        async with gateway(database_url, otlp_endpoint=collector.url) as here:
            document = "query Mine($s: String) { opportunities(filter: {name: {contains: $s}}) { totalCount } }"
            await here.query(document, {"s": SECRET})
            await here.client.get(OPPORTUNITIES, headers={"authorization": "Bearer nonsense"})
        span = next(span for span in collector.spans if "graphql.operation.name" in span.attributes)
        assert span.name == "POST /graphql"
        assert (span.attributes["graphql.operation.name"], span.attributes["graphql.operation.type"]) == ("Mine", "query")
        assert len(collector.below(span)) > 0
        refused = collector.named(f"GET {OPPORTUNITIES}")
        assert (refused.attributes["http.response.status_code"], refused.failed) == (401, False)
        assert SECRET.lower().encode() not in collector.raw.lower()


@pytest.mark.parametrize("follow", BOTH)
async def test_an_event_of_a_subscription(sqlite_url: str, follow: Follow) -> None:
    """Each event that a subscriber is told of has a span, on a socket and on a stream; a stream has one of its own besides."""
    with collecting() as collector:
        async with in_process(sqlite_url, otlp_endpoint=collector.url) as (address, app):
            who = await access(sqlite_url)
            query = "subscription Deals { opportunityChanged { cursor type opportunityId } }"
            async with httpx.AsyncClient(base_url=f"http://{address}", headers=who.headers) as client:
                account = (await client.post("/api/accounts/", json={"name": "A"})).json()["id"]
                async with aclosing(follow(address, who.token, query)) as events:
                    coming = asyncio.ensure_future(anext(events))
                    await until(lambda: app.graph.events.figures()["gateway_event_followers"] == 1)
                    await client.post(OPPORTUNITIES, json={"name": "D", "accountId": account})
                    assert (await asyncio.wait_for(coming, PATIENCE))["type"] == "CREATED"
        span = collector.named("subscription Deals")
        assert (span.attributes["graphql.operation.name"], span.attributes["graphql.operation.type"]) == ("Deals", "subscription")
        around = [other for other in collector.spans if other.id == span.parent]
        assert [other.name for other in around] == (["POST /graphql stream"] if span.parent else [])


async def test_a_query_on_a_socket(sqlite_url: str) -> None:
    """An operation on a socket is a trace of its own, with its statements."""
    with collecting() as collector:
        async with in_process(sqlite_url, otlp_endpoint=collector.url) as (address, _):
            who = await access(sqlite_url)
            with pytest.raises(KeyError):  # It is no subscription; its answer has come.
                await anext(BOTH[0](address, who.token, "query Count { opportunities { totalCount } }"))
        span = collector.named("query Count")
        assert (span.kind, span.parent) == ("SERVER", "")
        assert [statement.name for statement in collector.below(span)] == ["SELECT"]


@pytest.mark.parametrize(
    ("given", "ratio", "trace"),
    [
        (SAMPLED, 0.0, TRACE),
        (NOT_SAMPLED, 1.0, None),
        (None, 0.0, None),
        ("00-nonsense", 0.0, None),
        (f"ff-{TRACE}-{PARENT}-01", 0.0, None),
    ],
)
async def test_traceparent_is_taken(sqlite_url: str, given: str | None, ratio: float, trace: str | None) -> None:
    """Whether a request is traced is its client's to say, else the setting's; what is no `traceparent` is none."""
    with collecting() as collector:
        async with gateway(sqlite_url, otlp_endpoint=collector.url, trace_sampling=ratio) as here:
            await listed(here, **({"traceparent": given} if given else {}))
        assert {span.trace for span in collector.spans} == ({trace} if trace else set())
        if trace:
            assert collector.named(f"GET {OPPORTUNITIES}").parent == PARENT


@pytest.mark.parametrize("tracing", [True, False])
async def test_the_trace_is_in_the_log(sqlite_url: str, *, tracing: bool) -> None:
    """The line of a request has its trace's id: the client's, also where this process makes no traces, or its own."""
    stream = io.BytesIO()
    with collecting() as collector:
        async with gateway(sqlite_url, **({"otlp_endpoint": collector.url} if tracing else {})) as here:
            here.app.telemetry.access_log = AccessLog(Settings(), stream)
            await listed(here, traceparent=SAMPLED)
            await listed(here, traceparent="00-\x7fnonsense")
        lines = [json.loads(line) for line in stream.getvalue().splitlines()]
        own = [span.trace for span in collector.spans if span.name == f"GET {OPPORTUNITIES}"]
        assert [line.get("trace_id") for line in lines] == (own if tracing else [TRACE, None])
        assert lines[0]["trace_id"] == TRACE


async def test_a_share_is_traced(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of requests without `traceparent` the wished share."""
    drawn = iter([0.009, 0.5, 0.011, 0.0])
    with collecting() as collector:
        async with gateway(sqlite_url, otlp_endpoint=collector.url, trace_sampling=0.01) as here:
            monkeypatch.setattr("gateway.observability.tracing.random", lambda: next(drawn))
            for _ in range(4):
                await listed(here)
        assert len([span for span in collector.spans if span.kind == "SERVER"]) == 2


async def test_a_collector_that_is_away(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are answered as ever, what waits is bounded and counted, the log warns once, and the process ends."""
    monkeypatch.setattr(span_export, "MOST_SPANS", 20)
    monkeypatch.setattr(span_export, "BATCH", 10)
    app = make_app(otlp_endpoint=f"http://127.0.0.1:{free_port()}")
    with structlog.testing.capture_logs() as logged:
        async with calling(app) as client:
            for _ in range(50):
                assert (await ask(client, "{ hello }")).status_code == 200
            text = (await client.get("/metrics")).text
            assert 'gateway_spans_total{outcome="exported"} 0.0' in text
            began = monotonic()
    assert monotonic() - began < PATIENCE / 4
    assert app.instruments.tracing is not None
    ends = app.instruments.tracing.figures()
    assert ends["gateway_spans_total", "dropped"] >= 50 - 20 - 2 * 10
    assert len([line for line in logged if "collector" in line["event"]]) <= 1


async def test_a_silent_collector(make_app: MakeApp) -> None:
    """One that takes the connection and says nothing holds up neither requests nor the end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = make_app(otlp_endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = monotonic()
        async with calling(app) as client:
            assert (await ask(client, "{ hello }")).status_code == 200
        assert monotonic() - began < PATIENCE / 4


@pytest.mark.parametrize(
    ("setting", "variables", "endpoint"),
    [
        (None, {}, None),
        ("http://a:4318", {}, "http://a:4318/v1/traces"),
        ("http://a:4318/", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b"}, "http://a:4318/v1/traces"),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://b/x/"}, "http://b/x/v1/traces"),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/t", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://b"}, "http://c/t"),
        ("http://a", {"OTEL_SDK_DISABLED": "true"}, None),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, None),
    ],
)
def test_where_traces_go(setting: str | None, variables: dict[str, str], endpoint: str | None) -> None:
    """Our setting comes before OpenTelemetry's variables, and of those the one of traces before the one of all; one switches all off."""
    assert endpoint_of(setting, variables) == endpoint


@pytest.mark.parametrize(("name", "value"), [("otlp_endpoint", "collector:4318"), ("trace_sampling", 1.5), ("trace_sampling", -0.1)])
def test_settings_that_can_not_be(name: str, value: Any) -> None:
    """They are refused by name."""
    with pytest.raises(SettingsError, match=name.replace("_", "-")):
        load(**{name: value})


OFF = """
import sys
from gateway.app import create_app
from gateway.settings import Settings
app = create_app(Settings(database_url="sqlite:///never.db"))
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
assert app.instruments.observe == app.telemetry.note
assert app.instruments.layers() == []
assert app.live.operations is app.operations
"""
MISSING = """
import sys
sys.modules["opentelemetry"] = None
from gateway.app import create_app
from gateway.settings import Settings, SettingsError
try:
    create_app(Settings(database_url="sqlite:///never.db", otlp_endpoint="http://127.0.0.1:1"))
except SettingsError as error:
    print(error)
"""


def run(program: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    command, environment = [sys.executable, "-c", program], {"PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def test_off_nothing_of_it_is_there() -> None:
    """Without an endpoint nothing of OpenTelemetry is imported, and each part is the one that it is without traces."""
    run(OFF)


def test_without_the_extra() -> None:
    """Where OpenTelemetry isn't installed our setting is refused, with what to do; its own variable, meant for all programs, warns."""
    assert "pip install 'opportunities-gateway[otel]'" in run(MISSING).stdout
    program = MISSING.replace(', otlp_endpoint="http://127.0.0.1:1"', "")
    done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert "traces are off" in done.stdout + done.stderr


def test_a_collector_reads_what_it_should() -> None:
    """The tests' collector takes traces by their path alone."""
    collector = Collector()
    collector.take("/other", {}, b"x")
    assert collector.spans == []


@pytest.mark.parametrize(("size", "kept"), [(200, True), (16_000, False)])
def test_a_long_tracestate_is_not_kept(size: int, *, kept: bool) -> None:
    """Spans that wait to be sent keep it: two thousand of them are not to fill the memory."""
    members = ",".join(f"k{number}={'v' * 90}" for number in range(size // 95))
    carried = _carrier(SAMPLED.encode(), members.encode())
    assert carried == {"traceparent": SAMPLED, "tracestate": members if kept else ""}
