"""New documents take turns; while too many wait, they are refused by every door, and what is known is served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from schema.engine.execute.fairness import WAITING, HeavyWork
from tests.rest_compat.real import OPPORTUNITIES, gateway

KNOWN = "{ stages { label } }"


@asynccontextmanager
async def full(work: HeavyWork, owner: str) -> AsyncIterator[None]:
    """Somebody is at work, and the line behind is full of `owner`'s."""

    async def wait() -> None:
        async with work.turn(owner):
            pass

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(work.turn("another"))
        waiting = [asyncio.create_task(wait()) for _ in range(WAITING)]
        await asyncio.sleep(0)
        yield
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_full_line(sqlite_url: str) -> None:
    """503 and Retry-After for a new document or set of keys; known ones are answered, and afterwards the new ones, too."""
    async with gateway(sqlite_url) as here:
        client, graph = here.client, here.app.graph
        await here.query(KNOWN)
        assert (await client.get(OPPORTUNITIES)).status_code == 200
        owner = (await here.app.authenticator.authenticate(client.headers["authorization"])).token_id
        async with full(graph._work, owner):
            by_graph = await client.post("/graphql", json={"query": "{ stages { stage } }"})
            by_rest = await client.get(f"{OPPORTUNITIES}?fields=id,stage")
            for refused in (by_graph, by_rest):
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert by_graph.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
            assert by_rest.json()["code"] == "unavailable"
            await here.query(KNOWN)
            assert (await client.get(OPPORTUNITIES)).status_code == 200
        await here.query("{ stages { stage } }")
        assert (await client.get(f"{OPPORTUNITIES}?fields=id,stage")).status_code == 200


async def test_another_caller_finds_a_place(sqlite_url: str) -> None:
    """A line that is full of one caller's makes room for another's, who is answered as soon as it has its turn."""
    async with gateway(sqlite_url) as here:
        async with full(here.app.graph._work, "key_of_someone_else"):
            asking = asyncio.create_task(here.query("{ stages { stage value } }"))
            await asyncio.sleep(0.05)
            assert not asking.done()
        assert len((await asking)["stages"]) > 3
