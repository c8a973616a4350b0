"""The rows of `gateway audit`: who made, changed, rotated and revoked API keys and users."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, literal, select

from schema.nouns.users.api_key import ApiKey
from schema.nouns.users.audit import AuditEntry
from schema.nouns.users.enums import AuditKind
from schema.nouns.users.user import User
from schema.storage.database import Database
from schema.storage.tables import WorkspaceTable
from schema.values import Object, Value

COLUMNS: Final = ("workspace", "at", "kind", "by", "by_name", "of", "of_name", "changed_fields", "details")
KINDS: Final = tuple(AuditKind.held().values())
COMMAND_LINE: Final = "command line"
"""The placeholder for the actor in the column `by`, where `by_name` is empty."""

_ENTRIES: Final = AuditEntry.__table__
_WORKSPACES: Final = WorkspaceTable.__table__
_KEYS: Final = ApiKey.__table__
_USERS: Final = User.__table__


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """A filter of entries: a workspace's name, a kind, and the most entries."""

    workspace: str | None
    kind: str | None
    limit: int


async def entries(database: Database, wanted: AuditFilter) -> list[list[str]]:
    """Entries in the order of COLUMNS, the newest first. Raises DatabaseUnavailable."""
    given: Object = {"limit": wanted.limit}
    clause = _entries().limit(bindparam("limit"))
    if wanted.workspace is not None:
        clause, given = clause.where(_WORKSPACES.c.name == bindparam("named")), {**given, "named": wanted.workspace}
    if wanted.kind is not None:
        clause, given = clause.where(_ENTRIES.c.kind == bindparam("kind")), {**given, "kind": wanted.kind}
    rows = await database.fetch(database.compile(clause), given)
    return [["" if value is None else str(value) for value in row] for row in rows]


def _entries() -> Value:
    """The entries with the names of keys and users."""
    here, joined = _ENTRIES.c, _ENTRIES.join(_WORKSPACES, _WORKSPACES.c.id == _ENTRIES.c.workspace_id)
    names: Object = {}
    for column, table in (("by_id", _USERS), ("by_key_id", _KEYS), ("user_id", _USERS), ("api_key_id", _KEYS)):
        named = table.alias(column)
        joined = joined.outerjoin(named, (named.c.workspace_id == here.workspace_id) & (named.c.id == here[column]))
        names[column] = named.c.name
    by, of = ("by_id", "by_key_id"), ("user_id", "api_key_id")
    columns: list[Value] = [_WORKSPACES.c.name, here.created_at, here.kind]
    columns += [func.coalesce(*(here[each] for each in by), literal(COMMAND_LINE)), func.coalesce(*(names[each] for each in by))]
    columns += [
        func.coalesce(*(here[each] for each in of)),
        func.coalesce(*(names[each] for each in of)),
        here.changed_fields,
        here.details,
    ]
    return select(*columns).select_from(joined).order_by(here.created_at.desc(), here.id.desc())
