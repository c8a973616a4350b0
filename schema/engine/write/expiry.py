"""Answers kept under idempotency keys go when their time is over."""

from typing import Any

from sqlalchemy import bindparam, delete, exists, select, tuple_

from schema.engine.execute.reading import WORKSPACE
from schema.storage.columns import Instant
from schema.storage.database import Connection, Database
from schema.storage.sweeps import workspaces
from schema.storage.tables import IdempotencyKey

from .idempotency import HOURS

_KEPT: Any = IdempotencyKey.__table__
_OLDEST: Any = bindparam("oldest", type_=Instant(), required=True)
_KEY = (_KEPT.c.workspace_id, _KEPT.c.token_id, _KEPT.c.key)
_FIRST = (
    select(*_KEY)
    .where(_KEPT.c.workspace_id == WORKSPACE, _KEPT.c.created_at < _OLDEST)
    .order_by(_KEPT.c.created_at)
    .limit(bindparam("size", required=True))
)
_REMOVE = delete(_KEPT).where(tuple_(*_KEY).in_(_FIRST))


def _aged() -> Any:
    found = workspaces()
    is_aged = exists().where(_KEPT.c.workspace_id == found.c.id, _KEPT.c.created_at < _OLDEST).correlate(found)
    return select(found.c.id, is_aged).order_by(found.c.id)


class ExpiredKeys:
    """Idempotency keys that were given more than 24 hours ago."""

    name = "idempotency keys"
    seconds: float = HOURS * 3_600

    def __init__(self, database: Database) -> None:
        self.aged = database.compile(_aged())
        self._remove = database.compile(_REMOVE)

    async def remove(self, connection: Connection, values: dict[str, Any]) -> int:
        """Removes the oldest keys of a workspace."""
        return await connection.execute(self._remove, values)
