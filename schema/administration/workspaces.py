"""Workspaces as the command line looks for them."""

from sqlalchemy import bindparam, select

from schema.storage.database import Database
from schema.storage.tables import Workspace


async def is_there(database: Database, name: str) -> bool:
    """Whether there is a workspace of this name. Raises DatabaseUnavailable."""
    column = Workspace.__table__.c.name
    return bool(await database.fetch(database.compile(select(column).where(column == bindparam("named"))), {"named": name}))
