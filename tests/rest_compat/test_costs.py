"""What a REST call costs is told, is what the same operation costs by GraphQL, and is within the limit whatever REST can ask for."""

from typing import Any

import pytest

from tests.rest_compat.real import OPPORTUNITIES, Gateway

WIDE = """
query($after: String) {
  opportunities(first: 100, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges {
      cursor
      node {
        id name value stage description
        account { id name }
        assignedTo { id name }
        contacts { id email }
        stageHistory { from to at by { name } }
      }
    }
  }
}
"""


async def made(here: Gateway) -> dict[str, Any]:
    """A new opportunity at a new account."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    return await here.make(OPPORTUNITIES, name="N", accountId=account)


async def test_a_call_tells_its_cost(here: Gateway) -> None:
    """Reads, writes and refusals that ran say what the operation cost, as GraphQL does."""
    deal = await made(here)
    url = f"{OPPORTUNITIES}{deal['id']}/"
    document = "query($id: ID!) { opportunity(id: $id) { id account { id } contacts { id } description } }"
    answer = (await here.client.post("/graphql", json={"query": document, "variables": {"id": deal["id"]}})).json()
    assert answer["extensions"]["cost"] == {"requested": 1 + 1 + 10 + 1, "maximum": 5_000}
    calls = {
        "get": await here.client.get(url),
        "list": await here.client.get(OPPORTUNITIES),
        "update": await here.client.patch(url, json={"name": "M"}),
        "absent": await here.client.get(f"{OPPORTUNITIES}opp_none/"),
        "delete": await here.client.delete(url),
    }
    costs = {name: int(call.headers["x-graphql-cost"]) for name, call in calls.items()}
    assert all(0 < cost <= 5_000 for cost in costs.values()), costs
    assert costs["get"] == costs["absent"]
    assert costs["list"] > costs["get"]


@pytest.mark.parametrize("path", [OPPORTUNITIES, "/api/accounts/", "/api/contacts/"])
async def test_the_largest_page(here: Gateway, path: str) -> None:
    """A page of 100 with everything that can be shown is within the default limit."""
    page = await here.client.get(path, params={"limit": 100})
    assert page.status_code == 200, page.text
    assert int(page.headers["x-graphql-cost"]) <= 5_000


async def test_the_largest_ordinary_query(here: Gateway) -> None:
    """A page of 100 with account, owner, contacts and history passes at the default limit."""
    answer = (await here.client.post("/graphql", json={"query": WIDE})).json()
    assert "errors" not in answer
    assert answer["extensions"]["cost"]["requested"] <= answer["extensions"]["cost"]["maximum"] == 5_000
