"""An operation whose time is up tells what of it was done."""

import asyncio
from typing import Any

import pytest

from schema.engine.write import serial_execution
from tests.rest_compat.real import Gateway, gateway

MUTATION = """mutation {
  a: createAccount(input: {name: "first"}) { account { name } }
  b: createAccount(input: {name: "second"}) { account { name } }
  c: createAccount(input: {name: "third"}) { account { name } }
}"""


@pytest.fixture
def _stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second write never ends."""
    perform, calls = serial_execution.perform, []

    async def slow(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            await asyncio.sleep(60)
        return await perform(*arguments)

    monkeypatch.setattr(serial_execution, "perform", slow)


async def names(here: Gateway) -> list[str]:
    return [node["name"] for node in (await here.query("{ accounts { nodes { name } } }"))["accounts"]["nodes"]]


@pytest.mark.usefixtures("_stuck")
async def test_several_writes(database_url: str) -> None:
    """What was done is answered; an error stands where it isn't known, and where nothing was begun."""
    async with gateway(database_url, operation_timeout=1.5) as here:
        answer = await here.client.post("/graphql", json={"query": MUTATION})
        assert answer.status_code == 200
        told = answer.json()
        assert told["data"] == {"a": {"account": {"name": "first"}}, "b": None, "c": None}
        errors = {error["path"][0]: (error["extensions"]["code"], error["message"]) for error in told["errors"]}
        assert errors == {"b": ("TIMEOUT", serial_execution.PERHAPS_DONE), "c": ("TIMEOUT", serial_execution.NOT_BEGUN)}
        assert await names(here) == ["first"]


@pytest.mark.usefixtures("_stuck")
async def test_one_write(sqlite_url: str) -> None:
    """504 by both doors, and the caller is told that it may have been done."""
    async with gateway(sqlite_url, operation_timeout=0.5) as here:
        made = await here.make("/api/accounts/", name="A")
        answer = await here.client.patch(f"/api/accounts/{made['id']}/", json={"name": "B"})
        assert (answer.status_code, answer.json()["code"]) == (504, "timeout")
        assert answer.json()["detail"].startswith("The operation took longer than 0.5 s. What it changes may have been changed:")
