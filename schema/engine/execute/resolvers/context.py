"""What a resolver finds in `info.context`: who asks, and how to read more."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.sql.expression import Executable

from schema.engine.compile.reading import revision_statement
from schema.engine.kept import Kept
from schema.rules.access import Caller
from schema.storage.database import Connection, Database, Row
from schema.storage.statements import Statement
from schema.values import Value

T = TypeVar("T")

CLAUSES, CLAUSES_BYTES = 256, 8_000_000
"""How many clauses of resolvers are kept compiled, and about how many bytes they take."""
_CLAUSE = 20_000
"""Bytes that a clause takes beside its text."""


class Clauses:
    """Clauses and what they were compiled to, for each kind of database. Who is kept is held, so that no other takes its id."""

    def __init__(self) -> None:
        self._kept: Kept[tuple[Executable, Statement]] = Kept(CLAUSES, CLAUSES_BYTES)

    def of(self, database: Database, clause: Executable) -> Statement:
        """The statement of a clause. Raises ValueError where it isn't bound to a workspace."""
        key = database.dialect.name, id(clause)
        found = self._kept.get(key)
        if found is None:
            statement = database.compile(clause)
            if {"workspace", "workspace_id"}.isdisjoint(statement.names):
                raise ValueError(f"A resolver's clause must be bound to the caller's workspace, by WORKSPACE: {statement.text}")
            found = clause, statement
            self._kept.put(key, found, _CLAUSE + len(statement.text))
        return found[1]


clauses = Clauses()


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
        rows = await self._connection.fetch(revision_statement(self._database), self._workspace)
        return int(rows[0][0])


@dataclass(slots=True)
class Context:
    """One operation's context. `loaders` is a place for an operation's own objects, such as DataLoaders."""

    caller: Caller
    database: Database
    loaders: dict[Value, Value] = field(default_factory=dict)

    async def read(self, work: Callable[[Snapshot], Awaitable[T]]) -> T:
        """What `work` answers when it is called with a snapshot. It may be called again, in a new one, so it must have no effects.

        The snapshot holds a connection: don't wait for anything else in `work`. Raises StorageError.
        """

        async def within(connection: Connection) -> T:
            return await work(Snapshot(self.database, connection, self.caller))

        return await self.database.read(within)
