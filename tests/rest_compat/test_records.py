"""Create, read, change, delete: the reference's bodies, and what an answer says of itself."""

import re

import httpx
import orjson

from tests.rest_compat.conftest import Connect
from tests.rest_compat.fake import FakeGraph

PATH = "/api/opportunities/"
DETAIL = (
    "id name accountId accountName value stage probability closeDate closedDate lossReason assignedTo assignedToName source contactIds "
    "description createdAt updatedAt"
)
LISTED = "id name accountId accountName value stage probability closeDate assignedTo source createdAt updatedAt"


def people(graph: FakeGraph) -> dict[str, str]:
    """The records that the reference's example refers to."""
    return {
        "acc_02HX...": graph.add("Account", name="TechCorp Inc"),
        "usr_01HX...": graph.add("User", name="Alex Johnson"),
        "cnt_01HX...": graph.add("Contact", firstName="Sam", name="Sam", email="sam@example.com"),
        "cnt_03HX...": graph.add("Contact", firstName="Kim", name="Kim", email="kim@example.com"),
    }


def made_real(text: str, ids: dict[str, str]) -> str:
    for placeholder, identifier in ids.items():
        text = text.replace(placeholder, identifier)
    return text


CREATE = """{
  "name": "TechCorp — Professional Services Q2",
  "accountId": "acc_02HX...",
  "value": 24000,
  "stage": "qualification",
  "probability": 40,
  "closeDate": "2025-06-30",
  "assignedTo": "usr_01HX...",
  "source": "outbound",
  "contactIds": ["cnt_01HX...", "cnt_03HX..."],
  "description": "Professional services engagement for data migration project"
}"""
ANSWER = """{
  "id": "opp_01HX...",
  "name": "TechCorp — Professional Services Q2",
  "accountId": "acc_02HX...",
  "accountName": "TechCorp Inc",
  "value": 24000,
  "stage": "qualification",
  "probability": 40,
  "closeDate": "2025-06-30",
  "closedDate": null,
  "lossReason": null,
  "assignedTo": "usr_01HX...",
  "assignedToName": "Alex Johnson",
  "source": "outbound",
  "contactIds": ["cnt_01HX...", "cnt_03HX..."],
  "description": "Professional services engagement for data migration project",
  "createdAt": "2025-03-01T12:00:00Z",
  "updatedAt": "2025-03-01T12:00:00Z"
}"""
READ_ONLY = {"id", "accountName", "assignedToName", "createdAt", "updatedAt"}
JSON = {"content-type": "application/json"}


async def test_the_reference_creates_and_reads(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """The reference's create body gives its detail answer byte for byte, instants aside, from POST and from GET alike."""
    ids = people(graph)
    created = await client.post(PATH, content=made_real(CREATE, ids), headers=JSON)
    assert created.status_code == 201, created.text
    ids["opp_01HX..."] = created.json()["id"]
    instants = re.compile(rb"\d{4}-\d\d-\d\dT[\d:]{8}Z")
    expected = orjson.dumps(orjson.loads(made_real(ANSWER, ids)))
    assert instants.sub(b"T", created.content) == instants.sub(b"T", expected)
    assert created.headers["location"] == f"https://crm.example.com{PATH}{created.json()['id']}/"
    assert created.headers["x-graphql-operation"] == "CreateOpportunity"
    read = await client.get(created.headers["location"].removeprefix("https://crm.example.com"))
    assert read.content == created.content
    assert read.headers["etag"] == created.headers["etag"]


async def test_one_operation_a_call(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Each route executes exactly one GraphQL operation: that of its document, named in the answer."""
    account = graph.add("Account", name="A")
    identifier = (await client.post(PATH, json={"name": "N", "accountId": account})).json()["id"]
    graph.asked.clear()
    answers = [
        await client.get(PATH),
        await client.get(f"{PATH}{identifier}/"),
        await client.patch(f"{PATH}{identifier}/", json={"value": 5}),
        await client.delete(f"{PATH}{identifier}/"),
    ]
    names = [re.match(r"\w+ (\w+)", text)[1] for text, _ in graph.asked]  # type: ignore[index]
    assert names == ["ListOpportunities", "GetOpportunity", "UpdateOpportunity", "DeleteOpportunity"]
    assert [answer.headers["x-graphql-operation"] for answer in answers] == names
    assert [answer.status_code for answer in answers] == [200, 200, 200, 204]
    assert answers[3].content == b""


async def test_keys_and_their_order(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Every key is always there, in the reference's order, null (or an empty list) where there is nothing."""
    created = await client.post(PATH, json={"name": "N", "accountId": graph.add("Account", name="A")})
    assert list(created.json()) == DETAIL.split()
    assert created.json()["contactIds"] == []
    assert created.json()["assignedTo"] is None
    page = (await client.get(PATH)).json()
    assert list(page) == ["count", "next", "previous", "results"]
    assert list(page["results"][0]) == LISTED.split()


async def test_a_whole_object_may_be_sent_back(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Read-only keys are accepted and ignored, without being named; unknown ones are named, and only those."""
    created = (await client.post(PATH, json={"name": "N", "accountId": graph.add("Account", name="A")})).json()
    same = await client.patch(f"{PATH}{created['id']}/", json=created)
    assert same.status_code == 200, same.text
    assert same.json() == created
    assert "x-ignored-fields" not in same.headers
    assert graph.asked[-1][1]["ignoreUnchanged"] is True
    writable = {name: value for name, value in created.items() if name not in READ_ONLY}
    for body, whole in ((writable, True), (dict(list(writable.items())[1:]), False), ({"updatedAt": "x"}, True), ({"name": "N"}, False)):
        await client.patch(f"{PATH}{created['id']}/", json=body)
        assert graph.asked[-1][1].get("ignoreUnchanged", False) is whole, body
    odd = await client.patch(f"{PATH}{created['id']}/", json={"colour, ": "red", "näme": 1})
    assert odd.headers["x-ignored-fields"] == "colour%2C%20, n%C3%A4me"


async def test_null_and_absent_differ(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Null goes to GraphQL as null; what is absent stays absent; an empty PATCH is an empty input."""
    created = await client.post(PATH, json={"name": "N", "accountId": graph.add("Account", name="A"), "value": 7})
    url = f"{PATH}{created.json()['id']}/"
    assert (await client.patch(url, json={})).json()["value"] == 7
    assert graph.asked[-1][1]["input"] == {}
    assert (await client.patch(url, json={"value": None})).json()["value"] is None
    assert graph.asked[-1][1]["input"] == {"value": None}


async def test_both_forms_of_a_path(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """With and without the last slash is one route, served and not redirected; anything else is none."""
    graph.add("Account", name="A")
    assert (await client.get("/api/opportunities")).content == (await client.get("/api/opportunities/")).content
    assert (await client.get("/api/accounts/acc_00000000000000000000000001")).status_code == 200
    for path in ("/api/opportunities//", "/api/opportunities/x/y/", "/api/nothing/", "/api/", "/api/opportunitiesx"):
        assert (await client.get(path)).status_code == 404


async def test_head_and_options(client: httpx.AsyncClient) -> None:
    """HEAD answers as GET without its body, OPTIONS with Allow; other methods are 405 with the same Allow."""
    get, head = await client.get(PATH), await client.head(PATH)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers
    options = await client.options(PATH)
    assert (options.status_code, options.headers["allow"], options.content) == (204, "GET, HEAD, POST, QUERY, OPTIONS", b"")
    refused = await client.put(PATH, json={})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST, QUERY, OPTIONS")
    assert (await client.post(f"{PATH}x/", json={})).headers["allow"] == "GET, HEAD, PATCH, DELETE, OPTIONS"


async def test_links_without_a_public_url(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Without a configured address, absolute links are built from the request."""
    graph.public_url = None
    created = await client.post(PATH, json={"name": "N", "accountId": graph.add("Account", name="A")})
    assert created.headers["location"].startswith("http://gateway/api/opportunities/opp_")


async def test_other_resources_by_declaration(client: httpx.AsyncClient) -> None:
    """Accounts and contacts are served from their declarations alone: created, read, changed, found, deleted."""
    account = await client.post("/api/accounts/", json={"name": "TechCorp", "industry": "Software"})
    assert account.status_code == 201, account.text
    assert list(account.json()) == ["id", "name", "website", "industry", "createdAt", "updatedAt"]
    contact = await client.post("/api/contacts/", json={"firstName": "Sam", "email": "s@example.com", "accountId": account.json()["id"]})
    assert contact.status_code == 201, contact.text
    assert contact.json()["accountName"] == "TechCorp"
    found = (await client.get("/api/contacts/", params={"accountId": account.json()["id"]})).json()
    assert [one["id"] for one in found["results"]] == [contact.json()["id"]]
    changed = await client.patch(f"/api/accounts/{account.json()['id']}/", json={"industry": None})
    assert changed.json()["industry"] is None
    assert (await client.delete(f"/api/contacts/{contact.json()['id']}/")).status_code == 204
    assert (await client.get(f"/api/contacts/{contact.json()['id']}/")).status_code == 404


async def test_viewers_only_read(connect: Connect, graph: FakeGraph) -> None:
    """A refusal by role is 403 in the one shape."""
    async with connect(caller="viewer") as viewer:
        refused = await viewer.post(PATH, json={"name": "N", "accountId": graph.add("Account", name="A")})
    assert (refused.status_code, refused.json()) == (403, {"detail": "Your role only reads.", "code": "forbidden"})
