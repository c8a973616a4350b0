"""What CONTRIBUTING.md says of a new field is so: a line in the noun, one in REST's resource and documents, a migration, contracts anew."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOUN = Path("schema/nouns/opportunities/opportunity.py")
RESOURCE = Path("rest_compat/resources/opportunities/__init__.py")
LINE = '    next_step: str | None = field("What is done next about the opportunity.", SHORT, filters=True, orders="z")\n'
KEY = '        Key(name="nextStep"),\n'

USED = """
import asyncio
from gateway.migrations import upgrade
from schema.graph import Graph
from schema.rules.access import Caller, Role
from schema.storage.opening import open_database
from tests.gateway.test_migrations import differences
from tests.schema.test_following import begun

CREATE = '''mutation($a: ID!, $n: String) { createOpportunity(input: {name: "N", accountId: $a, nextStep: $n}) {
  opportunity { id nextStep } userErrors { message } } }'''
UPDATE = '''mutation($id: ID!) { updateOpportunity(id: $id, input: {nextStep: "write"}) {
  opportunity { nextStep } userErrors { message } } }'''
LIST = '''{ opportunities(filter: {nextStep: {in: ["call", "write"]}}, orderBy: [{field: NEXT_STEP, direction: DESC}]) {
  nodes { nextStep } } }'''
FOLLOW = '''subscription { opportunityChanged(filter: {nextStep: {eq: "write"}}) { changedFields } }'''

async def main():
    url = "sqlite:///used.db"
    await upgrade(url)
    assert await differences(url) == []
    database = open_database(url)
    await database.open()
    graph = Graph(database)
    caller = Caller("ws_1", Role.ADMIN, None, None, "key_1")
    import sqlite3
    raw = sqlite3.connect("used.db")
    raw.execute("INSERT INTO workspace (id, name, currency, revision, created_at) VALUES ('ws_1', 'W', 'EUR', 1, '2026-01-01T00:00:00Z')")
    raw.commit()
    raw.close()

    async def run(text, **variables):
        answer = await graph.run(graph.prepare(text), variables, caller)
        assert not answer.errors, answer.errors
        return answer.data

    account = (await run('mutation { createAccount(input: {name: "A"}) { account { id } } }'))["createAccount"]["account"]["id"]
    made = [(await run(CREATE, a=account, n=step))["createOpportunity"]["opportunity"] for step in ("call", None, "x")]
    events = graph.subscribe(graph.prepare(FOLLOW), {}, caller)
    (first,) = await begun(graph, events)
    await run(UPDATE, id=made[1]["id"])
    told = await asyncio.wait_for(first, 60)
    assert told.data["opportunityChanged"]["changedFields"] == ["nextStep"], told.data
    assert [node["nextStep"] for node in (await run(LIST))["opportunities"]["nodes"]] == ["write", "call"]
    too_long = (await run(CREATE, a=account, n="x" * 101))["createOpportunity"]
    assert "nextStep" in too_long["userErrors"][0]["message"]
    await events.aclose()
    await database.close()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with the lines of a new field in it, its migration written and its contracts made anew."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("node_modules", "__pycache__", "*.db", "dist", ".venv*", "benchmarks", "browser", "clients")
    for room in ("gateway", "schema", "rest_compat", "tests", "docs", "deploy"):
        shutil.copytree(ROOT / room, folder / room, ignore=ignored)
    for file in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"):
        shutil.copy(ROOT / file, folder / file)
    _insert(folder / NOUN, "    source_folded: str | None", LINE)
    _insert(folder / RESOURCE, '        Key(name="description"', KEY)
    for document in ("get", "create", "update"):
        _insert(folder / RESOURCE.with_name(f"{document}.graphql"), "lossReason\n", "nextStep\n")
    run(folder, "-m", "gateway.migrations.autogenerate", "next step")
    (folder / "tests/contracts/schema.graphql").write_text(run(folder, "-m", "gateway", "schema"), "utf-8")
    run(folder, "-m", "tests.contracts.generated")
    return folder


def _insert(path: Path, before: str, line: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(before) == 1, (path, before)
    path.write_text(text.replace(before, line + before), "utf-8")


def run(folder: Path, *arguments: str) -> str:
    """What a Python program prints that runs in the copy."""
    # The copy's tests have no part in this run: they would stop its PostgreSQL at their end.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TEST_"))}
    environment["PYTHONPATH"] = str(folder)
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_graph_has_it(copy: Path) -> None:
    """It is created, changed, filtered, ordered, followed, limited, and the migrated database is the declared one."""
    (copy / "used.py").write_text(USED, "utf-8")
    run(copy, "used.py")


def test_the_contracts_hold(copy: Path) -> None:
    """The SDL, OpenAPI and PARITY.md, the descriptions, and that nothing of the graph is without a partner in REST."""
    assert "nextStep" in (copy / "rest_compat/PARITY.md").read_text("utf-8")
    assert '"nextStep"' in (copy / "tests/contracts/openapi.json").read_text("utf-8")
    files = ("test_schema.py", "test_descriptions.py", "test_engine.py", "test_openapi.py::test_generated_files_are_checked_in")
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *(f"tests/contracts/{file}" for file in files))
