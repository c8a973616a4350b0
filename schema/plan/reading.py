"""A read under way: one snapshot, the caller's place in it, and what is worth keeping from one read to the next."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from ..rules.access import Caller
from ..storage.columns import Text
from ..storage.database import Connection, Database, Row
from ..storage.statements import Statement
from ..storage.tables import Workspace

WORKSPACE = bindparam("workspace", type_=Text(), required=True)


class Counts:
    """Exact counts and sums, kept for as long as the workspace's revision stays what it was. Bounded; nothing is counted twice.

    The key holds the statement's text with its permission terms and all its binds, so two callers share a count only if it is the same.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[Any, ...], tuple[int, Sequence[Row]]] = OrderedDict()

    def get(self, key: tuple[Any, ...], revision: int) -> Sequence[Row] | None:
        """The rows kept under `key` at `revision`."""
        found = self._kept.get(key)
        if found is None or found[0] != revision:
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: tuple[Any, ...], revision: int, rows: Sequence[Row]) -> None:
        """Keeps rows; the longest unused go first."""
        self._kept[key] = (revision, rows)
        self._kept.move_to_end(key)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)

    @property
    def enabled(self) -> bool:
        """Whether anything is kept at all."""
        return self._size > 0


class Reader:
    """What the steps of a plan read through: a connection in one snapshot, with the caller's workspace bound to every statement."""

    __slots__ = ("_counts", "_database", "_revision", "caller", "fetch", "values")

    def __init__(self, database: Database, connection: Connection, caller: Caller, counts: Counts) -> None:
        #: All rows of a statement, whose binds are values that hold this reader's own.
        self.fetch = connection.fetch
        self.caller = caller
        self.values = {"workspace": caller.workspace_id, "viewer_account": caller.account_id, "viewer_user": caller.user_id or ""}
        self._database = database
        self._counts = counts
        self._revision: int | None = None

    async def revision(self) -> int:
        """The workspace's revision in this snapshot."""
        if self._revision is None:
            rows = await self.fetch(revision_statement(self._database), self.values)
            self._revision = rows[0][0]
        return self._revision

    async def counted(self, statement: Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        """The rows of a counting statement, kept under the workspace's revision."""
        if not self._counts.enabled:
            return await self.fetch(statement, values)
        key = (self.values["workspace"], statement.text, *map(str, statement.bind(values)))
        revision = await self.revision()
        rows = self._counts.get(key, revision)
        if rows is None:
            rows = await self.fetch(statement, values)
            self._counts.put(key, revision, rows)
        return rows


_REVISION: dict[str, Statement] = {}


def revision_statement(database: Database) -> Statement:
    """SELECT revision of the caller's workspace."""
    name = database.dialect.name
    if name not in _REVISION:
        table: Any = Workspace.__table__  # type: ignore[attr-defined]
        _REVISION[name] = database.compile(select(table.c.revision).where(table.c.id == WORKSPACE))
    return _REVISION[name]
