"""What is derived from the declarations: the explanation, OpenAPI, deprecations, uses, the table of parity."""

import re
import sys
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest
from openapi_spec_validator import validate

from rest_compat import RESOURCES, Translator, openapi
from rest_compat.protocol import RestUse
from rest_compat.resources.declaration import DeclarationError, Deprecation, Key, Parameter
from rest_compat.resources.opportunities import OPPORTUNITIES
from rest_compat.tools.parity import parity, unmatched_names
from rest_compat.translate.limits import limits
from schema.rules.text import trimmed
from tests.rest_compat.conftest import Connect
from tests.rest_compat.fake import FakeGraph

PATH = "/api/opportunities/"
EXPLAIN = "/api/_graphql"


async def test_a_read_is_explained(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """The explanation of a call is exactly what the call executes; it executes nothing, and its link carries all of it."""
    target = f"{PATH}?stage=proposal&fields=id,name"
    explained = (await client.get(EXPLAIN, params={"method": "GET", "path": target})).json()
    assert graph.asked == []
    await client.get(target)
    assert graph.asked == [(explained["document"], explained["variables"])]
    assert explained["operationName"] == "ListOpportunities"
    link = urlsplit(explained["explorerUrl"])
    assert (link.netloc, link.path) == ("crm.example.com", "/graphql")
    carried = parse_qs(link.fragment)
    assert carried["query"] == [explained["document"]]
    assert orjson.loads(carried["variables"][0]) == explained["variables"]
    assert carried["operationName"] == ["ListOpportunities"]


async def test_a_write_is_explained(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """POST the body of a write to see it translated; its conditional headers count."""
    url, body = f"{EXPLAIN}?method=PATCH&path={PATH}opp_1", {"stage": "closed_won", "assignedTo": None}
    explained = (await client.post(url, json=body, headers={"if-match": '"3-x"', "idempotency-key": "k"})).json()
    assert explained["variables"] == {
        "id": "opp_1",
        "input": {"stage": "CLOSED_WON", "assignedToId": None},
        "expectedVersion": 3,
        "idempotencyKey": "k",
    }
    assert graph.asked == []


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "", 400),
        ("GET", "?method=GET", 400),
        ("GET", "?method=GET&path=/api/nothing/", 404),
        ("GET", "?method=PUT&path=/api/opportunities/", 400),
        ("GET", "?method=DELETE&path=/api/opportunities/", 405),
        ("GET", "?method=GET&path=/api/opportunities/%3Fpage=0", 400),
        ("GET", "?method=GET&path=%00", 400),
        ("POST", "?method=POST&path=/api/opportunities/", 422),
        ("PUT", "", 405),
        ("OPTIONS", "", 204),
    ],
)
async def test_what_cannot_be_explained(client: httpx.AsyncClient, method: str, target: str, status: int) -> None:
    """It gets the refusal that the call itself would get."""
    answer = await client.request(method, EXPLAIN + target, json={} if method == "POST" else None)
    assert answer.status_code == status, answer.text


def test_openapi_is_valid_and_complete(graph: FakeGraph) -> None:
    """OpenAPI 3.1 by its own validator; every route, parameter and key is there, bodies and answers with examples that fit."""
    document = openapi(Translator(graph, RESOURCES))
    validate(document)
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == 5 * len(RESOURCES) + 2
    listing = document["paths"][PATH]["get"]
    named = [one["name"] for one in listing["parameters"] if "name" in one]
    assert named[3:11] == [one.name for one in OPPORTUNITIES.parameters]
    schemas = document["components"]["schemas"]
    assert list(schemas["Opportunity"]["properties"]) == [key.name for key in OPPORTUNITIES.keys] == schemas["Opportunity"]["required"]
    assert schemas["CreateOpportunity"]["required"] == ["name", "accountId"]
    assert "required" not in schemas["UpdateOpportunity"]
    assert schemas["CreateOpportunity"]["properties"]["name"]["maxLength"] == 200
    assert schemas["UpdateOpportunity"]["properties"]["name"]["type"] == "string"
    assert schemas["UpdateOpportunity"]["properties"]["stage"]["enum"][0] == "prospecting"
    assert schemas["Opportunity"]["properties"]["value"]["type"] == ["number", "null"]


def test_blank_is_what_is_trimmed(graph: FakeGraph) -> None:
    """The SDL's pattern for what may not be blank refuses exactly what nothing is left of, as far as every engine reads it."""
    pattern = limits(graph.schema.type_map["CreateOpportunityInput"].fields["name"].ast_node)["pattern"]
    basic = [*map(chr, range(0x10000))]
    assert [each for each in basic if not re.search(pattern, each)] == [each for each in basic if not trimmed(each)]
    assert re.search(pattern, "\U0001f600")


def test_searches_are_trimmed_alike(graph: FakeGraph) -> None:
    """What REST takes off the ends of a text to search for is what the graph takes off the ends of any."""
    kind = Translator(graph, RESOURCES).endpoints["opportunities", "list"].query.readers["search"].type
    for each in map(chr, range(0xA1, sys.maxunicode + 1)):
        if not each.isprintable() and not 0xD800 <= ord(each) < 0xE000:
            assert kind.read(f"{each}a{each}") == trimmed(f"{each}a{each}")


def test_examples_fit_their_schemas(graph: FakeGraph) -> None:
    """Every example in OpenAPI is valid by the schema beside it."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    document = openapi(Translator(graph, RESOURCES))
    checked = 0
    for content in _contents(document):
        schema = {"$ref": content["schema"].get("$ref", "#"), "components": document["components"]} if "$ref" in content["schema"] else {}
        for example in [content.get("example"), *(one["value"] for one in content.get("examples", {}).values())]:
            if example is not None:
                Draft202012Validator(schema).validate(example)
                checked += 1
    assert checked > 40


def _contents(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [found for one in node for found in _contents(one)]
    if not isinstance(node, dict):
        return []
    return [*node.get("content", {}).values(), *(found for one in node.values() for found in _contents(one))]


async def test_openapi_is_served(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """As JSON, the same as the function gives."""
    answer = await client.get("/api/openapi.json")
    assert answer.json() == orjson.loads(orjson.dumps(openapi(Translator(graph, RESOURCES))))


OLD = Deprecation(since=date(2025, 3, 1), sunset=date(2026, 3, 1), link="https://crm.example.com/leaving")
OLDER = Deprecation(since=date(2024, 12, 31))


async def test_deprecations_are_told_to_those_concerned(connect: Connect, graph: FakeGraph) -> None:
    """Exactly the calls that use a deprecated route, parameter or key carry the headers, with the earliest dates; OpenAPI marks them."""
    parameters = tuple(replace(one, deprecated=OLD) if one.name == "search" else one for one in OPPORTUNITIES.parameters)
    keys = tuple(replace(one, deprecated=OLDER) if one.name == "source" else one for one in OPPORTUNITIES.keys)
    changed = replace(OPPORTUNITIES, parameters=parameters, keys=keys, deprecated={"delete": OLD})
    async with connect(resources=[changed]) as client:
        for target in ("", "?stage=proposal", "?search=", "?fields=id", "opp_1/"):
            assert "deprecation" not in (await client.get(PATH + target)).headers, target
        used = await client.get(f"{PATH}?search=x")
        assert used.headers["deprecation"] == "@1740787200"
        assert used.headers["sunset"] == "Sun, 01 Mar 2026 00:00:00 GMT"
        assert used.headers["link"] == '<https://crm.example.com/leaving>; rel="deprecation"; type="text/html"'
        both = await client.get(f"{PATH}?search=x&fields=source")
        assert both.headers["deprecation"] == "@1735603200"
        assert (await client.post(PATH, json={"source": "x", "name": "N", "accountId": "a"})).headers["deprecation"] == "@1735603200"
        assert "sunset" in (await client.delete(f"{PATH}opp_1/")).headers
    document = openapi(Translator(graph, [changed]))
    assert document["paths"][PATH + "{id}/"]["delete"]["deprecated"] is True
    assert "deprecated" not in document["paths"][PATH]["get"]
    assert document["components"]["schemas"]["Opportunity"]["properties"]["source"]["deprecated"] is True
    assert [one["name"] for one in document["paths"][PATH]["get"]["parameters"] if one.get("deprecated")] == ["search"]


REASON = "Ask for the account: https://crm.example.com/leaving. Since 2025-03-01, until 2026-03-01."


@pytest.mark.parametrize(
    ("coordinate", "target", "marked"),
    [
        ("Query.opportunities", "", ["paths", PATH, "get"]),
        ("Query.opportunity", "opp_1/", ["paths", PATH + "{id}/", "get"]),
        ("OpportunityFilter.name", "?search=x", ["paths", PATH, "get", "parameters", 10]),
        ("MoneyFilter.gte", "?valueMin=1", ["paths", PATH, "get", "parameters", 8]),
        ("Opportunity.source", "?fields=source", ["components", "schemas", "OpportunityItem", "properties", "source"]),
        ("UpdateOpportunityInput.source", {"source": "x"}, ["components", "schemas", "UpdateOpportunity", "properties", "source"]),
    ],
)
async def test_the_schema_deprecates(connect: Connect, graph: FakeGraph, coordinate: str, target: Any, marked: list[Any]) -> None:
    """`@deprecated` in the schema is told by the calls that use it, with its reason's dates and link, and marks that one in OpenAPI."""
    type_, field = coordinate.split(".")
    graph.schema = deepcopy(graph.schema)
    fields: Any = graph.schema.type_map[type_]
    fields.fields[field].deprecation_reason = REASON
    async with connect() as client:
        calls = {"": await client.get(PATH), "?stage=proposal": await client.get(f"{PATH}?stage=proposal")}
        if isinstance(target, dict):
            calls["body"] = await client.patch(f"{PATH}opp_1/", json=target)
        else:
            calls[target] = await client.get(PATH + target)
    told = {name for name, answer in calls.items() if "deprecation" in answer.headers}
    assert told == (set(calls) if coordinate == "Query.opportunities" else {"body" if isinstance(target, dict) else target})
    used = calls[told.pop()]
    assert (used.headers["deprecation"], used.headers["sunset"]) == ("@1740787200", "Sun, 01 Mar 2026 00:00:00 GMT")
    assert used.headers["link"] == '<https://crm.example.com/leaving>; rel="deprecation"; type="text/html"'
    document: Any = openapi(Translator(graph, RESOURCES))
    for step in marked:
        document = document[step]
    assert document["deprecated"] is True


def test_a_deprecation_needs_a_date(graph: FakeGraph) -> None:
    """Without one there would be no header to say, so it stops the start and says where."""
    graph.schema = deepcopy(graph.schema)
    fields: Any = graph.schema.type_map["Opportunity"]
    fields.fields["source"].deprecation_reason = "No longer supported"
    with pytest.raises(DeclarationError, match=r"Opportunity\.source is deprecated, and its reason"):
        Translator(graph, RESOURCES)


async def test_uses_are_told(client: httpx.AsyncClient, graph: FakeGraph) -> None:
    """Each call tells its route, its known parameters, the keys that it names in `fields` or its body, and what was ignored or refused."""
    await client.get(f"{PATH}?stage=proposal&colour=1&search=&fields=name,id")
    route = f"GET {PATH}"
    assert graph.uses == [
        RestUse(route, "route"),
        RestUse(route, "parameter", "stage"),
        RestUse(route, "parameter", "fields"),
        RestUse(route, "field", "id"),
        RestUse(route, "field", "name"),
        RestUse(route, "ignored", "colour"),
        RestUse(route, "ignored", "search"),
    ]
    graph.uses.clear()
    await client.patch(f"{PATH}opp_1/", json={"name": "N", "colour": 1, "id": "x"})
    route = f"PATCH {PATH}{{id}}/"
    written = [
        RestUse(route, "route"),
        RestUse(route, "field", "name"),
        RestUse(route, "ignored", "colour"),
        RestUse(route, "refused", "not_found"),
    ]
    assert graph.uses == written
    graph.uses.clear()
    await client.get(f"{PATH}?limit=many")
    assert graph.uses == [RestUse(f"GET {PATH}", "refused", "bad_request")]


async def test_whole_objects_are_counted(connect: Connect, graph: FakeGraph) -> None:
    """Who reads the whole object in which a key is deprecated is counted, shown in the explanation, and told where the key says so."""
    for told in (True, False):
        old = replace(OLDER, whole_objects=told)
        keys = tuple(replace(one, deprecated=old) if one.name == "source" else one for one in OPPORTUNITIES.keys)
        async with connect(resources=[replace(OPPORTUNITIES, keys=keys)]) as client:
            graph.uses.clear()
            whole = await client.get(PATH)
            assert ("deprecation" in whole.headers) == told
            assert graph.uses == [RestUse(f"GET {PATH}", "route"), RestUse(f"GET {PATH}", "whole_object", "source")]
            assert "deprecation" not in (await client.get(f"{PATH}?fields=id")).headers
            assert "deprecation" in (await client.get(f"{PATH}?fields=source")).headers
            shown = (await client.get(f"{EXPLAIN}?method=GET&path={PATH}")).json()
            assert [(one["kind"], one["name"], one["since"]) for one in shown["deprecations"]] == [("whole_object", "source", "2024-12-31")]


async def test_the_end_of_rest_is_told(connect: Connect, graph: FakeGraph) -> None:
    """Where REST as a whole ends, each answer of its routes says so, refusals too, beside what else is deprecated; OpenAPI marks them."""
    graph.deprecation = OLD
    async with connect() as client:
        for target in (PATH, f"{PATH}?limit=many", f"{PATH}opp_nowhere/", f"{PATH}?fields=id"):
            answer = await client.get(target)
            assert answer.headers.get_list("deprecation") == ["@1740787200"], target
            assert answer.headers["sunset"] == "Sun, 01 Mar 2026 00:00:00 GMT"
        assert "sunset" in (await client.patch(f"{PATH}opp_nowhere/", json={"name": "N"})).headers
        assert "sunset" in (await client.post(PATH, content=b"{")).headers
        shown = (await client.get(f"{EXPLAIN}?method=GET&path={PATH}")).json()
    assert [one["kind"] for one in shown["deprecations"]] == ["api"]
    document = openapi(Translator(graph, RESOURCES))
    assert all(one["deprecated"] for path in document["paths"] if not path.endswith("_graphql") for one in document["paths"][path].values())


async def test_the_explanation_tells_what_is_ignored(client: httpx.AsyncClient) -> None:
    """Unknown parameters and keys are named; an `&` that cuts the path off is an error that says how to write it."""
    shown = (await client.get(EXPLAIN, params={"method": "GET", "path": f"{PATH}?page_size=5&cursor=x&search="})).json()
    assert shown["ignored"] == ["page_size", "cursor", "search"]
    target = {"method": "POST", "path": PATH}
    written = await client.post(EXPLAIN, params=target, json={"name": "N", "accountId": "acc_1", "colour": "red"})
    assert written.json()["ignored"] == ["colour"]
    cut = await client.get(f"{EXPLAIN}?method=GET&path={PATH}?stage=proposal&limit=5")
    assert (cut.status_code, cut.json()["errors"][0]["field"]) == (400, "limit")
    assert "%26" in cut.json()["errors"][0]["message"]


def test_nothing_is_without_a_partner(graph: FakeGraph) -> None:
    """Every field, input, parameter and code of the one side is on the other, or is said not to be; the table shows them."""
    translator = Translator(graph, RESOURCES)
    assert unmatched_names(translator) == []
    table = parity(translator)
    assert "| `assignedTo` | `OpportunityFilter.assignedToId` |" in table
    assert "| `accountName` | `Opportunity.account` → `Account.name` | read-only |" in table
    assert "| `assignedTo` | `Opportunity.assignedTo` → `User.id` | `CreateOpportunityInput.assignedToId`" in table


def test_a_missing_partner_is_found(graph: FakeGraph) -> None:
    """A key, taken away, leaves its field and its inputs alone."""
    keys = tuple(key for key in OPPORTUNITIES.keys if key.name != "lossReason")
    alone = unmatched_names(Translator(graph, [replace(OPPORTUNITIES, keys=keys)]))
    assert alone == ["Opportunity.lossReason", "CreateOpportunityInput.lossReason", "UpdateOpportunityInput.lossReason"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"keys": (Key(name="id"), Key(name="colour"))}, "no field colour"),
        ({"keys": (Key(name="id"), Key(name="contactIds", path="contacts.id"))}, "is a list"),
        ({"keys": (Key(name="id"), Key(name="weightedValue"))}, "does not select weightedValue"),
        ({"parameters": (Parameter(name="x", to="filter.colour", description=""),)}, "no colour in OpportunityFilter"),
        ({"parameters": (Parameter(name="x", to="colour", description=""),)}, "no variable $colour"),
        ({"keys": (Key(name="id"), Key(name="name", input="nmae"))}, "name says input='nmae', which no input of its documents has"),
        ({"parameters": (Parameter(name="x", to="filter.id", description=""),) * 2}, "has the parameter x twice"),
        ({"parameters": (Parameter(name="limit", to="filter.id", description=""),)}, "has the parameter limit twice: every list has page,"),
    ],
)
def test_declarations_are_checked_at_start(graph: FakeGraph, change: dict[str, Any], said: str) -> None:
    """What doesn't fit the schema or the documents stops the start, and says where."""
    with pytest.raises(DeclarationError, match=said.replace("$", r"\$")):
        Translator(graph, [replace(OPPORTUNITIES, listed=("id",), **change)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query List { opportunities { nodes { colour } } }", "Cannot query field"),
        ("query List { opportunities { nodes { name: id } totalCount } }", "aliases"),
        ("query List { opportunities { totalCount } stages { label } }", "one root field"),
        ("query List { stages { label } }", "no nodes"),
        ("query { stages { label } }", "one operation with a name"),
    ],
)
def test_documents_are_checked_at_start(graph: FakeGraph, tmp_path: Path, text: str, said: str) -> None:
    """A document that isn't valid, or isn't of the plain kind that can be cut down, stops the start."""
    for file in OPPORTUNITIES.folder.glob("*.graphql"):
        (tmp_path / file.name).write_text(file.read_text("utf-8"), "utf-8")
    (tmp_path / "list.graphql").write_text(text, "utf-8")
    with pytest.raises(DeclarationError, match=said):
        Translator(graph, [replace(OPPORTUNITIES, folder=tmp_path)])


@pytest.mark.parametrize(
    ("file", "taken", "left", "said"),
    [
        ("list", "totalCount", "", "ListOpportunities does not select totalCount"),
        ("create", "message", "", "CreateOpportunity does not select userErrors.message"),
        ("delete", "userErrors", "again: userErrors", "aliases"),
        (
            "delete",
            "userErrors {\n      code\n      field\n      message\n    }",
            "",
            "DeleteOpportunity does not select userErrors.code, userErrors",
        ),
    ],
)
def test_what_an_answer_is_made_of_is_selected(graph: FakeGraph, tmp_path: Path, file: str, taken: str, left: str, said: str) -> None:
    """A list's count, and what is wrong with a write: without them a call fails once its effect is there, or a refusal seems done."""
    for each in OPPORTUNITIES.folder.glob("*.graphql"):
        text = each.read_text("utf-8")
        assert each.stem != file or taken in text
        (tmp_path / each.name).write_text(text.replace(taken, left) if each.stem == file else text, "utf-8")
    with pytest.raises(DeclarationError, match=said):
        Translator(graph, [replace(OPPORTUNITIES, folder=tmp_path)])


async def test_a_version_that_a_document_does_not_take(connect: Connect, tmp_path: Path) -> None:
    """`If-Match` is refused where the document has no place for it: it was passed over, and a change of someone else overwritten."""
    for each in OPPORTUNITIES.folder.glob("*.graphql"):
        text = each.read_text("utf-8").replace("$expectedVersion: Int, ", "").replace("expectedVersion: $expectedVersion, ", "")
        (tmp_path / each.name).write_text(re.sub(r"\s*\$?expectedVersion: (Int|\$expectedVersion),?", "", text), "utf-8")
    async with connect(resources=[replace(OPPORTUNITIES, folder=tmp_path)]) as client:
        for answer in (
            await client.patch(f"{PATH}opp_1/", json={"name": "N"}, headers={"if-match": '"1-x"'}),
            await client.delete(f"{PATH}opp_1/", headers={"if-match": '"1-x"'}),
        ):
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "If-Match")
