"""API keys from the command line: made, listed and revoked. It raises the workspace's revision, as every committed change does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, false, func, insert, not_, or_, select, update

from schema.nouns.accounts.account import Account
from schema.nouns.users.api_key import ApiKey
from schema.nouns.users.keys import new_token, token_hash
from schema.rules.access import Role
from schema.rules.clock import instant, now
from schema.storage.database import Connection, Database, Row
from schema.storage.ids import new_id
from schema.storage.statements import Statement
from schema.storage.tables import Workspace

from .workspaces import find_or_create

_KEYS: Any = ApiKey.__table__
_WORKSPACES: Any = Workspace.__table__
_ACCOUNTS: Any = Account.__table__

_DAY_MILLISECONDS = 86_400_000


class KeyFault(Exception):
    """What was asked for can't be: the message says why, for whoever typed it."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is to be. `days` until it expires, None for never; `account_id` limits a viewer to that account."""

    workspace: str
    role: Role
    name: str
    days: int | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """A new key. Nothing else ever holds its `token`."""

    token: str
    id: str
    workspace_id: str
    new_workspace: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """A key as it is listed; instants are `YYYY-MM-DDTHH:MM:SSZ`."""

    workspace: str
    id: str
    name: str
    role: str
    account_id: str | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class Keys:
    """The API keys of a database, over all workspaces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, key: NewKey) -> Created:
        """Makes a key, and its workspace if there is none of that name. Raises KeyFault, Unavailable."""
        if key.account_id is not None and key.role is not Role.VIEWER:
            raise KeyFault("only a viewer can be limited to an account")
        token = new_token()

        async def work(connection: Connection) -> Created:
            workspace_id, is_new = await find_or_create(self._database, connection, key.workspace)
            if key.account_id is not None:
                await self._check_account(connection, workspace_id, key.account_id)
            row = _row(workspace_id, key, token)
            await connection.execute(self._statement(insert(_KEYS)), row)
            await self._raise_revision(connection, workspace_id)
            return Created(token, row["id"], workspace_id, new_workspace=is_new)

        return await self._database.write(work)

    async def opens(self, token: str) -> bool:
        """Whether a token is that of a key which is neither revoked nor expired. Raises Unavailable."""
        ended = or_(_KEYS.c.revoked_at.is_not(None), _KEYS.c.expires_at <= bindparam("at"))
        clause = select(_KEYS.c.id).where(_KEYS.c.token_hash == bindparam("hash"), not_(func.coalesce(ended, false())))

        async def work(connection: Connection) -> bool:
            return bool(await self._fetch(connection, clause, hash=token_hash(token), at=now()))

        return await self._database.read(work)

    async def list(self) -> Sequence[Listed]:
        """All keys, oldest first. Raises Unavailable."""
        joined = select(_WORKSPACES.c.name, *(_KEYS.c[name] for name in Listed.__slots__[1:])).join(
            _WORKSPACES, _WORKSPACES.c.id == _KEYS.c.workspace_id
        )

        async def work(connection: Connection) -> Sequence[Row]:
            return await self._fetch(connection, joined.order_by(_KEYS.c.created_at, _KEYS.c.id))

        return [Listed(*row) for row in await self._database.read(work)]

    async def revoke(self, key_id: str) -> str:
        """Revokes a key and gives its name. Running gateways follow within seconds. Raises KeyFault where there is none, Unavailable."""

        async def work(connection: Connection) -> str:
            columns = select(_KEYS.c.workspace_id, _KEYS.c.name, _KEYS.c.revoked_at)
            found = await self._fetch(connection, columns.where(_KEYS.c.id == bindparam("id")), id=key_id)
            if not found:
                raise KeyFault(f"there is no key {key_id}")
            workspace_id, name, revoked_at = found[0]
            if revoked_at is None:
                one = (_KEYS.c.workspace_id == bindparam("of_workspace")) & (_KEYS.c.id == bindparam("of_key"))
                clause = update(_KEYS).where(one).values(revoked_at=bindparam("at"))
                await connection.execute(self._statement(clause), {"of_workspace": workspace_id, "of_key": key_id, "at": now()})
                await self._raise_revision(connection, workspace_id)
            return str(name)

        return await self._database.write(work)

    async def _check_account(self, connection: Connection, workspace_id: str, account_id: str) -> None:
        here = (_ACCOUNTS.c.workspace_id == bindparam("workspace")) & (_ACCOUNTS.c.id == bindparam("account"))
        if not await self._fetch(connection, select(_ACCOUNTS.c.id).where(here), workspace=workspace_id, account=account_id):
            raise KeyFault(f"there is no account {account_id} in that workspace")

    async def _raise_revision(self, connection: Connection, workspace_id: str) -> None:
        raised = update(_WORKSPACES).where(_WORKSPACES.c.id == bindparam("of")).values(revision=_WORKSPACES.c.revision + 1)
        await connection.execute(self._statement(raised), {"of": workspace_id})

    async def _fetch(self, connection: Connection, clause: Any, **values: Any) -> Sequence[Row]:
        return await connection.fetch(self._statement(clause), values)

    def _statement(self, clause: Any) -> Statement:
        return self._database.compile(clause)


def _row(workspace_id: str, key: NewKey, token: str) -> dict[str, Any]:
    id_, milliseconds = new_id("key")
    return {
        "workspace_id": workspace_id,
        "id": id_,
        "name": key.name,
        "role": key.role.value,
        "account_id": key.account_id,
        "token_hash": token_hash(token),
        "created_at": instant(milliseconds),
        "expires_at": None if key.days is None else instant(milliseconds + key.days * _DAY_MILLISECONDS),
        "last_used_at": None,
        "revoked_at": None,
    }
