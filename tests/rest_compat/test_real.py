"""REST over the real graph, on both databases: the reference byte for byte, the rules, and the same said by both doors."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from gateway.edge.negotiate import GRAPHQL
from schema.rules.access import Role
from schema.storage.database import DatabaseUnavailable
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway
from tests.rest_compat.test_records import ANSWER, CREATE, DETAIL, LISTED, made_real
from tests.schema.query_recorder import Heard

INSTANT = re.compile(rb"\d{4}-\d\d-\d\dT[\d:]{8}Z")
JSON = {"content-type": "application/json"}


async def ids(here: Gateway) -> dict[str, str]:
    """The records that the reference's examples refer to."""
    account = (await here.make("/api/accounts/", name="TechCorp Inc"))["id"]
    contacts = [await here.make("/api/contacts/", firstName=name, email=f"{name}@example.com") for name in ("Sam", "Kim")]
    return {
        "acc_02HX...": account,
        "usr_01HX...": await here.user("Alex Johnson", "alex@example.com"),
        "cnt_01HX...": contacts[0]["id"],
        "cnt_03HX...": contacts[1]["id"],
    }


async def deal(here: Gateway, **more: Any) -> dict[str, Any]:
    """A new opportunity at a new account."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    return await here.make(OPPORTUNITIES, name="N", accountId=account, **more)


async def test_the_reference_byte_for_byte(here: Gateway) -> None:
    """The reference's create body gives its detail answer, from POST, GET and, without its longer keys, from the list; instants aside."""
    real = await ids(here)
    created = await here.client.post(OPPORTUNITIES, content=made_real(CREATE, real).encode(), headers=JSON)
    assert created.status_code == 201, created.text
    real["opp_01HX..."] = created.json()["id"]
    expected = orjson.loads(made_real(ANSWER, real))
    assert INSTANT.sub(b"T", created.content) == INSTANT.sub(b"T", orjson.dumps(expected))
    read = await here.client.get(f"{OPPORTUNITIES}{created.json()['id']}/")
    assert (read.content, read.headers["etag"]) == (created.content, created.headers["etag"])
    page = await here.client.get(OPPORTUNITIES)
    item = {name: created.json()[name] for name in LISTED.split()}
    assert page.content == orjson.dumps({"count": 1, "next": None, "previous": None, "results": [item]})


async def test_the_reference_closes_and_loses(here: Gateway) -> None:
    """Its two PATCH examples do what they say; an opened deal has neither date nor reason."""
    url = f"{OPPORTUNITIES}{(await deal(here, stage='negotiation'))['id']}/"
    won = await here.client.patch(url, content=b'{"stage": "closed_won","closedDate": "2025-03-25","probability": 100}', headers=JSON)
    assert [won.json()[name] for name in ("stage", "closedDate", "probability")] == ["closed_won", "2025-03-25", 100], won.text
    reason = "Chose competitor — price was primary objection"
    lost = await here.client.patch(url, json={"stage": "closed_lost", "lossReason": reason})
    assert [lost.json()[name] for name in ("stage", "lossReason", "probability")] == ["closed_lost", reason, 0], lost.text
    opened = (await here.client.patch(url, json={"stage": "proposal"})).json()
    assert [opened[name] for name in ("stage", "closedDate", "lossReason", "probability")] == ["proposal", None, None, 60]
    assert list(opened) == DETAIL.split()
    gone = await here.client.delete(url)
    assert (gone.status_code, gone.content, (await here.client.get(url)).status_code) == (204, b"", 404)


@pytest.mark.parametrize("value", [48000, 48000.5, 0.01, 9999999999999.99, 0, None, 12.3])
async def test_amounts_are_exact(here: Gateway, value: float | None) -> None:
    """A JSON number exact to the cent, whole ones without a fraction, through create, read and list."""
    made = await deal(here, value=value)
    text = orjson.dumps({"value": value})[1:-1]
    for path in (f"{OPPORTUNITIES}{made['id']}/", OPPORTUNITIES):
        assert text in (await here.client.get(path)).content


async def test_both_doors_say_the_same(here: Gateway) -> None:
    """What REST writes GraphQL reads, and the other way round."""
    made = await deal(here, value=5.5, stage="proposal")
    document = "query($id: ID!) { opportunity(id: $id) { name value stage probability account { name } version } }"
    read = (await here.query(document, {"id": made["id"]}))["opportunity"]
    assert read == {"name": "N", "value": 5.5, "stage": "PROPOSAL", "probability": 60, "account": {"name": "A"}, "version": 1}
    change = "mutation($id: ID!) { updateOpportunity(id: $id, input: {value: 7, stage: NEGOTIATION}) { userErrors { message } } }"
    await here.query(change, {"id": made["id"]})
    answer = await here.client.get(f"{OPPORTUNITIES}{made['id']}/")
    assert [answer.json()[name] for name in ("value", "stage", "probability")] == [7, "negotiation", 80]
    assert answer.headers["etag"].startswith('"2-')


async def test_types_and_rules_are_refused_by_rest_names(here: Gateway) -> None:
    """What the types refuse is told at once, and then what the rules refuse; by REST's names."""
    wrong = {
        "name": None,
        "value": 1.005,
        "stage": "won",
        "probability": 1.5,
        "closeDate": "2025-02-30",
        "assignedTo": 1,
        "contactIds": "cnt_1",
        "source": {},
    }
    refused = await here.client.post(OPPORTUNITIES, json=wrong)
    assert refused.status_code == 422, refused.text
    told = {item["field"]: item["message"] for item in refused.json()["errors"]}
    assert told.keys() == {*wrong, "accountId"}
    assert (told["probability"], told["source"]) == ("1.5 is not a whole number.", "an object is not a text.")
    assert refused.headers["cache-control"] == "no-store"
    rules = {
        "name": "  ",
        "accountId": "acc_nowhere",
        "value": -1,
        "probability": 101,
        "lossReason": "x",
        "closedDate": "2025-01-01",
        "assignedTo": "usr_nowhere",
        "contactIds": ["cnt_nowhere"],
        "source": "x" * 101,
        "description": "x" * 10_001,
    }
    refused = await here.client.post(OPPORTUNITIES, json=rules)
    assert refused.status_code == 422, refused.text
    assert {item["field"] for item in refused.json()["errors"]} == {*rules.keys() - {"contactIds"}, "contactIds.0"}
    assert {item["code"] for item in refused.json()["errors"]} == {"validation_error", "not_found"}
    assert "assignedToId" not in refused.text


async def test_another_workspace_is_as_absent(here: Gateway) -> None:
    """Read, changed or deleted from elsewhere, a record is the same bytes as one that never was."""
    made = await deal(here)
    there = await here.token("There")
    for method in ("GET", "PATCH", "DELETE"):
        bodies = {
            (answer.status_code, answer.content)
            for identifier in (made["id"], "opp_01ARZ3NDEKTSV4RRFFQ69G5FAV", "x")
            for answer in [await here.client.request(method, f"{OPPORTUNITIES}{identifier}/", json={}, headers=there)]
        }
        assert bodies == {(404, b'{"detail":"There is no such opportunity.","code":"not_found"}')}, method
    assert (await here.client.get(OPPORTUNITIES, headers=there)).json()["count"] == 0


async def test_roles(here: Gateway) -> None:
    """Without a token 401, a viewer's write 403; a viewer of one account sees only what belongs to it."""
    mine, other = await deal(here), await deal(here)
    no_token = await here.client.get(OPPORTUNITIES, headers={"authorization": ""})
    assert (no_token.status_code, no_token.json()["code"]) == (401, "unauthenticated")
    assert no_token.headers["www-authenticate"].startswith("Bearer")
    viewer = await here.token("Here", Role.VIEWER, mine["accountId"])
    refused = await here.client.patch(f"{OPPORTUNITIES}{mine['id']}/", json={}, headers=viewer)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    page = (await here.client.get(OPPORTUNITIES, headers=viewer)).json()
    assert [row["id"] for row in page["results"]] == [mine["id"]]
    assert (await here.client.get(f"{OPPORTUNITIES}{other['id']}/", headers=viewer)).status_code == 404


async def test_one_effect_a_key(here: Gateway) -> None:
    """Parallel retries of one key create one record and get one answer; the key with another body, or another operation, is 422."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    body, key = {"name": "Once", "accountId": account}, {"idempotency-key": '"once"'}
    answers = await asyncio.gather(*(here.client.post(OPPORTUNITIES, json=body, headers=key) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.headers.get("idempotency-replayed") == "true" for answer in answers) == 7
    assert (await here.client.get(OPPORTUNITIES)).json()["count"] == 1
    other = await here.client.post(OPPORTUNITIES, json=body | {"value": 1}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "validation_error")


async def test_a_key_in_progress(here: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a request of the same key that gets no further, a retry is 409, with another key 503; later it has its one effect."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    body = {"name": "Once", "accountId": account}
    come, stuck = asyncio.Semaphore(0), asyncio.Event()
    write = here.app.database.write

    async def held(work: Any, **options: Any) -> Any:
        come.release()
        await stuck.wait()
        raise DatabaseUnavailable("the statement ran longer than it may")

    async def create(key: str) -> Any:
        return await here.client.post(OPPORTUNITIES, json=body, headers={"idempotency-key": key})

    monkeypatch.setattr(here.app.database, "write", held)
    original = asyncio.create_task(create("k"))
    await come.acquire()
    retries = [asyncio.create_task(create(key)) for key in ("k", "other")]
    for _ in retries:
        await come.acquire()
    stuck.set()
    answers = await asyncio.gather(original, *retries)
    assert [answer.status_code for answer in answers] == [503, 409, 503]
    assert answers[1].json()["code"] == "conflict"
    monkeypatch.setattr(here.app.database, "write", write)
    assert (await create("k")).status_code == 201
    assert (await here.client.get(OPPORTUNITIES)).json()["count"] == 1


async def test_lists_are_told_by_revision(here: Gateway) -> None:
    """A list's tag holds until anything in the workspace changes, be it by the other door."""
    made = await deal(here)
    first = await here.client.get(OPPORTUNITIES)
    known = {"if-none-match": first.headers["etag"]}
    assert (await here.client.get(OPPORTUNITIES, headers=known)).status_code == 304
    assert (await here.client.patch(f"{OPPORTUNITIES}{made['id']}/", json={"name": "N"})).status_code == 200
    assert (await here.client.get(OPPORTUNITIES, headers=known)).status_code == 304
    await here.user("New", "new@example.com")
    assert (await here.client.get(OPPORTUNITIES, headers=known)).status_code == 200


@pytest.mark.parametrize(
    ("target", "statements", "columns"),
    [
        ("?fields=id,value", 2, ["created_at", "id", "value_cents"]),
        ("?fields=accountName", 2, ["created_at", "id", "name"]),
        ("{id}/?fields=id,name", 1, ["id", "name", "version"]),
        ("{id}/?fields=accountId,assignedTo", 1, ["account_id", "assigned_to_id", "id", "version"]),
        ("{id}/?fields=contactIds", 1, ["id", "version"]),
        ("{id}/", 1, None),
    ],
)
async def test_fields_are_all_that_is_read(
    here: Gateway, monkeypatch: pytest.MonkeyPatch, target: str, statements: int, columns: list[str] | None
) -> None:
    """The database is asked for the columns of the keys in `fields`, beside those that tell records apart and that links hold.

    Contacts are read only where they are named.
    """
    made = await deal(here)
    heard = Heard(monkeypatch)
    assert (await here.client.get(OPPORTUNITIES + target.format(id=made["id"]))).status_code == 200
    reading = [text for text in heard.reading() if "api_key" not in text]
    assert len(reading) == statements, reading
    (text,) = (text for text in reading if "count(" not in text)
    shown = re.findall(r"\bt\d\.(\w+)", text.rpartition("FROM opportunity AS t0")[0])
    assert columns is None or sorted(set(shown)) == columns, reading


async def test_an_unchanged_list_costs_one_look(here: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that its caller has is 304 by the workspace's revision alone: neither rows nor their count are read."""
    await deal(here)
    tag = (await here.client.get(OPPORTUNITIES)).headers["etag"]
    heard = Heard(monkeypatch)
    assert (await here.client.get(OPPORTUNITIES, headers={"if-none-match": tag})).status_code == 304
    assert len(heard.texts) == 1
    assert heard.reading() == []


async def test_a_list_by_what_is_computed(here: Gateway) -> None:
    """What is computed may change while the revision stands, as with the day: a list in its order is 304 only while it is alike.

    Here a value is changed in the table, which the revision knows nothing of.
    """
    account = (await here.make("/api/accounts/", name="A"))["id"]
    for value in (1, 2):
        await here.make(OPPORTUNITIES, name=f"{value}", accountId=account, value=value)
    target = f"{OPPORTUNITIES}?ordering=-weightedValue&fields=name"
    first = await here.client.get(target)
    known = {"if-none-match": first.headers["etag"]}
    assert (await here.client.get(target, headers=known)).status_code == 304
    turned = here.app.database.compile(text("UPDATE opportunity SET value_cents = 300 - value_cents"))
    await here.app.database.write(lambda connection: connection.execute(turned, {}))
    then = await here.client.get(target, headers=known)
    assert [row["name"] for answer in (first, then) for row in answer.json()["results"]] == ["2", "1", "1", "2"]


async def test_a_whole_object_sent_back_changes_nothing(here: Gateway) -> None:
    """What a client got it may send back: no new version, no new instant."""
    real = await ids(here)
    created = await here.client.post(OPPORTUNITIES, content=made_real(CREATE, real).encode(), headers=JSON)
    same = await here.client.patch(f"{OPPORTUNITIES}{created.json()['id']}/", content=created.content, headers=JSON)
    assert (same.status_code, same.content, same.headers["etag"]) == (200, created.content, created.headers["etag"])


async def test_admins_see_who_uses_rest(here: Gateway) -> None:
    """`restUsage` tells an admin each route, parameter and field that a token has used and how often; others are refused."""
    member = await here.token("Here", Role.MEMBER)
    for _ in range(2):
        await here.client.get(f"{OPPORTUNITIES}?stage=proposal&fields=id", headers=member)
    await here.app.uses.flush()
    used = (await here.query("{ restUsage { tokenId route kind name count } }"))["restUsage"]
    assert len({one.pop("tokenId") for one in used}) == 1
    route = {"route": f"GET {OPPORTUNITIES}", "count": 2}
    names = [("ROUTE", ""), ("PARAMETER", "stage"), ("PARAMETER", "fields"), ("FIELD", "id")]
    assert sorted(used, key=str) == sorted(({**route, "kind": kind, "name": name} for kind, name in names), key=str)
    refused = await here.client.post("/graphql", json={"query": "{ restUsage { count } }"}, headers=member)
    assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_accounts_and_contacts(here: Gateway) -> None:
    """The other resources: found, changed, refused while deals hang on them, deleted."""
    made = await deal(here)
    contact = await here.make("/api/contacts/", lastName="Élan", email="e@example.com", accountId=made["accountId"])
    found = await here.client.get("/api/contacts/", params={"search": "ÉLAN", "accountId": made["accountId"]})
    assert [row["id"] for row in found.json()["results"]] == [contact["id"]]
    assert contact["accountName"] == "A"
    refused = await here.client.delete(f"/api/accounts/{made['accountId']}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict"), refused.text
    taken = await here.client.post("/api/contacts/", json={"firstName": "X", "email": "E@example.com"})
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (422, "email"), taken.text
    assert (await here.client.delete(f"/api/contacts/{contact['id']}/")).status_code == 204
    assert (await here.client.delete(f"{OPPORTUNITIES}{made['id']}/")).status_code == 204
    assert (await here.client.delete(f"/api/accounts/{made['accountId']}/")).status_code == 204


async def test_contacts_change_when_their_account_goes(here: Gateway) -> None:
    """A deleted account leaves its contacts without one: a change like any other, so that their old tag doesn't match any more."""
    account = await here.make("/api/accounts/", name="A")
    url = f"/api/contacts/{(await here.make('/api/contacts/', lastName='Left', email='left@example.com', accountId=account['id']))['id']}/"
    tag = (await here.client.get(url)).headers["etag"]
    assert (await here.client.delete(f"/api/accounts/{account['id']}/")).status_code == 204
    left = await here.client.get(url)
    assert (left.json()["accountId"], left.headers["etag"][:3]) == (None, '"2-')
    assert (await here.client.patch(url, json={}, headers={"if-match": tag})).status_code == 412


@pytest.mark.parametrize(
    "query",
    [
        "stage=proposal",
        "stage=proposal,closed_won&ordering=-value",
        "valueMin=2&valueMax=4.5&ordering=value",
        "closeDateAfter=2025-01-03&closeDateBefore=2025-01-05T00:00:00Z&ordering=closeDate",
        "search=DÉAL%20%25&limit=3",
        "ordering=-stage,name&limit=4&page=2",
        "offset=5&limit=3&ordering=updatedAt",
    ],
)
async def test_a_list_is_its_translation(here: Gateway, query: str) -> None:
    """The document and variables that the explanation shows give, by the GraphQL door, the rows that REST gives."""
    account = (await here.make("/api/accounts/", name="A"))["id"]
    stages = ["proposal", "closed_won", "prospecting"]
    for index in range(9):
        more = {"value": index / 2 if index else None, "closeDate": f"2025-01-0{index + 1}", "stage": stages[index % 3]}
        await here.make(OPPORTUNITIES, name=f"Déal {'%' if index % 2 else '_'} {index}", accountId=account, **more)
    rest = (await here.client.get(f"{OPPORTUNITIES}?{query}")).json()
    explained = (await here.client.get("/api/_graphql", params={"method": "GET", "path": f"{OPPORTUNITIES}?{query}"})).json()
    graphql = (await here.query(explained["document"], explained["variables"]))["opportunities"]
    assert rest["count"] == graphql["totalCount"]
    assert rest["results"], "the filter finds something"
    flat = [row | {"account": None, "accountId": row["account"]["id"], "stage": row["stage"].lower()} for row in graphql["nodes"]]
    for name in ("id", "name", "value", "stage", "closeDate", "accountId", "createdAt"):
        assert [row[name] for row in rest["results"]] == [row[name] for row in flat]


async def test_a_workspace_that_vanished(database_url: str) -> None:
    """Its token is refused with 401, by both doors, also while it is remembered: a list, one that is known, and a write."""
    async with gateway(database_url) as here:
        tag = (await here.client.get(OPPORTUNITIES)).headers["etag"]
        header = here.client.headers["authorization"]
        caller = replace(await here.app.authenticator.authenticate(header), workspace_id="ws_gone")
        answers = []
        for method, path, more in (
            ("GET", OPPORTUNITIES, {}),
            ("GET", OPPORTUNITIES, {"headers": {"if-none-match": tag}}),
            ("POST", "/api/accounts/", {"json": {"name": "A"}}),
            ("POST", "/graphql", {"json": {"query": "{ opportunities { totalCount nodes { id } } }"}, "headers": {"accept": GRAPHQL}}),
        ):
            here.app.authenticator._known.put(header, caller, 1000)
            answers.append(await here.client.request(method, path, **more))
    assert [answer.status_code for answer in answers] == [401] * 4, [answer.text for answer in answers]
    assert all("Bearer" in answer.headers["www-authenticate"] and "no longer exists" in answer.text for answer in answers)
