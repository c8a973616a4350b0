"""graphql-sse, distinct connections mode, on a real port."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from gateway.app import Application
from gateway.auth import AuthError
from gateway.live.events import Stream
from tests.connecting import PATIENCE, connected, until
from tests.gateway.conftest import CALLER, HEADERS, TOKEN, Serve

STREAM = {**HEADERS, "accept": "text/event-stream"}


@asynccontextmanager
async def streaming(app: Any, query: str, **members: Any) -> AsyncIterator[httpx.Response]:
    async with (
        httpx.AsyncClient(base_url=f"http://{app.address}", headers=STREAM, timeout=PATIENCE) as client,
        client.stream("POST", "/graphql", json={"query": query, **members}) as response,
    ):
        yield response


async def body(app: Any, query: str, **members: Any) -> str:
    async with streaming(app, query, **members) as response:
        assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        return (await response.aread()).decode()


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream, comments left out."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
    return [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: ")) if data != "data:" else None) for kind, data in blocks]


async def test_a_subscription(serve: Serve) -> None:
    """`next` for each answer and `complete`; lines end with LF alone, which urql needs; a comment first: connected."""
    text = await body(await serve(), "subscription { count(to: 2) }")
    assert text.startswith(":\n\n")
    assert "\r" not in text
    assert events(text) == [("next", {"data": {"count": number}, "extensions": {}}) for number in range(2)] + [("complete", None)]


async def test_a_query(serve: Serve) -> None:
    """Queries and mutations are answered by one event."""
    app = await serve()
    assert events(await body(app, "{ hello }"))[0][1]["data"] == {"hello": "hello you"}
    assert events(await body(app, "mutation { set(x: 3) }"))[0][1]["data"] == {"set": 3}


async def test_get(serve: Serve) -> None:
    """By GET too, which EventSource uses; but no mutations."""
    app = await serve()
    async with httpx.AsyncClient(base_url=f"http://{app.address}", headers=STREAM) as client:
        response = await client.get("/graphql", params={"query": "subscription { count(to: 1) }"})
        assert [kind for kind, _ in events(response.text)] == ["next", "complete"]
        assert (await client.get("/graphql", params={"query": "mutation { set(x: 3) }"})).status_code == 405


@pytest.mark.parametrize("accept", ["text/event-stream, application/json", "application/graphql-response+json, text/event-stream", "*/*"])
async def test_json_when_json_will_do(serve: Serve, accept: str) -> None:
    """A client that also takes JSON gets JSON for its queries."""
    app = await serve()
    async with httpx.AsyncClient(base_url=f"http://{app.address}", headers={**HEADERS, "accept": accept}) as client:
        response = await client.post("/graphql", json={"query": "{ hello }"})
        assert "json" in response.headers["content-type"]


async def test_refused_before_it_began(serve: Serve) -> None:
    """No token, a malformed or an invalid request: a status and JSON, as without a stream."""
    app = await serve()
    async with httpx.AsyncClient(base_url=f"http://{app.address}", headers=STREAM) as client:
        for content, status in ((b"{", 400), (b'{"query":"{ nothing }"}', 400)):
            response = await client.post("/graphql", content=content, headers={"content-type": "application/json"})
            assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (status, "BAD_REQUEST")
        assert (await client.post("/graphql", json={"query": "{ hello }"}, headers={"authorization": ""})).status_code == 401


async def test_refusals_have_the_headers_of_refusals(serve: Serve) -> None:
    """A document that is unknown or invalid is refused as without a stream: no cache keeps a 404 that is 200 once the text was sent."""
    app = await serve()
    async with httpx.AsyncClient(base_url=f"http://{app.address}", headers=STREAM) as client:
        for params, status in (({"documentId": "0"}, 404), ({"query": "{ nothing }"}, 400)):
            stream = await client.get("/graphql", params=params)
            plain = await client.get("/graphql", params=params, headers={"accept": "application/graphql-response+json"})
            assert (stream.status_code, stream.content) == (plain.status_code, plain.content) == (status, plain.content)
            told = [[answer.headers.get(name) for name in ("content-type", "cache-control", "vary")] for answer in (stream, plain)]
            assert told[0] == told[1]


async def test_head_is_answered_as_get_without_a_body(serve: Serve) -> None:
    """HEAD has the status and the headers that GET would have, and runs nothing (RFC 9110 section 9.3.2)."""
    app = await serve()
    cases = {"{ hello }": 200, "subscription { count(to: 1) }": 200, "{ nothing }": 400, "mutation { set(x: 3) }": 405}
    async with httpx.AsyncClient(base_url=f"http://{app.address}", headers={**STREAM, "accept-encoding": "identity"}) as client:
        for query, status in cases.items():
            got, head = [await client.request(method, "/graphql", params={"query": query}) for method in ("GET", "HEAD")]
            assert (head.status_code, got.status_code, head.content) == (status, status, b"")
            for name in ("content-type", "cache-control", "vary"):
                assert head.headers.get(name) == got.headers.get(name)


async def test_a_defect(serve: Serve) -> None:
    """Told in an event, without its text."""
    text = await body(await serve(), "{ boom }")
    assert [kind for kind, _ in events(text)] == ["next", "complete"]
    assert events(text)[0][1]["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert "secret" not in text


async def test_heartbeat(serve: Serve) -> None:
    """Comments, while there is nothing to say."""
    text = await body(await serve(heartbeat=0.05), "subscription { count(to: 1, delay: 1) }")
    assert text.count(":\n\n") >= 3


async def gone(app: Application) -> None:
    """Until no stream is open."""
    await until(lambda: not app.metrics.streams._value.get())


async def test_a_client_that_leaves(serve: Serve) -> None:
    """Its stream ends, and what it runs."""
    app = await serve()
    async with streaming(app, "{ slow(seconds: 60) }"):
        await until(lambda: app.graph.running == 1)
    await gone(app)
    assert (app.graph.cancelled, app.limiter.free) == (1, app.settings.max_in_flight)


async def test_a_token_that_is_revoked(serve: Serve) -> None:
    """The stream says so and completes."""
    app = await serve()
    async with streaming(app, "subscription { count(to: 1, delay: 9) }") as response:
        app.authenticator.forget(CALLER.token_id)
        text = (await response.aread()).decode()
    assert [kind for kind, _ in events(text)] == ["next", "complete"]
    assert events(text)[0][1]["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_what_was_handed_over_before_a_revocation(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is all that a client can still read: what waits for its turn isn't told once the token is doubted, however soon it reads on."""
    app = await serve(slow_reader_timeout=PATIENCE, websocket_queue=5)
    known = asyncio.Event()
    handed: list[bytes] = []
    send = Stream._send

    async def note(stream: Stream, message: bytes) -> None:
        handed.append(message)
        await send(stream, message)

    async def look_up(_authorization: str) -> Any:
        await known.wait()
        raise AuthError("The API key was revoked.")

    monkeypatch.setattr(Stream, "_send", note)
    async with connected(app.address) as (reader, writer):
        writer.transport.pause_reading()
        lines = ["GET /graphql?query=subscription%7Bwide(to:5000)%7D HTTP/1.0", "Accept: text/event-stream", f"Authorization: {TOKEN}"]
        writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        await until(lambda: any(one.slow_since() is not None for one in app.unsent.readers))
        before = b"".join(handed)
        monkeypatch.setattr(app.authenticator, "authenticate", look_up)
        app.authenticator.forget(CALLER.token_id)
        writer.transport.resume_reading()
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(len(before)) == before
        known.set()
        after = events((await reader.read()).decode())
    assert [kind for kind, _ in after] == ["next", "complete"]
    assert after[0][1]["errors"][0]["message"] == "The API key was revoked."


async def test_closing(serve: Serve) -> None:
    """When the process stops, streams are completed."""
    app = await serve()
    async with streaming(app, "subscription { count(to: 1, delay: 9) }") as response:
        app.closing.set()
        assert events((await response.aread()).decode()) == [("complete", None)]


async def test_a_reader_that_stops(serve: Serve) -> None:
    """Is dropped; nothing of it stays."""
    app = await serve(slow_reader_timeout=0.2, websocket_queue=5)
    async with streaming(app, "subscription { wide(to: 5000) }"):
        await gone(app)
