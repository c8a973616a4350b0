"""A record's lists come in its own statement, as JSON: they must read as those of a list do, which come in batches of rows."""

import pytest

from tests.schema.dataset import World, data

# Instants, texts that JSON escapes, parents, nulls, lists twice, nothing of their own, and lists that can't be embedded.
SELECTIONS = {
    "all of a contact": "contacts { id firstName lastName email phone title createdAt updatedAt version }",
    "its parent": "contacts { account { id name createdAt } name: lastName }",
    "ids": "contacts { id }",
    "only what it is": "contacts { __typename }",
    "twice": "contacts { id } again: contacts { email account { name } }",
    "the history": "stageHistory { from to at duration by { name } }",
    "what hangs on it in turn": "contacts { id opportunities(first: 2) { totalCount nodes { id } } }",
}


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS)
@pytest.mark.parametrize("limited", [False, True], ids=["admin", "limited viewer"])
async def test_one_reads_as_many(world: World, selection: str, limited: bool) -> None:  # noqa: FBT001  a parameter of the test
    """Whoever asks, each deal of the list is the deal that is got by its id."""
    caller = world.here.viewer() if limited else world.here.caller()
    found = await data(world.graph, f"{{ opportunities(first: 60) {{ nodes {{ id {selection} }} }} }}", caller)
    nodes = found["opportunities"]["nodes"]
    assert nodes
    for node in nodes:
        alone = await data(world.graph, f'{{ opportunity(id: "{node["id"]}") {{ id {selection} }} }}', caller)
        assert alone["opportunity"] == node
    assert world.graph.fallbacks == 0
