"""What every request passes: its id, hosts, origins, faults in the right shape, limits of bodies, logs and metrics."""

import io
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway import VERSION
from gateway.edge.request_scope import RequestScope
from gateway.observability.logs import AccessLog
from gateway.settings import Settings
from rest_compat.errors import STATUS, HttpError
from tests.connecting import until
from tests.gateway.conftest import CALLER, HEADERS, MakeApp, ask, calling

PREFLIGHT = {
    "origin": "https://app.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,if-match",
}


async def test_request_ids(client: httpx.AsyncClient) -> None:
    """The client's id is taken if it is sane; else each request gets another."""
    given = await client.get("/healthz", headers={"x-request-id": "trace/1:a"})
    assert given.headers["x-request-id"] == "trace/1:a"
    made = {
        (await client.get("/healthz", headers={"x-request-id": bad})).headers["x-request-id"] for bad in ("", "a b", "x" * 129, "{}", "<x>")
    }
    assert len(made) == 5
    assert all(id_.isascii() and len(id_) < 40 for id_ in made)


async def test_health(client: httpx.AsyncClient) -> None:
    """Alive and ready, without a token."""
    assert (await client.get("/healthz")).json() == {"status": "ok", "version": VERSION}
    ready = await client.get("/readyz", headers={"authorization": ""})
    assert (ready.status_code, ready.json()["checks"]) == (200, {"process": "ok", "database": "ok", "migrations": "ok"})


async def test_not_ready(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 while stopping, when migrations are due, and when the database is away; alive all the while."""
    app = make_app()
    async with calling(app) as client:
        app.stopping = True
        assert (await client.get("/readyz")).json()["checks"]["process"] == "stopping"
        app.stopping = False

        async def pending(*_: object) -> bool:
            return False

        monkeypatch.setattr("gateway.observability.health.head_is_current", pending)
        response = await client.get("/readyz")
        assert (response.status_code, response.json()["checks"]["migrations"]) == (503, "pending")

        async def away(*_: object) -> bool:
            raise TimeoutError

        monkeypatch.setattr("gateway.observability.health.head_is_current", away)
        assert (await client.get("/readyz")).json()["checks"]["database"] == "unavailable"
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/", 404), ("POST", "/healthz", 405), ("DELETE", "/metrics", 405)]
)
async def test_pages_that_are_not_there(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """404 and 405 in JSON, and as problem details for who accepts them."""
    response = await client.request(method, path)
    assert (response.status_code, set(response.json())) == (status, {"detail", "code"})
    assert ("allow" in response.headers) is (status == 405)
    problem = await client.request(method, path, headers={"accept": "application/problem+json"})
    assert (problem.headers["content-type"], problem.json()["status"]) == ("application/problem+json", status)


TWICE = [
    ("authorization", "Bearer test"),
    ("content-type", "application/json"),
    ("host", "x"),
    ("idempotency-key", "k"),
    ("origin", "a://b"),
]


@pytest.mark.parametrize("path", ["/graphql", "/api/opportunities/", "/healthz"])
@pytest.mark.parametrize(("name", "value"), TWICE, ids=[name for name, _ in TWICE])
async def test_a_header_that_may_come_once(client: httpx.AsyncClient, name: str, value: str, path: str) -> None:
    """A second line of a header that is no list is 400 and says which, also where both say the same."""
    client.headers.clear()
    response = await client.get(path, headers=[("host", "gateway"), *[(name, value)] * 2])
    assert response.status_code == 400
    assert f"{name.title()}: This header may be sent once only." in response.text


async def test_lists_in_several_lines(client: httpx.AsyncClient) -> None:
    """Lines of a list are one list (RFC 9110 section 5.3)."""
    lines = [("authorization", "Bearer test"), ("accept", "text/plain"), ("accept", "application/graphql-response+json")]
    response = await client.get("/graphql", params={"query": "{ hello }"}, headers=lines)
    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (200, "application/graphql-response+json")
    problem = await client.get("/nothing", headers=[("accept", "text/plain"), ("accept", "application/problem+json")])
    assert problem.headers["content-type"] == "application/problem+json"


async def test_every_code_has_one_status() -> None:
    """Each error's code is in the one table."""
    kinds = set(HttpError.__subclasses__())
    assert len(kinds) > 10
    assert {kind.code for kind in kinds} <= set(STATUS)


async def test_half_an_answer_is_cut() -> None:
    """A defect after the answer began can't be told: it is raised, so that the server cuts the connection."""

    async def broken(_scope: object, _receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        raise RuntimeError("half way")

    told: list[int] = []
    layer = RequestScope(
        broken,
        lambda _scope, status, _seconds, _size: told.append(status),
        lambda _scope, _error: told.append(0),
        lambda _scope: [],
        lambda: False,
    )
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    with pytest.raises(RuntimeError):
        await layer({"type": "http", "headers": [], "path": "/x"}, None, send)  # type: ignore[arg-type]
    assert (len(sent), told) == (1, [0, 200])


async def test_preflight(make_app: MakeApp) -> None:
    """Answered before authentication, for listed origins with what they may send."""
    async with calling(make_app(cors_origins=("https://app.example",))) as client:
        response = await client.options("/graphql", headers={**PREFLIGHT, "authorization": ""})
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (204, "https://app.example")
        assert response.headers["access-control-allow-headers"] == "authorization,if-match"
        assert "PATCH" in response.headers["access-control-allow-methods"]
        other = await client.options("/api/opportunities/", headers={**PREFLIGHT, "origin": "https://evil.example"})
        assert not [name for name in other.headers if name.startswith("access-control")]


async def test_answers_across_origins(make_app: MakeApp) -> None:
    """Also an error can be read by a page of a listed origin, with the headers that matter; caches keep origins apart."""
    async with calling(make_app(cors_origins=("https://app.example",))) as client:
        response = await client.get("/nothing", headers={"origin": "https://app.example"})
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (404, "https://app.example")
        assert {"ETag", "Location", "Preference-Applied", "Retry-After", "X-Request-Id"} <= set(
            response.headers["access-control-expose-headers"].split(", ")
        )
        assert "Origin" in (await client.get("/nothing")).headers["vary"]
    async with calling(make_app(cors_origins=("*",))) as client:
        assert (await client.get("/nothing", headers={"origin": "https://x.example"})).headers["access-control-allow-origin"] == "*"
    async with calling(make_app()) as client:
        assert "access-control-allow-origin" not in (await client.get("/nothing", headers={"origin": "https://x.example"})).headers


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("crm.example.com", True),
        ("CRM.example.com:8000", True),
        ("a.b.example.org", True),
        ("example.org", False),
        ("evil", False),
        ("evilexample.org", False),
    ],
)
async def test_hosts(make_app: MakeApp, host: str, *, ours: bool) -> None:
    """Only the configured names are answered to."""
    async with calling(make_app(allowed_hosts=("crm.example.com", "*.example.org"))) as client:
        assert (await client.get("/api/docs", headers={"host": host})).status_code == (200 if ours else 400)


def padded(size: int) -> bytes:
    body = b'{"query":"{ hello }","padding":"' + b"x" * size
    return body[: size - 2] + b'"}'


@pytest.mark.parametrize("known", [True, False], ids=["declared", "chunked"])
async def test_body_limit(client: httpx.AsyncClient, *, known: bool) -> None:
    """1 MiB is read, a byte more is 413, whether or not the length was declared."""

    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    for size, status in ((1_048_576, 200), (1_048_577, 413)):
        content = padded(size) if known else chunks(padded(size))
        response = await client.post("/graphql", content=content, headers={"content-type": "application/json"})
        assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == "TOO_LARGE"
    assert response.headers["connection"] == "close"


async def test_rest_body_limit(client: httpx.AsyncClient) -> None:
    """REST bodies have their own, smaller limit, and its refusal the routes' shape."""
    response = await client.post("/api/opportunities/", content=b"x" * 262_145)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


async def test_expected_bodies_are_refused_unread(make_app: MakeApp) -> None:
    """With `Expect: 100-continue` a body that is too large is refused before it is sent."""
    async with calling(make_app()) as client:
        headers = {"expect": "100-continue", "content-length": "2000000"}
        assert (await client.post("/graphql", content=b"", headers=headers)).status_code == 413


async def test_metrics(client: httpx.AsyncClient) -> None:
    """Requests by route and status, operations by name; names are the client's, so they are bounded."""
    for number in range(210):
        await ask(client, f"query N{number} {{ hello }}")
    text = (await client.get("/metrics")).text
    assert 'gateway_request_duration_seconds_count{method="POST",route="/graphql",status="200"} 210.0' in text
    assert 'gateway_operations_total{kind="query",name="N0",outcome="ok"} 1.0' in text
    assert 'gateway_operations_total{kind="query",name="other",outcome="ok"} 10.0' in text
    assert 'gateway_executions_total{path="compiled"}' in text


async def test_operations_without_requests_are_told(make_app: MakeApp) -> None:
    """What runs on a socket is in the metrics soon, though no request is answered and nobody asks this process for them."""
    app = make_app()
    async with calling(app):
        await app.operations.run(app.operations.graph.prepare("query Alone { hello }"), None, CALLER)
        labels = {"kind": "query", "name": "Alone", "outcome": "ok"}
        await until(lambda: app.metrics.registry.get_sample_value("gateway_operations_total", labels) == 1)


async def test_metrics_off(make_app: MakeApp) -> None:
    """GATEWAY_METRICS=false hides them."""
    async with calling(make_app(metrics=False)) as client:
        assert (await client.get("/metrics")).status_code == 404


async def test_access_log(make_app: MakeApp) -> None:
    """A JSON line a request, with the id that the client got, the operation and the token's id, and nothing of query or token."""
    app = make_app(access_log=True)
    stream = io.BytesIO()
    app.telemetry.access_log = AccessLog(app.settings, stream)
    async with calling(app) as client:
        response = await client.get("/graphql", params={"query": 'query Greet { hello(name: "private") }'}, headers={"x-request-id": "r1"})
    assert response.status_code == 200
    app.telemetry.report()
    line = json.loads(stream.getvalue())
    expected = {
        "event": "request",
        "request_id": "r1",
        "method": "GET",
        "route": "/graphql",
        "status": 200,
        "operation": "Greet",
        "token": "key_1",
    }
    assert {name: line[name] for name in expected} == expected
    assert b"private" not in stream.getvalue()
    assert HEADERS["authorization"].encode() not in stream.getvalue()


def test_access_log_off() -> None:
    """By its own setting, and when only warnings are logged."""
    for settings in (Settings(access_log=False), Settings(log_level="warning")):
        assert not AccessLog(settings, io.BytesIO()).on
