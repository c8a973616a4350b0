"""deploy/nginx.conf and deploy/haproxy.cfg themselves, with only addresses replaced, before two live gateways."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import ssl
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.connecting import PATIENCE, free_port
from tests.deploy.tools import DEPLOY, need, run, running, substituted
from tests.end_to_end.event_clients import EVENTS
from tests.end_to_end.fleet import Access, Gateway, access, reap, start

OPPORTUNITIES = "/api/opportunities/"
#: As in deploy/: the proxy compresses and is believed; a stopping gateway answers on for so long that HAProxy has asked it meanwhile.
SETTINGS = {"trusted_proxies": "127.0.0.0/8", "compression": "false", "shutdown_delay": "3.5"}
Event: TypeAlias = dict[str, Any]


@dataclass
class Pair:
    """Two gateways on one database, and a key to it."""

    url: str
    folder: Path
    who: Access
    certificate: Path
    gateways: list[Gateway]

    async def restart(self, number: int) -> None:
        """One of them, as a rolling restart does it: it stops in order, and another one takes its place."""
        old = self.gateways[number]
        assert await old.end() in {0, -signal.SIGTERM}
        self.gateways[number] = start(self.url, self.folder, int(old.address.rpartition(":")[2]), **SETTINGS)
        await self.gateways[number].ready()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the certificate that deploy/secrets.sh makes."""
    need("openssl")
    folder = tmp_path_factory.mktemp("tls")
    shutil.copy(DEPLOY / "secrets.sh", folder)
    assert run("sh", folder / "secrets.sh", "localhost").returncode == 0
    made = folder / "secrets"
    (made / "tls.pem").write_bytes((made / "tls.crt").read_bytes() + (made / "tls.key").read_bytes())
    return made


@pytest.fixture(scope="module")
async def pair(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, certificate: Path) -> AsyncIterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    shutil.copyfile(sqlite_template, folder / "gateway.db")
    url = f"sqlite:///{folder / 'gateway.db'}"
    who = await access(url)
    found = Pair(url, folder, who, certificate, [])
    with ExitStack() as stack:
        stack.callback(lambda: [reap(gateway) for gateway in found.gateways])
        found.gateways += [start(url, folder, **SETTINGS) for _ in range(2)]
        await asyncio.gather(*(gateway.ready() for gateway in found.gateways))
        yield found


@dataclass(frozen=True)
class Place:
    """The gateways behind a proxy."""

    port: int
    plain: int
    who: Access
    tls: ssl.SSLContext

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @asynccontextmanager
    async def client(self, prefix: str = "") -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self.url + prefix, headers=self.who.headers, verify=self.tls, timeout=PATIENCE) as client:
            yield client

    async def deal(self, client: httpx.AsyncClient, **headers: str) -> httpx.Response:
        account = await client.post("/api/accounts/", json={"name": "A"})
        given = {"name": "N", "accountId": account.json()["id"], "description": "d" * 2_000}
        made = await client.post(OPPORTUNITIES, json=given, headers=headers)
        assert made.status_code == 201, made.text
        return made


def _nginx(pair: Pair, folder: Path, port: int, plain: int) -> list[str | Path]:
    text = substituted(
        "nginx.conf",
        **{
            "listen 443": f"listen 127.0.0.1:{port}",
            "listen 80": f"listen 127.0.0.1:{plain}",
            "/tmp/": f"{folder}/",
            "/etc/nginx/": f"{pair.certificate}/",
            "/dev/stderr": "stderr",
            "gateway-1:8000": pair.gateways[0].address,
            "gateway-2:8000": pair.gateways[1].address,
        },
    )
    (folder / "nginx.conf").write_text(text)
    # A pool of workers would hold what they share for longer than the test.
    return [need("nginx"), "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf", "-g", "daemon off; master_process off;"]


def _haproxy(pair: Pair, folder: Path, port: int, plain: int) -> list[str | Path]:
    text = substituted(
        "haproxy.cfg",
        **{
            "bind :443": f"bind 127.0.0.1:{port}",
            "bind :80": f"bind 127.0.0.1:{plain}",
            "/etc/haproxy/": f"{pair.certificate}/",
            " gateway-1:8000": f" {pair.gateways[0].address}",
            " gateway-2:8000": f" {pair.gateways[1].address}",
        },
    )
    (folder / "haproxy.cfg").write_text(text)
    return [need("haproxy"), "-db", "-f", folder / "haproxy.cfg"]


PROXIES: dict[str, Callable[..., list[str | Path]]] = {"nginx": _nginx, "haproxy": _haproxy}


@contextmanager
def proxy(name: str, pair: Pair, folder: Path) -> Iterator[Place]:
    """A proxy before the pair."""
    port, plain = free_port(), free_port()
    tls = ssl.create_default_context(cafile=pair.certificate / "tls.crt")
    command = PROXIES[name](pair, folder, port, plain)
    with running(command, folder, lambda: _answers(port), env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}):
        yield Place(port, plain, pair.who, tls)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(params=PROXIES)
def place(request: pytest.FixtureRequest, pair: Pair, tmp_path: Path) -> Iterator[Place]:
    need(request.param)
    with proxy(request.param, pair, tmp_path) as found:
        yield found


async def test_https_only(place: Place) -> None:
    """Who comes by HTTP is led to HTTPS, method and path kept."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{place.plain}/graphql?a=1", headers={"host": "crm.example.com"})
    assert (answer.status_code, answer.headers["location"]) == (308, "https://crm.example.com/graphql?a=1")


@pytest.mark.parametrize("prefix", ["", "/crm"])
async def test_calls(place: Place, prefix: str) -> None:
    """Answers are compressed, their tags work, and links lead back through the proxy, also below the prefix."""
    async with place.client(prefix) as client:
        made = await place.deal(client)
        assert made.headers["location"].startswith(f"{place.url}{prefix}{OPPORTUNITIES}")
        path = f"{OPPORTUNITIES}{made.json()['id']}/"
        read = await client.get(path, headers={"accept-encoding": "gzip"})
        assert (read.headers["content-encoding"], read.json()["description"]) == ("gzip", "d" * 2_000)
        assert (await client.get(path, headers={"if-none-match": read.headers["etag"]})).status_code == 304
        assert (await client.patch(path, json={"name": "M"}, headers={"if-match": read.headers["etag"]})).status_code == 200
        assert "content-encoding" not in (await client.get(path, headers={"accept-encoding": "identity"})).headers
        await place.deal(client)
        page = (await client.get(OPPORTUNITIES, params={"limit": 1})).json()
        assert page["next"].startswith(f"{place.url}{prefix}{OPPORTUNITIES}?")
        assert (await client.get(page["next"])).json()["results"]
        page = await client.get("/", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert re.findall(r'(?:src|href)="(/(?!crm/)[^"]*)"', page.text) == [] or not prefix


async def test_what_a_client_says_of_itself(place: Place) -> None:
    """Only the proxy is believed: links don't lead where a client says that it came from."""
    told = {"x-forwarded-prefix": "/evil", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http", "x-forwarded-port": "1"}
    async with place.client() as client:
        made = await place.deal(client, **told)
    assert made.headers["location"].startswith(f"{place.url}{OPPORTUNITIES}")


@pytest.mark.parametrize("path", ["/metrics", "/crm/metrics"])
async def test_metrics_are_not_for_everybody(place: Place, path: str) -> None:
    """They stay inside; health is answered."""
    async with place.client() as client:
        assert (await client.get(path)).status_code == 404
        assert (await client.get("/healthz")).status_code == 200


async def by_stream(place: Place, prefix: str) -> AsyncGenerator[Event, None]:
    """The events of a subscription over SSE, by a client that takes gzip, as browsers do."""
    headers = {"accept": "text/event-stream", "accept-encoding": "gzip"}
    async with place.client(prefix) as client, client.stream("POST", "/graphql", json={"query": EVENTS}, headers=headers) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))["data"]["opportunityChanged"]


async def by_socket(place: Place, prefix: str) -> AsyncGenerator[Event, None]:
    """The same over graphql-transport-ws."""
    url = f"wss://localhost:{place.port}{prefix}/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"], ssl=place.tls) as ws:  # type: ignore[list-item]
        await ws.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {place.who.token}"}}))
        await ws.recv()
        await ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": EVENTS}}))
        async for message in ws:
            yield json.loads(message)["payload"]["data"]["opportunityChanged"]


@pytest.mark.parametrize("prefix", ["", "/crm"])
@pytest.mark.parametrize("follow", [by_socket, by_stream])
async def test_events(place: Place, follow: Callable[[Place, str], AsyncGenerator[Event, None]], prefix: str) -> None:
    """They come through when they happen, one by one."""
    async with asyncio.timeout(PATIENCE), place.client(prefix) as client, aclosing(follow(place, prefix)) as events:
        path = f"{OPPORTUNITIES}{(await place.deal(client)).json()['id']}/"
        coming = asyncio.ensure_future(anext(events))
        # It can't be seen when the subscription has begun.
        for number in range(1_000):
            await client.patch(path, json={"name": f"first {number}"})
            if (await asyncio.wait([coming], timeout=0.3))[0]:
                break
        assert (await coming)["opportunityId"]
        deal = (await place.deal(client)).json()["id"]
        while (await anext(events))["opportunityId"] != deal:
            pass


async def _call_until(done: asyncio.Event, place: Place, answers: Counter[str], *, fresh: bool) -> None:
    """Reads and writes one after the other, by one connection or by one each."""
    async with place.client() as kept:
        while not done.is_set():
            async with place.client() if fresh else _same(kept) as client:
                for answer in (
                    await client.get(OPPORTUNITIES, params={"limit": 1}),
                    await client.post("/api/accounts/", json={"name": "rolling"}),
                ):
                    answers["good" if answer.is_success else answer.text] += 1


@asynccontextmanager
async def _same(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    yield client


async def test_a_rolling_restart(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Both gateways are replaced, one after the other, under clients of both proxies: no call fails, reads and writes alike."""
    found = [name for name in PROXIES if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if not found:
        pytest.skip("neither nginx nor haproxy is installed")
    before = {gateway.process.pid for gateway in pair.gateways}
    with ExitStack() as stack:
        places = [stack.enter_context(proxy(name, pair, tmp_path_factory.mktemp(name))) for name in found]
        done, answers = asyncio.Event(), Counter[str]()
        calls = [asyncio.create_task(_call_until(done, place, answers, fresh=fresh)) for place in places for fresh in (False, True)]
        for number in range(2):
            await pair.restart(number)
        done.set()
        await asyncio.gather(*calls)
    assert before.isdisjoint(gateway.process.pid for gateway in pair.gateways)
    assert answers.keys() == {"good"}
    assert answers["good"] > 50
