"""The rows behind a token: the only statements that may run before there is a workspace."""

from typing import Final

from sqlalchemy import bindparam, or_, select

from schema.nouns.users.api_key import ApiKey
from schema.nouns.users.keys import token_hash
from schema.nouns.users.user import User
from schema.rules.text import fold_email
from schema.storage.database import Database, Row
from schema.storage.statements import Statement
from schema.storage.tables import WorkspaceTable
from schema.values import Object

_KEYS: Final = ApiKey.__table__
_USERS: Final = User.__table__
_WORKSPACES: Final = WorkspaceTable.__table__


class Lookup:
    """Finds keys and users, a point query each."""

    def __init__(self, database: Database) -> None:
        self._database = database
        keys, users = _KEYS.c, _USERS.c
        self._key = database.compile(
            select(
                keys.workspace_id,
                keys.id,
                keys.name,
                keys.role,
                keys.account_id,
                keys.expires_at,
                keys.revoked_at,
                keys.scopes,
                keys.token_hash == bindparam("hash"),
                keys.previous_token_expires_at,
            ).where(or_(keys.token_hash == bindparam("hash"), keys.previous_hash == bindparam("hash")))
        )
        user = (
            select(users.workspace_id, users.id, users.role, users.account_id, users.is_active)
            .select_from(_USERS.join(_WORKSPACES, _WORKSPACES.c.id == users.workspace_id))
            .where(or_(_WORKSPACES.c.id == bindparam("workspace"), _WORKSPACES.c.name == bindparam("workspace")))
        )
        self._by_id = database.compile(user.where(users.id == bindparam("user")))
        self._by_email = database.compile(user.where(users.email_folded == bindparam("user")))

    async def key(self, token: str) -> Row | None:
        """workspace_id, id, name, role, account_id, expires_at, revoked_at, scopes of the key with this token; whether it is its present
        token, and until when the former one works. Raises Unavailable.
        """
        return await self._one(self._key, {"hash": token_hash(token)})

    async def user(self, workspace: str, user: str) -> Row | None:
        """workspace_id, id, role, account_id, is_active of a user, by id or e-mail address. Raises Unavailable."""
        by_email = "@" in user
        statement = self._by_email if by_email else self._by_id
        return await self._one(statement, {"workspace": workspace, "user": fold_email(user) if by_email else user})

    async def _one(self, statement: Statement, values: Object) -> Row | None:
        rows = await self._database.fetch(statement, values)
        return rows[0] if rows else None
