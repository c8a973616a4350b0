"""Places, deadlines, clients that leave, and budgets."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
import pytest
from limits.aio.storage import MemoryStorage

from gateway.edge.concurrency import ConcurrencyLimiter, LimitConcurrency
from gateway.edge.unsent_bytes import UnsentBytes
from rest_compat.errors import OperationTimeout, Unavailable
from tests.connecting import PATIENCE, beside, until
from tests.gateway.conftest import HEADERS, MakeApp, Serve, ask, calling
from tests.gateway.fake_graph import StandIn

SLOW = "{ slow(seconds: 1) }"


def request() -> dict[str, Any]:
    """A scope, as far as it is looked at here."""
    return {"state": {}, "path": "/x", "method": "GET"}


async def test_more_than_there_is_room_for(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many run, so many wait, the rest is 503 with Retry-After at once; health answers meanwhile."""
    # On a busy machine a turn of the event loop is over before the second of them has begun, and it waits in line, too.
    monkeypatch.setattr("gateway.edge.concurrency.TURN_SECONDS", 60)
    async with calling(make_app(max_in_flight=2, queue_size=2, queue_timeout=5)) as client:
        tasks = [asyncio.create_task(ask(client, "{ slow(seconds: 1) }")) for _ in range(7)]
        await until(lambda: sum(task.done() for task in tasks) == 3)
        assert (await client.get("/healthz")).status_code == 200
        responses = await asyncio.gather(*tasks)
    assert Counter(response.status_code for response in responses) == {200: 4, 503: 3}
    refused = next(response for response in responses if response.status_code == 503)
    assert (refused.headers["retry-after"], refused.json()["errors"][0]["extensions"]["code"]) == ("1", "UNAVAILABLE")


async def test_waiting_is_bounded(make_app: MakeApp) -> None:
    """Who waits for longer than the queue's time is refused."""
    async with calling(make_app(max_in_flight=1, queue_size=5, queue_timeout=0.05)) as client:
        first, second = await asyncio.gather(ask(client, SLOW), ask(client, SLOW))
    assert (first.status_code, second.status_code) == (200, 503)


async def test_no_place_is_lost() -> None:
    """Whether waiters are served, give up or are cancelled: in the end all places are free again."""
    places = ConcurrencyLimiter(2, 100, 0.05)

    async def work(seconds: float) -> None:
        try:
            await places.take()
        except Unavailable:
            return
        try:
            await asyncio.sleep(seconds)
        finally:
            places.give()

    tasks = [asyncio.create_task(work(0.001 * (number % 40))) for number in range(60)]
    await asyncio.sleep(0.01)
    for task in tasks[::3]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (places.free, places.line.length) == (2, 0)


async def test_callers_take_turns() -> None:
    """One with many requests in line delays only its own: another's is served after the first of them; of a full line it loses one."""
    places, served = ConcurrencyLimiter(1, 4, 5), list[str]()
    await places.take("a")

    async def work(owner: str) -> None:
        await places.take(owner)
        served.append(owner)
        places.give()

    waiting = [asyncio.create_task(work("a")) for _ in range(4)]
    await asyncio.sleep(0)
    other = asyncio.create_task(work("b"))
    await asyncio.sleep(0)
    places.give()
    ends = await asyncio.gather(*waiting, other, return_exceptions=True)
    assert served == ["a", "b", "a", "a"]
    assert [type(end) for end in ends] == [type(None)] * 3 + [Unavailable, type(None)]
    assert places.free == 1


async def test_work_that_lets_nobody_in_between() -> None:
    """Work that never waits, as SQLite's, stands in line too when much comes at once: others are heard between, the line is bounded."""
    places, served, refused, in_a_row = ConcurrencyLimiter(64, 20, 5), 0, 0, [0]

    async def work() -> None:
        nonlocal served, refused
        try:
            await places.take()
        except Unavailable:
            refused += 1
            return
        time.sleep(0.02)  # noqa: ASYNC251  what it does to the others is the question
        in_a_row[-1] += 1
        served += 1
        places.give()

    async def others() -> None:
        while True:
            await asyncio.sleep(0)
            in_a_row.append(0)

    async with beside(others()):
        await asyncio.gather(*(work() for _ in range(50)))
    assert (served, refused, places.free) == (21, 29, 64)
    assert sorted(in_a_row)[-3] <= 2


async def test_a_reader_that_stops_holds_no_place() -> None:
    """The place is for the work: an answer that isn't taken doesn't keep others from theirs."""
    stuck, places = asyncio.Event(), ConcurrencyLimiter(1, 0, 1)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start"})

    async def never(*_: Any) -> Any:
        stuck.set()
        await asyncio.sleep(60)

    answering = asyncio.create_task(LimitConcurrency(app, places, 0.5, UnsentBytes(0))(request(), never, never))  # type: ignore[arg-type]
    await stuck.wait()
    assert places.free == 1
    with pytest.raises(OperationTimeout):
        await answering
    assert places.free == 1


async def test_an_operation_that_takes_too_long(make_app: MakeApp) -> None:
    """504 after its time, its work cancelled, its place free."""
    app = make_app(operation_timeout=0.3)
    graph: Any = app.graph
    async with calling(app) as client:
        response = await ask(client, "{ slow(seconds: 9) }")
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (504, "TIMEOUT")
        assert (graph.running, graph.cancelled, app.limiter.free) == (0, 1, app.settings.max_in_flight)


async def test_a_client_that_leaves(serve: Serve) -> None:
    """The work of a client that has gone is cancelled."""
    app = await serve()
    graph: StandIn = app.graph
    async with (
        httpx.AsyncClient(base_url=f"http://{app.address}", headers=HEADERS, timeout=PATIENCE) as client,
        beside(client.post("/graphql", json={"query": f"{{ slow(seconds: {PATIENCE}) }}"})),
    ):
        await until(lambda: graph.running == 1)
    await until(lambda: graph.cancelled == 1)
    assert (graph.running, app.limiter.free) == (0, app.settings.max_in_flight)


async def test_a_server_that_repeats_itself() -> None:
    """Even a `receive` that never waits can't keep the deadline from coming."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def forever(*_: Any) -> None:
        await asyncio.sleep(60)

    async with asyncio.timeout(PATIENCE):
        with pytest.raises(OperationTimeout):
            await LimitConcurrency(forever, ConcurrencyLimiter(1, 0, 1), 0.3, UnsentBytes(0))(request(), receive, forever)  # type: ignore[arg-type]


async def test_rate_limit(make_app: MakeApp) -> None:
    """So many calls a token, then 429; every answer tells what is left and when (Unix time) there is more."""
    async with calling(make_app(rate_limit="3/minute")) as client:
        left = [(await ask(client, "{ hello }")).headers["x-ratelimit-remaining"] for _ in range(3)]
        refused = await ask(client, "{ hello }")
        assert left == ["2", "1", "0"]
        assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
        assert (refused.headers["x-ratelimit-limit"], refused.headers["x-ratelimit-remaining"]) == ("3", "0")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert 0 < int(refused.headers["x-ratelimit-reset"]) - time.time() <= 61
        assert (await client.get("/healthz")).status_code == 200


async def test_rate_limit_by_cost(make_app: MakeApp) -> None:
    """What costs much takes more of the budget: one unit for each 100."""
    app = make_app(rate_limit="10/minute", rate_limit_cost=100)
    graph: Any = app.graph
    async with calling(app) as client:
        graph.cost = 100
        assert (await ask(client, "{ hello }")).headers["x-ratelimit-remaining"] == "9"
        graph.cost = 301
        assert (await ask(client, "{ hello }")).headers["x-ratelimit-remaining"] == "5"
        graph.cost = 5000
        assert (await ask(client, "{ hello }")).headers["x-ratelimit-remaining"] == "0"
        assert (await ask(client, "{ hello }")).status_code == 429


async def test_the_cost_tells_what_is_left(make_app: MakeApp) -> None:
    """With a budget `extensions.cost` says what remains of it and until when, as the headers do; without one it doesn't."""
    app = make_app(rate_limit="10/minute", rate_limit_cost=100)
    graph: Any = app.graph
    graph.cost = 301
    async with calling(app) as client:
        answer = await ask(client, "{ hello }")
        cost = answer.json()["extensions"]["cost"]
        assert (cost["requested"], cost["maximum"], cost["remaining"]) == (301, 5_000, 6)
        assert answer.headers["x-ratelimit-remaining"] == "6"
        assert 0 <= (datetime.fromisoformat(cost["resetAt"]) - datetime.now(UTC)).total_seconds() + 1 <= 62
    async with calling(make_app()) as client:
        assert (await ask(client, "{ hello }")).json()["extensions"]["cost"] == {"requested": 1, "maximum": 5_000}


class _Elsewhere(MemoryStorage):
    """A storage outside of this process, that fails as it is told to."""

    STORAGE_SCHEME: ClassVar = ["async+elsewhere"]
    fail: ClassVar[Callable[[], Awaitable[Any]]]
    asked: ClassVar[list[float]]

    @property
    def base_exceptions(self) -> type[Exception]:
        return LookupError

    async def acquire_entry(self, *_: Any, **__: Any) -> Any:
        self.asked.append(time.monotonic())
        return await type(self).fail()


async def _silent() -> None:
    await asyncio.sleep(60)


async def _refusing() -> None:
    raise LookupError


@pytest.mark.parametrize("fail", [_silent, _refusing])
async def test_a_rate_limit_whose_storage_is_away(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, fail: Callable[[], Awaitable[None]]
) -> None:
    """Calls pass, uncounted, and only the first of them waits for the storage."""
    monkeypatch.setattr(_Elsewhere, "fail", staticmethod(fail), raising=False)
    monkeypatch.setattr(_Elsewhere, "asked", [], raising=False)
    monkeypatch.setattr("gateway.edge.rate_limit.PAUSE_SECONDS", PATIENCE)
    monkeypatch.setattr("gateway.edge.rate_limit.MemoryStorage", ())
    async with calling(make_app(rate_limit="1/minute", rate_limit_storage="async+elsewhere://")) as client:
        answers = [await ask(client, "{ hello }") for _ in range(6)]
    assert len(_Elsewhere.asked) == 1
    assert {answer.status_code for answer in answers} == {200}
    assert not [answer for answer in answers if "x-ratelimit-limit" in answer.headers]


async def test_no_rate_limit_unless_set(client: httpx.AsyncClient) -> None:
    """Off by default: no headers."""
    assert "x-ratelimit-limit" not in (await ask(client, "{ hello }")).headers
