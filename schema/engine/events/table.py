"""The events in the database, read together with what says whether they are all: the revision, and how far events were pruned."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import orjson
from sqlalchemy import bindparam, select, true, tuple_

from schema.rules.cursors import EPOCH
from schema.rules.errors import CursorExpired
from schema.sql_types import Bind
from schema.storage.database import Database, DatabaseUnavailable, Row, StatementTimeout
from schema.storage.epochs import epoch_column
from schema.storage.tables import Event, PrunedEvents, WorkspaceTable
from schema.storage.workspace import WORKSPACE
from schema.values import Object, Value

from .cursor import BEGINNING, EventPosition

T = TypeVar("T")

RETRY_SECONDS = 1.0

#: What an event of no text takes in memory, in bytes, and how much its texts grow when they are parsed (measured).
_EVENT_BYTES = 1_000
_PARSED = 3

_EVENT = Event.__table__
_PRUNED = PrunedEvents.__table__
_WORKSPACES = WorkspaceTable.__table__
_REVISION: Bind = bindparam("revision", type_=_EVENT.c.revision.type, required=True)
_PLACE: Bind = bindparam("place", type_=_EVENT.c.position.type, required=True)
_COLUMNS = [column for column in _EVENT.c if column.name != "workspace_id"]
_NEXT = (
    select(*_COLUMNS)
    .where(_EVENT.c.workspace_id == WORKSPACE, tuple_(_EVENT.c.revision, _EVENT.c.position) > tuple_(_REVISION, _PLACE))
    .order_by(_EVENT.c.revision, _EVENT.c.position)
    .limit(bindparam("limit", required=True))
    .subquery()
)
# One statement, so that events, revision, epoch and what is pruned are of one state of the database.
_READ = (
    select(_WORKSPACES.c.revision, epoch_column(), _PRUNED.c.revision, _PRUNED.c.position, *_NEXT.c)
    .select_from(
        _WORKSPACES.outerjoin(_PRUNED, _PRUNED.c.workspace_id == _WORKSPACES.c.id).outerjoin(_NEXT, true()),
    )
    .where(_WORKSPACES.c.id == WORKSPACE)
    .order_by(_NEXT.c.revision, _NEXT.c.position)
)
_BEFORE_EVENT = 4


@dataclass(slots=True, eq=False)
class EventRecord:
    """An event as read. `size` is about what it takes in memory, in bytes.

    `shared`: it is kept for all followers of its workspace, and `answers` and `kept` hold what was made of it for them.
    """

    position: EventPosition
    kind: str
    noun: str
    record_id: str
    changed_fields: list[str]
    before: Object | None
    after: Object | None
    at: str
    by_id: str | None
    by_key_id: str | None
    size: int
    epoch: int
    shared: bool = False
    answers: dict[Value, "asyncio.Future[bytes]"] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EventsRead:
    """Events after a position as they were at `revision`, when everything up to `pruned` was gone. `whole`: there are no more.

    `epoch` is the database's, in which all these positions mean something.
    """

    revision: int
    epoch: int
    pruned: EventPosition
    events: list[EventRecord]
    whole: bool

    def check(self, position: EventPosition, epoch: int) -> None:
        """Raises CursorExpired where events after `position`, which is of that `epoch`, may be missing."""
        if epoch != self.epoch:
            raise CursorExpired("The database was restored since this cursor was given: read the list again, and follow from now on.")
        if position < self.pruned:
            raise CursorExpired("Events after this cursor are no longer kept: read the list again, and follow from now on.")
        if position.revision > self.revision:
            raise CursorExpired("The database was set back to a state before this cursor: read the list again, and follow from now on.")


class EventTable:
    """Reads the events of workspaces."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statement = database.compile(_READ)

    async def read(self, workspace_id: str, after: EventPosition, limit: int) -> EventsRead:
        """At most `limit` events after a position, in commit order. Waits while the database is away. Raises StatementTimeout."""
        values = {"workspace": workspace_id, "revision": after.revision, "place": after.place, "limit": limit}
        rows = await until_available(lambda: self._database.fetch(self._statement, values))
        if not rows:
            return EventsRead(0, self._database.epoch, BEGINNING, [], whole=True)
        revision, epoch, *pruned = rows[0][:_BEFORE_EVENT]
        epoch = epoch or EPOCH
        events = [_happened(row[_BEFORE_EVENT:], epoch) for row in rows if row[_BEFORE_EVENT] is not None]
        known = BEGINNING if pruned[0] is None else EventPosition(*pruned)
        return EventsRead(revision, epoch, known, events, whole=len(events) < limit)


def _happened(row: Row, epoch: int) -> EventRecord:
    revision, place, kind, noun, id_, changed, before, after, at, by_id, by_key_id = row
    was, is_now = (None if text is None else orjson.loads(text) for text in (before, after))
    size = _EVENT_BYTES + _PARSED * (len(changed) + len(before or "") + len(after or ""))
    return EventRecord(
        EventPosition(revision, place), kind, noun, id_, orjson.loads(changed), was, is_now, at, by_id, by_key_id, size, epoch
    )


async def until_available(read: Callable[[], Awaitable[T]]) -> T:
    """Return the result of `read`, tried again until the database is available. Raises StatementTimeout."""
    while True:
        try:
            return await read()
        except StatementTimeout:
            raise
        except DatabaseUnavailable:
            await asyncio.sleep(RETRY_SECONDS)
