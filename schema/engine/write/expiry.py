"""Answers kept under idempotency keys go when their time is over."""

from sqlalchemy import bindparam, delete, exists, select, tuple_

from schema.engine.execute.reading import WORKSPACE
from schema.storage.columns import Instant
from schema.storage.database import Connection, Database
from schema.storage.sweeps import workspaces
from schema.storage.tables import IdempotencyKey
from schema.values import Bind, Object, Value

from .idempotency import HOURS

_KEPT = IdempotencyKey.__table__
_OLDEST: Bind = bindparam("oldest", type_=Instant(), required=True)
_KEY = (_KEPT.c.workspace_id, _KEPT.c.token_id, _KEPT.c.key)
_FIRST = (
    select(*_KEY)
    .where(_KEPT.c.workspace_id == WORKSPACE, _KEPT.c.created_at < _OLDEST)
    .order_by(_KEPT.c.created_at)
    .limit(bindparam("size", required=True))
)
_REMOVE = delete(_KEPT).where(tuple_(*_KEY).in_(_FIRST))


def _aged() -> Value:
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

    async def remove(self, connection: Connection, values: Object) -> int:
        """Removes the oldest keys of a workspace."""
        return await connection.execute(self._remove, values)
