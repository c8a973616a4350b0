"""Text by both doors, on both databases: what can't be seen, what looks alike, what is searched for."""

from random import Random

import pytest

from tests.rest_compat.real import OPPORTUNITIES, Gateway

UNSEEN = ["\u200b", "\ufeff", "\u00ad", "\u2060\u200d", "\u3164", "\u2800", "\u3000 \u200b", "\U000e0020", " ", "", "\x07"]
CREATE_USER = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { name } userErrors { field code } } }"
CREATE_DEAL = "mutation($input: CreateOpportunityInput!) { createOpportunity(input: $input) { userErrors { field code } } }"


@pytest.mark.parametrize("name", UNSEEN)
async def test_a_name_can_be_seen(here: Gateway, name: str) -> None:
    """A name of which nothing shows is refused by both doors, of every kind of record, as a blank one is."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    deal = await here.make(OPPORTUNITIES, name="N", accountId=account)
    bodies = {"/api/accounts/": {}, OPPORTUNITIES: {"accountId": account}}
    for path, body in bodies.items():
        answer = await here.client.post(path, json={**body, "name": name})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "name"), answer.text
    answer = await here.client.patch(f"{OPPORTUNITIES}{deal['id']}/", json={"name": name})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "name"), answer.text
    answer = await here.client.post("/api/contacts/", json={"firstName": name, "lastName": name, "email": "a@example.com"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "firstName"), answer.text
    said = await here.query(CREATE_DEAL, {"input": {"name": name, "accountId": account}})
    assert said["createOpportunity"]["userErrors"] == [{"field": ["name"], "code": "VALIDATION_ERROR"}]
    said = await here.query(CREATE_USER, {"input": {"name": name, "email": "b@example.com", "role": "MEMBER"}})
    assert said["createUser"]["userErrors"] == [{"field": ["name"], "code": "VALIDATION_ERROR"}]


async def test_names_are_trimmed(here: Gateway) -> None:
    """What can't be seen at a name's ends goes, also what only some programs call a blank; what is within stays."""
    made = await here.make("/api/accounts/", name="\ufeff\u00a0Acme\u00ad Ltd\u200b\n")
    assert made["name"] == "Acme\u00ad Ltd"
    made = await here.make("/api/contacts/", firstName="\u200bSam ", lastName="\ufeff", email="sam@example.com")
    assert made["name"] == "Sam"


async def test_names_that_grow_when_they_are_folded(here: Gateway) -> None:
    """A name of 200 characters that each stand for several is kept, found and put in order: its form for searching fits into an index."""
    random = Random(7)
    account = (await here.make("/api/accounts/", name="\ufdfa" * 200))["id"]
    for characters in (range(0x3300, 0x3358), range(0xFB50, 0xFDFC), [0xFDFA]):
        name = "".join(chr(random.choice(characters)) for _ in range(200))
        made = await here.make(OPPORTUNITIES, name=name, accountId=account)
        assert made["name"] == name
        found = await here.client.get(OPPORTUNITIES, params={"search": name[:20], "ordering": "name"})
        assert made["id"] in [each["id"] for each in found.json()["results"]]
    first = (
        "query($after: String) { opportunities(orderBy: {field: NAME}, first: 1, after: $after) { nodes { id } pageInfo { endCursor } } }"
    )
    seen, after = [], None
    for _ in range(3):
        page = (await here.query(first, {"after": after}))["opportunities"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
    assert len(set(seen)) == 3
