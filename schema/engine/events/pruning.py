"""Events that are older than they are kept go, the oldest of a workspace first, and the table says how far they are gone."""

from sqlalchemy import bindparam, delete, exists, func, literal, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from schema.sql_types import Bind
from schema.storage.columns import Instant
from schema.storage.database import Connection, Database
from schema.storage.retention import workspaces
from schema.storage.tables import Event, PrunedEvents
from schema.storage.workspace import WORKSPACE
from schema.values import Object, Value

LOOKED_AT = 100
"""The number of a workspace's oldest events that are examined: the clock may have been wrong when one of them was written."""

_EVENT = Event.__table__
_PRUNED = PrunedEvents.__table__
_OLDEST: Bind = bindparam("oldest", type_=Instant(), required=True)
_position_of_event = tuple_(_EVENT.c.revision, _EVENT.c.position)


def _position(prefix: str) -> Value:
    return tuple_(
        bindparam(f"{prefix}revision", type_=_EVENT.c.revision.type, required=True),
        bindparam(f"{prefix}place", type_=_EVENT.c.position.type, required=True),
    )


_FIND_PRUNED = select(_PRUNED.c.revision, _PRUNED.c.position).where(_PRUNED.c.workspace_id == WORKSPACE)
# From where the last portion ended: what is gone may still be in PostgreSQL's index for a while, and would be walked through again.
_HERE = (_EVENT.c.workspace_id == WORKSPACE, _position("from_") < _position_of_event)
_FIRST = (
    select(_EVENT.c.revision, _EVENT.c.position, _EVENT.c.at)
    .where(*_HERE)
    .order_by(_EVENT.c.revision, _EVENT.c.position)
    .limit(bindparam("size", required=True))
)
_REMOVE = delete(_EVENT).where(*_HERE, _position("to_") >= _position_of_event)


def _aged() -> Value:
    found = workspaces()
    known = found.outerjoin(_PRUNED, _PRUNED.c.workspace_id == found.c.id)
    pruned = tuple_(func.coalesce(_PRUNED.c.revision, literal(0)), func.coalesce(_PRUNED.c.position, literal(0)))
    first = (
        select(_EVENT.c.at)
        .where(_EVENT.c.workspace_id == found.c.id, pruned < _position_of_event)
        .order_by(_EVENT.c.revision, _EVENT.c.position)
        .limit(LOOKED_AT)
        .correlate(found, _PRUNED)
        .subquery()
    )
    is_aged = exists().where(first.c.at < _OLDEST).correlate(found, _PRUNED)
    return select(found.c.id, is_aged).select_from(known).order_by(found.c.id)


def _keep_pruned(dialect: str) -> Value:
    insert: Value = postgresql.insert(_PRUNED) if dialect == "postgresql" else sqlite.insert(_PRUNED)
    names = {"revision": "to_revision", "position": "to_place"}
    added = insert.values(workspace_id=WORKSPACE, **{column: bindparam(name, required=True) for column, name in names.items()})
    further = tuple_(added.excluded.revision, added.excluded.position) > tuple_(_PRUNED.c.revision, _PRUNED.c.position)
    return added.on_conflict_do_update(
        index_elements=[_PRUNED.c.workspace_id],
        set_={"revision": added.excluded.revision, "position": added.excluded.position},
        where=further,
    )


class OldEvents:
    """Events that happened more than `seconds` ago."""

    name = "events"

    def __init__(self, database: Database, seconds: float) -> None:
        self.seconds = seconds
        self.aged = database.compile(_aged())
        self._find = database.compile(_FIND_PRUNED)
        self._first = database.compile(_FIRST)
        self._remove = database.compile(_REMOVE)
        self._keep = database.compile(_keep_pruned(database.dialect.name))

    async def remove(self, connection: Connection, values: Object) -> int:
        """Removes the oldest events of a workspace, and notes in the same transaction how far they are gone."""
        pruned = await connection.fetch(self._find, values)
        begin = {"from_revision": pruned[0][0], "from_place": pruned[0][1]} if pruned else {"from_revision": 0, "from_place": 0}
        rows = await connection.fetch(self._first, {**values, **begin})
        # Commits are ordered by revision: all events before an old one are old, even if the clock was wrong when they were written.
        end = next((row for row in reversed(rows) if row[2] < values["oldest"]), None)
        if end is None:
            return 0
        here = {**values, **begin, "to_revision": end[0], "to_place": end[1]}
        count = await connection.execute(self._remove, here)
        await connection.execute(self._keep, here)
        return count
