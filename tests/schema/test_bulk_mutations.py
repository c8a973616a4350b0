"""Many deals at once, each by itself or all or none; and what an update would do, told beforehand."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

from random import Random
from typing import Any

import pytest

from schema.rules.stages import STAGES
from tests.schema.dataset import Row, World, ask, data
from tests.schema.deals import create, marks, read, update

RESULTS = "results { opportunity { id name version } userErrors { code field } } succeeded failed"
CREATE = f"mutation($inputs: [CreateOpportunityInput!]!, $atomic: Boolean! = false, $key: String) {{ many: createOpportunities(inputs: $inputs, atomic: $atomic, idempotencyKey: $key) {{ {RESULTS} }} }}"
UPDATE = f"mutation($ids: [ID!]!, $input: UpdateOpportunityInput!, $atomic: Boolean! = false) {{ many: updateOpportunities(ids: $ids, input: $input, atomic: $atomic) {{ {RESULTS} }} }}"
DELETE = "mutation($ids: [ID!]!, $atomic: Boolean! = false) { many: deleteOpportunities(ids: $ids, atomic: $atomic) { results { deletedId userErrors { code field } } succeeded failed } }"
MISSING = "opp_00000000000000000000000000"


async def many(world: World, document: str, **variables: Any) -> Any:
    return (await data(world.graph, document, world.here.caller(), variables))["many"]


def codes(payload: Any) -> list[str | None]:
    """The code of each item's fault, None where it was done."""
    return [result["userErrors"][0]["code"] if result["userErrors"] else None for result in payload["results"]]


def new(world: World, **given: Any) -> Row:
    return {"name": "Many", "accountId": world.here.ids("account")[0], **given}


async def test_creating_many(world: World) -> None:
    """Each stands or falls by itself, in order, its faults named by its own fields; one revision, an event each."""
    before = await marks(world)
    made = await many(world, CREATE, inputs=[new(world, name="a"), new(world, name=" ", probability=101), new(world, name="b")])
    assert [result["opportunity"] and result["opportunity"]["name"] for result in made["results"]] == ["a", None, "b"]
    assert [error["field"] for error in made["results"][1]["userErrors"]] == [["name"], ["probability"]]
    assert (made["succeeded"], made["failed"]) == (2, 1)
    assert await marks(world) == (before[0] + 1, before[1] + 2)


async def test_updating_many(world: World) -> None:
    """What isn't here is told in its place; an id that comes twice is changed once, and told as it is both times."""
    deals = [(await create(world))["id"] for _ in range(2)]
    before = await marks(world)
    there = world.there.ids("opportunity")[0]
    payload = await many(world, UPDATE, ids=[deals[1], MISSING, deals[0], there, deals[1]], input={"name": "New"})
    assert codes(payload) == [None, "NOT_FOUND", None, "NOT_FOUND", None]
    assert [result["opportunity"] and result["opportunity"]["id"] for result in payload["results"]] == [
        deals[1],
        None,
        deals[0],
        None,
        deals[1],
    ]
    assert {result["opportunity"]["version"] for result in payload["results"] if result["opportunity"]} == {2}
    assert (payload["succeeded"], payload["failed"]) == (3, 2)
    assert await marks(world) == (before[0] + 1, before[1] + 2)


async def test_deleting_many(world: World) -> None:
    """A double is deleted once, and each of its places is told so; also where all or none is wanted."""
    deals = [(await create(world))["id"] for _ in range(4)]
    before = await marks(world)
    payload = await many(world, DELETE, ids=[deals[0], MISSING, deals[1], deals[0]])
    assert [result["deletedId"] for result in payload["results"]] == [deals[0], None, deals[1], deals[0]]
    assert codes(payload) == [None, "NOT_FOUND", None, None]
    assert (payload["succeeded"], payload["failed"]) == (3, 1)
    payload = await many(world, DELETE, ids=[deals[2], deals[3], deals[2]], atomic=True)
    assert ([result["deletedId"] for result in payload["results"]], payload["succeeded"]) == ([deals[2], deals[3], deals[2]], 3)
    assert [await read(world, id_) for id_ in deals] == [None] * 4
    assert await marks(world) == (before[0] + 2, before[1] + 4)


VERSIONED = """mutation($ids: [ID!]!, $versions: [Int], $input: UpdateOpportunityInput!, $atomic: Boolean! = false) { many: updateOpportunities(
  ids: $ids, expectedVersions: $versions, input: $input, atomic: $atomic) { results { opportunity { version } userErrors { code reason index } } } }"""


async def test_a_version_for_each(world: World) -> None:
    """Each item stands at its own version; null expects none; a double under two versions is two items."""
    deals = [(await create(world))["id"] for _ in range(3)]
    payload = await many(world, VERSIONED, ids=[*deals, deals[0]], versions=[1, 7, None, 1], input={"name": "New"})
    stale = {"code": "PRECONDITION_FAILED", "reason": "VERSION", "index": 1}
    assert [result["userErrors"] for result in payload["results"]] == [[], [stale], [], []]
    assert [result["opportunity"] for result in payload["results"]] == [{"version": 2}, None, {"version": 2}, {"version": 2}]
    payload = await many(world, VERSIONED, ids=[deals[0], deals[0]], versions=[2, 3], input={"name": "Newer"}, atomic=True)
    assert codes(payload) == [None, None]
    removing = "mutation($ids: [ID!]!, $versions: [Int]) { many: deleteOpportunities(ids: $ids, expectedVersions: $versions) { results { deletedId userErrors { code } } } }"
    assert codes(await many(world, removing, ids=deals, versions=[1, 1, 2])) == ["PRECONDITION_FAILED", None, None]


@pytest.mark.parametrize("versions", [[1, None], [None, 1], [1, 1], [None, None]])
async def test_a_double_is_one_item(world: World, versions: list[int | None]) -> None:
    """An id that comes twice is done once, also where a version is expected at one of its places only; both places get that result."""
    deal = (await create(world))["id"]
    payload = await many(world, VERSIONED, ids=[deal, deal], versions=versions, input={"name": "New"}, atomic=True)
    assert [result["opportunity"] for result in payload["results"]] == [{"version": 2}, {"version": 2}]
    removing = (
        "mutation($ids: [ID!]!, $versions: [Int]) { many: deleteOpportunities(ids: $ids, expectedVersions: $versions, atomic: true)"
        " { results { deletedId userErrors { code } } } }"
    )
    now = [version and version + 1 for version in versions]
    payload = await many(world, removing, ids=[deal, deal], versions=now)
    assert [result["deletedId"] for result in payload["results"]] == [deal, deal]


async def test_as_many_versions_as_ids(world: World) -> None:
    """Another number of versions is the request's fault, told with both numbers, and nothing is done."""
    deal = await create(world)
    before = await marks(world)
    for document in (VERSIONED, VERSIONED.replace("updateO", "deleteO").replace(", $input: UpdateOpportunityInput!", "").replace("input: $input, ", "")
                     .replace("opportunity { version }", "deletedId")):  # fmt: skip
        answer = await ask(world.graph, document, world.here.caller(), {"ids": [deal["id"]], "versions": [1, 1], "input": {"name": "x"}})
        assert answer.data is None
        assert answer.errors is not None
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
        assert "2 items and `ids` 1" in answer.errors[0]["message"]
    assert await marks(world) == before


async def test_which_item_is_at_fault(world: World) -> None:
    """In bulk each fault says the place of its item, beside the path within it; what an atomic call leaves undone says so in its place."""
    document = CREATE.replace("userErrors { code field }", "userErrors { code reason index field }")
    made = await many(world, document, inputs=[new(world), new(world, name=" ", contactIds=["cnt_0", "cnt_0"])])
    assert [(error["index"], error["reason"], error["field"]) for error in made["results"][1]["userErrors"]] == [
        (1, "TOO_SHORT", ["name"]),
        (1, "DUPLICATE", ["contactIds", "1"]),
    ]
    undone = await many(world, document, inputs=[new(world), new(world, name=" ")], atomic=True)
    assert [(error["index"], error["reason"]) for result in undone["results"] for error in result["userErrors"]] == [
        (0, "ANOTHER_ITEM"),
        (1, "TOO_SHORT"),
    ]


async def test_all_or_none(world: World) -> None:
    """With `atomic` one fault stops all, whichever of them it is: nothing is left of the others, and each says why."""
    deals = [await create(world) for _ in range(2)]
    ids = [deals[0]["id"], MISSING, deals[1]["id"]]
    before = await marks(world)
    for document, variables in (
        (CREATE, {"inputs": [new(world), new(world, accountId="acc_0"), new(world)]}),
        (UPDATE, {"ids": ids, "input": {"name": "New", "stage": "CLOSED_WON"}}),
        (DELETE, {"ids": ids}),
    ):
        payload = await many(world, document, atomic=True, **variables)
        assert codes(payload) == ["CONFLICT", "NOT_FOUND", "CONFLICT"]
        assert not any(result.get("opportunity") or result.get("deletedId") for result in payload["results"])
        assert (payload["succeeded"], payload["failed"]) == (0, 3)
        assert await marks(world) == before
    assert [await read(world, deal["id"]) for deal in deals] == deals
    assert codes(await many(world, UPDATE, ids=[ids[0], ids[2]], input={"name": "New"}, atomic=True)) == [None, None]
    assert await marks(world) == (before[0] + 1, before[1] + 2)


async def test_how_many(world: World) -> None:
    """None and 250 are taken; 251 are the request's fault, and nothing of them is done."""
    before = await marks(world)
    for document, variables in ((CREATE, {"inputs": []}), (UPDATE, {"ids": [], "input": {}}), (DELETE, {"ids": []})):
        assert await many(world, document, **variables) == {"results": [], "succeeded": 0, "failed": 0}
    assert await marks(world) == before
    made = await many(world, CREATE, inputs=[new(world)] * 250)
    assert (made["succeeded"], made["failed"]) == (250, 0)
    ids = [result["opportunity"]["id"] for result in made["results"]]
    for document, name, variables in (
        (CREATE, "inputs", {"inputs": [new(world)] * 251}),
        (UPDATE, "ids", {"ids": [*ids, ids[0]], "input": {"name": "x"}}),
        (DELETE, "ids", {"ids": [*ids, ids[0]]}),
        (VERSIONED, "expectedVersions", {"ids": ids, "versions": [1] * 251, "input": {"name": "x"}}),
    ):
        answer = await ask(world.graph, document, world.here.caller(), variables)
        assert (answer.data, answer.executed) == (None, False)
        assert answer.errors is not None
        assert answer.errors[0]["message"] == f"`{name}` has 251 items; it may have 250."
        assert answer.errors[0]["extensions"]["code"] == "BAD_REQUEST"
    assert await marks(world) == (before[0] + 1, before[1] + 250)
    assert (await many(world, DELETE, ids=ids, atomic=True))["succeeded"] == 250


async def test_a_retry_of_many(world: World) -> None:
    """Under a key, many are made once."""
    variables = {"inputs": [new(world), new(world)], "key": "many"}
    first = await ask(world.graph, CREATE, world.here.caller(), variables)
    before = await marks(world)
    again = await ask(world.graph, CREATE, world.here.caller(), variables)
    assert again.data == first.data
    assert again.extensions["idempotencyReplayed"] is True
    assert await marks(world) == before


PREVIEW = """query($id: ID!, $input: UpdateOpportunityInput!) { previewUpdateOpportunity(id: $id, input: $input) {
  changes { field from to because } userErrors { code reason index field message } } }"""


async def preview(world: World, id_: str, given: Row) -> Any:
    return (await data(world.graph, PREVIEW, world.here.caller(), {"id": id_, "input": given}))["previewUpdateOpportunity"]


async def test_a_preview_names_the_rules(world: World) -> None:
    """What the caller changes has no rule behind it, what follows from it has; a deal that isn't here can't be looked at."""
    deal = await create(world, value=5, probability=35)
    found = await preview(world, deal["id"], {"stage": "CLOSED_WON", "value": 7.5})
    changes = {change["field"]: (change["from"], change["to"], bool(change["because"])) for change in found["changes"]}
    assert changes.pop("closedDate")[2]
    assert changes == {
        "stage": ("PROSPECTING", "CLOSED_WON", False),
        "value": ("5", "7.5", False),
        "probability": ("35", "100", True),
        "probabilitySource": ("MANUAL", "STAGE_DEFAULT", True),
    }
    assert [error["code"] for error in (await preview(world, world.there.ids("opportunity")[0], {}))["userErrors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize("seed", range(2))
async def test_a_preview_is_what_an_update_does(world: World, seed: int) -> None:
    """Whatever is asked for, the preview writes nothing, and tells the very changes that the update makes, and the very faults."""
    random = Random(seed)
    deal = await create(world)
    for _ in range(40):
        given = _drawn(random, world)
        before = await marks(world)
        foretold = await preview(world, deal["id"], given)
        assert await marks(world) == before
        assert await read(world, deal["id"]) == deal
        payload = await update(world, deal["id"], given)
        assert foretold["userErrors"] == payload["userErrors"]
        if payload["userErrors"]:
            continue
        was, deal = deal, payload["opportunity"]
        assert {change["field"]: (change["from"], change["to"]) for change in foretold["changes"]} == _differences(was, deal)
        assert all(change["because"] for change in foretold["changes"] if change["field"] not in given)


def _drawn(random: Random, world: World) -> Row:
    """An update of a few fields, some of them impossible."""
    drawn: dict[str, list[Any]] = {
        "name": ["a", "b", " "],
        "value": [None, 0, 5, 7.25, "1.10"],
        "stage": [stage.name for stage in STAGES],
        "probability": [0, 35, 100, 101],
        "closeDate": [None, "2026-02-03"],
        "closedDate": [None, "2026-02-04"],
        "lossReason": [None, "Price"],
        "assignedToId": [None, "usr_0", *world.here.ids("user")[:2]],
        "source": [None, "web"],
        "contactIds": [[], world.here.ids("contact")[:2], world.here.ids("contact")[1::-1]],
        "description": [None, "text"],
    }
    return {name: random.choice(drawn[name]) for name in random.sample(sorted(drawn), random.randrange(4))}


def _differences(was: Row, now: Row) -> dict[str, tuple[str | None, str | None]]:
    """What differs in the fields that an update has, as a preview writes it."""
    return {field: pair for field in FIELDS if (pair := (_shown(was, field), _shown(now, field)))[0] != pair[1]}


FIELDS = (
    "name",
    "value",
    "stage",
    "probability",
    "probabilitySource",
    "closeDate",
    "closedDate",
    "lossReason",
    "assignedToId",
    "source",
    "contactIds",
    "description",
)


def _shown(deal: Row, field: str) -> str | None:
    if field == "contactIds":
        return ",".join(contact["id"] for contact in deal["contacts"])
    value = (deal["assignedTo"] or {}).get("id") if field == "assignedToId" else deal[field]
    return None if value is None else f"{value:g}" if isinstance(value, float) else str(value)
