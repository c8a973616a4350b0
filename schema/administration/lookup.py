"""The rows behind a token: the only statements that may run before there is a workspace."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, or_, select

from schema.nouns.users.api_key import ApiKey
from schema.nouns.users.keys import token_hash
from schema.nouns.users.user import User
from schema.rules.text import fold_email
from schema.sql_types import Bind
from schema.storage.database import Database, Row
from schema.storage.statements import Statement
from schema.storage.tables import WorkspaceTable
from schema.values import Object

_KEYS: Final = ApiKey.__table__
_USERS: Final = User.__table__
_WORKSPACES: Final = WorkspaceTable.__table__


class FoundKey(NamedTuple):
    """A key as it is stored, found by a token: its present one, or its former one, which works `former_until` an instant."""

    is_present: bool
    workspace_id: str
    id: str
    name: str
    role: str
    account_id: str | None
    scopes: str | None
    expires_at: str | None
    revoked_at: str | None
    former_until: str | None

    @property
    def ends_at(self) -> str | None:
        """When the token stops working; None if it never does."""
        ends = (self.expires_at, None if self.is_present else self.former_until)
        return min((each for each in ends if each is not None), default=None)


class FoundUser(NamedTuple):
    """A user as stored."""

    workspace_id: str
    id: str
    role: str
    account_id: str | None
    is_active: bool


class Lookup:
    """Finds keys and users, a point query each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        given: Bind = bindparam("hash")
        names = (*FoundKey._fields[1:-1], "previous_token_expires_at")
        by_token = select(_KEYS.c.token_hash == given, *(_KEYS.c[name] for name in names))
        self._key = database.compile(by_token.where(or_(_KEYS.c.token_hash == given, _KEYS.c.previous_hash == given)))
        workspace = or_(_WORKSPACES.c.id == bindparam("workspace"), _WORKSPACES.c.name == bindparam("workspace"))
        joined = _USERS.join(_WORKSPACES, _WORKSPACES.c.id == _USERS.c.workspace_id)
        user = select(*(_USERS.c[name] for name in FoundUser._fields)).select_from(joined).where(workspace)
        self._by_id = database.compile(user.where(_USERS.c.id == bindparam("user")))
        self._by_email = database.compile(user.where(_USERS.c.email_folded == bindparam("user")))

    async def key(self, token: str) -> FoundKey | None:
        """The key with this token. Raises DatabaseUnavailable."""
        row = await self._one(self._key, {"hash": token_hash(token)})
        return None if row is None else FoundKey(*row)

    async def user(self, workspace: str, user: str) -> FoundUser | None:
        """A user by id or e-mail address, in the workspace of that id or name. Raises DatabaseUnavailable."""
        by_email = "@" in user
        statement = self._by_email if by_email else self._by_id
        row = await self._one(statement, {"workspace": workspace, "user": fold_email(user) if by_email else user})
        return None if row is None else FoundUser(*row)

    async def _one(self, statement: Statement, values: Object) -> Row | None:
        rows = await self._database.fetch(statement, values)
        return rows[0] if rows else None
