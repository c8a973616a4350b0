"""A read under way: what it reads through, the caller's place in it, and what is worth keeping from one read to the next."""

from collections.abc import Awaitable, Sequence
from threading import Lock
from typing import NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.sql.expression import Executable

from schema.engine.cache import SizedCache
from schema.engine.compile.response_size import ParentCounts, ResponseSize, ResponseTooLarge
from schema.rules.access import Caller
from schema.rules.errors import ServiceUnavailable, WorkspaceGone
from schema.storage.database import Database, Row
from schema.storage.statements import Statement
from schema.storage.tables import WorkspaceTable
from schema.storage.workspace import WORKSPACE
from schema.values import CacheKey, Value, Values

COUNTS_BYTES = 16_000_000
READING_BYTES = 25_165_824
"""Bytes of large answers that may be read at the same time, over all callers."""
CLAUSES, CLAUSES_BYTES = 2_000, 32_000_000
"""The most compiled clauses cached, and about how many bytes they take."""
_CLAUSE = 12_000
"""Bytes that a clause takes beside its text."""
_COUNT, _PART = 600, 60
"""Bytes that a count takes beside the texts of its key, and beside each of them."""


class RevisionChanged(Exception):
    """Statements read one by one didn't see one revision of the workspace: they are to be read again, in one snapshot."""


class RevisionCount(NamedTuple):
    """The row of a counting statement, and the revision of the workspace that it saw."""

    revision: int
    row: Row


class CompiledClauses:
    """Clauses that live as long as the program, and what they were compiled to: those of writes, of rules and of resolvers.

    A clause is held as long as its statement is kept, so that no other object gets its id.
    """

    def __init__(self) -> None:
        self._kept: SizedCache[tuple[Executable, Statement]] = SizedCache(CLAUSES, CLAUSES_BYTES)

    def of(self, database: Database, clause: Executable) -> Statement:
        """The statement of a clause. Raises ValueError where it isn't bound to a workspace."""
        key = database.dialect.name, id(clause)
        found = self._kept.get(key)
        if found is None:
            statement = database.compile(clause)
            if {"workspace", "workspace_id"}.isdisjoint(statement.names):
                raise ValueError(f"A clause must be bound to the caller's workspace, by WORKSPACE: {statement.text}")
            found = clause, statement
            self._kept.put(key, found, _CLAUSE + len(statement.text))
        return found[1]


clauses = CompiledClauses()


class BytesInFlight:
    """Bytes of the large answers that are read at the same time: READING_BYTES at most, or one answer. Threads may share it."""

    def __init__(self) -> None:
        self.held: dict[int, int] = {}
        """The bytes held, by reader."""
        self._bytes = 0
        self._lock = Lock()

    def hold(self, reader: object, size: int) -> None:
        """Counts `size` bytes more for a reader. Raises ServiceUnavailable where others hold too much."""
        number = id(reader)
        with self._lock:
            own = self.held.get(number, 0)
            if self._bytes > own and self._bytes + size > READING_BYTES:
                raise ServiceUnavailable("Too many large answers are read at once. Try again soon, or ask for smaller pages.")
            self._bytes += size
            self.held[number] = own + size

    def free(self, reader: object) -> None:
        """A reader has come to its end."""
        with self._lock:
            self._bytes -= self.held.pop(id(reader), 0)


class Counts(SizedCache[RevisionCount]):
    """Exact counts and sums, each with the workspace's revision at which it is exact: at most `number` of them.

    The key stands for the statement with its permission terms and all its binds, so two callers share a count only if it is the same.
    `in_flight` bounds what those who count read at the same time.
    """

    def __init__(self, number: int, in_flight: BytesInFlight | None = None) -> None:
        super().__init__(number, COUNTS_BYTES)
        self.in_flight = in_flight

    def keep(self, key: CacheKey, counted: RevisionCount) -> None:
        """Keeps it; the longest unused go first."""
        self.put(key, counted, sum(map(len, key)) + _PART * len(key) + _COUNT)


class Portions:
    """Rows that are being read, no more than fit into an answer. A page reads one row more than it shows."""

    __slots__ = ("_read", "_reader", "_weight")

    def __init__(self, weight: ResponseSize, reader: "DataReader") -> None:
        self._weight = weight
        self._reader = reader
        self._read = 0

    def look(self, rows: Sequence[Row]) -> None:
        """Counts the rows of a portion. Raises ResponseTooLarge, ServiceUnavailable."""
        size = sum(self._weight.count(rows))
        self._read += size
        if self._read > 2 * self._reader.limit:
            raise ResponseTooLarge(self._reader.limit)
        self._reader.hold(size)


class DataReader:
    """The reader that the steps of a plan use; it binds the caller's workspace to every statement.

    `source` is a connection in one snapshot, or the database itself: then each statement is a snapshot of its own (`single_statement`).
    What is read is counted towards the answer, which may have `limit` bytes and of which `spent` bytes are there already.
    """

    __slots__ = (
        "_counting",
        "_counts",
        "_exact",
        "_source",
        "bytes",
        "caller",
        "database",
        "fetch",
        "limit",
        "notes",
        "seen",
        "single_statement",
        "values",
    )

    def __init__(self, database: Database, source: Value, caller: Caller, counts: Counts, limit: int, spent: int = 0) -> None:
        #: All rows of a statement, whose binds are values that hold this reader's own.
        self.fetch = source.fetch
        self.single_statement = source is database
        self._source = source
        self.caller = caller
        self.values = {"workspace": caller.workspace_id, "viewer_limit": caller.limited_to, "viewer_user": caller.user_id or ""}
        self.database = database
        self._counts = counts
        self.seen: int | None = None
        """The workspace's revision in what was read, as far as that is known."""
        self.limit = limit
        self.notes: dict[Value, list[Value]] | None = None
        """The objects that wait for resolvers; None if there are none."""
        self.bytes = self._exact = spent
        """The answer's bytes so far, at most."""
        self._counting: list[tuple[ResponseSize, Sequence[Row], ParentCounts | None, int]] = []

    def weigh(self, weight: ResponseSize, rows: Sequence[Row], parents: ParentCounts | None = None, place: int = 0) -> None:
        """Counts `rows` of this weight towards the answer; the keys of their `parents` stand at `place`. Raises ResponseTooLarge."""
        most = (weight.fixed + weight.longest) * len(rows)
        self.bytes += most if parents is None else most * parents.most
        self._counting.append((weight, rows, parents, place))
        if self.bytes > self.limit:
            self._count_exactly()

    def add(self, size: int) -> None:
        """Counts `size` bytes towards the answer. Raises ResponseTooLarge."""
        self.bytes += size
        self._exact += size
        if self.bytes > self.limit:
            self._count_exactly()

    def _count_exactly(self) -> None:
        found = sum([weight.total(rows, parents, place) for weight, rows, parents, place in self._counting])
        self._counting.clear()
        self._exact += found
        self.bytes = self._exact
        if self.bytes > self.limit:
            raise ResponseTooLarge(self.limit)
        self.hold(found)

    def hold(self, size: int) -> None:
        """Counts towards what all readers have in memory, as only large answers do. Raises ServiceUnavailable."""
        if self._counts.in_flight is not None:
            self._counts.in_flight.hold(self, size)

    def fetch_many(self, statement: Statement, values: Values, weight: ResponseSize) -> Awaitable[Sequence[Row]]:
        """All rows of a statement that may have many of this weight. Raises ResponseTooLarge while they are read, if it comes to that."""
        rows: Awaitable[Sequence[Row]] = self._source.fetch_portions(statement, values, weight.portion, Portions(weight, self).look)
        return rows

    def notes_of(self, resolver_field: Value) -> list[Value]:
        """Return the objects that wait for the resolver of this field."""
        if self.notes is None:
            self.notes = {}
        return self.notes.setdefault(resolver_field, [])

    async def revision(self) -> int:
        """The workspace's revision in this snapshot."""
        if self.seen is None:
            self.seen = await self.look()
        return self.seen

    async def look(self) -> int:
        """The workspace's revision now, where each statement is a snapshot of its own."""
        rows = await self.fetch(clauses.of(self.database, REVISION), self.values)
        if not rows:
            raise WorkspaceGone
        return int(rows[0][0])

    async def counted(self, statement: Statement, values: Values) -> Row:
        """The row of a counting statement in this snapshot, counted only if it isn't known at the workspace's revision."""
        known = self.known(statement, values)
        if known is None or known.revision != await self.revision():
            known = await self.count(statement, values)
            self.seen = known.revision
        return known.row

    def known(self, statement: Statement, values: Values) -> RevisionCount | None:
        """The last count, of any revision."""
        return self._counts.get(self._key(statement, values))

    async def count(self, statement: Statement, values: Values) -> RevisionCount:
        """Counts: the row of a statement whose last column is the workspace's revision."""
        row = (await self.fetch(statement, values))[0]
        counted = RevisionCount(row[-1], row[:-1])
        self._counts.keep(self._key(statement, values), counted)
        return counted

    def _key(self, statement: Statement, values: Values) -> CacheKey:
        return (self.values["workspace"], statement.digest, *map(str, statement.bind(values)))


_WORKSPACES = WorkspaceTable.__table__
REVISION = select(_WORKSPACES.c.revision).where(_WORKSPACES.c.id == WORKSPACE)
"""The revision of the caller's workspace."""


def revision_column() -> ColumnElement[int]:
    """The workspace's revision as a column of another statement, which sees both in one state of the database."""
    return REVISION.scalar_subquery().label("revision")
