"""What an answer says, checked against the rows themselves: opportunities with their account, owner and contacts."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

from random import Random
from typing import Any

import pytest

from schema.engine.document.documents import RequestError
from schema.graph import Graph
from tests.schema.dataset import Row, World, data
from tests.schema.model import STAGE_NAMES, chosen

OWN = {
    "id": lambda deal: deal["id"],
    "name": lambda deal: deal["name"],
    "stage": lambda deal: STAGE_NAMES[deal["stage"]],
    "probability": lambda deal: deal["probability"],
    "probabilitySource": lambda deal: "MANUAL" if deal["probability_manual"] else "STAGE_DEFAULT",
    "value": lambda deal: None if deal["value_cents"] is None else deal["value_cents"] / 100,
    "closeDate": lambda deal: deal["close_date"],
    "closedDate": lambda deal: deal["closed_date"],
    "lossReason": lambda deal: deal["loss_reason"],
    "source": lambda deal: deal["source"],
    "description": lambda deal: deal["description"],
    "createdAt": lambda deal: deal["created_at"],
    "updatedAt": lambda deal: deal["updated_at"],
    "version": lambda deal: deal["version"],
    "__typename": lambda _: "Opportunity",
}
PEOPLE = {
    "account": {"id": "id", "name": "name", "website": "website", "industry": "industry", "createdAt": "created_at"},
    "assignedTo": {"id": "id", "name": "name", "email": "email", "isActive": "is_active"},
    "contacts": {"id": "id", "firstName": "first_name", "lastName": "last_name", "name": "name", "email": "email", "phone": "phone"},
}


def _drawn(random: Random) -> dict[str, Any]:
    """A selection: fields of a deal under aliases or not, and of its people."""
    selected: dict[str, Any] = {}
    for name in random.sample(sorted(OWN), random.randrange(1, 5)):
        selected[random.choice((name, f"x{len(selected)}"))] = name
    for name in random.sample(sorted(PEOPLE), random.randrange(4)):
        fields = random.sample(sorted(PEOPLE[name]), random.randrange(1, 4))
        selected[random.choice((name, f"y{len(selected)}"))] = (name, fields)
    items = list(selected.items())
    random.shuffle(items)
    return dict(items)


def _text(selected: dict[str, Any]) -> str:
    parts = [f"{key}: {what}" if isinstance(what, str) else f"{key}: {what[0]} {{ {' '.join(what[1])} }}" for key, what in selected.items()]
    return " ".join(parts)


def _told(world: World, deal: Row, selected: dict[str, Any]) -> dict[str, Any]:
    return {key: OWN[what](deal) if isinstance(what, str) else _people(world, deal, *what) for key, what in selected.items()}


def _people(world: World, deal: Row, name: str, fields: list[str]) -> Any:
    def found(table: str, id_: str | None) -> dict[str, Any] | None:
        rows = [row for row in world.here.rows(table) if row["id"] == id_]
        return {field: rows[0][PEOPLE[name][field]] for field in fields} if rows else None

    if name == "account":
        return found("account", deal["account_id"])
    if name == "assignedTo":
        return found("user", deal["assigned_to_id"])
    return [found("contact", id_) for id_ in world.here.contacts_of(deal["id"])]


async def test_answers_are_what_the_rows_say(world: World) -> None:
    """Drawn selections of deals, on both ways of answering, hold the rows' own values in the order asked for."""
    for graph in (world.graph, Graph(world.database, plans=False)):
        for seed in range(40):
            random = Random(seed)
            selected, stage = _drawn(random), random.choice(STAGE_NAMES)
            document = f"{{ opportunities(filter: {{stage: {{eq: {stage}}}}}, first: 100) {{ nodes {{ {_text(selected)} }} }} }}"
            found = (await data(graph, document, world.here.caller()))["opportunities"]["nodes"]
            expected = [_told(world, deal, selected) for deal in chosen(world.here, {"stage": {"eq": stage}})]
            assert [{key: list(value) if isinstance(value, tuple) else value for key, value in node.items()} for node in found] == expected
            assert all(list(node) == list(selected) for node in found)


async def test_the_weighted_value_is_rounded_half_up(world: World) -> None:
    """Value times probability / 100, to the cent, half up; a won deal weighs its value, a lost one 0: alike on both databases."""
    found = await data(
        world.graph, "{ opportunities(first: 100) { nodes { value stage probability weightedValue } } }", world.here.caller()
    )
    odd = {("CLOSED_WON", 100), ("CLOSED_LOST", 0)}
    closed = {(node["stage"], node["probability"]) for node in found["opportunities"]["nodes"] if node["stage"].startswith("CLOSED")}
    assert closed - odd
    for node in found["opportunities"]["nodes"]:
        if node["value"] is None:
            assert node["weightedValue"] is None
        else:
            cents = (round(node["value"] * 100) * {"CLOSED_WON": 100, "CLOSED_LOST": 0}.get(node["stage"], node["probability"]) + 50) // 100
            assert node["weightedValue"] == cents / 100


async def test_connections_below_each_parent(world: World) -> None:
    """Each account has its own page, count and sum of deals, each contact its own deals."""
    document = "{ accounts(first: 10) { nodes { id opportunities(first: 2, orderBy: [{field: NAME}]) { totalCount nodes { id } pageInfo { hasNextPage } } contacts(first: 50) { totalCount nodes { id } } } } }"
    for account in (await data(world.graph, document, world.here.caller()))["accounts"]["nodes"]:
        deals = chosen(world.here, {"accountId": {"eq": account["id"]}}, [("NAME", False)])
        page = account["opportunities"]
        assert [node["id"] for node in page["nodes"]] == [deal["id"] for deal in deals][:2]
        assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (len(deals), len(deals) > 2)
        people = {row["id"] for row in world.here.rows("contact") if row["account_id"] == account["id"]}
        assert {node["id"] for node in account["contacts"]["nodes"]} == people
        assert account["contacts"]["totalCount"] == len(people)
    below = await data(
        world.graph, "{ contacts(first: 15) { nodes { id opportunities(first: 60) { nodes { id } } } } }", world.here.caller()
    )
    for contact in below["contacts"]["nodes"]:
        deals = chosen(world.here, {"contactId": {"eq": contact["id"]}})
        assert [node["id"] for node in contact["opportunities"]["nodes"]] == [deal["id"] for deal in deals]


@pytest.mark.parametrize(
    ("literal", "column", "said"),
    [('closeDate: {gt: "1.2.2025"}', 42, "date"), ("value: {gt: 1.001}", 38, "amount"), ("createdAt: {gt: 5}", 42, "instant")],
)
async def test_a_literal_that_will_not_do(world_on_sqlite: World, literal: str, column: int, said: str) -> None:
    """What is no date, amount or instant in a document is told with its place, as what is no enum value is."""
    with pytest.raises(RequestError) as caught:
        world_on_sqlite.graph.prepare(f"{{ opportunities(filter: {{{literal}}}) {{ totalCount }} }}")
    (error,) = caught.value.errors
    assert error["locations"] == [{"line": 1, "column": column}]
    assert f"is not an {said}:" in error["message"] or f"is not a {said}:" in error["message"]
