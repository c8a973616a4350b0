"""Deals made and changed through the graph, for tests of the rules."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

from typing import Any

from schema.rules.access import Caller
from tests.schema.dataset import Row, World, data

FIELDS = "id name value stage probability probabilitySource closeDate closedDate lossReason assignedTo { id } source contacts { id } description version createdAt updatedAt stageHistory { from to at duration by { id } }"
CREATE = f"mutation($input: CreateOpportunityInput!, $key: String) {{ createOpportunity(input: $input, idempotencyKey: $key) {{ opportunity {{ {FIELDS} }} userErrors {{ code reason index field message }} }} }}"
UPDATE = f"""mutation($id: ID!, $input: UpdateOpportunityInput!, $version: Int, $whole: Boolean! = false, $key: String) {{
  updateOpportunity(id: $id, input: $input, expectedVersion: $version, ignoreUnchanged: $whole, idempotencyKey: $key) {{ opportunity {{ {FIELDS} }} userErrors {{ code reason index field message }} }} }}"""
WRITABLE = ("name", "value", "stage", "probability", "closeDate", "closedDate", "lossReason", "source", "description")
READ = f"query($id: ID!) {{ opportunity(id: $id) {{ {FIELDS} }} }}"


async def create(world: World, caller: Caller | None = None, **given: Any) -> Any:
    """A new deal, which must not be refused."""
    made = await data(
        world.graph, CREATE, caller or world.here.caller(), {"input": {"name": "Deal", "accountId": world.here.ids("account")[0], **given}}
    )
    assert made["createOpportunity"]["userErrors"] == []
    return made["createOpportunity"]["opportunity"]


async def update(world: World, id_: str, given: Row, **more: Any) -> Any:
    """The payload of an update."""
    return (await data(world.graph, UPDATE, world.here.caller(), {"id": id_, "input": given, **more}))["updateOpportunity"]


async def read(world: World, id_: str) -> Any:
    """The deal as it is."""
    return (await data(world.graph, READ, world.here.caller(), {"id": id_}))["opportunity"]


async def marks(world: World) -> tuple[int, int]:
    """The workspace's revision, and how many events it has."""
    from sqlalchemy import text  # noqa: PLC0415

    async def work(connection: Any) -> tuple[int, int]:
        values = {"workspace": world.here.id}
        revision = await connection.fetch(world.database.compile(text("SELECT revision FROM workspace WHERE id = :workspace")), values)
        events = await connection.fetch(world.database.compile(text("SELECT count(*) FROM event WHERE workspace_id = :workspace")), values)
        return revision[0][0], events[0][0]

    return await world.database.read(work)
