"""What whoever runs the gateway deprecates in REST, by settings: told by the answers, and each mistake by one sentence at start."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app
from gateway.settings import SettingsError, load
from rest_compat.resources.declaration import DeclarationError, Key
from tests.rest_compat.real import OPPORTUNITIES, gateway

OLD = {"since": "2026-01-01", "sunset": "2027-01-01", "link": "https://crm.example.com/leaving"}


def written(folder: Path, content: Any) -> Path:
    path = folder / "deprecations.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


async def test_the_end_of_rest(sqlite_url: str) -> None:
    """With a day on which REST ends, its routes say so, errors and those without a token too; GraphQL doesn't."""
    link = "https://crm.example.com/leaving"
    settings = load(rest_sunset="2027-06-30", rest_deprecated="2026-12-01", rest_sunset_link=link).model_dump(include=REST)
    async with gateway(sqlite_url, **settings) as here:
        answers = [
            await here.client.get(OPPORTUNITIES),
            await here.client.get(f"{OPPORTUNITIES}?limit=many"),
            await here.client.get(OPPORTUNITIES, headers={"authorization": "Bearer no"}),
        ]
        other = await here.client.post("/graphql", json={"query": "{ __typename }"})
    for answer in answers:
        assert answer.headers["deprecation"] == "@1796083200"
        assert answer.headers["sunset"] == "Wed, 30 Jun 2027 00:00:00 GMT"
        assert answer.headers["link"] == f'<{link}>; rel="deprecation"; type="text/html"'
    assert not {"deprecation", "sunset"} & other.headers.keys()


REST = {"rest_sunset", "rest_deprecated", "rest_sunset_link"}


async def test_parts_of_rest(sqlite_url: str, tmp_path: Path) -> None:
    """A file deprecates routes, parameters and keys; a key is told to reads of the whole object where the file says so."""
    parts = {"keys": {"source": {**OLD, "wholeObjects": True}, "value": OLD}, "parameters": {"search": OLD}, "routes": {"delete": OLD}}
    async with gateway(sqlite_url, rest_deprecations=written(tmp_path, {"opportunities": parts})) as here:
        told = {
            target: "deprecation" in (await here.client.get(OPPORTUNITIES + target)).headers
            for target in ("", "?search=x", "?fields=id", "?fields=value", "?fields=id,name")
        }
        deleted = await here.client.delete(f"{OPPORTUNITIES}opp_nowhere/")
    assert told == {"": True, "?search=x": True, "?fields=id": False, "?fields=value": True, "?fields=id,name": False}
    assert "sunset" in deleted.headers


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "Invalid JSON"),
        ([], "object"),
        ({"deals": {}}, "deals doesn't exist: there are opportunities, accounts, contacts"),
        ({"opportunities": {"keys": {"colour": OLD}}}, r"opportunities\.keys\.colour doesn't exist"),
        ({"opportunities": {"parameters": {"page": OLD}}}, r"opportunities\.parameters\.page doesn't exist"),
        ({"opportunities": {"routes": {"put": OLD}}}, r"opportunities\.routes\.put doesn't exist: there are list, create"),
        ({"opportunities": {"fields": {}}}, r"opportunities\.fields"),
        ({"opportunities": {"keys": {"source": {}}}}, r"opportunities\.keys\.source\.since: Field required"),
        ({"opportunities": {"keys": {"source": {**OLD, "since": "soon"}}}}, r"source\.since"),
        ({"opportunities": {"keys": {"source": {**OLD, "link": "https://x> <y"}}}}, r"source\.link"),
    ],
)
def test_mistakes_in_the_file(tmp_path: Path, content: Any, said: str) -> None:
    """One sentence that names the setting, the file and the place."""
    path = written(tmp_path, content)
    with pytest.raises(SettingsError, match=rf"GATEWAY_REST_DEPRECATIONS: .*deprecations\.json: .*{said}"):
        create_app(load(database_url="sqlite:///never.db", rest_deprecations=str(path)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rest_sunset": "soon"}, "write a day, as in 2027-06-30"),
        ({"rest_sunset": "2027-06-30", "rest_sunset_link": "x"}, "write http"),
        ({"rest_sunset": "2027-06-30", "rest_sunset_link": "https://x\r\nset-cookie: y"}, "write http"),
        ({"rest_sunset": "2027-06-30", "rest_deprecated": "2028-01-01"}, "GATEWAY_REST_DEPRECATED is after GATEWAY_REST_SUNSET"),
        ({"rest_sunset_link": "https://crm.example.com"}, "need GATEWAY_REST_SUNSET"),
        ({"rest_deprecations": "nowhere.json"}, "nowhere.json: No such file"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, str], said: str) -> None:
    """Each is told in words before anything is served."""
    with pytest.raises(SettingsError, match=said):
        create_app(load(database_url="sqlite:///never.db", **settings))


def test_a_reason_without_a_date_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deprecation in the schema that can't be told to REST stops the start with a sentence, and no traceback."""

    def refuses(*_: object, **__: object) -> Key:
        raise DeclarationError("Opportunity.source is deprecated, and its reason doesn't say since when")

    monkeypatch.setattr("gateway.rest.adapter.Rest", refuses)
    with pytest.raises(SettingsError, match=r"^Opportunity\.source is deprecated, and its reason doesn't say since when$"):
        create_app(load(database_url="sqlite:///never.db"))
