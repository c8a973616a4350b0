"""Writes by REST over the real graph, on both databases: what is named holds, keys everywhere, and messages in REST's own words."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.rest_compat.real import OPPORTUNITIES, Gateway
from tests.rest_compat.test_records import READ_ONLY


def today() -> str:
    return datetime.now(UTC).date().isoformat()


async def deal(here: Gateway, **more: Any) -> str:
    """The path of a new opportunity at a new account."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    return f"{OPPORTUNITIES}{(await here.make(OPPORTUNITIES, name='N', accountId=account, **more))['id']}/"


async def patch(here: Gateway, url: str, **body: Any) -> Any:
    """What a PATCH answers; it must not be refused."""
    answer = await here.client.patch(url, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_retry_does_not_undo_the_work_of_others(here: Gateway) -> None:
    """A PATCH that changed nothing is kept under its key: after a colleague has closed the deal its retry doesn't reopen it."""
    url = await deal(here, stage="proposal")
    key = {"idempotency-key": "k"}
    first = await here.client.patch(url, json={"stage": "proposal"}, headers=key)
    assert "idempotency-replayed" not in first.headers
    await patch(here, url, stage="closed_won")
    again = await here.client.patch(url, json={"stage": "proposal"}, headers=key)
    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (200, first.content, "true")
    assert again.headers["etag"] == first.headers["etag"]
    assert (await here.client.get(url)).json()["stage"] == "closed_won"
    other = await here.client.patch(url, json={"stage": "negotiation"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "validation_error")


async def test_what_is_named_holds(here: Gateway) -> None:
    """No rule overwrites what the body names, also where it equals what was stored."""
    url = await deal(here, stage="negotiation")
    assert (await patch(here, url, stage="proposal", probability=80))["probability"] == 80
    url = await deal(here, stage="closed_won", closedDate="2025-01-31")
    assert (await patch(here, url, stage="closed_lost", closedDate="2025-01-31"))["closedDate"] == "2025-01-31"
    url = await deal(here, stage="proposal")
    await patch(here, url, probability=60)
    assert (await patch(here, url, stage="negotiation"))["probability"] == 60


@pytest.mark.parametrize("keys", ["whole", "writable"])
async def test_the_whole_object_sent_back(here: Gateway, keys: str) -> None:
    """With `updatedAt`, or with every key that can be written, what is as it was counts as absent; the rules do the rest."""
    lost = {"stage": "closed_lost", "closedDate": "2025-01-31", "lossReason": "Price"}
    url = await deal(here, **lost, value=5, source="web", closeDate="2025-02-01", description="d")
    body = (await here.client.get(url)).json()
    body = body if keys == "whole" else {name: value for name, value in body.items() if name not in READ_ONLY}
    opened = await patch(here, url, **body | {"stage": "proposal"})
    assert [opened[name] for name in ("stage", "probability", "closedDate", "lossReason")] == ["proposal", 60, None, None]
    body = body | {"stage": "proposal", "probability": 60, "closedDate": None, "lossReason": None}
    assert (await patch(here, url, **body | {"name": "M"}))["name"] == "M"
    moved = await patch(here, url, **body | {"name": "M", "stage": "negotiation"})
    assert moved["probability"] == 80
    days = {today()}
    closed = await patch(here, url, **body | {"name": "M", "stage": "closed_won", "probability": 80, "closedDate": None})
    assert closed["closedDate"] in days | {today()}
    assert closed["probability"] == 100


async def test_a_closed_deal_has_its_date(here: Gateway) -> None:
    """The date of a closed deal can't be cleared; it may be where the deal is opened."""
    url = await deal(here, stage="closed_won")
    refused = await here.client.patch(url, json={"closedDate": None})
    assert (refused.status_code, [item["field"] for item in refused.json()["errors"]]) == (422, ["closedDate"])
    assert (await patch(here, url, stage="proposal", closedDate=None))["closedDate"] is None


async def test_blank_text_is_null(here: Gateway) -> None:
    """Text of which nothing shows is null wherever null may be, of every kind of record, on create and update."""
    url = await deal(here, source="", description=" \n", lossReason="")
    made = (await here.client.get(url)).json()
    assert (made["source"], made["description"], made["lossReason"]) == (None, None, None)
    await patch(here, url, source="web", description="d")
    assert [(await patch(here, url, source="\t", description=""))[name] for name in ("source", "description")] == [None, None]
    account = await here.make("/api/accounts/", name="A", website="", industry="  ")
    assert (account["website"], account["industry"]) == (None, None)
    contact = await here.make("/api/contacts/", firstName="S", lastName="", email="s@example.com", phone=" ", title="")
    assert (contact["lastName"], contact["phone"], contact["title"]) == (None, None, None)


BODIES = {
    "accounts": ({"name": "A"}, {"industry": "Steel"}),
    "contacts": ({"firstName": "S", "email": "s@example.com"}, {"phone": "1"}),
    "opportunities": ({"name": "N"}, {"value": 5}),
}
OTHER = {"accounts": "name", "contacts": "title", "opportunities": "name"}


@pytest.mark.parametrize("kind", BODIES)
async def test_keys_on_every_write(here: Gateway, kind: str) -> None:
    """POST, PATCH and DELETE of every kind of record have one effect a key, and say so in the replay; another call under it is 422."""
    create, update = BODIES[kind]
    if kind == "opportunities":
        create = create | {"accountId": (await here.make("/api/accounts/", name="A"))["id"]}
    made: Any = None
    for method, path, body in (("POST", "", create), ("PATCH", "ID/", update), ("DELETE", "ID/", None)):
        url = f"/api/{kind}/{path}".replace("ID", made["id"] if made else "")
        key = {"idempotency-key": method}
        first, again = [await here.client.request(method, url, json=body, headers=key) for _ in range(2)]
        assert first.status_code in {200, 201, 204}, first.text
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
        assert again.headers.get("etag") == first.headers.get("etag")
        made = made or first.json()
        other = await here.client.request(method, url, json=body and {**body, OTHER[kind]: "X"}, headers={**key, "if-match": '"9-x"'})
        assert (other.status_code, other.json()["code"]) == (422, "validation_error"), other.text
    assert (await here.client.get(f"/api/{kind}/")).json()["count"] == 0


async def test_the_key_of_a_deletion_is_the_record_s(here: Gateway) -> None:
    """Under the key of one deletion another record isn't deleted; without a key the second deletion is 404."""
    first, second = await deal(here), await deal(here)
    key = {"idempotency-key": "k"}
    assert (await here.client.delete(first, headers=key)).status_code == 204
    assert (await here.client.delete(second, headers=key)).status_code == 422
    assert (await here.client.delete(first)).status_code == 404
    assert (await here.client.get(second)).status_code == 200


async def test_equal_calls_written_otherwise(here: Gateway) -> None:
    """`1` and `1.0`, another order of keys, null for a key that a new record doesn't have: the same call."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    key = {"idempotency-key": "k", "content-type": "application/json"}
    texts = [
        f'{{"name": "N", "accountId": "{account}", "value": 1, "probability": 35}}',
        f'{{ "probability": 35.0, "value": 1.0, "accountId": "{account}", "name": "N", "source": null }}',
        f'{{"name": "N", "accountId": "{account}", "value": "1.00", "probability": 35, "contactIds": null}}',
    ]
    answers = [await here.client.post(OPPORTUNITIES, content=text, headers=key) for text in texts]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", "true"]


GRAPH_NAMES = re.compile(
    r"assignedToId|expectedVersion|idempotencyKey|userErrors|[A-Z]+_[A-Z]+|PROSPECTING|QUALIFICATION|PROPOSAL|NEGOTIATION|VIEWER"
)
REST_NAMES = re.compile(r"closed_(won|lost)|needs_analysis|If-Match|Idempotency-Key")
RULED: list[tuple[str, dict[str, Any]]] = [
    ("prospecting", {"lossReason": "x", "closedDate": "2025-01-01"}),
    ("closed_won", {"lossReason": "x", "closedDate": None}),
    ("prospecting", {"assignedTo": "usr_0", "contactIds": ["cnt_0", "cnt_0"], "accountId": "acc_0"}),
    ("prospecting", {"name": None, "accountId": None, "stage": None, "probability": None}),
    ("prospecting", {"name": " ", "probability": 101, "value": -1, "source": "x" * 101, "description": "x" * 10_001}),
]


async def test_messages_speak_the_words_of_their_door(here: Gateway) -> None:
    """A refusal names fields, stages and headers as REST writes them in REST, and as GraphQL does in GraphQL."""
    document = """mutation($id: ID!, $input: UpdateOpportunityInput!, $version: Int) { updateOpportunity(id: $id, input: $input,
      expectedVersion: $version) { userErrors { field message reason } } }"""
    for stage, body in RULED:
        url = await deal(here, stage=stage)
        rest = await here.client.patch(url, json=body)
        assert rest.status_code == 422
        assert not GRAPH_NAMES.search(rest.text), rest.text
        given = {name.replace("assignedTo", "assignedToId"): value for name, value in body.items()}
        told = await here.query(document, {"id": url.split("/")[3], "input": given})
        errors = told["updateOpportunity"]["userErrors"]
        assert not REST_NAMES.search(str(errors)), errors
        assert len(errors) == len(rest.json()["errors"])
        assert "OTHER" not in {error["reason"] for error in errors}
    refused = await here.client.patch(await deal(here), json={"lossReason": "x"})
    assert "`closed_lost`" in refused.json()["errors"][0]["message"]
    stale = await here.client.patch(url, json={}, headers={"if-match": '"9-x"'})
    assert "If-Match" in stale.json()["detail"]
    assert not GRAPH_NAMES.search(stale.text)


async def test_the_translation_of_a_whole_object(here: Gateway) -> None:
    """What a whole object becomes in GraphQL says so, and does there what it does here."""
    url = await deal(here, stage="proposal")
    body = (await here.client.get(url)).json() | {"stage": "negotiation"}
    explained = (await here.client.post(f"/api/_graphql?method=PATCH&path={url}", json=body)).json()
    assert explained["variables"]["ignoreUnchanged"] is True
    data = await here.query(explained["document"], explained["variables"])
    assert data["updateOpportunity"]["opportunity"]["probability"] == 80


async def test_a_list_is_named_however_long_it_is(here: Gateway) -> None:
    """Contacts that are too many are a fault of `contactIds`, also where they are so many that nothing looks at each of them."""
    url = await deal(here)
    for count in (251, 1_001, 20_000):
        refused = await here.client.patch(url, json={"contactIds": ["c"] * count})
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_error"), refused.text
        assert [each["field"] for each in refused.json()["errors"]] == ["contactIds"]
