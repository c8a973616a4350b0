"""The epoch: which history of the database this is. It changes where a history ends, such as when a backup is restored.

What clients hold of the lost history must not fit the new one: cursors, positions of events and entity tags carry the epoch's number.
Counts and lists' entity tags carry the workspace's revision instead: a new epoch moves every revision on to the microseconds since 1970,
which no history can have reached by counting its writes. So both hold in every process at once, without a word between them.
"""

import logging
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, select, update

from schema.rules import clock
from schema.sql_types import Bind
from schema.values import Value

from .database import Connection, Database
from .statements import insert_of
from .tables import Epoch, WorkspaceTable

_log = logging.getLogger(__name__)

FIND = "SELECT number FROM epoch"
_EPOCHS = Epoch.__table__
_WORKSPACES = WorkspaceTable.__table__
_LATER: Bind = bindparam("revision", type_=_WORKSPACES.c.revision.type, required=True)
_FIND = select(_EPOCHS.c.number)
_ADD = insert_of(_EPOCHS)
_NEXT = _WORKSPACES.c.revision + 1


def _moved_on(dialect: str) -> Value:
    later = func.max(_NEXT, _LATER) if dialect == "sqlite" else func.greatest(_NEXT, _LATER)
    return update(_WORKSPACES).values(revision=later)


class SeenEpoch:
    """The epoch as last read from the database."""

    epoch: int = 0
    _seen: bool = False

    def saw_epoch(self, row: Sequence[Value] | None) -> None:
        """Takes the row of FIND, None if there is none. A change is logged: the database was restored while it was served."""
        number = 0 if row is None else int(row[0])
        if self._seen and number != self.epoch:
            _log.warning("The database was restored: its epoch is %d and was %d. Cursors of before are refused.", number, self.epoch)
        self.epoch, self._seen = number, True


def epoch_column() -> Value:
    """The number as a column of another statement, null in a database that was never restored."""
    return select(_EPOCHS.c.number).scalar_subquery().label("epoch")


async def begin_epoch(database: Database, connection: Connection) -> int:
    """Begins a new epoch in a transaction: its number is the time in milliseconds, or the next where that was used."""
    milliseconds = clock.milliseconds()
    rows = await connection.fetch(database.compile(_FIND), {})
    number = max(milliseconds, rows[0][0] + 1 if rows else 1)
    await connection.execute(database.compile(delete(_EPOCHS)), {})
    await connection.execute(database.compile(_ADD), {"id": 1, "number": number, "began_at": clock.instant(milliseconds)})
    await connection.execute(database.compile(_moved_on(database.dialect.name)), {"revision": milliseconds * 1_000})
    return number
