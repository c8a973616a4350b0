"""The databases' own plans for the documented filters and orders, beside another workspace's 15,000 deals: by index, unsorted."""

import sqlite3
from datetime import date
from typing import Any

import orjson
import pytest

from gateway.seed import SeedSpec, seed
from schema.engine.document.limits import Limits
from schema.graph import Graph
from schema.rules.access import Caller, Role
from schema.storage.database import Connection, Database
from schema.storage.opening import open_database
from schema.storage.statements import Statement
from tests.schema.dataset import data
from tests.schema.model import ORDERS
from tests.schema.query_recorder import Heard

TODAY = date(2026, 11, 24)
PAGE = "{ nodes { id name value stage account { name } assignedTo { name } } pageInfo { endCursor } }"
# Served in the order of an index: the page is read, and nothing is sorted.
UNSORTED = {
    "newest first": "(first: 20)",
    "by offset": "(first: 20, offset: 400)",
    "from the end": "(last: 20)",
    "after a cursor": "(first: 20, after: CURSOR)",
    "before a cursor": "(last: 20, before: CURSOR)",
    "a stage": "(filter: {stage: {eq: NEGOTIATION}})",
    "a stage as a list": "(filter: {stage: {in: [NEGOTIATION]}}, first: 100)",
    "an account": "(filter: {accountId: {eq: ACCOUNT}})",
    "an owner": "(filter: {assignedToId: {eq: OWNER}})",
    "a stage after a cursor": "(filter: {stage: {eq: NEGOTIATION}}, after: CURSOR)",
}
# May be sorted, or filtered along another index, but only among the workspace's rows.
SEARCHED = {
    "stages": "(filter: {stage: {in: [PROPOSAL, NEGOTIATION]}})",
    "accounts": "(filter: {accountId: {in: [ACCOUNT, ACCOUNT2]}})",
    "owners": "(filter: {assignedToId: {in: [OWNER, OWNER2]}})",
    "nobody's": "(filter: {assignedToId: {isNull: true}})",
    "close dates": '(filter: {closeDate: {gte: "2026-11-01", lte: "2026-11-07"}})',
    "values": "(filter: {value: {gte: 50000, lte: 50500}})",
    "text": '(filter: {name: {contains: "acme"}})',
    "a contact": "(filter: {contactId: {eq: CONTACT}})",
    "created": '(filter: {createdAt: {gte: "2026-11-01T00:00:00Z"}})',
    "open": "(filter: {isClosed: false})",
    **{f"by {field}": f"(orderBy: [{{field: {field}}}])" for field in ORDERS},
    **{f"by {field}, backwards": f"(orderBy: [{{field: {field}, direction: DESC}}])" for field in ORDERS},
}


async def _plan_sqlite(raw: sqlite3.Connection, statement: Statement, values: Any) -> list[str]:
    return [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement.text}", statement.bind(values))]


async def _plan_postgresql(connection: Any, statement: Statement, values: Any) -> list[str]:
    rows = await connection.raw.fetch(f"EXPLAIN (FORMAT JSON) {statement.text}", *statement.bind(values))
    found: list[str] = []

    def walk(node: Any) -> None:
        found.append(f"{node['Node Type']} {node.get('Relation Name', '')} {node.get('Index Cond', '')}".strip())
        for below in node.get("Plans", ()):
            walk(below)

    walk(orjson.loads(rows[0][0])[0]["Plan"])
    return found


async def _plan(database: Database, statement: Statement, values: Any) -> list[str]:
    async def work(connection: Connection) -> list[str]:
        if database.dialect.name == "sqlite":
            return await _plan_sqlite(connection.raw, statement, values)  # type: ignore[attr-defined]
        return await _plan_postgresql(connection, statement, values)

    return await database.read(work)


def _faults(steps: list[str], *, unsorted: bool) -> list[str]:
    """The steps of a plan that should not be there."""
    bad = [step for step in steps if unsorted and ("TEMP B-TREE" in step or step.startswith(("Sort", "Incremental Sort")))]
    for step in steps:
        # On SQLite t0 is the level's own table; a search by less than the workspace would go through everyone's rows.
        if step.startswith("SCAN") and not step.startswith(("SCAN json_each", "SCAN CONSTANT")):
            bad.append(step)
        if step.startswith("SEARCH t0") and "workspace_id=?" not in step:
            bad.append(step)
        if step.startswith("Seq Scan opportunity"):
            bad.append(step)
        if step.startswith("Index") and "opportunity" in step and "workspace_id" not in step:
            bad.append(step)
    return bad


async def _judge(database: Database, heard: Heard, names: dict[str, str], caller: Caller) -> dict[str, list[str]]:
    graph = Graph(database, limits=Limits(counts=0))
    judged = {}
    for unsorted, calls in ((True, UNSORTED), (False, SEARCHED)):
        for name, arguments in calls.items():
            # PostgreSQL weighs: it may sort the few rows that a filter leaves, where that is cheaper than walking an index.
            may_sort = "filter" in arguments and database.dialect.name == "postgresql"
            for what in (PAGE, "{ totalCount }"):
                call = arguments
                for place, value in names.items():
                    call = call.replace(place, f'"{value}"')
                heard.clear()
                await data(graph, f"{{ opportunities{call} {what} }}", caller)
                for statement, values in list(heard.statements):
                    steps = await _plan(database, statement, values)
                    faults = _faults(steps, unsorted=unsorted and what == PAGE and not may_sort)
                    if faults:
                        judged[f"{name} {what[:12]}"] = [*faults, "in:", *steps]
    return judged


async def _names(database: Database, caller: Caller) -> dict[str, str]:
    document = "{ opportunities(first: 60) { nodes { account { id } assignedTo { id } contacts { id } } pageInfo { endCursor } } }"
    found = (await data(Graph(database), document, caller))["opportunities"]
    accounts = list(dict.fromkeys(node["account"]["id"] for node in found["nodes"]))
    owners = list(dict.fromkeys(node["assignedTo"]["id"] for node in found["nodes"] if node["assignedTo"]))
    contact = next(node["contacts"][0]["id"] for node in found["nodes"] if node["contacts"])
    # The longer names first: ACCOUNT is the beginning of ACCOUNT2.
    return {
        "ACCOUNT2": accounts[1],
        "ACCOUNT": accounts[0],
        "OWNER2": owners[1],
        "OWNER": owners[0],
        "CONTACT": contact,
        "CURSOR": found["pageInfo"]["endCursor"],
    }


@pytest.mark.parametrize(
    ("database_url", "analyzed"), [("sqlite", False), ("sqlite", True), ("postgresql", True)], indirect=["database_url"]
)
async def test_plans(database_url: str, monkeypatch: pytest.MonkeyPatch, *, analyzed: bool) -> None:
    """No statement scans everyone's deals, and none of the default order sorts: on SQLite without statistics and with them."""
    await seed(database_url, SeedSpec("Other", 15_000, accounts=750, users=20, contacts=1_500, today=TODAY))
    # A small part of all: where a workspace holds many of the rows, PostgreSQL may rightly read the table from one end to the other.
    main = await seed(database_url, SeedSpec("Main", 600, accounts=20, users=10, contacts=80, today=TODAY))
    if analyzed and database_url.startswith("sqlite"):
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as raw:
            raw.execute("ANALYZE")
        raw.close()
    database = open_database(database_url, statement_timeout=30)
    await database.open()
    heard = Heard(monkeypatch)
    caller = Caller(main.workspace_id, Role.ADMIN, None, None, "key_x")
    try:
        judged = await _judge(database, heard, await _names(database, caller), caller)
    finally:
        await database.close()
    assert not judged, "\n".join(f"{name}: {'; '.join(steps)}" for name, steps in judged.items())
