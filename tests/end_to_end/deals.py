"""Deals made and changed through a graph in this process, as some other gateway's clients do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from schema.graph import Graph
from tests.end_to_end.fleet import Access, opened
from tests.end_to_end.writing import CREATE, CREATE_ACCOUNT, DELETE, RENAME_ACCOUNT, UPDATE, Ask, by_graph


class Deals:
    """The deals of one workspace, and an account that they belong to unless another is given."""

    def __init__(self, ask: Ask, account: str) -> None:
        self._ask = ask
        self.account = account

    async def create(self, **given: Any) -> str:
        """A new deal's id."""
        made = await self._ask(CREATE, {"input": {"name": "Deal", "accountId": self.account, **given}})
        assert made["createOpportunity"]["userErrors"] == []
        id_: str = made["createOpportunity"]["opportunity"]["id"]
        return id_

    async def update(self, id_: str, **given: Any) -> None:
        assert (await self._ask(UPDATE, {"id": id_, "input": given}))["updateOpportunity"]["opportunity"]

    async def delete(self, id_: str) -> None:
        assert (await self._ask(DELETE, {"id": id_}))["deleteOpportunity"]["deletedId"]

    async def rename_account(self, name: str) -> None:
        """A revision that has no events."""
        assert (await self._ask(RENAME_ACCOUNT, {"id": self.account, "input": {"name": name}}))["updateAccount"]["account"]

    async def another_account(self) -> str:
        """Its id."""
        id_: str = (await self._ask(CREATE_ACCOUNT, {}))["createAccount"]["account"]["id"]
        return id_


@asynccontextmanager
async def deals(database_url: str, who: Access) -> AsyncIterator[Deals]:
    """Deals of the key's workspace."""
    async with opened(database_url) as database:
        ask = by_graph(Graph(database), who.caller)
        yield Deals(ask, (await ask(CREATE_ACCOUNT, {}))["createAccount"]["account"]["id"])
