"""Writes beyond the rules of a deal: idempotency keys, people, and what an answer re-reads."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schema.rules.access import Role
from tests.schema.deals import CREATE, FIELDS, create, marks, read, update
from tests.schema.world import World, ask, data


def _input(world: World, **given: Any) -> dict[str, Any]:
    return {"input": {"name": "Once", "accountId": world.here.ids("account")[0], **given}}


async def test_a_retry_is_answered_as_the_first(world: World) -> None:
    """The same key and request again: the same answer, marked as replayed, and nothing more is written, also after the deal has changed."""
    caller, variables = world.here.caller(), {**_input(world), "key": "k 1"}
    first = await ask(world.graph, CREATE, caller, variables)
    assert "idempotencyReplayed" not in first.extensions
    assert first.data is not None
    await update(world, first.data["createOpportunity"]["opportunity"]["id"], {"name": "Changed"})
    before = await marks(world)
    again = await ask(world.graph, CREATE, caller, variables)
    assert again.extensions.pop("idempotencyReplayed") is True
    assert again.encode() == first.encode()
    assert await marks(world) == before


async def test_a_key_belongs_to_its_request_and_token(world: World) -> None:
    """Another request under a key is refused; under another token, or in another workspace, the key is free."""
    variables = {**_input(world), "key": "k"}
    await data(world.graph, CREATE, world.here.caller(), variables)
    for other in ({**_input(world, value=1), "key": "k"}, {**variables, "input": {**variables["input"], "name": "Other"}}):
        answer = await ask(world.graph, CREATE, world.here.caller(), other)
        assert answer.data is None
        assert answer.errors is not None
        assert answer.errors[0]["extensions"]["code"] == "VALIDATION_ERROR"
        assert answer.errors[0]["path"] == ["createOpportunity"]
    mine = await ask(world.graph, CREATE, world.here.caller(token_id="key_other"), variables)
    assert "idempotencyReplayed" not in mine.extensions
    there = {"input": {"name": "Once", "accountId": world.there.ids("account")[0]}, "key": "k"}
    assert "idempotencyReplayed" not in (await ask(world.graph, CREATE, world.there.caller(), there)).extensions


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"])
async def test_what_is_no_key(world: World, key: str) -> None:
    """A key has 1 to 255 printable characters."""
    answer = await ask(world.graph, CREATE, world.here.caller(), {**_input(world), "key": key})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    good = await ask(world.graph, CREATE, world.here.caller(), {**_input(world), "key": "é" * 255})
    assert good.errors is None


async def test_a_key_is_kept_for_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 23 hours a key is remembered, after 25 it is free again."""
    start = datetime.now(UTC)
    variables = {**_input(world), "key": "k"}
    await ask(world.graph, CREATE, world.here.caller(), variables)
    for hours, replayed in ((23, True), (25, False)):
        later = (start + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        monkeypatch.setattr("schema.write.idempotency._limit", lambda _now, later=later: _day_before(later))
        answer = await ask(world.graph, CREATE, world.here.caller(), variables)
        assert ("idempotencyReplayed" in answer.extensions) == replayed


def _day_before(instant: str) -> str:
    return (datetime.fromisoformat(instant) - timedelta(hours=24)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_a_refused_write_is_not_kept(world: World) -> None:
    """What was refused under a key may be mended and sent again under it."""
    refused = await data(world.graph, CREATE, world.here.caller(), {**_input(world, name=" "), "key": "k"})
    assert refused["createOpportunity"]["userErrors"]
    mended = await ask(world.graph, CREATE, world.here.caller(), {**_input(world), "key": "k"})
    assert mended.data is not None
    assert mended.data["createOpportunity"]["opportunity"]


async def test_the_answer_is_what_is_read_afterwards(world: World) -> None:
    """The payload's selection, nested connections and counts too, is what a query says after the commit."""
    selection = f"{{ {FIELDS} weightedValue account {{ name opportunities(first: 3) {{ totalCount nodes {{ id version }} summary {{ totalValue }} }} }} }}"
    document = f"mutation($input: CreateOpportunityInput!) {{ createOpportunity(input: $input) {{ opportunity {selection} }} }}"
    caller = world.here.caller(Role.MEMBER, user_id=world.here.ids("user")[1])
    made = await ask(world.graph, document, caller, _input(world, value=0.35, contactIds=world.here.ids("contact")[:3]))
    assert made.data is not None
    payload = made.data["createOpportunity"]["opportunity"]
    found = await ask(world.graph, f"query($id: ID!) {{ opportunity(id: $id) {selection} }}", caller, {"id": payload["id"]})
    assert found.data is not None
    made.data, made.extensions = {"opportunity": payload}, found.extensions
    assert made.encode() == found.encode()
    assert payload["stageHistory"][0]["by"] == {"id": caller.user_id}


async def test_a_contact_leaves_its_deals(world: World) -> None:
    """Removing a contact raises the version of each deal that it leaves, with an event each; an account with deals stays."""
    contact = world.here.ids("contact")[0]
    deals = [await create(world, contactIds=[contact, world.here.ids("contact")[1]]) for _ in range(2)]
    linked = {link["opportunity_id"] for link in world.here.rows("opportunity_contact") if link["contact_id"] == contact}
    before = await marks(world)
    await data(world.graph, "mutation($id: ID!) { deleteContact(id: $id) { deletedId } }", world.here.caller(), {"id": contact})
    assert await marks(world) == (before[0] + 1, before[1] + 2 + len(linked))
    for deal in deals:
        left = await read(world, deal["id"])
        assert (left["version"], [each["id"] for each in left["contacts"]]) == (2, [world.here.ids("contact")[1]])
    document = "mutation($id: ID!) { deleteAccount(id: $id) { deletedId userErrors { code field } } }"
    kept = await data(world.graph, document, world.here.caller(), {"id": world.here.ids("account")[0]})
    assert kept["deleteAccount"] == {"deletedId": None, "userErrors": [{"code": "CONFLICT", "field": None}]}
