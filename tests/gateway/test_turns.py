"""Work of milliseconds that anyone may cause takes turns, so that however many cause it, others are heard in between."""

import asyncio
import gzip
import json

import pytest

from gateway.edge.turns import Turns
from tests.connecting import connected, until
from tests.gateway.conftest import HEADERS, MakeApp, Serve, calling
from tests.gateway.test_events import STREAM
from tests.gateway.test_frames import raw, text
from tests.gateway.test_pipelines import statuses, talk

QUERY = json.dumps({"query": "{ hello }"}).encode()


class CountedTurns(Turns):
    """Counts who comes."""

    def __init__(self) -> None:
        super().__init__()
        self.came = 0

    async def come(self) -> None:
        self.came += 1
        await super().come()


async def test_one_in_each_turn_of_the_event_loop() -> None:
    """Between any two of those who came at the same time others have had theirs."""
    turns, told = Turns(), list[str]()

    async def work() -> None:
        await turns.come()
        told.append("work")

    async def other() -> None:
        while told.count("work") < 5:
            told.append("other")
            await asyncio.sleep(0)

    await asyncio.gather(other(), *(work() for _ in range(5)))
    assert "workwork" not in "".join(told)


@pytest.mark.parametrize(
    ("body", "more", "turns"),
    [(QUERY, {}, 0), (gzip.compress(QUERY), {"content-encoding": "gzip"}, 1)],
    ids=["plain", "packed"],
)
async def test_a_body_is_unpacked_in_its_turn(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, body: bytes, more: dict[str, str], turns: int
) -> None:
    """A kilobyte may become a megabyte."""
    monkeypatch.setattr("gateway.app.Turns", CountedTurns)
    app = make_app()
    async with calling(app) as client:
        answer = await client.post("/graphql", content=body, headers={"content-type": "application/json", **more})
    assert (answer.status_code, app.turns.came) == (200, turns)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("size", "turns"), [(10, 0), (60_000, 1)])
async def test_a_large_message_is_read_in_its_turn(serve: Serve, monkeypatch: pytest.MonkeyPatch, size: int, turns: int) -> None:
    """Anyone may send it, before `connection_init`, too."""
    monkeypatch.setattr("gateway.app.Turns", CountedTurns)
    app = await serve()
    async with raw(app) as client:
        client.writer.write(text({"type": "ping", "payload": {"x": "x" * size}}))
        await client.count(1, 1)
    assert app.turns.came == turns


@pytest.mark.parametrize(("path", "more"), [("/graphql?query=%7Bhello%7D", STREAM), ("/graphql/schema.graphql", HEADERS)])
async def test_a_place_for_each(serve: Serve, path: str, more: dict[str, str]) -> None:
    """What a stream asks for is read, and the schema told, in a place among the requests: where there is none, 503."""
    app = await serve(queue_timeout=0.05)
    app.limiter.free = 0
    lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
    assert statuses(await talk(app, f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{lines}\r\n".encode())) == [503]


async def test_messages_count_until_they_are_handled(serve: Serve) -> None:
    """All that a socket has sent and nobody has handled is bounded over all: who sends it beyond that is told to come again."""
    app = await serve()
    app.bodies.limit = 100_000
    async with raw(app) as client:
        client.writer.write(text({"type": "ping", "payload": {"x": "x" * 60_000}}) * 4)
        assert await client.closed() == (1013, "Too many large messages at once")
    async with connected(app.address):
        assert app.bodies.bytes == 0


async def test_what_is_handled_counts_no_more(serve: Serve) -> None:
    """In bytes and not in characters: a socket that sends long texts of other letters is not told to come again."""
    app = await serve()
    async with raw(app) as client:
        for _ in range(20):
            client.writer.write(text({"type": "ping", "payload": {"x": "\N{LATIN SMALL LETTER SHARP S}" * 5_000}}))
            await client.count(1, 1)
        (connection,) = app.connections._open
        await until(lambda: connection.unhandled == 0)
        assert app.bodies.bytes == 0
