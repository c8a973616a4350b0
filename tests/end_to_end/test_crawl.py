"""A legacy client that follows `next` over 10,000 deals while others write, against the server as it is started."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.end_to_end.fleet import Access, access, serving
from tests.live_server import ROOT

DEALS = 10_000
WRITERS = 2
PATH = "/api/opportunities/"


async def test_a_crawl_beside_writers(database_url: str, tmp_path: Path) -> None:
    """Of the deals that are there from beginning to end it sees each exactly once, forward and back; it never sees any deal twice."""
    key = await access(database_url)
    await asyncio.to_thread(_seed, database_url)
    async with serving(database_url, tmp_path) as (gateway,), _client(gateway.url, key) as client:
        before = await _all(client)
        doomed = iter(random.Random(1).sample(before, len(before)))
        async with _writing(client, doomed) as written:
            forward, last = await _crawl(client, f"{PATH}?limit=100", "next")
            back, _ = await _crawl(client, last, "previous")
        after = set(await _all(client))
    stayed = after.intersection(before)
    assert len(before) == DEALS
    assert len(written) > WRITERS
    assert len(before) > len(stayed) > DEALS / 2
    for seen in (forward, back):
        assert len(seen) == len(set(seen))
        assert stayed - set(seen) == set()


def _seed(database_url: str) -> None:
    size = ["--opportunities", str(DEALS), "--contacts", "10", "--workspace", "Here"]
    command = [sys.executable, "-m", "gateway", "seed", *size, "--database-url", database_url]
    subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=120, check=True)


def _client(url: str, key: Access) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers=key.headers, timeout=60)


async def _crawl(client: httpx.AsyncClient, url: str, link: str) -> tuple[list[str], str]:
    """The ids of all pages, and the address of the last one."""
    seen: list[str] = []
    following: str | None = url
    while following:
        url = following
        answer = await client.get(url)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        seen += [row["id"] for row in page["results"]]
        following = page[link]
    return seen, url


async def _all(client: httpx.AsyncClient) -> list[str]:
    """All ids, while nobody writes."""
    return (await _crawl(client, f"{PATH}?limit=100&fields=id", "next"))[0]


@asynccontextmanager
async def _writing(client: httpx.AsyncClient, doomed: Iterator[str]) -> AsyncIterator[list[str]]:
    """While inside, deals are created and deleted without a pause; what is given are the created ones."""
    account = (await client.get(f"{PATH}?limit=1")).json()["results"][0]["accountId"]
    made: list[str] = []
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            created = await client.post(PATH, json={"name": "New", "accountId": account})
            assert created.status_code == 201, created.text
            made.append(created.json()["id"])
            assert (await client.delete(f"{PATH}{next(doomed)}/")).status_code == 204

    tasks = [asyncio.create_task(write()) for _ in range(WRITERS)]
    try:
        yield made
    finally:
        stop.set()
        await asyncio.gather(*tasks)
