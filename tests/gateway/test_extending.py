"""docs/extending.md as it stands there: its module is written, named by the setting, and asked over HTTP and by the command line."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.app import create_app
from gateway.migrations import upgrade
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, NewKey
from schema.rules.access import Role
from tests.gateway.conftest import Run, calling

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"


@pytest.fixture
def headlines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The module of the page, where Python finds it."""
    (code,) = re.findall(r"```python\n# headlines\.py\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (below,) = re.findall(r"```python\n# headlines\.py, below\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (tmp_path / "headlines.py").write_text(code + below, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("GATEWAY_EXTENSIONS", "headlines")
    monkeypatch.delitem(sys.modules, "headlines", raising=False)
    return "headlines"


def test_the_command_line_knows_the_field(headlines: str, run: Run) -> None:
    """`gateway schema` prints it, `gateway explain` says who answers it."""
    assert "headline(loud: Boolean! = false): String!" in run("schema").out
    Path("asked.graphql").write_text("{ opportunities(first: 1) { nodes { headline } } }")
    assert "Opportunity.headline is answered by a resolver" in run("explain", "asked.graphql").out


async def test_the_field_is_served(headlines: str, database_url: str, database: Any) -> None:
    """Over HTTP, to a caller with a token, on records and on Query."""
    await upgrade(database_url)
    key = await ApiKeys(database).create(NewKey("Here", Role.ADMIN, "test"))
    app = create_app(Settings(database_url=database_url, access_log=False, extensions=(headlines,)))
    async with calling(app) as client:
        client.headers["authorization"] = f"Bearer {key.token}"
        created = await client.post(
            "/graphql",
            json={"query": 'mutation { createAccount(input: {name: "A"}) { account { id } userErrors { message } } }'},
        )
        account = created.json()["data"]["createAccount"]["account"]["id"]
        body = {"query": f'mutation {{ createOpportunity(input: {{name: "Big", accountId: "{account}"}}) {{ opportunity {{ id }} }} }}'}
        deal = (await client.post("/graphql", json=body)).json()["data"]["createOpportunity"]["opportunity"]["id"]
        answer = await client.post("/graphql", json={"query": f'{{ letters(word: "four") opportunity(id: "{deal}") {{ headline }} }}'})
        win = f'mutation {{ winDeal(id: "{deal}", value: 5, idempotencyKey: "w") {{ userErrors opportunity {{ value headline }} }} }}'
        won = [(await client.post("/graphql", json={"query": win})).json() for _ in range(2)]
    assert answer.json()["data"] == {"letters": 4, "opportunity": {"headline": "Big (PROSPECTING), read by admin"}}
    assert won[0]["data"] == {"winDeal": {"userErrors": [], "opportunity": {"value": 5, "headline": "Big (CLOSED_WON), read by admin"}}}
    assert (won[1]["data"], won[1]["extensions"]["idempotencyReplayed"]) == (won[0]["data"], True)


@pytest.mark.parametrize(("module", "says"), [("no_such_module", "can't be imported"), ("json", "has no `extension`")])
def test_modules_that_cannot_be_loaded(run: Run, monkeypatch: pytest.MonkeyPatch, module: str, says: str) -> None:
    """The start ends with one sentence that names the setting and the module."""
    monkeypatch.setenv("GATEWAY_EXTENSIONS", module)
    refused = run("schema")
    assert refused.code == 2
    assert f"GATEWAY_EXTENSIONS: {module} {says}" in refused.err
    assert "Traceback" not in refused.err
