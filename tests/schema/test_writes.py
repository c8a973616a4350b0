"""Writes beyond the rules of a deal: people, keys of the API, admins, and what an answer re-reads."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

from typing import Any

import pytest
import strawberry
from sqlalchemy import text

from schema.engine.types.fields import Constraint, optional
from schema.engine.write.inputs import InputModel
from schema.rules.access import Role
from tests.schema.dataset import Row, World, ask, data
from tests.schema.deals import FIELDS, create, marks, read


async def test_the_answer_is_what_is_read_afterwards(world: World) -> None:
    """The payload's selection, nested connections and counts too, is what a query says after the commit."""
    selection = f"{{ {FIELDS} weightedValue account {{ name opportunities(first: 3) {{ totalCount nodes {{ id version }} summary {{ totalValue }} }} }} }}"
    document = f"mutation($input: CreateOpportunityInput!) {{ createOpportunity(input: $input) {{ opportunity {selection} }} }}"
    caller = world.here.caller(Role.MEMBER, user_id=world.here.ids("user")[1])
    made = await ask(
        world.graph,
        document,
        caller,
        {"input": {"name": "Once", "accountId": world.here.ids("account")[0], "value": 0.35, "contactIds": world.here.ids("contact")[:3]}},
    )
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


async def test_what_an_update_of_a_person_names(world: World) -> None:
    """Blank text is null for every noun; a stored value that would be refused today may be sent back; null where nothing is says nothing."""
    document = "mutation($input: CreateContactInput!) { createContact(input: $input) { contact { id phone title lastName account { id } } userErrors { code } } }"
    given = {"firstName": "x", "lastName": " ", "email": "blank@example.com", "phone": "", "title": "\u200b", "accountId": None}
    made = (await data(world.graph, document, world.here.caller(), {"input": given}))["createContact"]
    id_ = made["contact"].pop("id")
    assert made == {"contact": {"phone": None, "title": None, "lastName": None, "account": None}, "userErrors": []}
    before = await marks(world)
    change = "mutation($id: ID!, $input: UpdateContactInput!) { updateContact(id: $id, input: $input) { contact { version phone } userErrors { code reason field } } }"
    for nothing in ({"phone": " "}, {"phone": None, "title": ""}, {"firstName": "x", "email": "blank@example.com"}):
        same = await data(world.graph, change, world.here.caller(), {"id": id_, "input": nothing})
        assert same["updateContact"] == {"contact": {"version": 1, "phone": None}, "userErrors": []}
    assert await marks(world) == before
    account = "mutation($input: CreateAccountInput!) { createAccount(input: $input) { account { website industry } } }"
    made = await data(world.graph, account, world.here.caller(), {"input": {"name": "x", "website": "  ", "industry": ""}})
    assert made["createAccount"]["account"] == {"website": None, "industry": None}


async def test_a_fault_that_a_record_has_already(world: World) -> None:
    """A contact that was stored without a name may be changed elsewhere; who takes the name of another is still refused."""
    nameless, named = world.here.ids("contact")[:2]
    clause = text("UPDATE contact SET first_name = NULL, last_name = NULL WHERE workspace_id = :workspace AND id = :id")
    statement = world.database.compile(clause)
    await world.database.write(lambda connection: connection.execute(statement, {"workspace": world.here.id, "id": nameless}))
    document = "mutation($id: ID!, $input: UpdateContactInput!) { updateContact(id: $id, input: $input) { contact { phone } userErrors { reason } } }"
    found = await data(world.graph, document, world.here.caller(), {"id": nameless, "input": {"phone": "1", "firstName": None}})
    assert found["updateContact"] == {"contact": {"phone": "1"}, "userErrors": []}
    found = await data(world.graph, document, world.here.caller(), {"id": named, "input": {"firstName": None, "lastName": " "}})
    assert found["updateContact"] == {"contact": None, "userErrors": [{"reason": "REQUIRED"}]}


CREATE_KEY = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } token userErrors { code reason field } } }"
CREATE_ACCOUNT = 'mutation { createAccount(input: {name: "Held"}) { account { id } } }'
DELETE_ACCOUNT = "mutation($id: ID!) { deleteAccount(id: $id) { deletedId userErrors { code reason field } } }"


async def _held(world: World, **given: Any) -> tuple[str, str]:
    """An account, and the key that is limited to it."""
    admin = world.here.caller()
    account = (await data(world.graph, CREATE_ACCOUNT, admin))["createAccount"]["account"]["id"]
    made = await data(world.graph, CREATE_KEY, admin, {"input": {"name": "k", "role": "VIEWER", "accountId": account, **given}})
    return account, made["createApiKey"]["apiKey"]["id"]


async def _row(world: World, query: str, **values: Any) -> Any:
    statement = world.database.compile(text(query))
    return (await world.database.read(lambda connection: connection.fetch(statement, {"workspace": world.here.id, **values})))[0]


async def test_only_viewers_are_limited(world: World) -> None:
    """A frontend words each fault by its reason: a limit for somebody else than a viewer has one of its own."""
    given = {"name": "K", "role": "MEMBER", "accountId": world.here.ids("account")[0]}
    refused = (await data(world.graph, CREATE_KEY, world.here.caller(), {"input": given}))["createApiKey"]
    assert refused["userErrors"] == [{"code": "VALIDATION_ERROR", "reason": "NOT_VIEWER", "field": ["accountId"]}]


KEY_ROW = "SELECT account_id, revoked_at FROM api_key WHERE workspace_id = :workspace AND id = :id"


async def test_a_revoked_key_holds_no_account(world: World) -> None:
    """An account can't be deleted while a working key is limited to it, and can once the key is revoked."""
    account, key = await _held(world)
    held = (await data(world.graph, DELETE_ACCOUNT, world.here.caller(), {"id": account}))["deleteAccount"]
    assert held == {"deletedId": None, "userErrors": [{"code": "CONFLICT", "reason": "IN_USE", "field": None}]}
    await data(world.graph, "mutation($id: ID!) { revokeApiKey(id: $id) { deletedId } }", world.here.caller(), {"id": key})
    gone = (await data(world.graph, DELETE_ACCOUNT, world.here.caller(), {"id": account}))["deleteAccount"]
    assert gone == {"deletedId": account, "userErrors": []}
    assert (await _row(world, KEY_ROW, id=key))[0] is None


async def test_an_expired_key_holds_no_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that has expired lets its account go, and is revoked with it: without its limit it must never work again."""
    account, key = await _held(world, expiresAt="2099-01-01T00:00:00Z")
    monkeypatch.setattr("schema.rules.clock.now", lambda: "2099-01-01T00:00:00Z")
    gone = (await data(world.graph, DELETE_ACCOUNT, world.here.caller(), {"id": account}))["deleteAccount"]
    assert gone["deletedId"] == account
    assert tuple(await _row(world, KEY_ROW, id=key)) == (None, "2099-01-01T00:00:00Z")


UPDATE_USER = "mutation($id: ID!, $input: UpdateUserInput!) { updateUser(id: $id, input: $input) { user { role isActive } userErrors { code reason field } } }"


async def test_the_last_admin_stays(world: World) -> None:
    """The only active user with the role ADMIN can't be demoted or deactivated, by whomever; with another one he can."""
    admin, member = world.here.ids("user")[:2]

    async def change(id_: str, **given: Any) -> Row:
        found = await data(world.graph, UPDATE_USER, world.here.caller(user_id=admin), {"id": id_, "input": given})
        payload: Row = found["updateUser"]
        return payload

    before = await marks(world)
    for given, field in (({"role": "MEMBER"}, "role"), ({"isActive": False}, "isActive"), ({"role": "VIEWER", "isActive": False}, "role")):
        assert (await change(admin, **given))["userErrors"] == [{"code": "CONFLICT", "reason": "LAST_ADMIN", "field": [field]}]
    assert await marks(world) == before
    assert (await change(admin, name="Still", role="ADMIN", isActive=True))["userErrors"] == []
    assert (await change(world.here.ids("user")[3], role="ADMIN", accountId=None))["user"] == {"role": "ADMIN", "isActive": False}
    assert (await change(admin, role="MEMBER"))["userErrors"][0]["reason"] == "LAST_ADMIN"
    await change(member, role="ADMIN")
    assert (await change(admin, role="MEMBER"))["user"] == {"role": "MEMBER", "isActive": True}
    assert (await change(member, isActive=False))["userErrors"][0]["reason"] == "LAST_ADMIN"


async def test_a_workspace_without_an_admin_is_left_alone(world: World) -> None:
    """Where no active user is an admin, keys administer: users are changed as ever."""
    for user in world.here.ids("user")[1:]:
        answer = await data(world.graph, UPDATE_USER, world.here.caller(), {"id": user, "input": {"isActive": False}})
        assert answer["updateUser"]["userErrors"] == []


@pytest.mark.parametrize("id_", ["", " ", "0", "opp_01J0000000000000000000000"])
@pytest.mark.parametrize(
    ("mutation", "given", "field"),
    [
        ("createOpportunity", {"name": "x"}, "accountId"),
        ("createOpportunity", {"name": "x"}, "contactIds"),
        ("createContact", {"firstName": "x", "email": "reference@example.com"}, "accountId"),
        ("createUser", {"name": "x", "email": "reference@example.com", "role": "VIEWER"}, "accountId"),
        ("createApiKey", {"name": "x", "role": "VIEWER"}, "accountId"),
    ],
)
async def test_a_reference_to_nothing(world: World, mutation: str, given: Row, field: str, id_: str) -> None:
    """Whatever text stands for a record that isn't there, the empty one too, is told at its field, and nothing is written."""
    type_ = f"{mutation[0].upper()}{mutation[1:]}Input"
    before = await marks(world)
    value = [id_] if field == "contactIds" else id_
    if mutation == "createOpportunity" and field != "accountId":
        given = {**given, "accountId": world.here.ids("account")[0]}
    document = f"mutation($input: {type_}!) {{ {mutation}(input: $input) {{ userErrors {{ code field }} }} }}"
    answer = await ask(world.graph, document, world.here.caller(Role.ADMIN), {"input": {**given, field: value}})
    assert answer.data is not None, answer.errors
    (fault,) = answer.data[mutation]["userErrors"]
    assert (fault["code"], fault["field"][:1]) == ("NOT_FOUND", [field])
    assert await marks(world) == before


def test_a_package_may_limit_a_number_on_one_side_and_list_what_is_no_text() -> None:
    """The message names the one bound there is, and items are looked at as what they are."""

    @strawberry.input
    class OddInput:
        most: int | None = optional("", Constraint(max=5))
        least: int | None = optional("", Constraint(min=1))
        both: int | None = optional("", Constraint(min=1, max=5))
        numbers: list[int | None] | None = optional("")
        texts: list[str] | None = optional("", Constraint(unique_items=True))

    given = {"most": 6, "least": 0, "both": 6, "numbers": [1, None, 1], "texts": ["a\0", "b", "b"]}
    values, faults = InputModel(OddInput).read(given)
    assert [(fault.field, fault.message) for fault in faults] == [
        (("most",), "`most` must be 5 or less."),
        (("least",), "`least` must be 1 or more."),
        (("both",), "`both` must be from 1 to 5."),
        (("texts", "0"), "An id has no NUL character."),
        (("texts", "2"), "b is given twice."),
    ]
    assert values == {"numbers": [1, None, 1]}
