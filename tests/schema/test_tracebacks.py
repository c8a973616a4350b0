"""What went wrong is out of memory once it was told: an error that its own traceback held would keep its request."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError
from sqlalchemy import bindparam, text

from schema.extensions import Extension
from schema.graph import Graph
from schema.storage.database import Connection, Database
from tests.connecting import until
from tests.memory import tracebacks, uncollected
from tests.schema.dataset import World, ask

ROOT = Path(__file__).parents[2]
RENAME = 'mutation($key: String) { updateAccount(id: "acc_x", input: {name: $key}, idempotencyKey: $key) { userErrors { message } } }'
#: Operations that end with an error, by whom it is told: a plan, graphql-core, a mutation, or before any of it.
OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "root": ("query($first: Int) { accounts { totalCount } opportunities(first: $first) { totalCount } }", {"first": 1_000}),
    "below": ('{ accounts(first: 3) { nodes { contacts(first: 2, after: "x") { nodes { id } } } } }', {}),
    "history": ("{ opportunities(first: 3) { nodes { stageHistory(last: 1000) { at } } } }", {}),
    "variable": ("query($first: Int) { opportunities(first: $first) { totalCount } }", {"first": "many"}),
    "mutation": (RENAME, {"key": "\x01"}),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
async def test_operations_that_fail(world: World, operation: tuple[str, dict[str, Any]]) -> None:
    """Nothing of the error is left, by which all that was read for the others, and the variables, would be."""
    document, variables = operation
    with uncollected():
        before = tracebacks()
        assert (await ask(world.graph, document, world.here.caller(), variables)).errors
        await until(lambda: tracebacks() == before)


async def test_a_workspace_that_is_gone(world: World) -> None:
    """Its callers' operations are refused, and hold nothing either."""
    world.here.id = "ws_gone"
    with uncollected():
        before = tracebacks()
        assert (await ask(world.graph, 'mutation { createAccount(input: {name: "A"}) { account { id } } }', world.here.caller())).errors
        await until(lambda: tracebacks() == before)


async def test_an_error_that_leads_back_to_itself(world_on_sqlite: World) -> None:
    """A resolver that raises the cause of the error which it handles is answered: the way through its errors has no end."""
    package = Extension("unwrapping")

    @package.query("It fails.")
    def failing() -> str:
        inner = ValueError("inner")
        try:
            raise GraphQLError("outer", original_error=inner)  # noqa: TRY301  what is raised within is tried
        except GraphQLError:
            raise inner  # noqa: B904  its context is what is tried

    graph = Graph(world_on_sqlite.database, plans=False, extensions=[package])
    answer = await ask(graph, "{ failing }", world_on_sqlite.here.caller())
    assert [error["extensions"]["code"] for error in answer.errors] == ["INTERNAL_ERROR"]


@pytest.mark.parametrize("how", ["fetch", "read", "write"])
@pytest.mark.parametrize("value", ["1", "\ud800"], ids=["defect", "value"])
async def test_statements_that_fail(database: Database, how: str, value: str) -> None:
    """Whatever the database refuses, by whichever way it was asked."""
    clause = "SELECT * FROM nowhere" if value == "1" else "SELECT id FROM workspace WHERE id = :value"
    statement = database.compile(text(clause).bindparams(*[bindparam("value")][: value != "1"]))

    async def work(connection: Connection) -> None:
        await connection.fetch(statement, {"value": value})

    async def fail() -> None:
        with pytest.raises(Exception, match=r"."):
            await (database.fetch(statement, {"value": value}) if how == "fetch" else getattr(database, how)(work))

    with uncollected():
        before = tracebacks()
        await fail()
        await until(lambda: tracebacks() == before)


def test_who_raises_an_error_lets_go_of_it() -> None:
    """A function that raises what a name of its own stands for deletes the name: its traceback holds the function's names."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ("gateway", "rest_compat", "schema")
        for path in (ROOT / room).rglob("*.py")
        if "cli" not in path.parts
        for line in _held(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


def _held(module: ast.Module) -> Iterator[int]:
    """The lines that raise a name which isn't deleted."""
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = [*ast.walk(function)]
            let_go = {one.name for one in inside if isinstance(one, ast.ExceptHandler)}
            let_go |= {name.id for one in inside if isinstance(one, ast.Delete) for name in one.targets if isinstance(name, ast.Name)}
            for one in inside:
                if isinstance(one, ast.Raise) and isinstance(one.exc, ast.Name) and one.exc.id.islower() and one.exc.id not in let_go:
                    yield one.lineno
