"""gql, the client of Python, over HTTP and over WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from gql import Client, GraphQLRequest, gql
from gql.client import AsyncClientSession
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import ConnectionClosed

from tests.live_server import Demo

ACCOUNTS = gql("{ accounts(first: 1) { nodes { id } } }")
CREATE = gql(
    """
    mutation ($input: CreateOpportunityInput!) {
      createOpportunity(input: $input) { opportunity { id name value closeDate } userErrors { message } }
    }
    """
)
RENAME = gql(
    """
    mutation ($id: ID!, $name: String!) { updateOpportunity(id: $id, input: {name: $name}) { userErrors { message } } }
    """
)
WATCH = gql("subscription ($id: ID!) { opportunityChanged(filter: {id: {eq: $id}}) { type opportunity { id name } } }")
PATIENCE = 20


def transport(demo: Demo, kind: str, token: str | None = None) -> Any:
    authorization = {"Authorization": f"Bearer {token or demo.token}"}
    if kind == "http":
        return AIOHTTPTransport(url=f"{demo.url}/graphql", headers=authorization)
    return WebsocketsTransport(url=f"{demo.url.replace('http', 'ws')}/graphql", init_payload=authorization)


@pytest.fixture(params=["http", "websocket"])
async def session(demo: Demo, request: pytest.FixtureRequest) -> AsyncIterator[AsyncClientSession]:
    """A session that has read the schema from the server, and checks documents against it."""
    async with Client(transport=transport(demo, request.param), fetch_schema_from_transport=True) as opened:
        yield opened


async def create(session: AsyncClientSession, name: str) -> Any:
    account = (await session.execute(ACCOUNTS))["accounts"]["nodes"][0]["id"]
    given = {"name": name, "accountId": account, "value": 10.5, "closeDate": "2027-01-31"}
    payload = (await session.execute(GraphQLRequest(CREATE, variable_values={"input": given})))["createOpportunity"]
    assert payload["userErrors"] == []
    return payload["opportunity"]


async def test_a_mutation_and_its_answer(session: AsyncClientSession) -> None:
    """A record comes back as it was given."""
    made = await create(session, "gql")
    assert made == {"id": made["id"], "name": "gql", "value": 10.5, "closeDate": "2027-01-31"}


async def test_an_error(session: AsyncClientSession) -> None:
    """An error reaches the program with its code."""
    request = gql('{ opportunities(after: "nonsense") { nodes { id } } }')
    with pytest.raises(TransportQueryError) as refused:
        await session.execute(request)
    assert refused.value.errors is not None
    assert refused.value.errors[0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_subscription(demo: Demo) -> None:
    """An event comes on the socket on which the change was made, too."""
    async with Client(transport=transport(demo, "websocket")) as session:
        made = await create(session, "gql, watched")
        events = session.subscribe(GraphQLRequest(WATCH, variable_values={"id": made["id"]}))
        told = asyncio.ensure_future(anext(events))
        for turn in range(PATIENCE * 5):
            await session.execute(GraphQLRequest(RENAME, variable_values={"id": made["id"], "name": f"told {turn}"}))
            await asyncio.wait([told], timeout=0.2)
            if told.done():
                break
        event = (await told)["opportunityChanged"]
        await events.aclose()
    assert event["type"] == "UPDATED"
    assert event["opportunity"]["id"] == made["id"]


async def test_a_bad_token_over_websocket(demo: Demo) -> None:
    """The socket is closed with the protocol's 4403."""
    with pytest.raises(TransportConnectionFailed) as refused:
        await Client(transport=transport(demo, "websocket", "wrong")).connect_async()
    closed = refused.value.__cause__
    assert isinstance(closed, ConnectionClosed)
    assert closed.rcvd is not None
    assert closed.rcvd.code == 4403
