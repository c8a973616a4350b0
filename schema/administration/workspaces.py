"""Workspaces from the command line: there is no other door that makes one."""

from typing import Final

from sqlalchemy import bindparam, exists, insert, select

from schema.nouns.accounts.account import Account
from schema.rules.clock import instant
from schema.storage.database import Connection, Database
from schema.storage.ids import new_id
from schema.storage.tables import WorkspaceTable
from schema.values import Value

_WORKSPACES: Final = WorkspaceTable.__table__
_FILLED: Final[Value] = exists().where(Account.__table__.c.workspace_id == _WORKSPACES.c.id)
_BY_NAME: Final = select(_WORKSPACES.c.id, _FILLED).where(_WORKSPACES.c.name == bindparam("name"))

CURRENCY = "USD"


async def find_or_create(database: Database, connection: Connection, name: str) -> tuple[str, bool]:
    """The id of the workspace of that name, and whether it had to be made."""
    found = await connection.fetch(database.compile(_BY_NAME), {"name": name})
    return (found[0][0], False) if found else (await _create(database, connection, name), True)


async def find_or_create_empty(database: Database, name: str) -> str | None:
    """The id of the workspace of that name, made if need be; None where it has accounts already. Raises DatabaseUnavailable."""

    async def work(connection: Connection) -> str | None:
        found = await connection.fetch(database.compile(_BY_NAME), {"name": name})
        if not found:
            return await _create(database, connection, name)
        return None if found[0][1] else str(found[0][0])

    return await database.write(work)


async def _create(database: Database, connection: Connection, name: str) -> str:
    id_, milliseconds = new_id("ws")
    row = {"id": id_, "name": name, "currency": CURRENCY, "revision": 0, "created_at": instant(milliseconds)}
    await connection.execute(database.compile(insert(_WORKSPACES)), row)
    return id_


async def names(database: Database) -> dict[str, bool]:
    """The workspaces by name, and whether there is an account in each. Raises DatabaseUnavailable."""
    clause = select(_WORKSPACES.c.name, _FILLED)
    return {name: bool(filled) for name, filled in await database.fetch(database.compile(clause), {})}


async def is_there(database: Database, name: str) -> bool:
    """Whether there is a workspace of this name. Raises DatabaseUnavailable."""
    return bool(await database.fetch(database.compile(_BY_NAME), {"name": name}))
