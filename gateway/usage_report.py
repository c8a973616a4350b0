"""Who still uses which part of REST: what `gateway usage` lists, over all workspaces."""

from typing import Any

from sqlalchemy import and_, func, select

from schema.storage.database import Database
from schema.storage.tables import ApiKey, RestUsage, User, Workspace

COLUMNS = ("workspace", "token_id", "token", "route", "kind", "name", "count", "first_used_at", "last_used_at")

_USES: Any = RestUsage.__table__
_KEYS: Any = ApiKey.__table__
_USERS: Any = User.__table__
_WORKSPACES: Any = Workspace.__table__


async def uses(database: Database) -> list[list[str]]:
    """The uses in the order of COLUMNS, the latest first; `token` is the key's name or the user's address. Raises Unavailable."""
    whose = func.coalesce(_KEYS.c.name, _USERS.c.email, "")
    shown = (_WORKSPACES.c.name, _USES.c.token_id, whose, *(_USES.c[name] for name in COLUMNS[3:]))
    clause = (
        select(*shown)
        .select_from(_USES)
        .join(_WORKSPACES, _WORKSPACES.c.id == _USES.c.workspace_id)
        .outerjoin(_KEYS, and_(_KEYS.c.workspace_id == _USES.c.workspace_id, _KEYS.c.id == _USES.c.token_id))
        .outerjoin(_USERS, and_(_USERS.c.workspace_id == _USES.c.workspace_id, _USERS.c.id == _USES.c.token_id))
        .order_by(_USES.c.last_used_at.desc(), *_USES.primary_key)
    )
    return [[str(value) for value in row] for row in await database.fetch(database.compile(clause), {})]
