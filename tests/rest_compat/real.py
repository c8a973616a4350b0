"""The whole application over a fresh database: two workspaces, called in process through its real front door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from gateway.app import Application, create_app
from gateway.settings import Settings
from schema.administration.keys import ApiKeys, NewKey
from schema.rules.access import Role

OPPORTUNITIES = "/api/opportunities/"


@dataclass
class Gateway:
    """`client` is an admin of the one workspace; `tokens` opens other doors."""

    app: Application
    client: httpx.AsyncClient

    async def token(self, workspace: str, role: Role = Role.ADMIN, account_id: str | None = None, *scopes: str) -> dict[str, str]:
        """The header of a new key."""
        created = await ApiKeys(self.app.database).create(NewKey(workspace, role, "test", account_id=account_id, scopes=scopes))
        return {"authorization": f"Bearer {created.token}"}

    async def query(self, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Data by the GraphQL door."""
        answer = (await self.client.post("/graphql", json={"query": document, "variables": variables or {}})).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def make(self, path: str, **body: Any) -> dict[str, Any]:
        """A record made by REST."""
        answer = await self.client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def user(self, name: str, email: str) -> str:
        """A new user's id."""
        document = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { message } } }"
        data = await self.query(document, {"input": {"name": name, "email": email, "role": "MEMBER"}})
        return str(data["createUser"]["user"]["id"])


@asynccontextmanager
async def gateway(database_url: str, **settings: Any) -> AsyncIterator[Gateway]:
    """The application with its lifespan around it."""
    app = create_app(Settings(database_url=database_url, access_log=False, **settings))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.lifespan(app), httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        opened = Gateway(app, client)
        client.headers.update(await opened.token("Here"))
        yield opened
