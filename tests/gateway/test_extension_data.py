"""A noun of an extension in backups, in what is told of a person, and in what is erased."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from tests.end_to_end import backups
from tests.end_to_end.backups import dump
from tests.postgres import Postgres

WITH_TASKS = """
import asyncio, sys
from gateway.graph_settings import graph_of
from gateway.cli.main import main
from gateway.cli.command_database import run
from gateway.settings import load
from schema.rules.access import Caller, Role

def command(*arguments):
    sys.argv = ["gateway", *arguments]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (arguments, end.code)

async def fill(database):
    graph = graph_of(load(), database)
    async def ask(document, **values):
        answer = await graph.run(graph.prepare(document), values, Caller(WORKSPACE, Role.ADMIN, None, None, "key_test"))
        assert not answer.errors, answer.errors
        return next(iter(answer.data.values()))
    account = (await ask('mutation { createAccount(input: {name: "A"}) { account { id } } }'))["account"]["id"]
    deal = (await ask('mutation($a: ID!) { createOpportunity(input: {name: "D", accountId: $a}) { opportunity { id } } }', a=account))
    made = 'mutation($d: ID!) { createTask(input: {title: "Call Jane Roe", opportunityId: $d}) { task { id } } }'
    await ask(made, d=deal["opportunity"]["id"])
    contact = 'mutation { createContact(input: {firstName: "Jane", lastName: "Roe", email: "jane@example.org"}) { contact { id } } }'
    return (await ask(contact))["contact"]["id"]

command("migrate")
command("token", "create", "--workspace", "W", "--role", "admin")
async def workspace(database):
    return (await database.fetch(database.compile(__import__("sqlalchemy").text("SELECT id FROM workspace")), {}))[0][0]
WORKSPACE = run(load(), workspace)
contact = run(load(), fill)
command("backup", "kept")
command("restore", "kept", "--database-url", TARGET)
command("export", "person", contact)
command("erase", "contact", contact, "--yes")
"""


async def test_an_extensions_tables(database_url: str, postgres_server: Postgres, tmp_path: Path) -> None:
    """A noun of an extension is backed up and restored with its migrations, told, and rid of the person, with events of the change."""
    with postgres_server.database(template="template0") as empty:
        target = f"sqlite:///{tmp_path / 'new.db'}" if database_url.startswith("sqlite") else empty
        environment = {**backups.environment(database_url), "GATEWAY_EXTENSIONS": "examples.tasks"}
        script = WITH_TASKS.replace("TARGET", repr(target))
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        restored = await dump(target)
    assert [row["title"] for row in restored["task"]] == ["Call Jane Roe"]
    assert '"table":"task"' in done.stdout
    after = await dump(database_url)
    assert [(row["title"], row["version"]) for row in after["task"]] == [("Call [erased]", 2)]
    assert [json.loads(row["after"])["title"] for row in after["event"] if row["noun"] == "Task"] == ["Call [erased]"] * 2
    assert not any(word in json.dumps(after) for word in ("Jane Roe", "jane@example.org"))
