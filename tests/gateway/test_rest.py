"""The adapter that fills REST's Protocol, and the uses of REST that it counts."""

from typing import Any

import pytest
from sqlalchemy import text

from gateway.app import create_app
from gateway.observability.rest_usage import MAX_WAITING, RestUses
from gateway.rest.adapter import RestGraph
from gateway.settings import Settings, SettingsError
from rest_compat.protocol import BodyDecodeError, RestUse
from schema.rules.access import Caller, Role
from schema.storage.database import Connection, Database
from schema.storage.opening import open_database

CREATE = """
mutation C($input: CreateOpportunityInput!, $key: String) { createOpportunity(input: $input, idempotencyKey: $key) { opportunity { id } } }
"""
WORKSPACE = """
INSERT INTO workspace (id, name, currency, revision, created_at) VALUES ('ws_1', 'n', 'EUR', 0, '2026-01-01T00:00:00Z') RETURNING id
"""
CALLER = Caller(workspace_id="ws_1", role=Role.VIEWER, user_id=None, account_id="acc_1", token_id="key_1")


@pytest.fixture(scope="module")
def rest() -> RestGraph:
    """Over a database that is never opened: nothing is executed here."""
    app = create_app(Settings(database_url="sqlite:///never.db"))
    return RestGraph(app.operations, app.uses, app.settings)


async def sql(database: Database, statement: str) -> list[tuple[Any, ...]]:
    async def work(connection: Connection) -> Any:
        return await connection.fetch(database.compile(text(statement)), {})

    return [tuple(row) for row in await database.write(work)]


@pytest.mark.parametrize(
    ("variables", "paths"),
    [
        ({"input": {"name": "x", "accountId": "acc_1"}}, []),
        ({}, [("input",)]),
        ({"input": None}, [("input",)]),
        ({"input": 5}, [("input",)]),
        ({"input": {}}, [("input", "name"), ("input", "accountId")]),
        ({"input": {"name": None, "accountId": "a", "stage": "NONE"}}, [("input", "name"), ("input", "stage")]),
        (
            {"input": {"name": 5, "accountId": [], "probability": "x"}},
            [("input", "name"), ("input", "accountId"), ("input", "probability")],
        ),
        (
            {"input": {"name": "x", "accountId": "a", "contactIds": ["c", None, {}]}},
            [("input", "contactIds", 1), ("input", "contactIds", 2)],
        ),
        ({"input": {"name": "x", "accountId": "a", "value": "much", "closeDate": "soon"}}, [("input", "value"), ("input", "closeDate")]),
        ({"input": {"name": "x", "accountId": "a", "nothing": 1}}, [("input", "nothing")]),
        ({"input": {"name": "x", "accountId": "a"}, "key": 5}, [("key",)]),
    ],
)
def test_every_fault_at_its_place(rest: RestGraph, variables: dict[str, Any], paths: list[tuple[str | int, ...]]) -> None:
    """All that GraphQL's types refuse in the variables, at once, each with its path; custom scalars too."""
    faults = rest.check(rest.prepare(CREATE), variables)
    assert sorted(map(str, (fault.path for fault in faults))) == sorted(map(str, paths))
    assert all(fault.message.endswith((".", "?")) or fault.message for fault in faults)


def test_the_strict_decoder(rest: RestGraph) -> None:
    """REST tells what isn't JSON from what is no text: 400 and 422."""
    assert rest.decode(b'{"a":1}') == {"a": 1}
    for body, code in (
        (b"{", "BAD_REQUEST"),
        (b'{"a":1,"a":1}', "BAD_REQUEST"),
        (rb'"\u0000"', "VALIDATION_ERROR"),
        (rb'"\ud800"', "VALIDATION_ERROR"),
    ):
        with pytest.raises(BodyDecodeError) as caught:
            rest.decode(body)
        assert caught.value.code == code


def test_visibility() -> None:
    """Callers who may see the same share it, others don't."""
    assert CALLER.visibility == "ws_1/viewer/acc_1"


async def test_uses_are_counted(database_url: str) -> None:
    """Counts add up over batches, by token, route, parameter and field, with the first and the last time."""
    database = open_database(database_url)
    await database.open()
    try:
        await sql(database, WORKSPACE)
        uses = RestUses(database)
        for _ in range(2):
            uses.note(CALLER, (RestUse("GET /x", "route"), RestUse("GET /x", "parameter", "stage"), RestUse("GET /x", "route")))
            await uses.flush()
        await uses.flush()
        rows = await sql(database, "SELECT kind, name, count, first_used_at <= last_used_at FROM rest_usage ORDER BY kind")
        assert [(kind, name, count, bool(sane)) for kind, name, count, sane in rows] == [
            ("parameter", "stage", 2, True),
            ("route", "", 4, True),
        ]
    finally:
        await database.close()


def test_uses_are_bounded(rest: RestGraph) -> None:
    """While the database is away, memory doesn't grow for ever."""
    uses = RestUses(rest.operations.graph.database)
    for number in range(MAX_WAITING + 5):
        uses.note(CALLER, (RestUse("GET /x", "field", str(number)),))
    assert len(uses._waiting) == MAX_WAITING


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"trusted_documents": "absent.json"}, "GATEWAY_TRUSTED_DOCUMENTS: .*absent"),
        ({"rate_limit": "1/minute", "rate_limit_storage": "nowhere://"}, "GATEWAY_RATE_LIMIT_STORAGE"),
        ({"rate_limit": "1/minute", "rate_limit_storage": "memory://"}, "GATEWAY_RATE_LIMIT_STORAGE"),
        ({"rate_limit": "1/minute", "rate_limit_storage": "async+redis://[::1"}, "GATEWAY_RATE_LIMIT_STORAGE"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], said: str) -> None:
    """Told at the start, naming the setting."""
    with pytest.raises(SettingsError, match=said):
        create_app(Settings(**settings))
