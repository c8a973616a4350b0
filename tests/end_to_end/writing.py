"""Random writes, one process of several: through the graph in process, and some through a gateway.

`python -m tests.end_to_end.writing URL CALLER TOKEN WRITES SEED ADDRESS…` prints, as JSON, the events that its acknowledged writes must
have had, as pairs of type and deal, and what went wrong.
"""

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from schema.graph import Graph
from schema.rules.access import Caller, Role
from schema.storage.opening import open_database

TASKS = 2
BY_HTTP = 0.2
STAGES = ("PROSPECTING", "QUALIFICATION", "NEEDS_ANALYSIS", "PROPOSAL", "NEGOTIATION", "CLOSED_WON")

CREATE = """mutation($input: CreateOpportunityInput!) {
  createOpportunity(input: $input) { opportunity { id } userErrors { code } } }"""
UPDATE = """mutation($id: ID!, $input: UpdateOpportunityInput!) {
  updateOpportunity(id: $id, input: $input) { opportunity { id } userErrors { code } } }"""
DELETE = "mutation($id: ID!) { deleteOpportunity(id: $id) { deletedId userErrors { code } } }"
CREATE_MANY = """mutation($inputs: [CreateOpportunityInput!]!) {
  createOpportunities(inputs: $inputs) { results { opportunity { id } } } }"""
RENAME_ACCOUNT = "mutation($id: ID!, $input: UpdateAccountInput!) { updateAccount(id: $id, input: $input) { account { id } } }"
CREATE_ACCOUNT = 'mutation { createAccount(input: {name: "Account"}) { account { id } } }'

Ask = Callable[[str, dict[str, Any]], Awaitable[Any]]


@dataclass(slots=True)
class Writer:
    """What one process has written. `expected` are the events of what was acknowledged, `faults` whatever no client should meet."""

    ask: Ask
    random: random.Random
    account: str = ""
    deals: list[str] = field(default_factory=list)
    expected: list[tuple[str, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    left: int = 0
    written: int = 0

    async def run(self) -> None:
        """Writes until none is left."""
        while self.left > 0:
            self.left -= 1
            self.written += 1
            (kind,) = self.random.choices((self.create, self.update, self.delete, self.create_many, self.rename), (6, 10, 2, 1, 2))
            try:
                await kind()
            except Exception as fault:  # noqa: BLE001  told at the end
                self.faults.append(repr(fault))

    def _input(self) -> dict[str, Any]:
        values = {"value": self.random.randrange(10**6), "stage": self.random.choice(STAGES)}
        return {"name": f"Deal {self.random.random()}", **values}

    def _deal(self) -> str | None:
        return self.random.choice(self.deals) if self.deals else None

    async def create(self) -> None:
        made = (await self.ask(CREATE, {"input": {**self._input(), "accountId": self.account}}))["createOpportunity"]
        self._created(made["opportunity"]["id"])

    def _created(self, id_: str) -> None:
        self.deals.append(id_)
        self.expected.append(("CREATED", id_))

    async def update(self) -> None:
        if (id_ := self._deal()) is None:
            return
        changed = (await self.ask(UPDATE, {"id": id_, "input": self._input()}))["updateOpportunity"]
        if changed["opportunity"]:
            self.expected.append(("UPDATED", id_))
        elif changed["userErrors"] != [{"code": "NOT_FOUND"}]:
            self.faults.append(str(changed))

    async def delete(self) -> None:
        if (id_ := self._deal()) is None:
            return
        self.deals.remove(id_)
        if (await self.ask(DELETE, {"id": id_}))["deleteOpportunity"]["deletedId"]:
            self.expected.append(("DELETED", id_))

    async def create_many(self) -> None:
        inputs = [{**self._input(), "accountId": self.account} for _ in range(self.random.randrange(2, 6))]
        for made in (await self.ask(CREATE_MANY, {"inputs": inputs}))["createOpportunities"]["results"]:
            self._created(made["opportunity"]["id"])

    async def rename(self) -> None:
        """A revision that has no events."""
        await self.ask(RENAME_ACCOUNT, {"id": self.account, "input": {"name": f"Account {self.random.random()}"}})


def by_graph(graph: Graph, caller: Caller) -> Ask:
    async def ask(document: str, variables: dict[str, Any]) -> Any:
        answer = await graph.run(graph.prepare(document), variables, caller)
        assert answer.errors is None, answer.errors
        return answer.data

    return ask


def by_http(client: httpx.AsyncClient, addresses: list[str]) -> Ask:
    async def ask(document: str, variables: dict[str, Any]) -> Any:
        url = f"http://{random.choice(addresses)}/graphql"
        response = await client.post(url, json={"query": document, "variables": variables})
        answer = response.json()
        assert "errors" not in answer, (response.status_code, answer)
        return answer["data"]

    return ask


def either(chance: random.Random, first: Ask, second: Ask) -> Ask:
    """Mostly the first."""

    async def ask(document: str, variables: dict[str, Any]) -> Any:
        return await (second if chance.random() < BY_HTTP else first)(document, variables)

    return ask


async def main(url: str, caller: Caller, token: str, writes: int, seed: int, addresses: list[str]) -> Writer:
    """Writes, two at a time."""
    headers = {"authorization": f"Bearer {token}"}
    database = open_database(url)
    await database.open()
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:
        chance = random.Random(seed)
        ask = by_graph(Graph(database), caller)
        if addresses:
            ask = either(chance, ask, by_http(client, addresses))
        writer = Writer(ask, chance, left=writes)
        writer.account = (await ask(CREATE_ACCOUNT, {}))["createAccount"]["account"]["id"]
        await asyncio.gather(*(writer.run() for _ in range(TASKS)))
    await database.close()
    return writer


if __name__ == "__main__":
    url, who, token, writes, seed, *addresses = sys.argv[1:]
    members = {name: value for name, value in orjson.loads(who).items() if name not in {"limited_to", "visibility"}}
    done = asyncio.run(main(url, Caller(**{**members, "role": Role(members["role"])}), token, int(writes), int(seed), addresses))
    sys.stdout.buffer.write(orjson.dumps({"expected": done.expected, "faults": done.faults, "written": done.written}))
