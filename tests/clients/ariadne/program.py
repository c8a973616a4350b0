"""What a program does with the client that ariadne-codegen made: python program.py URL TOKEN, in an environment of its own."""

import asyncio
import sys
from datetime import date

from gateway_client import Client, CreateOpportunityInput, GraphQLClientGraphQLMultiError, IDFilter, OpportunityFilter, OpportunityStage


async def main(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    client = Client(
        url=f"{url}/graphql", headers=headers, ws_url=f"{url.replace('http', 'ws')}/graphql", ws_connection_init_payload=headers
    )
    deal = await create(client)
    page = await client.list_deals(filter_=OpportunityFilter(id=IDFilter(eq=deal)), first=1)
    found = page.opportunities.nodes[0]
    assert (found.name, found.value, found.stage, found.close_date) == ("ariadne", 10.5, OpportunityStage.PROPOSAL, date(2027, 1, 31)), (
        found
    )
    node = (await client.get_node(id=deal)).node
    assert node is not None
    assert node.typename__ == "Opportunity", node
    await watch(client, deal)
    await fail(client)


async def create(client: Client) -> str:
    account = (await client.get_accounts()).accounts.nodes[0].id
    given = CreateOpportunityInput(
        name="ariadne", account_id=account, value=10.5, stage=OpportunityStage.PROPOSAL, close_date=date(2027, 1, 31)
    )
    payload = (await client.create_deal(given)).create_opportunity
    assert not payload.user_errors, payload
    assert payload.opportunity is not None
    return payload.opportunity.id


async def watch(client: Client, deal: str) -> None:
    events = client.watch_deal(id=deal)
    told = asyncio.ensure_future(anext(events))
    for turn in range(100):
        await client.rename_deal(id=deal, name=f"told {turn}")
        await asyncio.wait([told], timeout=0.2)
        if told.done():
            break
    event = told.result().opportunity_changed
    assert event.opportunity_id == deal, event
    await events.aclose()


async def fail(client: Client) -> None:
    told = []
    try:
        await client.list_deals(first=1000)
    except GraphQLClientGraphQLMultiError as error:
        told = [fault.extensions for fault in error.errors]
    assert told == [{"code": "BAD_REQUEST"}], told


asyncio.run(main(*sys.argv[1:]))
