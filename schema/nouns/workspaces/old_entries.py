"""Entries of the audit list go when they are older than they are kept."""

from sqlalchemy import bindparam, delete, exists, select, tuple_

from schema.engine.execute.reading import WORKSPACE
from schema.storage.columns import Instant
from schema.storage.database import Connection, Database
from schema.storage.sweeps import workspaces
from schema.values import Bind, Object, Value

from .audit import AuditEntry

_ENTRY = AuditEntry.__table__
_OLDEST: Bind = bindparam("oldest", type_=Instant(), required=True)
_ID = (_ENTRY.c.workspace_id, _ENTRY.c.id)
_FIRST = (
    select(*_ID)
    .where(_ENTRY.c.workspace_id == WORKSPACE, _ENTRY.c.created_at < _OLDEST)
    .order_by(_ENTRY.c.created_at, _ENTRY.c.id)
    .limit(bindparam("size", required=True))
)
_REMOVE = delete(_ENTRY).where(tuple_(*_ID).in_(_FIRST))


def _aged() -> Value:
    found = workspaces()
    is_aged = exists().where(_ENTRY.c.workspace_id == found.c.id, _ENTRY.c.created_at < _OLDEST).correlate(found)
    return select(found.c.id, is_aged).order_by(found.c.id)


class OldEntries:
    """Entries that were written more than `seconds` ago."""

    name = "audit entries"

    def __init__(self, database: Database, seconds: float) -> None:
        self.seconds = seconds
        self.aged = database.compile(_aged())
        self._remove = database.compile(_REMOVE)

    async def remove(self, connection: Connection, values: Object) -> int:
        """Removes the oldest entries of a workspace."""
        return await connection.execute(self._remove, values)
