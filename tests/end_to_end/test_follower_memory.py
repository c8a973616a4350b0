"""Many subscriptions that are each told something else: a process keeps nothing of what it has told them.

`FOLLOWED_UPDATES` says how many updates they are told of: 180 in the long form.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
from typing_extensions import override

from tests.end_to_end.fleet import access, serving
from tests.end_to_end.subscribers import LONG, Subscriber, resident
from tests.end_to_end.writing import CREATE, CREATE_ACCOUNT, UPDATE

SOCKETS, SUBSCRIPTIONS = 6, 50
UPDATES = int(os.environ.get("FOLLOWED_UPDATES", "25"))
GROWTH_KIB = 60 * 1024
PATIENCE = 180.0
FOLLOW = """subscription($first: Int, $offset: Int) { opportunityChanged { opportunityId opportunity { description
  account { opportunities(first: $first, offset: $offset) { totalCount } } } } }"""


class Many(Subscriber):
    """A client with as many subscriptions as a socket may have, no two of which are told the same."""

    number = 0

    @override
    def _begin(self) -> None:
        self._say({"type": "connection_init", "payload": {"Authorization": f"Bearer {self._token}"}})
        for first in range(SUBSCRIPTIONS):
            payload = {"query": FOLLOW, "variables": {"first": first, "offset": self.number}}
            self._say({"id": str(first), "type": "subscribe", "payload": payload})
        self._say({"type": "ping"})


async def followers(address: str, token: str) -> list[Many]:
    host, port = address.split(":")
    found = []
    for number in range(SOCKETS):
        _, follower = await asyncio.get_running_loop().create_connection(lambda: Many(address, token), host, int(port))
        follower.number = number
        found.append(follower)
    await asyncio.gather(*(follower.subscribed.wait() for follower in found))
    return found


async def test_what_was_told_is_not_kept(database_url: str, tmp_path: Path) -> None:
    """All are told of every update, and the process is hardly larger afterwards."""
    who = await access(database_url)
    async with (
        serving(database_url, tmp_path, slow_reader_timeout=60) as (gateway,),
        httpx.AsyncClient(base_url=gateway.url, headers=who.headers, timeout=PATIENCE) as client,
    ):

        async def ask(document: str, variables: dict[str, Any]) -> Any:
            answer = (await client.post("/graphql", json={"query": document, "variables": variables})).json()
            assert "errors" not in answer, answer
            return answer["data"]

        account = (await ask(CREATE_ACCOUNT, {}))["createAccount"]["account"]["id"]
        given = {"name": "Deal", "accountId": account, "description": LONG}
        deal = (await ask(CREATE, {"input": given}))["createOpportunity"]["opportunity"]["id"]
        found = await followers(gateway.address, who.token)
        # The first updates until all have begun, and what a process needs once.
        number = 0
        async with asyncio.timeout(PATIENCE):
            while not all(len(follower.arrived) >= SUBSCRIPTIONS for follower in found):
                number += 1
                await ask(UPDATE, {"id": deal, "input": {"value": number}})
                await asyncio.sleep(0.2)
        before = resident(gateway.process.pid)
        most, began = before, number
        counts = [len(follower.arrived) for follower in found]
        for number in range(began + 1, began + UPDATES + 1):
            await ask(UPDATE, {"id": deal, "input": {"value": number}})
            most = max(most, resident(gateway.process.pid))
        async with asyncio.timeout(PATIENCE):
            while any(len(each.arrived) < count + UPDATES * SUBSCRIPTIONS for each, count in zip(found, counts, strict=True)):
                assert not any(follower.ended.is_set() for follower in found)
                await asyncio.sleep(0.05)
                most = max(most, resident(gateway.process.pid))
        for follower in found:
            follower.transport.abort()
    assert most - before <= GROWTH_KIB, most - before
