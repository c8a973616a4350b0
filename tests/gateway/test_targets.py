"""What a request is sent to and by which version: whole addresses, `*`, Host, OPTIONS, and answers to HTTP/1.0."""

import asyncio
import json
from typing import Any

import pytest

from gateway.edge import cors
from gateway.edge.unsent_bytes import PORTION
from gateway.server.request_target import decoded_path, origin_form
from schema.engine.execute.throttled_log import ThrottledLog
from tests.connecting import PATIENCE, beside, connected, until
from tests.gateway.conftest import TOKEN, MakeApp, Serve, calling
from tests.gateway.test_pipelines import statuses
from tests.rest_compat.real import OPPORTUNITIES, gateway

PREFLIGHT = {"origin": "https://app.example", "access-control-request-method": "POST"}
PATHS = [
    "/graphql",
    "/graphql/schema.graphql",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/docs",
]


async def talk(app: Any, request: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a request whose connection ends with it."""
    async with asyncio.timeout(PATIENCE), connected(app.address) as (reader, writer):
        writer.write(request.replace("\n", "\r\n").encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}, body


def ask(target: str, *, method: str = "GET", version: str = "1.1", hosts: tuple[str, ...] = ("x",), more: str = "") -> str:
    lines = "".join(f"Host: {host}\n" for host in hosts)
    return f"{method} {target} HTTP/{version}\n{lines}Connection: close\n{more}\n"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://x/healthz", 200),
        ("HTTP://x:8000/healthz?a=b", 200),
        ("https://x/nothing", 404),
        ("http://x", 404),
        ("http://x?a=/healthz", 404),
        ("ftp://x/healthz", 400),
        ("x:80", 400),
        ("*", 400),
        ("http:///healthz", 400),
        ("http://a@b/healthz", 400),
    ],
)
async def test_whole_addresses(serve: Serve, target: str, status: int) -> None:
    """As they are sent to a proxy: answered by their path; what is no address is 400."""
    assert (await talk(await serve(), ask(target)))[0] == status


async def test_the_address_names_the_host(serve: Serve) -> None:
    """Its host counts, and not that of the header (RFC 9112 section 3.2.2); a header that is missing or there twice is refused still."""
    app = await serve(allowed_hosts=("crm.example",))
    graphql = "/graphql?query=%7Bhello%7D"
    token = f"Authorization: {TOKEN}\n"
    assert (await talk(app, ask(f"http://crm.example{graphql}", hosts=("other",), more=token)))[0] == 200
    assert (await talk(app, ask(f"http://other{graphql}", hosts=("crm.example",), more=token)))[0] == 400
    assert (await talk(app, ask(f"http://crm.example{graphql}", hosts=(), more=token)))[0] == 400
    assert (await talk(app, ask(f"http://crm.example{graphql}", hosts=("a", "b"), more=token)))[0] == 400


def test_what_is_left_of_an_address() -> None:
    """Path and query; the header gets its authority, and no header is added."""
    headers = [(b"host", b"a"), (b"x", b"y")]
    assert origin_form(b"http://[::1]:80/a%20b?c=d#e", b"GET", headers) == b"/a%20b?c=d"
    assert headers == [(b"host", b"[::1]:80"), (b"x", b"y")]
    assert origin_form(b"http://h?", b"GET", headers) in {b"/", b"/?"}


@pytest.mark.parametrize("hosts", [(), ("a", "a"), ("a", "b"), ("a b",), ("a/b",), ("a@b",), ("a:b",), ("a,b",), ("<a>",), ("a" * 300,)])
@pytest.mark.parametrize("path", ["/healthz", "/graphql?query=%7Bhello%7D", "/api/opportunities/"])
async def test_no_host(serve: Serve, path: str, hosts: tuple[str, ...]) -> None:
    """One Host that is one is required of HTTP/1.1, also by probes: 400 that names the header."""
    status, _, body = await talk(await serve(), ask(path, hosts=hosts, more=f"Authorization: {TOKEN}\n"))
    assert (status, b"Host: " in body) == (400, True)


@pytest.mark.parametrize("hosts", [("a",), ("a:80",), ("10.0.0.1:8000",), ("[::1]:80",), ("my_service",), ("a.example.",), ("",)])
async def test_any_host(serve: Serve, hosts: tuple[str, ...]) -> None:
    """Whatever names a host is one; empty means that there is none, as RFC 9112 says."""
    app = await serve()
    for _ in range(2):
        assert (await talk(app, ask("/healthz", hosts=hosts)))[0] == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize(
    ("version", "hosts"), [("1.1", ("10.0.0.7:8000",)), ("1.1", ("gateway.default.svc",)), ("1.0", ()), ("1.0", ("x",))]
)
async def test_probes(serve: Serve, path: str, version: str, hosts: tuple[str, ...]) -> None:
    """They come by address, or without a Host by HTTP/1.0, whatever names are allowed."""
    app = await serve(allowed_hosts=("crm.example",))
    assert (await talk(app, ask(path, version=version, hosts=hosts)))[0] == 200
    assert (await talk(app, ask("/graphql", version=version, hosts=hosts)))[0] == 400


async def test_the_server_as_such(serve: Serve) -> None:
    """`OPTIONS *` asks for nothing in particular: 204, without a token."""
    status, headers, _ = await talk(await serve(), ask("*", method="OPTIONS"))
    assert (status, "POST" in headers["allow"]) == (204, True)


@pytest.mark.parametrize("path", PATHS)
async def test_options(make_app: MakeApp, path: str) -> None:
    """Anyone is told what a page can do, also with a token that is no good; a page that isn't there is 404."""
    async with calling(make_app()) as client:
        for authorization in ("", "Bearer no", TOKEN):
            answer = await client.options(path, headers={"authorization": authorization, "origin": "https://app.example"})
            assert (answer.status_code, "OPTIONS" in answer.headers["allow"], answer.content) == (204, True, b"")
        assert (await client.options(path, headers={"accept": "text/event-stream"})).status_code == 204
        assert (await client.options("/nothing")).status_code == 404


@pytest.mark.parametrize("path", [*PATHS, "/api/opportunities/"])
async def test_a_preflight_where_no_origin_is_set(make_app: MakeApp, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """403 that names the setting, and one line in the log however often it is asked."""
    lines: list[str] = []
    monkeypatch.setattr(cors, "_asked", ThrottledLog(lines.append))
    async with calling(make_app()) as client:
        client.headers.clear()
        for _ in range(3):
            answer = await client.options(path, headers=PREFLIGHT)
            assert answer.status_code == 403
            assert "GATEWAY_CORS_ORIGINS" in answer.text
    (line,) = lines
    assert "https://app.example" in line
    assert "GATEWAY_CORS_ORIGINS" in line


async def test_options_of_rest(sqlite_url: str) -> None:
    """Its pages tell what they can do, too, each its own."""
    async with gateway(sqlite_url) as here:
        for path, method in (
            (OPPORTUNITIES, "POST"),
            (f"{OPPORTUNITIES}opp_1/", "PATCH"),
            ("/api/_graphql", "POST"),
            ("/api/openapi.json", "GET"),
            ("/api/openapi-3.0.json", "GET"),
            ("/graphql/", "POST"),
        ):
            answer = await here.client.options(path, headers={"authorization": ""})
            assert (answer.status_code, method in answer.headers["allow"], answer.content) == (204, True, b""), path


async def test_options_while_all_are_at_work(make_app: MakeApp) -> None:
    """It waits in line as any other, though nobody knows whose it is."""
    app = make_app(max_in_flight=1, queue_timeout=PATIENCE)
    async with calling(app) as client, beside(client.get("/graphql", params={"query": "{ slow(seconds: 1) }"})):
        await until(lambda: not app.limiter.free)
        assert (await client.options("/graphql", headers={"authorization": ""})).status_code == 204


async def test_options_within_a_rate_limit(make_app: MakeApp) -> None:
    """It is no call of anybody."""
    async with calling(make_app(rate_limit="1/minute")) as client:
        for _ in range(3):
            assert (await client.options("/graphql", headers={"authorization": ""})).status_code == 204


@pytest.mark.parametrize("query", ["%7Bhello%7D", "subscription%7Bcount(to:3)%7D", "subscription%7Bwide(to:40)%7D"])
async def test_no_chunks_for_http_1_0(serve: Serve, query: str) -> None:
    """A stream ends with its connection for who knows no chunks, and is the same otherwise."""
    app = await serve(websocket_queue=1_000)
    request = {"more": f"Authorization: {TOKEN}\nAccept: text/event-stream\n", "target": f"/graphql?query={query}"}
    new, old = [await talk(app, ask(version=version, **request)) for version in ("1.1", "1.0")]
    assert (old[0], new[0], new[1]["transfer-encoding"]) == (200, 200, "chunked")
    assert "transfer-encoding" not in old[1]
    assert old[2] == _without_chunks(new[2])
    assert old[2].endswith(b"event: complete\ndata:\n\n")


def _without_chunks(body: bytes) -> bytes:
    found = []
    while body:
        size, _, body = body.partition(b"\r\n")
        found.append(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return b"".join(found)


async def test_a_large_answer_by_http_1_0(serve: Serve) -> None:
    """One whose length is known is sent as it is."""
    name = "x" * 9_000
    fields = "".join(f"a{place}:hello(name:$n)" for place in range(20))
    body = json.dumps({"query": f"query($n:String!){{{fields}}}", "variables": {"n": name}})
    more = f"Authorization: {TOKEN}\nContent-Type: application/json\nContent-Length: {len(body)}\n"
    request = ask("/graphql", method="POST", version="1.0", hosts=(), more=more)
    status, headers, answer = await talk(await serve(), request + body)
    assert (status, len(answer)) == (200, int(headers["content-length"]))
    assert len(answer) > PORTION


@pytest.mark.parametrize("split", [0, 80], ids=["whole", "in two reads"])
async def test_bytes_beyond_ascii(serve: Serve, split: int) -> None:
    """A target in raw UTF-8, as curl sends one that is typed so, is read as if percent-encoded; what follows is another request."""
    app = await serve()
    body = "query=%7Bhello%7D&x=café\u20ac"
    first = f"GET /graphql?{body} HTTP/1.1\r\nhost: x\r\nauthorization: {TOKEN}\r\n\r\n".encode()
    async with connected(app.address) as (reader, writer), asyncio.timeout(PATIENCE):
        writer.write(first[:split])
        await writer.drain()
        writer.write(first[split:] + first.replace(b"host: x", b"host: x\r\nconnection: close"))
        assert statuses(await reader.read()) == [200, 200]


async def test_bytes_beyond_ascii_elsewhere(serve: Serve) -> None:
    """A method or a version that isn't ASCII is no HTTP."""
    app = await serve()
    for line in ("GÉT /healthz HTTP/1.1", "GET /healthz HTTP/1.é"):
        async with connected(app.address) as (reader, writer), asyncio.timeout(PATIENCE):
            writer.write(f"{line}\r\nhost: x\r\n\r\n".encode())
            assert statuses(await reader.read()) == [400]


async def test_http_1_0_is_told_nothing_beforehand(serve: Serve) -> None:
    """`100 Continue` isn't an answer of HTTP/1.0: its clients would take it for the only one (RFC 9110 section 10.1.1)."""
    app = await serve()
    body = b'{"query": "{ hello }"}'
    head = f"POST /graphql HTTP/1.0\r\nexpect: 100-continue\r\nauthorization: {TOKEN}\r\ncontent-type: application/json\r\n"
    async with connected(app.address) as (reader, writer), asyncio.timeout(PATIENCE):
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode())
        await writer.drain()
        writer.write(body)
        assert statuses(await reader.read()) == [200]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("patch /graphql HTTP/1.1\nHost: x\n\n", "Methods are written in capitals"),
        ("GET /a b HTTP/1.1\nHost: x\n\n", "Expected HTTP/"),
        ("GET / HTTP/1.1\nA b: c\n\n", "Invalid header token"),
    ],
)
async def test_what_is_no_http(serve: Serve, request_: str, said: str) -> None:
    """The refusal says what is wrong; JavaScript's `fetch` sends a method as its caller writes it."""
    status, _, body = await talk(await serve(), request_)
    assert status == 400
    assert said in body.decode()


def test_a_path_longer_than_any() -> None:
    """It is not decoded, which takes long, and nothing is found there."""
    assert decoded_path("/%41" * 1_000) == "/A" * 1_000
    assert decoded_path("/%41" * 10_000) == "/%41" * 10_000
