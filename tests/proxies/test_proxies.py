"""Real clients behind real proxies: what nginx and HAProxy make of calls, answers, tags, streams and sockets."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from tests.connecting import PATIENCE
from tests.end_to_end.event_clients import EVENTS, Events, by_socket
from tests.end_to_end.fleet import Access, access, serving
from tests.proxies.proxies import PROXIES, missing, proxy

OPPORTUNITIES = "/api/opportunities/"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Place:
    """A gateway behind a proxy, or alone: where it is found, and a key to it."""

    address: str
    who: Access
    client: httpx.AsyncClient

    async def make(self, path: str, **given: Any) -> httpx.Response:
        made = await self.client.post(path, json=given)
        assert made.status_code == 201, made.text
        return made

    async def deal(self, **given: Any) -> httpx.Response:
        account = (await self.make("/api/accounts/", name="A")).json()["id"]
        return await self.make(OPPORTUNITIES, **{"name": "N", "accountId": account, "description": "d" * 2_000, **given})


@asynccontextmanager
async def _place(address: str, who: Access) -> AsyncIterator[Place]:
    async with httpx.AsyncClient(base_url=f"http://{address}", headers=who.headers, timeout=PATIENCE) as client:
        yield Place(address, who, client)


@dataclass(frozen=True)
class Server:
    """One gateway for all tests of this file, which believes its proxies."""

    address: str
    who: Access


@pytest.fixture(scope="module")
async def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    folder = tmp_path_factory.mktemp("proxies")
    shutil.copyfile(sqlite_template, folder / "gateway.db")
    url = f"sqlite:///{folder / 'gateway.db'}"
    who = await access(url)
    async with serving(url, folder, trusted_proxies="127.0.0.1") as (gateway,):
        yield Server(gateway.address, who)


@pytest.fixture(params=PROXIES)
async def place(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> AsyncIterator[Place]:
    """The gateway behind each of the proxies that this machine has."""
    if program := missing(request.param):
        pytest.skip(f"{program} is not installed")
    with proxy(request.param, tmp_path, server.address) as address:
        async with _place(address, server.who) as found:
            yield found


@pytest.fixture
async def alone(server: Server) -> AsyncIterator[Place]:
    """The gateway as clients reach it without a proxy."""
    async with _place(server.address, server.who) as found:
        yield found


async def test_calls(place: Place) -> None:
    """Tags that a proxy changed work, links lead back through it, answers are compressed once, and a QUERY is let through."""
    made = await place.deal()
    assert made.headers["location"].startswith(f"http://{place.address}{OPPORTUNITIES}")
    path = f"{OPPORTUNITIES}{made.json()['id']}/"
    await _check_tags(place, path)
    await place.deal()
    page = (await place.client.get(OPPORTUNITIES, params={"limit": 1})).json()
    assert page["next"].startswith(f"http://{place.address}{OPPORTUNITIES}?")
    assert (await place.client.get(page["next"])).json()["results"]
    assert (await place.client.get("/api/openapi.json")).json()["servers"] == [{"url": "/crm"}]
    asked = await place.client.request("QUERY", "/graphql", json={"query": "{ opportunities { totalCount } }"})
    assert asked.json()["data"]["opportunities"]["totalCount"] >= 2


async def _check_tags(place: Place, path: str) -> None:
    """What was read, compressed by whoever did that, can be changed and read again by the tag that came with it."""
    for name in ("M", "O"):
        read = await place.client.get(path, headers={"accept-encoding": "gzip"})
        assert (read.headers["content-encoding"], read.json()["description"]) == ("gzip", "d" * 2_000)
        tag = read.headers["etag"]
        assert (await place.client.get(path, headers={"if-none-match": tag})).status_code == 304
        changed = await place.client.patch(path, json={"name": name}, headers={"if-match": tag})
        assert (changed.status_code, changed.json()["name"]) == (200, name)
        assert (await place.client.patch(path, json={"name": "late"}, headers={"if-match": tag})).status_code == 412


async def by_stream(address: str, token: str) -> Events:
    """The events of a subscription over SSE, by a client that takes gzip, as browsers do."""
    headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream", "accept-encoding": "gzip"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=PATIENCE) as client,
        client.stream("POST", f"http://{address}/graphql", json={"query": EVENTS}) as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))["data"]["opportunityChanged"]


@pytest.mark.parametrize("follow", [by_socket, by_stream])
async def test_events(place: Place, request: pytest.FixtureRequest, follow: Callable[[str, str], Events]) -> None:
    """They come through when they happen, one by one."""
    if follow is by_socket and "1.0" in request.node.name:
        with pytest.raises(websockets.exceptions.InvalidStatus):
            await anext(follow(place.address, place.who.token))
        return
    made = await place.deal()
    path = f"{OPPORTUNITIES}{made.json()['id']}/"
    async with asyncio.timeout(PATIENCE), aclosing(follow(place.address, place.who.token)) as events:
        coming = asyncio.ensure_future(anext(events))
        # It can't be seen when the subscription has begun.
        for number in range(1_000):
            await place.client.patch(path, json={"name": f"first {number}"})
            if (await asyncio.wait([coming], timeout=0.3))[0]:
                break
        assert (await coming)["opportunityId"] == made.json()["id"]
        deal = await place.deal()
        while (await anext(events))["opportunityId"] != deal.json()["id"]:
            pass


async def test_curl_that_would_rather_speak_http_2(alone: Place, tmp_path: Path) -> None:
    """It wishes for `h2c` with its POST, and gets its answer by HTTP/1.1."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = ["curl", "-sS", "--http2", "--compressed", "-w", "\n%{http_code}", f"http://{alone.address}/api/accounts/"]
    command += ["-H", alone.who.headers["authorization"].join(["Authorization: ", ""]), "--json", '{"name": "by curl"}']
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    body, _, status = done.stdout.rpartition("\n")
    assert (status, json.loads(body)["name"]) == ("201", "by curl"), done.stderr


async def test_the_http_client_of_java(alone: Place, tmp_path: Path) -> None:
    """So does every stock Java program, whose body isn't lost."""
    if shutil.which("javac") is None:
        pytest.skip("no JDK is installed")
    command = ["java", "-XX:TieredStopAtLevel=1", str(HERE / "Post.java"), f"http://{alone.address}/api/accounts/"]
    command += [alone.who.headers["authorization"], '{"name": "by Java"}']
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout.startswith("201 "), done.stdout + done.stderr
    assert json.loads(done.stdout[4:])["name"] == "by Java"
