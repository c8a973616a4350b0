"""The log's line of a request: what it has, whoever refuses the request, and that nothing a client sends gets through as it is."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import structlog

from gateway.observability.log_lines import LONGEST_NAME, LONGEST_PATH
from gateway.observability.logs import AccessLog
from gateway.settings import Settings
from tests.gateway.conftest import MakeApp, calling
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway

TOKEN = "pk_live_" + "s" * 43
JWT = "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"


class Written:
    """The lines of the requests that a client makes."""

    def __init__(self, here: Gateway) -> None:
        self.here = here
        self.stream = io.BytesIO()
        here.app.telemetry.report()
        here.app.telemetry.access_log = AccessLog(Settings(), self.stream)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[httpx.Response, dict[str, Any]]:
        """An answer and its line."""
        answer = await self.here.client.request(method, path, **options)
        self.here.app.telemetry.report()
        line = self.stream.getvalue().splitlines()[-1]
        return answer, json.loads(line)


@pytest.fixture
async def written(sqlite_url: str) -> AsyncIterator[Written]:
    async with gateway(sqlite_url, rest_body_limit=200) as here:
        yield Written(here)


async def test_what_a_line_has(written: Written) -> None:
    """Who asked for what, by which program, and how many bytes the answer had."""
    answer, line = await written.ask("GET", OPPORTUNITIES, headers={"user-agent": "legacy/1.0"})
    assert line["bytes"] == len(answer.content)
    assert (line["operation"], line["route"], line["user_agent"]) == ("ListOpportunities", OPPORTUNITIES, "legacy/1.0")
    assert line["workspace"].startswith("ws_")
    assert line["token"].startswith("key_")
    assert "error" not in line


TOO_MANY = "query Q { opportunities(first: 900) { totalCount } }"
REFUSED: dict[str, tuple[str, str, dict[str, Any], str, str, str | None]] = {
    "no token": ("GET", OPPORTUNITIES, {"headers": {"authorization": ""}}, OPPORTUNITIES, "UNAUTHENTICATED", "ListOpportunities"),
    "a record without a token": (
        "PATCH",
        f"{OPPORTUNITIES}opp_1/",
        {"headers": {"authorization": "Bearer x"}, "json": {}},
        f"{OPPORTUNITIES}{{id}}/",
        "UNAUTHENTICATED",
        "UpdateOpportunity",
    ),
    "no such record": ("GET", f"{OPPORTUNITIES}opp_1/", {}, f"{OPPORTUNITIES}{{id}}/", "NOT_FOUND", "GetOpportunity"),
    "no such method": ("PUT", OPPORTUNITIES, {}, OPPORTUNITIES, "METHOD_NOT_ALLOWED", None),
    "a bad parameter": ("GET", f"{OPPORTUNITIES}?stage=x", {}, OPPORTUNITIES, "BAD_REQUEST", "ListOpportunities"),
    "a bad body": ("POST", OPPORTUNITIES, {"json": {}}, OPPORTUNITIES, "VALIDATION_ERROR", "CreateOpportunity"),
    "a large body": ("POST", OPPORTUNITIES, {"json": {"name": "x" * 200}}, OPPORTUNITIES, "TOO_LARGE", "CreateOpportunity"),
    "nothing there": ("GET", "/api/nothing/", {}, "other", "NOT_FOUND", None),
    "no page": ("GET", "/nothing", {}, "other", "NOT_FOUND", None),
    "no document": ("POST", "/graphql", {"json": {"query": "{"}}, "/graphql", "BAD_REQUEST", None),
    "a failed operation": (
        "POST",
        "/graphql",
        {"json": {"query": "query Q { opportunities(first: 900) { totalCount } }"}},
        "/graphql",
        "BAD_REQUEST",
        "Q",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_was_wrong(written: Written, case: str) -> None:
    """Whichever layer refuses a request, its line has the error's code, the route, and the operation as far as it is known."""
    method, path, options, route, error, operation = REFUSED[case]
    answer, line = await written.ask(method, path, **options)
    assert (line["route"], line["error"], line["operation"]) == (route, error, operation)
    assert line["status"] == answer.status_code


async def test_nothing_gets_through(written: Written) -> None:
    """Line breaks and colours are escaped, tokens are taken out, long texts are cut: a client can't write lines of its own."""
    path = f"/a%0A%7B%22event%22:%22forged%22%7D%1B[31m%E2%80%A8{TOKEN}/{JWT}"
    _, line = await written.ask("GET", path, headers={"user-agent": f"x\x85{TOKEN}".encode("latin-1") + b"y" * 400, "x-request-id": TOKEN})
    told = written.stream.getvalue().decode()
    assert told.count("\n") == len(told.splitlines())
    assert TOKEN not in told
    assert "eyJzdWIi" not in told
    assert line["path"] == '/a\\n{"event":"forged"}\\x1b[31m\\u2028[token]/[token]'
    assert len(line["user_agent"]) <= LONGEST_NAME + 10
    _, line = await written.ask("GET", "/" + "z" * 5_000)
    assert len(line["path"]) == LONGEST_PATH


async def test_reasons_of_refusals(written: Written) -> None:
    """The metrics count refusals by their reason; a client's own mistakes are none."""
    for case in ("no token", "a large body", "a bad body", "no such record"):
        method, path, options, *_ = REFUSED[case]
        await written.ask(method, path, **options)
    text = (await written.here.client.get("/metrics")).text
    found = {line for line in text.splitlines() if line.startswith("gateway_requests_refused_total{")}
    assert found == {f'gateway_requests_refused_total{{reason="{reason}"}} 1.0' for reason in ("unauthenticated", "too_large")}


async def test_overload_is_a_reason(make_app: MakeApp) -> None:
    """A request that finds no place is refused for `overload`, not for a database that is away."""
    app = make_app(max_in_flight=1, queue_size=0)
    async with calling(app) as client:
        app.limiter.free = 0
        assert (await client.get("/graphql?query={hello}")).status_code == 503
        app.limiter.free = 1
        assert 'gateway_requests_refused_total{reason="overload"} 1.0' in (await client.get("/metrics")).text


@pytest.mark.parametrize("query", [{}, {"search": "Zanzibar"}])
async def test_slow_statements(database_url: str, query: dict[str, str]) -> None:
    """A statement that takes too long is told with its plan's name and its request, without its values, and is counted."""
    with structlog.testing.capture_logs() as logged:
        async with gateway(database_url, slow_statement=1e-9) as here:
            await here.make("/api/accounts/", name="Zanzibar")
            await here.client.get(OPPORTUNITIES, params=query, headers={"x-request-id": "r1"})
            text = (await here.client.get("/metrics")).text
    slow = [line for line in logged if line["event"] == "slow statement"]
    page = next(line for line in slow if line["request_id"] == "r1" and line["plan"] == "ListOpportunities")
    assert (page["log_level"], page["failed"]) == ("warning", False)
    assert page["statement"].startswith(("SELECT", "WITH"))
    assert page["ms"] > 0
    assert [line["rows"] for line in slow if line["plan"] == "CreateAccount" and line["statement"].startswith("INSERT INTO account ")] == [
        1
    ]
    assert "zanzibar" not in json.dumps(logged).lower()
    counted = next(line for line in text.splitlines() if line.startswith("gateway_slow_statements_total "))
    assert float(counted.split()[1]) >= len([line for line in slow if line["request_id"] == "r1"])


async def test_no_slow_statements(sqlite_url: str) -> None:
    """Quick ones are not told, and 0 tells of none."""
    with structlog.testing.capture_logs() as logged:
        async with gateway(sqlite_url, slow_statement=0) as here:
            await here.client.get(OPPORTUNITIES)
    assert [line for line in logged if line["event"] == "slow statement"] == []
