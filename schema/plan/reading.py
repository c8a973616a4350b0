"""A read under way: what it reads through, the caller's place in it, and what is worth keeping from one read to the next."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, select

from ..rules.access import Caller
from ..storage.columns import Text
from ..storage.database import Connection, Database, Row
from ..storage.statements import Statement
from ..storage.tables import Workspace

WORKSPACE = bindparam("workspace", type_=Text(), required=True)


class Moved(Exception):
    """Statements read one by one didn't see one revision of the workspace: they are to be read again, in one snapshot."""


class Counted(NamedTuple):
    """The row of a counting statement, and the revision of the workspace that it saw."""

    revision: int
    row: Row


class Counts:
    """Exact counts and sums, each with the workspace's revision at which it is exact. Bounded.

    The key holds the statement's text with its permission terms and all its binds, so two callers share a count only if it is the same.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[Any, ...], Counted] = OrderedDict()

    def get(self, key: tuple[Any, ...]) -> Counted | None:
        """What is kept under `key`, of whatever revision."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: tuple[Any, ...], counted: Counted) -> None:
        """Keeps it; the longest unused go first."""
        self._kept[key] = counted
        self._kept.move_to_end(key)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)


class Reader:
    """What the steps of a plan read through, with the caller's workspace bound to every statement.

    `source` is a connection in one snapshot, or the database itself: then each statement is `alone`, a snapshot of its own.
    """

    __slots__ = ("_counts", "_database", "alone", "caller", "fetch", "seen", "values")

    def __init__(self, database: Database, source: Connection | Database, caller: Caller, counts: Counts) -> None:
        #: All rows of a statement, whose binds are values that hold this reader's own.
        self.fetch = source.fetch
        self.alone = source is database
        self.caller = caller
        self.values = {"workspace": caller.workspace_id, "viewer_account": caller.account_id, "viewer_user": caller.user_id or ""}
        self._database = database
        self._counts = counts
        self.seen: int | None = None
        """The workspace's revision in what was read, as far as that is known."""

    async def revision(self) -> int:
        """The workspace's revision in this snapshot."""
        if self.seen is None:
            self.seen = await self.look()
        return self.seen

    async def look(self) -> int:
        """The workspace's revision now, where each statement is a snapshot of its own."""
        rows = await self.fetch(revision_statement(self._database), self.values)
        return int(rows[0][0])

    async def counted(self, statement: Statement, values: Mapping[str, Any]) -> Row:
        """The row of a counting statement in this snapshot, counted only if it isn't known at the workspace's revision."""
        known = self.known(statement, values)
        if known is None or known.revision != await self.revision():
            known = await self.count(statement, values)
            self.seen = known.revision
        return known.row

    def known(self, statement: Statement, values: Mapping[str, Any]) -> Counted | None:
        """The last that was counted, of whatever revision."""
        return self._counts.get(self._key(statement, values))

    async def count(self, statement: Statement, values: Mapping[str, Any]) -> Counted:
        """Counts: the row of a statement whose last column is the workspace's revision."""
        row = (await self.fetch(statement, values))[0]
        counted = Counted(row[-1], row[:-1])
        self._counts.put(self._key(statement, values), counted)
        return counted

    def _key(self, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return (self.values["workspace"], statement.text, *map(str, statement.bind(values)))


_WORKSPACES: Any = Workspace.__table__  # type: ignore[attr-defined]
_REVISION = select(_WORKSPACES.c.revision).where(_WORKSPACES.c.id == WORKSPACE)
_STATEMENTS: dict[str, Statement] = {}


def revision_column() -> ColumnElement[int]:
    """The workspace's revision as a column of another statement, which sees both in one state of the database."""
    return _REVISION.scalar_subquery().label("revision")


def revision_statement(database: Database) -> Statement:
    """SELECT revision of the caller's workspace."""
    name = database.dialect.name
    if name not in _STATEMENTS:
        _STATEMENTS[name] = database.compile(_REVISION)
    return _STATEMENTS[name]
