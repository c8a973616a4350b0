"""Writes that many clients send at once, or again: two gateways on one database, by HTTP, one of them killed now and then.

`SAFE_INCREMENTS` and `SAFE_KEYS` say how much; a hundred of each in `make safety`.
"""

import asyncio
import os
import random
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.end_to_end.fleet import Access, Gateway, access, reap, serving, start

CLIENTS = 8
INCREMENTS = int(os.environ.get("SAFE_INCREMENTS", "10"))
RETRIES = 50
KEYS = int(os.environ.get("SAFE_KEYS", "5"))
KILLED_EVERY = 5
MORE_KEYS = 50
PATH = "/api/opportunities/"
AGAIN = {409, 503, 504}


async def _made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _client(gateway: Gateway, who: Access) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=gateway.url, headers=who.headers, timeout=30, limits=httpx.Limits(max_connections=RETRIES))


async def test_no_update_is_lost(database_url: str, tmp_path: Path) -> None:
    """Clients that each raise one deal's value by `If-Match`, reading it again after a 412, raise it by as much as was acknowledged."""
    who = await access(database_url)
    async with serving(database_url, tmp_path, 2) as gateways, _client(gateways[0], who) as one, _client(gateways[1], who) as other:
        account = await _made(one, "/api/accounts/", {"name": "A"})
        url = f"{PATH}{(await _made(one, PATH, {'name': 'N', 'accountId': account['id'], 'value': 0}))['id']}/"
        refused = sum(await asyncio.gather(*(_raise((one, other)[place % 2], url) for place in range(CLIENTS))))
        final = (await other.get(url)).json()["value"]
    assert CLIENTS * INCREMENTS - final == 0
    assert refused > 0


async def _raise(client: httpx.AsyncClient, url: str) -> int:
    """INCREMENTS acknowledged raises; tells how many were refused in between."""
    done = refused = 0
    while done < INCREMENTS:
        seen = await client.get(url)
        answer = await client.patch(url, json={"value": seen.json()["value"] + 1}, headers={"if-match": seen.headers["etag"]})
        assert answer.status_code in {200, 412}, answer.text
        done += answer.status_code == 200
        refused += answer.status_code == 412
    return refused


class Fleet:
    """Two gateways that retries are spread over, of which one is killed now and then in the middle of its work, and started again."""

    def __init__(self, database_url: str, folder: Path, gateways: list[Gateway], clients: Sequence[httpx.AsyncClient]) -> None:
        self.database_url = database_url
        self.folder = folder
        self.gateways = gateways
        self.clients = clients
        self.broken = 0
        self.killed = 0

    async def once(self, number: int, body: dict[str, Any]) -> int:
        """RETRIES at once of a create under one key: all are told the same. Tells how many were told so as the first."""
        tasks = [asyncio.create_task(self._insist(f"key {number}", body)) for _ in range(RETRIES)]
        if number % KILLED_EVERY == 0:
            # While all wait for the first, or right after it, but before the last.
            await asyncio.wait(tasks, timeout=random.uniform(0.005, 0.1), return_when=asyncio.FIRST_COMPLETED)
            await self._kill()
        answers = await asyncio.gather(*tasks)
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert len({answer.content for answer in answers}) == 1
        return sum("idempotency-replayed" not in answer.headers for answer in answers)

    async def _insist(self, key: str, body: dict[str, Any]) -> httpx.Response:
        """Asks until it is told, now here, now there, as a client does that hears nothing."""
        for place in range(random.randrange(2), 1_000):
            try:
                answer = await self.clients[place % 2].post(PATH, json=body, headers={"idempotency-key": key})
            except httpx.TransportError:
                self.broken += 1
            else:
                if answer.status_code not in AGAIN:
                    return answer
            await asyncio.sleep(0.02)
        raise AssertionError("nobody answers")

    async def _kill(self) -> None:
        place = self.killed % 2
        doomed = self.gateways[place]
        assert await doomed.end(signal.SIGKILL) == -signal.SIGKILL
        self.killed += 1
        self.gateways[place] = start(self.database_url, self.folder, int(doomed.address.rpartition(":")[2]))
        await self.gateways[place].ready()

    def end(self) -> None:
        """Nothing is left of them."""
        for gateway in self.gateways:
            reap(gateway)


async def test_one_effect_a_key(database_url: str, tmp_path: Path) -> None:
    """However often a create is sent, and whoever dies meanwhile, there is one record a key, and everybody gets the same answer."""
    who = await access(database_url)
    async with AsyncExitStack() as stack:
        gateways = await stack.enter_async_context(serving(database_url, tmp_path, 2))
        clients = [await stack.enter_async_context(_client(gateway, who)) for gateway in gateways]
        fleet = Fleet(database_url, tmp_path, gateways, clients)
        stack.callback(fleet.end)
        account = await _made(clients[0], "/api/accounts/", {"name": "A"})
        first = keys = 0
        # A kill that comes after all answers breaks nothing: then there are some more.
        while keys < KEYS or (fleet.broken == 0 and keys < KEYS + MORE_KEYS):
            first += await fleet.once(keys, {"name": f"Deal {keys}", "accountId": account["id"]})
            keys += 1
        names = [item["name"] for page in range(keys // 100 + 1) for item in await _page(clients[0], page)]
    assert sorted(names) == sorted(f"Deal {number}" for number in range(keys))
    assert fleet.killed == -(-keys // KILLED_EVERY)
    assert fleet.broken > 0
    assert first <= keys


async def _page(client: httpx.AsyncClient, number: int) -> list[dict[str, Any]]:
    found = await client.get(PATH, params={"offset": number * 100, "limit": 100})
    results: list[dict[str, Any]] = found.json()["results"]
    return results
