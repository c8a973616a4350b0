"""The schema as text at `/graphql/schema.graphql`: what it says, who may read it, and how it is kept."""

from collections.abc import AsyncIterator

import pytest
from graphql import build_schema

from schema.assembly import build
from schema.rules.access import Role
from tests.gateway.test_pages import config_of
from tests.rest_compat.real import Gateway, gateway

PATH = "/graphql/schema.graphql"


@pytest.fixture
async def here(sqlite_url: str) -> AsyncIterator[Gateway]:
    async with gateway(sqlite_url) as opened:
        yield opened


async def test_the_schema_is_served(here: Gateway) -> None:
    """It is the SDL that `gateway schema` prints, as plain text that other programs can build a schema from; any role may read it."""
    for who in ({}, await here.token("Here", Role.VIEWER)):
        answer = await here.client.get(PATH, headers=who)
        assert (answer.status_code, answer.text) == (200, build().sdl)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert build_schema(answer.text).query_type is not None


async def test_who_has_it_is_told_so(here: Gateway) -> None:
    """With the tag of what it has, a client gets 304 without a body; HEAD tells the same headers as GET."""
    plain = {"accept-encoding": "identity"}
    full = await here.client.get(PATH, headers=plain)
    tag = full.headers["etag"]
    head = await here.client.head(PATH, headers=plain)
    assert (head.status_code, head.content) == (200, b"")
    assert {name: value for name, value in head.headers.items() if name != "x-request-id"} == {
        name: value for name, value in full.headers.items() if name != "x-request-id"
    }
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        fresh = await here.client.get(PATH, headers={"if-none-match": known})
        assert (fresh.status_code, fresh.content, fresh.headers["etag"]) == (304, b"", tag)
        assert fresh.headers["cache-control"] == full.headers["cache-control"] == "private, no-cache"
    assert (await here.client.get(PATH, headers={"if-none-match": '"other"'})).status_code == 200


async def test_a_token_is_needed(here: Gateway) -> None:
    """Without a token it is 401, as introspection is; with one, other methods are 405."""
    refused = await here.client.get(PATH, headers={"authorization": ""})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    wrong = await here.client.post(PATH, json={})
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    options = await here.client.options(PATH)
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


async def test_introspection_off_hides_it(sqlite_url: str) -> None:
    """Where introspection is off the text is not told either, and the pages don't link to it."""
    async with gateway(sqlite_url, introspection=False) as here:
        refused = await here.client.get(PATH)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        assert "introspection is off" in refused.json()["detail"]
        told = await here.client.post("/graphql", json={"query": "{ __schema { queryType { name } } }"})
        assert told.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
        for page in ("/graphql", "/api/docs"):
            assert config_of(await here.client.get(page, headers={"accept": "text/html"}))["sdlUrl"] is None


@pytest.mark.parametrize("introspection", [True, False])
async def test_introspection_off_suggests_nothing(sqlite_url: str, *, introspection: bool) -> None:
    """What the schema has isn't told to who guesses, either: only where introspection is on are names suggested."""
    wrong = "query($x: OpportunityFiltr) { opportunitie { id } opportunities(filte: {}) { node { id } } __typename @skp(if: true) }"
    async with gateway(sqlite_url, introspection=introspection) as here:
        told = (await here.client.post("/graphql", json={"query": wrong})).json()["errors"]
    assert len(told) >= 4
    assert [("Did you mean" in error["message"]) for error in told].count(True) == (0 if not introspection else len(told) - 1)


async def test_pages_link_to_it(here: Gateway) -> None:
    """The explorer and the REST documentation know where the schema is."""
    for page in ("/graphql", "/api/docs"):
        assert config_of(await here.client.get(page, headers={"accept": "text/html"}))["sdlUrl"] == PATH.lstrip("/")
