"""What is asked over sockets and streams counts for the client as what is asked over HTTP does."""

import httpx
import pytest
from websockets.asyncio.client import connect

from gateway.live.messages import SUBPROTOCOL
from tests.end_to_end.fleet import access, in_process

FOLLOW = "subscription Follow { opportunityChanged { cursor } }"
ASKED = "{ graphqlUsage { client kind name count } }"


async def _over_socket(address: str, token: str, member: str) -> None:
    """Says its name in the payload, follows, asks a query twice, and leaves."""
    async with connect(
        f"ws://{address}/graphql", subprotocols=[SUBPROTOCOL], additional_headers={"GraphQL-Client-Name": "header"}
    ) as socket:  # type: ignore[list-item]
        payload = {"Authorization": f"Bearer {token}", **({member: "board"} if member else {})}
        await socket.send(httpx.Request("POST", "http://x", json={"type": "connection_init", "payload": payload}).content.decode())
        await socket.recv()
        for id_, query in (
            ("1", FOLLOW),
            ("2", "query Mine { viewer { role } }"),
            ("3", "query Mine { viewer { role } }"),
            ("4", "{ nope }"),
        ):
            message = {"id": id_, "type": "subscribe", "payload": {"query": query}}
            await socket.send(httpx.Request("POST", "http://x", json=message).content.decode())
        while '"id":"4"' not in str(await socket.recv()):
            pass


@pytest.mark.parametrize(("member", "name"), [("graphql-client-name", "board"), ("apollographql-client-name", "board"), ("", "header")])
async def test_a_socket_counts(database_url: str, member: str, name: str) -> None:
    """Each operation on a socket counts once, whoever says the client's name: the payload, since browsers send no headers, or a header."""
    who = await access(database_url)
    async with in_process(database_url) as (address, app):
        await _over_socket(address, who.token, member)
        await app.graphql_uses.flush()
        async with httpx.AsyncClient(base_url=f"http://{address}", headers={"authorization": f"Bearer {who.token}"}) as client:
            told = (await client.post("/graphql", json={"query": ASKED})).json()["data"]["graphqlUsage"]
    counted = {(one["client"], one["kind"], one["name"]): one["count"] for one in told}
    assert counted == {
        (name, "OPERATION", "Follow"): 1,
        (name, "FIELD", "Subscription.opportunityChanged"): 1,
        (name, "FIELD", "OpportunityEvent.cursor"): 1,
        (name, "OPERATION", "Mine"): 2,
        (name, "FIELD", "Query.viewer"): 2,
        (name, "FIELD", "Viewer.role"): 2,
    }


async def test_a_stream_counts(database_url: str) -> None:
    """A stream counts once, when it begins."""
    who = await access(database_url)
    token = {"authorization": f"Bearer {who.token}"}
    async with in_process(database_url) as (address, app), httpx.AsyncClient(base_url=f"http://{address}", headers=token) as client:
        stream = {"accept": "text/event-stream"}
        answer = await client.post("/graphql", json={"query": "query Mine { viewer { role } }"}, headers=stream)
        assert "event: complete" in answer.text
        await app.graphql_uses.flush()
        told = (await client.post("/graphql", json={"query": ASKED})).json()["data"]["graphqlUsage"]
    assert {(one["kind"], one["name"]): one["count"] for one in told} == {
        ("OPERATION", "Mine"): 1,
        ("FIELD", "Query.viewer"): 1,
        ("FIELD", "Viewer.role"): 1,
    }
