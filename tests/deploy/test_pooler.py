"""A gateway behind PgBouncer as deploy/pgbouncer.ini sets it: reads, writes, and events as they happen."""

import asyncio
from contextlib import aclosing

import httpx

from tests.connecting import PATIENCE
from tests.deploy.pgbouncer import pgbouncer
from tests.end_to_end.event_clients import by_socket
from tests.end_to_end.fleet import access, in_process

ACCOUNTS = "/api/accounts/"


async def test_behind_pgbouncer(postgres_url: str) -> None:
    """Its connections are the pooler's, statements prepared once are found again, and a subscriber hears of a change."""
    with pgbouncer(postgres_url) as url:
        who = await access(url)
        async with (
            asyncio.timeout(PATIENCE),
            in_process(url) as (address, _),
            httpx.AsyncClient(base_url=f"http://{address}", headers=who.headers, timeout=PATIENCE) as client,
            aclosing(by_socket(address, who.token)) as events,
        ):
            account = (await client.post(ACCOUNTS, json={"name": "A"})).json()["id"]
            coming = asyncio.ensure_future(anext(events))
            made = set()
            # It can't be seen when the subscription has begun.
            while not coming.done():
                answer = await client.post("/api/opportunities/", json={"name": "N", "accountId": account})
                assert answer.status_code == 201, answer.text
                made.add(answer.json()["id"])
                await asyncio.wait([coming], timeout=0.3)
            assert coming.result()["opportunityId"] in made
            reads = await asyncio.gather(*(client.get(ACCOUNTS, params={"limit": 1}) for _ in range(40)))
            assert {each.status_code for each in reads} == {200}
