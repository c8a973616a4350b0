"""What is deprecated in the graph is told to those who use it: in `extensions.warnings`, in REST's headers, in the schema's text."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gateway.app import create_app
from gateway.settings import Settings, SettingsError
from schema.extensions import Extension
from tests.rest_compat.real import OPPORTUNITIES, Gateway, gateway

REASON = "Ask for the account: https://crm.example.com/leaving. Since 2026-01-01, until 2027-01-01."
DEPRECATED = (
    "Opportunity.source",
    "Query.opportunities(offset:)",
    "OpportunityFilter.name",
    "OpportunityStage.NEEDS_ANALYSIS",
    "UpdateOpportunityInput.lossReason",
)
WARNING = {
    "type": "DEPRECATION",
    "message": f"`Opportunity.source` is deprecated: {REASON}",
    "coordinate": "Opportunity.source",
    "reason": REASON,
    "since": "2026-01-01",
    "sunset": "2027-01-01",
    "link": "https://crm.example.com/leaving",
}


def package(monkeypatch: pytest.MonkeyPatch, *coordinates: str, reason: str = REASON) -> str:
    """A package that deprecates, by its name."""
    module: Any = ModuleType("deprecating_for_a_test")
    module.extension = Extension(module.__name__)
    for coordinate in coordinates:
        module.extension.deprecate(coordinate, reason)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return str(module.__name__)


@pytest.fixture
def deprecating(monkeypatch: pytest.MonkeyPatch) -> str:
    return package(monkeypatch, *DEPRECATED)


async def warned(here: Gateway, query: str, **variables: Any) -> list[str]:
    answer = await here.client.post("/graphql", json={"query": query, "variables": variables})
    return [one["coordinate"] for one in answer.json()["extensions"].get("warnings", [])]


async def test_operations_are_warned(database_url: str, deprecating: str) -> None:
    """Fields, arguments, input fields and enum values, written in the document or held by variables, each once; else there is no word."""
    async with gateway(database_url, extensions=(deprecating,)) as here:
        answer = await here.client.post("/graphql", json={"query": "{ opportunities(first: 1) { nodes { source again: source } } }"})
        assert answer.json()["extensions"]["warnings"] == [WARNING]
        assert "warnings" not in (await here.client.post("/graphql", json={"query": "{ opportunities(first: 1) { nodes { id } } }"})).text
        written = '{ opportunities(offset: 0, filter: {name: {eq: "x"}, stage: {in: [NEEDS_ANALYSIS]}}) { nodes { ...Deal } } }'
        fragments = " fragment Deal on Opportunity { source }"
        found = await warned(here, written + fragments)
        assert sorted(found) == [
            "Opportunity.source",
            "OpportunityFilter.name",
            "OpportunityStage.NEEDS_ANALYSIS",
            "Query.opportunities(offset:)",
        ]
        held = "query ($filter: OpportunityFilter) { opportunities(filter: $filter) { totalCount } }"
        for _ in range(2):
            assert await warned(here, held, filter={"stage": {"eq": "NEEDS_ANALYSIS"}}) == ["OpportunityStage.NEEDS_ANALYSIS"]
            assert await warned(here, held, filter={"stage": {"eq": "PROPOSAL"}}) == []
        several = "query A { opportunities { nodes { source } } } query B { opportunities { nodes { id } } }"
        other = await here.client.post("/graphql", json={"query": several, "operationName": "B"})
        assert "warnings" not in other.json()["extensions"]
        change = 'mutation ($input: UpdateOpportunityInput!) { updateOpportunity(id: "x", input: $input) { userErrors { code } } }'
        assert await warned(here, change, input={"lossReason": "x"}) == ["UpdateOpportunityInput.lossReason"]


async def test_rest_and_the_schema_tell_it_too(sqlite_url: str, deprecating: str) -> None:
    """REST's headers have the reason's dates and address; the SDL has `@deprecated`."""
    async with gateway(sqlite_url, extensions=(deprecating,)) as here:
        told = await here.client.get(f"{OPPORTUNITIES}?fields=source")
        assert told.headers["sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
        assert "deprecation" not in (await here.client.get(f"{OPPORTUNITIES}?fields=id")).headers
        sdl = (await here.client.get("/graphql/schema.graphql")).text
    assert f'source: String @deprecated(reason: "{REASON}")' in sdl


async def test_a_reason_without_dates(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told in GraphQL, where the dates are null, of what REST doesn't have."""
    name = package(monkeypatch, "Opportunity.weightedValue", reason="It is gone soon.")
    async with gateway(sqlite_url, extensions=(name,)) as here:
        answer = await here.client.post("/graphql", json={"query": "{ opportunities { nodes { weightedValue } } }"})
    (warning,) = answer.json()["extensions"]["warnings"]
    assert (warning["reason"], warning["since"], warning["sunset"], warning["link"]) == ("It is gone soon.", None, None, None)


@pytest.mark.parametrize(
    ("coordinate", "reason", "said"),
    [
        ("Opportunity.source", "Soon.", r"Opportunity\.source is deprecated, and its reason doesn't say since when"),
        ("Opportunity.source", "Since 2026-02-30.", "there is no day 2026-02-30"),
        ("Opportunity.colour", REASON, r"no Opportunity\.colour to deprecate"),
        ("Deal.source", REASON, r"no Deal\.source to deprecate"),
        ("Query.opportunities(colour:)", REASON, "no Query"),
        ("Opportunity", REASON, "no Opportunity to deprecate"),
        ("CreateOpportunityInput.name", REASON, "it is required"),
        ("Query.opportunity(id:)", REASON, "it is required"),
    ],
)
def test_what_cannot_be_deprecated(monkeypatch: pytest.MonkeyPatch, coordinate: str, reason: str, said: str) -> None:
    """One sentence at start that names the place."""
    name = package(monkeypatch, coordinate, reason=reason)
    with pytest.raises(SettingsError, match=said):
        create_app(Settings(database_url="sqlite:///never.db", extensions=(name,)))


def test_nothing_deprecated_costs_nothing(tmp_path: Path) -> None:
    """Where nothing is deprecated nobody looks for it."""
    assert create_app(Settings(database_url=f"sqlite:///{tmp_path}/never.db")).operations.warnings is None
