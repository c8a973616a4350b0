"""What anyone may ask for without a token is made once for many: nobody takes the processor by asking for it over and over."""

import asyncio

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from gateway.edge import compression
from gateway.edge.compression import Coder, compressed
from gateway.edge.metrics_page import MetricsPage
from gateway.observability.metrics import Metrics
from gateway.rest.adapter import document_page
from tests.gateway.conftest import MakeApp, calling


async def test_metrics_are_made_once_for_all_who_wait(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty who ask at the same time get the same figures."""
    made, text = [], Metrics.text

    def counted(metrics: Metrics) -> bytes:
        made.append(metrics)
        return text(metrics)

    monkeypatch.setattr(Metrics, "text", counted)
    async with calling(make_app()) as client:
        answers = await asyncio.gather(*(client.get("/metrics") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(made) < 5


async def test_metrics_are_never_older_than_the_question() -> None:
    """Who asks when the last figures are made gets new ones, and so does who asks after an error."""
    made: list[bytes] = []

    def make() -> bytes:
        made.append(b"%d" % len(made))
        if len(made) == 2:
            raise ValueError("no figures")
        return made[-1]

    page = MetricsPage(make)
    transport = httpx.ASGITransport(page)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        assert (await client.get("/")).text == "0"
        with pytest.raises(ValueError, match="no figures"):
            await client.get("/")
        assert (await client.get("/")).text == "2"


async def test_documents_are_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that all get alike is compressed for the first of them."""
    made: list[str] = []
    gzip = compression.CODERS["gzip"]

    def coder() -> Coder:
        made.append("gzip")
        return gzip()

    monkeypatch.setitem(compression.CODERS, "gzip", coder)
    document = {"servers": [{"url": "/"}], "info": {"description": "long" * 1000}}
    page = document_page(document)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = {"headers": {b"accept-encoding": b"gzip"}}
        await compressed(page, scope)(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answers = [await client.get("/") for _ in range(10)]
    assert [answer.json() for answer in answers] == [document] * 10
    assert {answer.headers["content-encoding"] for answer in answers} == {"gzip"}
    assert made == ["gzip"]
