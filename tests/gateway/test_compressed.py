"""Answers that are compressed, and requests that are."""

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import brotli
import httpx
import pytest
import zstandard

from gateway.edge import compression
from gateway.edge.compression import codings
from gateway.edge.decompression import MOST_MEMBERS
from tests.connecting import PATIENCE, connected
from tests.gateway.conftest import HEADERS, TOKEN, MakeApp, Serve, calling
from tests.gateway.test_events import STREAM, events
from tests.gateway.test_large_answers import NAME, WIDE
from tests.rest_compat.real import OPPORTUNITIES, gateway

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
LONG = {"query": "query($n: String!) { hello(name: $n) }", "variables": {"n": "x" * 5_000}}
TAKES = {
    "gzip": "gzip",
    "GZIP;q=0.5": "gzip",
    "x-gzip": "gzip",
    "*": "br",
    "*;q=0, gzip": "gzip",
    "deflate, gzip": "gzip",
    "gzip, br": "br",
    "gzip;q=1.0, br;q=0.5, zstd;q=0.1": "gzip",
    "gzip, identity;q=0.5, *;q=0.1": "gzip",
    "identity, gzip;q=0.5": None,
    "identity;q=0, gzip;q=0.1": "gzip",
    "br;q=0, gzip;q=1.0": "gzip",
    "gzip, deflate, br, zstd": "br",
    "gzip, deflate, br;q=0.9, zstd": "zstd",
    "": None,
    "identity": None,
    "gzip;q=0": None,
    "gzip;q=x": None,
    "deflate": None,
    "gzipped": None,
}


@pytest.fixture(params=[True, False], ids=["extra", "plain"])
def extra(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With the extra `[compress]`, and without it."""
    if not request.param:
        monkeypatch.setattr(compression, "CODERS", {"gzip": compression.CODERS["gzip"]})
        monkeypatch.setattr(compression, "codings", codings.__wrapped__)
    return bool(request.param)


async def raw(client: httpx.AsyncClient, path: str, accept: str, method: str = "POST", **options: Any) -> tuple[httpx.Response, bytes]:
    """An answer, and its body as it was sent."""
    async with client.stream(method, path, headers={"accept-encoding": accept}, **options) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize("accept", TAKES)
async def test_what_a_client_takes(make_app: MakeApp, accept: str, *, extra: bool) -> None:
    """The best coding that client and process have; the answer is the same, and its length that of what is sent."""
    coding = TAKES[accept] if extra else {"br": "gzip", "zstd": "gzip"}.get(str(TAKES[accept]), TAKES[accept])
    async with calling(make_app()) as client:
        answer, body = await raw(client, "/graphql", accept, json=LONG)
        assert answer.headers.get("content-encoding") == coding
        assert int(answer.headers["content-length"]) == len(body)
        if coding is None:
            assert json.loads(body)["data"] == {"hello": "hello " + "x" * 5_000}
            return
        assert ("Accept-Encoding" in answer.headers["vary"], len(body) < 500) == (True, True)
        assert json.loads(UNPACK[coding](body))["data"] == {"hello": "hello " + "x" * 5_000}


async def test_the_smallest_are_not(make_app: MakeApp) -> None:
    """Nor is anything for who doesn't ask, or where it is switched off."""
    async with calling(make_app()) as client:
        for path in ("/healthz", "/graphql?query={hello}"):
            assert "content-encoding" not in (await raw(client, path, "gzip, br", "GET"))[0].headers
        del client.headers["accept-encoding"]
        assert "content-encoding" not in (await client.post("/graphql", json=LONG)).headers
    async with calling(make_app(compression=False)) as client:
        assert "content-encoding" not in (await raw(client, "/graphql", "gzip", json=LONG))[0].headers


@pytest.mark.parametrize("accept", ["gzip, br, zstd", "gzip", "identity"])
async def test_head_says_what_get_says(sqlite_url: str, accept: str) -> None:
    """HEAD has the headers of GET; a length that GET would not have is none of them (RFC 9110 section 8.6)."""
    async with gateway(sqlite_url) as here:
        account = (await here.make("/api/accounts/", name="A"))["id"]
        made = [await here.make(OPPORTUNITIES, name="N", accountId=account, description="d" * length) for length in (1, 3_000)]
        paths = [f"{OPPORTUNITIES}{deal['id']}/" for deal in made]
        fresh = {"if-none-match": (await here.client.get(paths[0])).headers["etag"]}
        for path, more in [*((path, {}) for path in paths), ("/api/openapi.json", {}), (paths[0], fresh)]:
            told = []
            for method in ("GET", "HEAD"):
                answer = await here.client.request(method, path, headers={"accept-encoding": accept, **more})
                told.append({name: value for name, value in answer.headers.items() if name not in {"date", "x-request-id"}})
            get, head = told
            if "content-encoding" in get:
                del get["content-length"]
            assert head == get


def test_of_a_long_list_the_beginning_counts() -> None:
    """Nobody takes the processor by a list of thirty thousand codings."""
    assert codings(b"gzip, " + b"a," * 30_000) == {"gzip": compression.CODERS["gzip"]}
    assert not codings(b"a," * 30_000 + b"gzip")


@pytest.mark.parametrize("coding", UNPACK)
async def test_large_answers(serve: Serve, coding: str) -> None:
    """What is written in portions is, too, as one body."""
    app = await serve()
    async with httpx.AsyncClient(base_url=f"http://{app.address}", headers=HEADERS, timeout=PATIENCE) as client:
        answer, body = await raw(client, "/graphql", coding, json={"query": WIDE, "variables": {"n": NAME}})
    assert (answer.headers["content-encoding"], "content-length" in answer.headers) == (coding, False)
    assert json.loads(UNPACK[coding](body))["data"]["k9"] == "hello " + NAME
    assert len(body) < 1_000_000
    assert app.unsent.bytes == 0


async def test_tags_and_pages(sqlite_url: str) -> None:
    """A tag is strong, without a suffix and the same for each coding, also where nothing is sent for it."""
    async with gateway(sqlite_url) as here:
        account = (await here.make("/api/accounts/", name="A"))["id"]
        made = await here.make(OPPORTUNITIES, name="N", accountId=account, description="d" * 3_000)
        path = f"{OPPORTUNITIES}{made['id']}/"
        tags = set()
        for coding in ("identity", "gzip", "br", "zstd"):
            answer, body = await raw(here.client, path, coding, "GET")
            tags.add(answer.headers["etag"])
            assert UNPACK.get(coding, bytes)(body) == (await here.client.get(path, headers={"accept-encoding": "identity"})).content
        (tag,) = tags
        assert tag.startswith('"1-')
        fresh = await here.client.get(path, headers={"if-none-match": tag, "accept-encoding": "gzip"})
        assert (fresh.status_code, fresh.content) == (304, b"")
        assert "Accept-Encoding" in ", ".join(fresh.headers.get_list("vary"))
        changed = await here.client.patch(path, json={"name": "M"}, headers={"if-match": tag})
        assert changed.status_code == 200


@pytest.mark.parametrize("accept", ["gzip", "gzip, deflate, br, zstd"])
async def test_a_stream_is_flushed(serve: Serve, accept: str) -> None:
    """Each event can be read when it comes, before there is another."""
    app = await serve()
    happens = asyncio.Event()

    async def count(_source: Any, _info: Any, **_arguments: Any) -> AsyncIterator[dict[str, int]]:
        for number in range(3):
            await happens.wait()
            happens.clear()
            yield {"count": number}

    app.graph.graphql_schema.subscription_type.fields["count"].subscribe = count
    unpack = zlib.decompressobj(31)
    text = ""
    async with (
        httpx.AsyncClient(base_url=f"http://{app.address}", headers={**STREAM, "accept-encoding": accept}, timeout=PATIENCE) as client,
        client.stream("POST", "/graphql", json={"query": "subscription { count(to: 3) }"}) as answer,
    ):
        assert answer.headers["content-encoding"] == "gzip"
        heard = 0
        async for part in answer.aiter_raw():
            text += unpack.decompress(part).decode()
            if len(events(text)) == heard:
                heard += 1
                happens.set()
    assert [kind for kind, _ in events(text)] == ["next", "next", "next", "complete"]


@pytest.mark.parametrize("coding", ["br", "zstd"])
async def test_a_stream_whose_client_takes_no_gzip(serve: Serve, coding: str) -> None:
    """It isn't compressed: the other coders take five times the memory, for as long as a stream is open."""
    app = await serve()
    async with httpx.AsyncClient(base_url=f"http://{app.address}", headers=STREAM) as client:
        answer, body = await raw(client, "/graphql", coding, json={"query": "subscription { count(to: 2) }"})
        assert ("content-encoding" in answer.headers, len(events(body.decode()))) == (False, 3)


async def test_no_compression_for_http_1_0(serve: Serve) -> None:
    """It has no chunks, and an answer without a length would end with its connection."""
    app = await serve()
    async with connected(app.address) as (reader, writer):
        body = json.dumps(LONG)
        head = f"POST /graphql HTTP/1.0\r\nAuthorization: {TOKEN}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert b"content-encoding" not in await reader.read()


def test_weights() -> None:
    """The named coding counts before `*`; what is no weight excludes."""
    assert [*codings(b"gzip;q=0, *;q=0.1")] == ["zstd", "br"]
    assert [*codings(b"GZip ; Q=0.001")] == ["gzip"]
    assert [*codings(b",, ;q=1")] == []


BODY = json.dumps({"query": "{ hello }"}).encode()
PACKED = gzip.compress(BODY)
REFUSED = {
    "none": (BODY, "gzip", 400),
    "cut": (PACKED[:-4], "gzip", 400),
    "behind": (PACKED + b"x", "gzip", 400),
    "zlib": (zlib.compress(BODY), "gzip", 400),
    "members": (gzip.compress(b"") * (MOST_MEMBERS + 1), "gzip", 400),
    "empty": (b"", "gzip", 400),
    "deflate": (zlib.compress(BODY), "deflate", 415),
    "twice": (gzip.compress(PACKED), "gzip, gzip", 415),
    "br": (brotli.compress(BODY), "br", 415),
    "bomb": (gzip.compress(b" " * 100_000_000, 9), "gzip", 413),
    "in members": (gzip.compress(b" " * 600_000) * 2, "gzip", 413),
}


@pytest.mark.parametrize("coding", ["", "identity", "Identity", "identity, identity", "gzip", "GZIP", "x-gzip", "gzip, identity"])
async def test_bodies(make_app: MakeApp, coding: str) -> None:
    """As they are, or packed once by gzip, also in several members."""
    body = PACKED if "gzip" in coding.lower() else BODY
    half = gzip.compress(BODY[:5]) + gzip.compress(BODY[5:])
    async with calling(make_app()) as client:
        for content in (body, half if body is PACKED else body):
            answer = await client.post(
                "/graphql", content=content, headers={"content-type": "application/json", "content-encoding": coding}
            )
            assert answer.json()["data"] == {"hello": "hello you"}


@pytest.mark.parametrize("name", REFUSED)
async def test_bodies_that_are_refused(make_app: MakeApp, name: str) -> None:
    """What is no gzip is 400, another coding 415 with what is taken, and the limit is that of what was unpacked."""
    content, coding, status = REFUSED[name]
    before = sys.getsizeof(content)
    async with calling(make_app()) as client:
        answer = await client.post("/graphql", content=content, headers={"content-type": "application/json", "content-encoding": coding})
    assert before < 200_000
    assert (answer.status_code, answer.headers.get("accept-encoding")) == (status, "gzip, identity" if status == 415 else None)


async def test_a_body_of_rest(sqlite_url: str) -> None:
    """The other door takes them too, and a key knows a retry that is packed."""
    async with gateway(sqlite_url) as here:
        for packed in (True, False):
            body = b'{"name": "A"}'
            sent = {"content-type": "application/json", "idempotency-key": "k"} | ({"content-encoding": "gzip"} if packed else {})
            made = await here.client.post("/api/accounts/", content=gzip.compress(body) if packed else body, headers=sent)
            assert (made.status_code, made.headers.get("idempotency-replayed")) == (201, None if packed else "true")
