"""The rows of `gateway usage`: uses of REST and of GraphQL by token or client, and each token's share of GraphQL."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sqlalchemy import and_, case, func, select, union_all

from schema.nouns.users.api_key import ApiKey
from schema.nouns.users.user import User
from schema.nouns.workspaces.enums import GraphqlUsageKind, RestUsageKind
from schema.nouns.workspaces.graphql_usage import GraphqlUsage
from schema.nouns.workspaces.rest_usage import RestUsage
from schema.sql_types import SelectOf
from schema.storage.database import Database
from schema.storage.tables import WorkspaceTable
from schema.values import Value

_LAST: Final = ("kind", "name", "count", "first_used_at", "last_used_at")
COLUMNS: Final = ("workspace", "token_id", "token", "route", *_LAST)
GRAPHQL_COLUMNS: Final = ("workspace", "token_id", "token", "client", *_LAST)
SHARE_COLUMNS: Final = ("workspace", "token_id", "token", "rest_calls", "graphql_operations", "left_rest_percent", "last_rest_call")
NUMBERS: Final = frozenset({"count", "rest_calls", "graphql_operations", "left_rest_percent"})
"""The columns that hold whole numbers."""

KINDS: Final = tuple(RestUsageKind.held().values())
GRAPHQL_KINDS: Final = tuple(GraphqlUsageKind.held().values())
"""The values of `--kind`."""

_USES: Final = RestUsage.__table__
_GRAPHQL: Final = GraphqlUsage.__table__
_KEYS: Final = ApiKey.__table__
_USERS: Final = User.__table__
_WORKSPACES: Final = WorkspaceTable.__table__

PrintedRows = list[list[str]]


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """A filter of uses: a workspace's name, a token's id, a kind, and the first day."""

    workspace: str | None = None
    token: str | None = None
    kind: str | None = None
    since: date | None = None


async def uses(database: Database, wanted: UsageFilter = UsageFilter()) -> PrintedRows:
    """Uses of REST in the order of COLUMNS, the latest first; `token` is a key's name or a user's address. Raises DatabaseUnavailable."""
    return await _uses(database, _USES, COLUMNS, wanted)


async def graphql_uses(database: Database, wanted: UsageFilter) -> PrintedRows:
    """Uses of GraphQL in the order of GRAPHQL_COLUMNS, the latest first. Raises DatabaseUnavailable."""
    return await _uses(database, _GRAPHQL, GRAPHQL_COLUMNS, wanted)


async def shares(database: Database, wanted: UsageFilter) -> PrintedRows:
    """Return the share of GraphQL in each token's calls, in the order of SHARE_COLUMNS; the smallest first. Raises DatabaseUnavailable."""
    rest = select(*_calls(_USES, rest=True)).where(_USES.c.kind == "route")
    graphql = select(*_calls(_GRAPHQL, rest=False)).where(_GRAPHQL.c.kind == "operation")
    both: Value = union_all(rest, graphql).subquery("calls")
    last = func.max(case((both.c.rest > 0, both.c.last_used_at)))
    sums = func.sum(both.c.rest).label("rest"), func.sum(both.c.graphql).label("graphql"), last.label("last")
    calls: Value = select(both.c.workspace_id, both.c.token_id, *sums).group_by(both.c.workspace_id, both.c.token_id)
    if wanted.since:
        calls = calls.where(both.c.last_used_at >= _midnight(wanted.since))
    found = calls.subquery("summed")
    clause = _named(select(*_who(found), found.c.rest, found.c.graphql, found.c.last), found)
    rows = [_share(row) for row in await _rows(database, _limited(clause, found, replace(wanted, since=None)))]
    return sorted(rows, key=lambda row: (int(row[5]), -int(row[3])))


def _share(row: Sequence[str]) -> list[str]:
    *who, calls, operations, last = row
    return [*who, calls, operations, str(100 * int(operations) // (int(calls) + int(operations))), last]


def _calls(table: Value, *, rest: bool) -> Sequence[Value]:
    none = (table.c["count"] * 0).label("graphql" if rest else "rest")
    counted = table.c["count"].label("rest" if rest else "graphql")
    shown = (counted, none) if rest else (none, counted)
    return (table.c.workspace_id, table.c.token_id, *shown, table.c.last_used_at)


async def _uses(database: Database, table: Value, columns: Sequence[str], wanted: UsageFilter) -> PrintedRows:
    clause = _named(select(*_who(table), *(table.c[name] for name in columns[3:])), table)
    if wanted.kind:
        clause = clause.where(table.c.kind == wanted.kind)
    return await _rows(database, _limited(clause.order_by(table.c.last_used_at.desc(), *table.primary_key), table, wanted))


def _who(table: Value) -> Sequence[Value]:
    return _WORKSPACES.c.name, table.c.token_id, func.coalesce(_KEYS.c.name, _USERS.c.email, "")


def _named(clause: SelectOf, table: Value) -> SelectOf:
    """With the names of workspaces and of tokens."""
    return (
        clause.select_from(table)
        .join(_WORKSPACES, _WORKSPACES.c.id == table.c.workspace_id)
        .outerjoin(_KEYS, and_(_KEYS.c.workspace_id == table.c.workspace_id, _KEYS.c.id == table.c.token_id))
        .outerjoin(_USERS, and_(_USERS.c.workspace_id == table.c.workspace_id, _USERS.c.id == table.c.token_id))
    )


def _limited(clause: SelectOf, table: Value, wanted: UsageFilter) -> SelectOf:
    if wanted.workspace:
        clause = clause.where(_WORKSPACES.c.name == wanted.workspace)
    if wanted.token:
        clause = clause.where(table.c.token_id == wanted.token)
    if wanted.since:
        clause = clause.where(table.c.last_used_at >= _midnight(wanted.since))
    return clause


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


async def _rows(database: Database, clause: Value) -> PrintedRows:
    return [["" if value is None else str(value) for value in row] for row in await database.fetch(database.compile(clause), {})]


REPORTS: Final[Mapping[str, tuple[Sequence[str], Callable[[Database, UsageFilter], Coroutine[Value, Value, PrintedRows]]]]] = {
    "rest": (COLUMNS, uses),
    "graphql": (GRAPHQL_COLUMNS, graphql_uses),
    "share": (SHARE_COLUMNS, shares),
}
