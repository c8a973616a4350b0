"""A resource of REST that an extension adds: read-only, with keys and parameters of Int, Float, Boolean and DateTime."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import uvicorn
from openapi_spec_validator import validate

from gateway.app import Application, create_app
from gateway.serving import config_of
from gateway.settings import Settings, SettingsError
from rest_compat import RESOURCES
from rest_compat.tools.parity import parity, unmatched_names
from rest_compat.translate.call import Translator
from schema.administration.keys import ApiKeys, NewKey
from schema.extensions import Extension
from schema.rules.access import Role
from tests.extensions.likely import LIKELY
from tests.gateway.conftest import Run
from tests.rest_compat.fake import FakeGraph

MODULE = "tests.extensions.likely"
DEALS = "/api/likely-deals/"


@asynccontextmanager
async def served(database_url: str) -> AsyncIterator[tuple[Application, httpx.AsyncClient]]:
    """The application with the extension on a port of its own, and a client with an admin's token and two deals."""
    app = create_app(Settings(database_url=database_url, access_log=False, port=0, extensions=(MODULE,)))
    server = uvicorn.Server(config_of(app.settings, lambda: app))
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110  uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    created = await ApiKeys(app.database).create(NewKey("Here", Role.ADMIN, "test"))
    try:
        async with httpx.AsyncClient(base_url=address, headers={"authorization": f"Bearer {created.token}"}) as client:
            yield app, client
    finally:
        app.closing.set()
        server.should_exit = True
        await task


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[tuple[Application, httpx.AsyncClient]]:
    async with served(database_url) as (app, client):
        account = (await client.post("/api/accounts/", json={"name": "A"})).json()["id"]
        for name, more in {"Small": {"probability": 5}, "Big": {"stage": "closed_won"}}.items():
            made = await client.post("/api/opportunities/", json={"name": name, "accountId": account, **more})
            assert made.status_code == 201, made.text
        yield app, client


async def names(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(f"{DEALS}?{query}")
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["results"]]


async def test_it_is_served_through_a_port(here: tuple[Application, httpx.AsyncClient]) -> None:
    """List and detail answer the declared keys in their order, with values of each type; the list pages as any other."""
    _, client = here
    page = (await client.get(f"{DEALS}?limit=1")).json()
    assert page["count"] == 2
    (big,) = page["results"]
    assert [*big] == ["id", "name", "probability", "chance", "sure", "createdAt"]
    assert [big[name] for name in ("name", "probability", "chance", "sure")] == ["Big", 100, 1.0, True]
    assert (await client.get(page["next"])).json()["results"][0]["name"] == "Small"
    detail = await client.get(f"{DEALS}{big['id']}/")
    assert detail.json() == big
    assert detail.headers["x-graphql-operation"] == "GetLikelyDeal"
    again = await client.get(f"{DEALS}{big['id']}/", headers={"if-none-match": detail.headers["etag"]})
    assert again.status_code == 304
    assert (await client.get(f"{DEALS}{big['id']}/?fields=name,sure")).json() == {"name": "Big", "sure": True}


PARAMETERS_OF_EACH_TYPE = [
    ("probabilityMin=50", ["Big"]),
    ("probabilityMin=-3", ["Big", "Small"]),
    ("open=true", ["Small"]),
    ("open=False", ["Big"]),
    ("open=1&probabilityMin=50", []),
    ("createdAfter=2020-01-01T00:00:00Z", ["Big", "Small"]),
    ("createdAfter=2020-01-01T00:00:00 02:00", ["Big", "Small"]),
    ("createdAfter=2999-01-01T00:00:00%2B02:00", []),
    ("floor=1e-1&cautious=true", ["Big", "Small"]),
    ("floor=1e+0", ["Big", "Small"]),
]


async def test_parameters_of_each_type(here: tuple[Application, httpx.AsyncClient]) -> None:
    """Int, Boolean, DateTime and Float select as the graph's own filters and arguments do."""
    for query, found in PARAMETERS_OF_EACH_TYPE:
        assert await names(here[1], query) == found


async def test_arguments_of_computed_fields(here: tuple[Application, httpx.AsyncClient]) -> None:
    """A parameter may lead to an argument of a field of the records; its deprecation is told to who uses it."""
    answer = await here[1].get(f"{DEALS}?floor=0.25")
    assert [one["chance"] for one in answer.json()["results"]] == [1.0, 0.25]
    assert answer.headers["deprecation"] == "@1767225600"


async def test_arguments_of_fields_that_are_left_out(here: tuple[Application, httpx.AsyncClient]) -> None:
    """A client that names some keys gets these, also where a parameter leads to a field behind another key."""
    for query in ("fields=name", "fields=name,chance", "fields=name&floor=0.25&cautious=true"):
        assert await names(here[1], f"{query}&probabilityMin=50") == ["Big"]


MALFORMED_PARAMETERS = [
    ("probabilityMin=many", "allowed is an integer from -2147483648 to 2147483647"),
    ("probabilityMin=2147483648", "allowed is an integer"),
    ("open=perhaps", "allowed is true or false"),
    ("createdAfter=2025-02-30T00:00:00Z", "allowed is an instant with a time zone (2025-04-30T12:00:00Z)"),
    ("createdAfter=2025-03-01", "allowed is an instant with a time zone"),
    ("floor=1e999", "allowed is a number"),
    ("floor=nan", "allowed is a number"),
    ("probability_min=1", "did you mean probabilityMin?"),
]


async def test_malformed_parameters(here: tuple[Application, httpx.AsyncClient]) -> None:
    """400 that names the parameter, and what is allowed there."""
    for query, says in MALFORMED_PARAMETERS:
        answer = await here[1].get(f"{DEALS}?{query}")
        assert answer.status_code == 400
        (item,) = answer.json()["errors"]
        assert says in item["message"]


IT_IS_READ_ONLY = [("POST", DEALS), ("PATCH", f"{DEALS}x/"), ("DELETE", f"{DEALS}x/"), ("PUT", DEALS)]


async def test_it_is_read_only(here: tuple[Application, httpx.AsyncClient]) -> None:
    """The actions that it doesn't have are 405, and `Allow` names the others."""
    for method, path in IT_IS_READ_ONLY:
        answer = await here[1].request(method, path, json={})
        allowed = "GET, HEAD, QUERY, OPTIONS" if path == DEALS else "GET, HEAD, OPTIONS"
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_it_is_described_and_counted(here: tuple[Application, httpx.AsyncClient]) -> None:
    """Both OpenAPI documents, the docs page, the explanation and the usage have it like any other."""
    app, client = here
    for path in ("/api/openapi.json", "/api/openapi-3.0.json"):
        document = (await client.get(path)).json()
        validate(document)
        assert document["paths"][DEALS].keys() == {"get"}
        assert document["paths"][DEALS + "{id}/"].keys() == {"get"}
        types = {one["name"]: one["schema"] for one in document["paths"][DEALS]["get"]["parameters"] if "name" in one}
        assert types["probabilityMin"] == {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}
        assert types["open"] == types["cautious"] == {"type": "boolean"}
        assert types["createdAfter"] == {"type": "string", "format": "date-time"}
        assert types["floor"] == {"type": "number", "format": "double"}
        deal = document["components"]["schemas"]["LikelyDeal"]["properties"]
        assert [deal[name]["type"] for name in ("probability", "chance", "sure")] == ["integer", "number", "boolean"]
    target = f"{DEALS}?probabilityMin=50&open=false&floor=0.5"
    explained = (await client.get("/api/_graphql", params={"method": "GET", "path": target})).json()
    given = {"filter": {"probability": {"gte": 50}, "closedDate": {"isNull": False}}, "floor": 0.5}
    assert explained["variables"].items() >= given.items()
    data = (await client.post("/graphql", json={"query": explained["document"], "variables": explained["variables"]})).json()["data"]
    assert [one["chance"] for one in data["opportunities"]["nodes"]] == [1.0]
    await client.get(target)
    await app.uses.flush()
    used = (await client.post("/graphql", json={"query": "{ restUsage { route kind name } }"})).json()["data"]["restUsage"]
    assert {"route": f"GET {DEALS}", "kind": "PARAMETER", "name": "probabilityMin"} in used


def test_the_command_line_knows_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`gateway openapi` and `gateway translate` have the resources of extensions."""
    monkeypatch.setenv("GATEWAY_EXTENSIONS", MODULE)
    assert DEALS in run("openapi").out
    translated = run("translate", "GET", f"{DEALS}?cautious=true")
    assert "query ListLikelyDeals" in translated.out
    assert '"cautious":true' in translated.out
    assert "`Opportunity.sure(cautious:)`" in run("parity").out


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        ([RESOURCES[0]], "twice adds the REST resource opportunities, which is there already"),
        ([LIKELY, LIKELY], "twice adds the REST resource likely-deals, which is there already"),
        ([replace(LIKELY, schema="")], "opportunities and likely-deals are both Opportunity in OpenAPI"),
        (
            [LIKELY, replace(LIKELY, name="others", schema="Other")],
            "likely-deals/ and GET /api/others/ have the same operation name",
        ),
        ([replace(LIKELY, name="docs")], "'docs' can't be the name of a resource"),
        ([replace(LIKELY, name="a/b")], "'a/b' can't be the name of a resource"),
        ([replace(LIKELY, actions=("lists",))], "likely-deals: `actions` names some of list, create, get, update, delete"),
        ([replace(LIKELY, listed=("nme",))], "likely-deals: `listed` names nme, which is no key"),
        ([replace(LIKELY, type="Deal")], "likely-deals: the schema has no type Deal"),
        (["likely"], "rest() takes a Resource of rest_compat, and not 'likely'"),
    ],
)
def test_what_cannot_be_served_is_refused_at_start(monkeypatch: pytest.MonkeyPatch, resources: list[Any], says: str) -> None:
    """Names and paths that are there already, and declarations that don't fit, end the start with one sentence that names them."""
    import tests.extensions.likely as module  # noqa: PLC0415

    twice = Extension("twice")
    twice.fields = module.extension.fields
    for resource in resources:
        twice.rest(resource)
    monkeypatch.setattr(module, "extension", twice)
    with pytest.raises(SettingsError, match=says.replace("(", r"\(").replace(")", r"\)")):
        create_app(Settings(database_url="sqlite:///never.db", extensions=(MODULE,)))


def test_it_has_its_parity(sqlite_url: str) -> None:
    """The table has its routes, parameters and keys; fields that the type's other resource shows don't stand alone."""
    from gateway.cli.translate_commands import translator_of  # noqa: PLC0415

    translator = translator_of(Settings(database_url=sqlite_url, extensions=(MODULE,)))
    table = parity(translator).partition("### Likely-deals")[2].partition("###")[0]
    assert "| `GET /api/likely-deals/{id}/` | `Query.opportunity` |" in table
    assert "| `probabilityMin` | `OpportunityFilter.probability` → `IntFilter.gte` |" in table
    assert "| `floor` | `Opportunity.chance(floor:)` |" in table
    assert "| `chance` | `Opportunity.chance` | read-only |" in table
    assert unmatched_names(translator) == []


def test_a_collection_alone() -> None:
    """A resource may have the list alone: then nothing is at the addresses of records."""
    translator = Translator(FakeGraph(), [replace(RESOURCES[0], actions=("list",))])
    assert translator.find("/api/opportunities/") is not None
    assert translator.find("/api/opportunities/x/") is None
