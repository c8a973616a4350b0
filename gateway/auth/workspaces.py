"""Workspaces from the command line: there is no other door that makes one."""

from typing import Final

from sqlalchemy import bindparam, insert, select

from schema.rules.clock import instant
from schema.storage.database import Connection, Database
from schema.storage.ids import new_id
from schema.storage.tables import WorkspaceTable

_WORKSPACES: Final = WorkspaceTable.__table__

CURRENCY = "USD"


async def find_or_create(database: Database, connection: Connection, name: str) -> tuple[str, bool]:
    """The id of the workspace of that name, and whether it had to be made."""
    by_name = select(_WORKSPACES.c.id).where(_WORKSPACES.c.name == bindparam("name"))
    found = await connection.fetch(database.compile(by_name), {"name": name})
    if found:
        return found[0][0], False
    id_, milliseconds = new_id("ws")
    row = {"id": id_, "name": name, "currency": CURRENCY, "revision": 0, "created_at": instant(milliseconds)}
    await connection.execute(database.compile(insert(_WORKSPACES)), row)
    return id_, True
