"""Uses, written in batches beside the requests and outside of `workspace.revision`: of the two doors by token, and of the keys' tokens."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Table, bindparam, case, literal_column, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schema.nouns.users.api_key import ApiKey
from schema.nouns.workspaces.graphql_usage import GraphqlUsage
from schema.nouns.workspaces.rest_usage import RestUsage
from schema.rules.clock import instant, now
from schema.storage.database import Connection, Database, InputRejected, StorageError
from schema.storage.statements import Statement
from schema.storage.tables import WorkspaceTable
from schema.storage.workspace import WORKSPACE
from schema.values import Object, Value

REST: Final = RestUsage.__table__
GRAPHQL: Final = GraphqlUsage.__table__
MOST_USES: Final = 2**31 - 1
"""A count stays here, which is the most that GraphQL's Int can tell: a client that calls 100 times a second gets there in eight months."""
MINUTE: Final = 60.0
"""A key's time of use is written once in so many seconds at most."""

UsedKey: TypeAlias = tuple[str, str, bool]
"""The workspace, the key, and whether it is the key's former token that was used."""

_log = logging.getLogger(__name__)
_KEYS: Final = ApiKey.__table__
_WORKSPACE: Final[Value] = select(WorkspaceTable.__table__.c.id).where(WorkspaceTable.__table__.c.id == WORKSPACE)


class UseTable:
    """One of the tables of uses, REST or GRAPHQL: how often each was, by its primary key."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._names = [column.name for column in table.primary_key]
        self._add = database.compile(_upsert(database.dialect.name, table))
        self._workspace = database.compile(_WORKSPACE)

    async def add(self, counts: Mapping[tuple[str, ...], int]) -> None:
        """Adds to the rows of these keys. Where a workspace is gone, its uses go too, and those of others are written. Raises StorageError.

        They are written in the order of the key: two writers that lock in the same order don't wait for each other in a circle.
        """
        at = now()
        rows: list[Object] = [dict(zip(self._names, key, strict=True), count=count, at=at) for key, count in sorted(counts.items())]
        try:
            await _write_many(self._database, self._add, rows)
        except Exception as error:
            # What refers to a workspace that is gone is an input that is rejected, or an error of the driver's own.
            if isinstance(error, StorageError) and not isinstance(error, InputRejected):
                raise
            there = await self._existing({key[0] for key in counts})
            left = [row for row in rows if row["workspace_id"] in there]
            if len(left) == len(rows):
                raise
            _log.warning("%d uses of a workspace that is gone are not written.", len(rows) - len(left))
            await _write_many(self._database, self._add, left)

    async def _existing(self, workspaces: Collection[str]) -> set[str]:
        return {workspace for workspace in workspaces if await self._database.fetch(self._workspace, {"workspace": workspace})}


def _upsert(dialect: str, table: Table) -> Any:
    insert: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    at = bindparam("at", type_=table.c.last_used_at.type)
    names = [column.name for column in table.primary_key]
    added = insert.values(**{name: bindparam(name) for name in (*names, "count")}, first_used_at=at, last_used_at=at)
    total: Value = table.c.count + added.excluded["count"]
    most: Value = literal_column(str(MOST_USES))
    return added.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={"count": case((total > most, most), else_=total), "last_used_at": added.excluded.last_used_at},
    )


class KeyTimes:
    """When the tokens of keys were last used."""

    def __init__(self, database: Database) -> None:
        self._database = database
        columns = {False: _KEYS.c.last_used_at, True: _KEYS.c.previous_token_last_used_at}
        self._statements = {is_former: database.compile(_later(column)) for is_former, column in columns.items()}

    async def write(self, used: Mapping[UsedKey, float], seconds: float) -> None:
        """Writes when keys were used, at a time in seconds since 1970. Raises StorageError."""
        before = _text(seconds - MINUTE)
        for is_former, statement in self._statements.items():
            rows = [
                {"of_workspace": workspace, "of_key": key, "at": _text(at), "before": before}
                for (workspace, key, former), at in sorted(used.items())
                if former is is_former
            ]
            await _write_many(self._database, statement, rows)


def _later(column: Value) -> Value:
    one = (_KEYS.c.workspace_id == bindparam("of_workspace")) & (_KEYS.c.id == bindparam("of_key"))
    # Other processes write the same column: whoever comes second within the minute leaves it as it is.
    stale = or_(column.is_(None), column <= bindparam("before"))
    return update(_KEYS).where(one, stale).values({column.name: bindparam("at")})


def _text(seconds: float) -> str:
    return instant(int(seconds) * 1000)


async def _write_many(database: Database, statement: Statement, rows: Sequence[Object]) -> None:
    async def work(connection: Connection) -> None:
        await connection.execute_many(statement, rows)

    if rows:
        await database.write(work)
