"""Idempotency keys: what is kept under them, which calls are the same, and for how long."""

# ruff: noqa: E501  documents and the rows of tables stay on one line

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from tests.schema.dataset import World, ask, data
from tests.schema.deals import CREATE, UPDATE, create, marks, read, update


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
        assert answer.data == {"createOpportunity": None}
        assert answer.errors is not None
        assert answer.errors[0]["extensions"] == {"code": "VALIDATION_ERROR", "reason": "KEY_REUSED"}
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
        monkeypatch.setattr("schema.rules.clock.now", lambda later=later: later)
        answer = await ask(world.graph, CREATE, world.here.caller(), variables)
        assert ("idempotencyReplayed" in answer.extensions) == replayed


async def test_a_refused_write_is_not_kept(world: World) -> None:
    """What was refused under a key may be mended and sent again under it."""
    refused = await data(world.graph, CREATE, world.here.caller(), {**_input(world, name=" "), "key": "k"})
    assert refused["createOpportunity"]["userErrors"]
    mended = await ask(world.graph, CREATE, world.here.caller(), {**_input(world), "key": "k"})
    assert mended.data is not None
    assert mended.data["createOpportunity"]["opportunity"]


async def _stored(world: World) -> int:
    """How many answers are kept in the workspace."""
    statement = world.database.compile(text("SELECT count(*) FROM idempotency_key WHERE workspace_id = :workspace"))
    rows = await world.database.read(lambda connection: connection.fetch(statement, {"workspace": world.here.id}))
    return int(rows[0][0])


async def test_a_call_that_changed_nothing_is_kept(world: World) -> None:
    """A retry of a call that found nothing to do is answered as the first was: it never undoes what a colleague did meanwhile."""
    deal = await create(world, stage="PROPOSAL")
    before = await marks(world)
    variables = {"id": deal["id"], "input": {"stage": "PROPOSAL"}, "key": "k"}
    first = await ask(world.graph, UPDATE, world.here.caller(), variables)
    assert (await marks(world), await _stored(world)) == (before, 1)
    await update(world, deal["id"], {"stage": "CLOSED_WON"})
    again = await ask(world.graph, UPDATE, world.here.caller(), variables)
    assert again.extensions.pop("idempotencyReplayed") is True
    assert again.encode() == first.encode()
    assert (await read(world, deal["id"]))["stage"] == "CLOSED_WON"
    other = await ask(world.graph, UPDATE, world.here.caller(), variables | {"input": {"stage": "NEGOTIATION"}})
    assert other.errors is not None
    assert other.errors[0]["extensions"]["code"] == "VALIDATION_ERROR"
    assert await marks(world) == (before[0] + 1, before[1] + 1)


async def test_an_expired_key_is_replaced(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its day a key is another call's as well: the new answer takes the place of the old one."""
    await ask(world.graph, CREATE, world.here.caller(), {**_input(world), "key": "k"})
    monkeypatch.setattr("schema.rules.clock.now", lambda: (datetime.now(UTC) + timedelta(hours=25)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    deal = await create(world)
    change = {"id": deal["id"], "input": {"name": "Other"}, "key": "k"}
    for replayed in (False, True):
        answer = await ask(world.graph, UPDATE, world.here.caller(), change)
        assert (answer.errors, "idempotencyReplayed" in answer.extensions) == (None, replayed)
    assert await _stored(world) == 1


async def test_no_write_sweeps_the_keys_of_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write lets none go but its own: a million expired keys are nothing that it waits for."""
    for key in ("a", "b", "c"):
        await ask(world.graph, CREATE, world.here.caller(), {**_input(world), "key": key})
    monkeypatch.setattr("schema.rules.clock.now", lambda: (datetime.now(UTC) + timedelta(hours=25)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    await ask(world.graph, CREATE, world.here.caller(), {**_input(world), "key": "a"})
    assert await _stored(world) == 3


ONE = "mutation($input: CreateOpportunityInput!, $key: String) { createOpportunity(input: $input, idempotencyKey: $key) { opportunity { id ...More } } } fragment More on Opportunity { value probability }"
SAME = {
    "blanks and commas": (ONE.replace(" ", "  ").replace("}", "}\n,"), {}),
    "a comment": (ONE.replace("fragment", "# a comment\nfragment"), {}),
    "fragments first": (ONE[ONE.index("fragment") :] + ONE[: ONE.index("fragment")], {}),
    "another name": (ONE.replace("mutation(", "mutation Named("), {}),
    "an alias of the root field": (ONE.replace("createOpportunity(i", "made: createOpportunity(i"), {}),
    "a float": (ONE, {"value": 1.0, "probability": 35.0}),
    "text": (ONE, {"value": "1.00"}),
    "null for absent": (ONE, {"description": None, "stage": None, "contactIds": None}),
    "another order": (ONE, {"name": "Once"}),
}
OTHER = {
    "another value": (ONE, {"value": 2}),
    "one value more": (ONE, {"description": "x"}),
    "another selection": (ONE.replace("probability }", "probability stage }"), {}),
    "an alias below": (ONE.replace("{ value", "{ v: value"), {}),
    "another fragment": (ONE.replace("value probability", "value"), {}),
}


@pytest.mark.parametrize("name", [*SAME, *OTHER])
async def test_which_calls_are_the_same(world: World, name: str) -> None:
    """A call is what it means, not how it is written; another value or another answer is another call."""
    given = _input(world, value=1, probability=35)["input"]
    first = await ask(world.graph, ONE, world.here.caller(), {"input": given, "key": "k"})
    assert first.data is not None
    document, more = (SAME | OTHER)[name]
    variables = {"input": more | {key: value for key, value in given.items() if key not in more}, "key": "k"}
    again = await ask(world.graph, document, world.here.caller(), variables)
    if name in OTHER:
        assert again.errors is not None
        assert again.errors[0]["extensions"]["reason"] == "KEY_REUSED"
        return
    assert again.errors is None
    assert again.extensions["idempotencyReplayed"] is True
    assert [*(again.data or {}).values()] == [*first.data.values()]


async def test_literals_are_as_good_as_variables(world: World) -> None:
    """A call with its values in the document is the call with the same values in variables; so is one with null for an argument."""
    deal = await create(world)
    head = "mutation($id: ID!, $input: UpdateOpportunityInput!, $version: Int)"
    tail = "{ opportunity { name value } } }"
    by_variables = f'{head} {{ updateOpportunity(id: $id, input: $input, expectedVersion: $version, idempotencyKey: "k") {tail}'
    literal = f'mutation {{ updateOpportunity(input: {{value: 1.0, name: "N"}}, id: "{deal["id"]}", ignoreUnchanged: false, idempotencyKey: "k") {tail}'
    await data(world.graph, by_variables, world.here.caller(), {"id": deal["id"], "input": {"name": "N", "value": 1}})
    for document, variables in ((literal, {}), (by_variables, {"id": deal["id"], "version": None, "input": {"name": "N", "value": 1}})):
        answer = await ask(world.graph, document, world.here.caller(), variables)
        assert (answer.errors, answer.extensions.get("idempotencyReplayed")) == (None, True)


async def test_null_in_an_update_is_no_absence(world: World) -> None:
    """Within an update's input null clears, so it is another call than leaving the field out."""
    deal = await create(world, source="Web")
    await ask(world.graph, UPDATE, world.here.caller(), {"id": deal["id"], "input": {"name": "N"}, "key": "k"})
    answer = await ask(world.graph, UPDATE, world.here.caller(), {"id": deal["id"], "input": {"name": "N", "source": None}, "key": "k"})
    assert answer.errors is not None
    assert answer.errors[0]["extensions"]["reason"] == "KEY_REUSED"


async def test_variables_of_the_answer_count(world: World) -> None:
    """What a variable asks of the answer is part of the call: the kept answer has another page."""
    document = """mutation($input: CreateAccountInput!, $first: Int, $more: Boolean! = false) { createAccount(input: $input, idempotencyKey: "k") {
      account { name contacts(first: $first) { totalCount @include(if: $more) } } } }"""
    variables: dict[str, Any] = {"input": {"name": "x"}, "first": 5}
    await data(world.graph, document, world.here.caller(), variables)
    assert (await ask(world.graph, document, world.here.caller(), variables)).extensions["idempotencyReplayed"] is True
    for other in ({"first": 6}, {"first": None}, {"more": True}):
        answer = await ask(world.graph, document, world.here.caller(), variables | other)
        assert answer.errors is not None, other


KEYED = {
    "createOpportunity": '(input: {name: "x", accountId: "<account>"}, idempotencyKey: "<key>") { opportunity { id } }',
    "updateOpportunity": '(id: "<deal>", input: {name: "x"}, idempotencyKey: "<key>") { opportunity { id version } }',
    "createOpportunities": '(inputs: [{name: "x", accountId: "<account>"}], idempotencyKey: "<key>") { results { opportunity { id } } }',
    "updateOpportunities": '(ids: ["<deal>"], input: {name: "x"}, idempotencyKey: "<key>") { results { opportunity { id version } } }',
    "deleteOpportunities": '(ids: ["<deal>", "<deal>"], idempotencyKey: "<key>") { results { deletedId } }',
    "deleteOpportunity": '(id: "<deal>", idempotencyKey: "<key>") { deletedId userErrors { code } }',
    "createAccount": '(input: {name: "x"}, idempotencyKey: "<key>") { account { id } }',
    "updateAccount": '(id: "<account>", input: {name: "x"}, idempotencyKey: "<key>") { account { id version } }',
    "deleteAccount": '(id: "<empty>", idempotencyKey: "<key>") { deletedId userErrors { code } }',
    "createContact": '(input: {firstName: "x", email: "new@example.com"}, idempotencyKey: "<key>") { contact { id } userErrors { code } }',
    "updateContact": '(id: "<contact>", input: {firstName: "x"}, idempotencyKey: "<key>") { contact { id version } }',
    "deleteContact": '(id: "<contact>", idempotencyKey: "<key>") { deletedId userErrors { code } }',
    "createUser": '(input: {name: "x", email: "new@example.com", role: MEMBER}, idempotencyKey: "<key>") { user { id } userErrors { code } }',
    "updateUser": '(id: "<user>", input: {name: "x"}, idempotencyKey: "<key>") { user { name } }',
    "createApiKey": '(input: {name: "x", role: MEMBER}, idempotencyKey: "<key>") { apiKey { id } secret: token }',
    "rotateApiKey": '(id: "<apikey>", idempotencyKey: "<key>") { apiKey { id } secret: token userErrors { code } }',
    "revokeApiKey": '(id: "<apikey>", idempotencyKey: "<key>") { deletedId userErrors { code } }',
}


async def test_every_mutation_takes_a_key(world: World) -> None:
    """Whatever is written under a key is written once; the answer of createApiKey is kept without the token, which nobody keeps."""
    mutation_type: Any = world.graph.graphql_schema.mutation_type
    assert set(KEYED) == set(mutation_type.fields)
    empty = await data(world.graph, 'mutation { createAccount(input: {name: "Empty"}) { account { id } } }', world.here.caller())
    ids = {
        "account": world.here.ids("account")[0],
        "empty": empty["createAccount"]["account"]["id"],
        "apikey": world.here.ids("api_key")[0],
    }
    ids |= {"contact": world.here.ids("contact")[1], "user": world.here.ids("user")[1]}
    for name, template in KEYED.items():
        document = f"mutation {{ {name}{template} }}"
        for mark, id_ in {**ids, "deal": (await create(world))["id"], "key": name}.items():
            document = document.replace(f"<{mark}>", id_)
        first = await ask(world.graph, document, world.here.caller())
        assert first.errors is None, name
        before = await marks(world)
        again = await ask(world.graph, document, world.here.caller())
        assert (again.errors, again.extensions.get("idempotencyReplayed")) == (None, True), name
        assert await marks(world) == before, name
        expected = dict((first.data or {})[name])
        if name in {"createApiKey", "rotateApiKey"}:
            assert expected["secret"].startswith("pk_live_")
            expected["secret"] = None
        assert (again.data or {})[name] == expected, name


async def test_no_kept_answer_holds_a_token(world: World) -> None:
    """What is kept of createApiKey has no secret in it."""
    document = 'mutation { createApiKey(input: {name: "x", role: MEMBER}, idempotencyKey: "k") { token } }'
    token = (await data(world.graph, document, world.here.caller()))["createApiKey"]["token"]
    statement = world.database.compile(text("SELECT answer FROM idempotency_key WHERE workspace_id = :workspace"))
    rows = await world.database.read(lambda connection: connection.fetch(statement, {"workspace": world.here.id}))
    assert [orjson.loads(row[0]) for row in rows] == [{"token": None}]
    assert token not in str(rows)


async def test_a_key_twice_in_one_operation(world: World) -> None:
    """The same call twice under one key is done once, in one operation too; another call under it fails by itself."""
    account = world.here.ids("account")[0]
    one = f'createOpportunity(input: {{name: "x", accountId: "{account}"}}, idempotencyKey: "k") {{ opportunity {{ id }} }}'
    before = await marks(world)
    answer = await ask(world.graph, f"mutation {{ a: {one} b: {one} c: {one.replace('x', 'y')} }}", world.here.caller())
    assert answer.data is not None
    assert answer.data["a"] == answer.data["b"]
    assert answer.data["c"] is None
    assert [error["path"] for error in answer.errors or ()] == [["c"]]
    assert await marks(world) == (before[0] + 1, before[1] + 1)


async def test_a_replay_keeps_every_digit(world: World) -> None:
    """A sum that no double holds is told with all its digits by the replay too."""
    account = world.here.ids("account")[5]
    many = "mutation($inputs: [CreateOpportunityInput!]!) { createOpportunities(inputs: $inputs) { succeeded } }"
    most = [{"name": "x", "accountId": account, "value": 9_999_999_999_999.99}] * 250
    await data(world.graph, many, world.here.caller(), {"inputs": most})
    document = 'mutation($id: ID!) { updateAccount(id: $id, input: {name: "n"}, idempotencyKey: "k") { account { opportunities { summary { totalValue winRate } } } } }'
    first = await ask(world.graph, document, world.here.caller(), {"id": account})
    again = await ask(world.graph, document, world.here.caller(), {"id": account})
    assert again.extensions.pop("idempotencyReplayed") is True
    assert again.encode() == first.encode()
    assert len(str(orjson.loads(first.encode())["data"]["updateAccount"]["account"]["opportunities"]["summary"]["totalValue"])) > 15
