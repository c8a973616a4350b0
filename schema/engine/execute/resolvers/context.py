"""The `info.context` of resolvers: the caller, and a reader of further data."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.sql.expression import Executable

from schema.engine.compile.data_reader import REVISION, clauses
from schema.rules.access import Caller
from schema.rules.errors import WorkspaceGone
from schema.storage.database import Connection, Database, Row
from schema.values import Value

T = TypeVar("T")


class Snapshot:
    """One state of the database, of which a resolver reads the rows of its caller's workspace."""

    def __init__(self, database: Database, connection: Connection, caller: Caller) -> None:
        self._database = database
        self._connection = connection
        self._workspace = {"workspace": caller.workspace_id, "workspace_id": caller.workspace_id}

    async def fetch(self, clause: Executable, **values: Value) -> Sequence[Row]:
        """All rows of `clause`, as tuples; `values` are its binds.

        The clause must compare `workspace_id` with the bind `workspace` (`reading.WORKSPACE`), whose value is given here:
        raises ValueError where it doesn't. Make it once, at the module's level: then it is compiled once, too.
        """
        return await self._connection.fetch(clauses.of(self._database, clause), {**values, **self._workspace})

    async def revision(self) -> int:
        """The workspace's revision in this state: the number of writes that it has seen."""
        rows = await self._connection.fetch(clauses.of(self._database, REVISION), self._workspace)
        if not rows:
            raise WorkspaceGone
        return int(rows[0][0])


@dataclass(slots=True)
class Context:
    """One operation's context. `loaders` is a place for an operation's own objects, such as DataLoaders."""

    caller: Caller
    database: Database
    loaders: dict[Value, Value] = field(default_factory=dict)

    async def read(self, work: Callable[[Snapshot], Awaitable[T]]) -> T:
        """Return the result of `work`, called with a snapshot. It may be called again with a new one, so it must have no effects.

        The snapshot holds a connection: don't wait for anything else in `work`. Raises StorageError.
        """

        async def within(connection: Connection) -> T:
            return await work(Snapshot(self.database, connection, self.caller))

        return await self.database.read(within)
