"""API keys from the command line: made, listed, rotated and revoked. It raises the workspace's revision, as every committed change does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, false, func, insert, not_, or_, select, update

from schema.nouns.accounts.account import Account
from schema.nouns.users.api_key import ApiKey
from schema.nouns.users.keys import new_token, rotated, stands_against_rotation, token_hash
from schema.nouns.workspaces import auditing as audit
from schema.nouns.workspaces.enums import AuditKind
from schema.rules.access import Role
from schema.rules.clock import instant, now
from schema.rules.scopes import advice, unknown
from schema.storage.database import Connection, Database, Row
from schema.storage.ids import new_id
from schema.storage.statements import Statement
from schema.storage.tables import WorkspaceTable
from schema.storage.workspace import revision_moved

from .workspaces import find_or_create

_KEYS: Final = ApiKey.__table__
_WORKSPACES: Final = WorkspaceTable.__table__
_ACCOUNTS: Final = Account.__table__

_DAY_MILLISECONDS = 86_400_000
MOST_NAMED = 5
"""How many keys of one name a message tells."""
_UNSET = ("last_used_at", "revoked_at", "previous_hash", "rotated_at", "previous_token_expires_at", "previous_token_last_used_at")


class KeyFault(Exception):
    """What was asked for can't be: the message says why, for whoever typed it."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a key is to be. `days` until it expires, None for never; `account_id` limits a viewer to that account.

    `scopes` narrow what the role allows; without any nothing is narrowed.
    """

    workspace: str
    role: Role
    name: str
    days: int | None = None
    account_id: str | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Created:
    """A new key. Nothing else ever holds its `token`."""

    token: str
    id: str
    workspace_id: str
    new_workspace: bool


@dataclass(frozen=True, slots=True)
class Rotated:
    """A key with a new `token`, which nothing else ever holds. The former one works `until` an instant, or no longer where that is None."""

    token: str
    id: str
    name: str
    until: str | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A key as it is listed; instants are `YYYY-MM-DDTHH:MM:SSZ`."""

    workspace: str
    id: str
    name: str
    role: str
    account_id: str | None
    scopes: str | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    rotated_at: str | None
    previous_token_expires_at: str | None
    previous_token_last_used_at: str | None
    revoked_at: str | None


class Keys:
    """The API keys of a database, over all workspaces."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, key: NewKey) -> Created:
        """Makes a key, and its workspace if there is none of that name. Raises KeyFault, Unavailable."""
        if key.account_id is not None and key.role is not Role.VIEWER:
            raise KeyFault("only a viewer can be limited to an account")
        if wrong := unknown(key.scopes):
            raise KeyFault(f"there is no scope {wrong[0]}; the scopes are: {advice()}")
        token = new_token()

        async def work(connection: Connection) -> Created:
            workspace_id, is_new = await find_or_create(self._database, connection, key.workspace)
            if key.account_id is not None:
                await self._check_account(connection, workspace_id, key.account_id)
            row = _row(workspace_id, key, token)
            await connection.execute(self._statement(insert(_KEYS)), row)
            await self._note(connection, audit.entry(workspace_id, AuditKind.KEY_CREATED, audit.given(row), api_key_id=row["id"]))
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

    async def rotate(self, named: str, overlap: int) -> Rotated:
        """Gives a key, by its id or name, a new token; the former one works for `overlap` minutes more. Raises KeyFault, Unavailable."""

        async def work(connection: Connection) -> Rotated:
            row = await self._named(connection, named)
            at, token = now(), new_token()
            if why := stands_against_rotation(row, at, overlap):
                raise KeyFault(why)
            changed = rotated(row, token, at, overlap)
            await self._change(connection, row, changed)
            await self._note(connection, audit.entry(row["workspace_id"], AuditKind.KEY_ROTATED, {}, api_key_id=row["id"]))
            return Rotated(token, row["id"], row["name"], changed["previous_token_expires_at"])

        return await self._database.write(work)

    async def _named(self, connection: Connection, named: str) -> dict[str, Any]:
        """The key with this id, or the one key of this name that isn't revoked. Raises KeyFault."""
        by = _KEYS.c.id == bindparam("named")
        also = (_KEYS.c.name == bindparam("named")) & _KEYS.c.revoked_at.is_(None)
        found = await self._fetch(connection, select(*_KEYS.c).where(or_(by, also)).order_by(_KEYS.c.id), named=named)
        if not found:
            raise KeyFault(f"there is no key {named}")
        rows = [dict(zip(_KEYS.c.keys(), row, strict=True)) for row in found]
        if len(rows) > 1:
            raise KeyFault(f"{len(rows)} keys are called {named}: give the id, one of {', '.join(row['id'] for row in rows[:MOST_NAMED])}")
        return rows[0]

    async def _change(self, connection: Connection, row: dict[str, Any], changed: dict[str, Any]) -> None:
        one = (_KEYS.c.workspace_id == bindparam("of_workspace")) & (_KEYS.c.id == bindparam("of_key"))
        clause = update(_KEYS).where(one).values({name: bindparam(name) for name in changed})
        await connection.execute(self._statement(clause), {"of_workspace": row["workspace_id"], "of_key": row["id"], **changed})
        await self._raise_revision(connection, row["workspace_id"])

    async def _note(self, connection: Connection, entry: dict[str, Any]) -> None:
        await connection.execute(self._statement(audit.ADD), entry)

    async def revoke(self, key_id: str) -> str:
        """Revokes a key and gives its name. Running gateways follow within seconds. Raises KeyFault where there is none, Unavailable."""

        async def work(connection: Connection) -> str:
            columns = select(_KEYS.c.workspace_id, _KEYS.c.name, _KEYS.c.revoked_at)
            found = await self._fetch(connection, columns.where(_KEYS.c.id == bindparam("id")), id=key_id)
            if not found:
                raise KeyFault(f"there is no key {key_id}")
            workspace_id, name, revoked_at = found[0]
            if revoked_at is None:
                await self._change(connection, {"workspace_id": workspace_id, "id": key_id}, {"revoked_at": now()})
                await self._note(connection, audit.entry(workspace_id, AuditKind.KEY_REVOKED, {}, api_key_id=key_id))
            return str(name)

        return await self._database.write(work)

    async def _check_account(self, connection: Connection, workspace_id: str, account_id: str) -> None:
        here = (_ACCOUNTS.c.workspace_id == bindparam("workspace")) & (_ACCOUNTS.c.id == bindparam("account"))
        if not await self._fetch(connection, select(_ACCOUNTS.c.id).where(here), workspace=workspace_id, account=account_id):
            raise KeyFault(f"there is no account {account_id} in that workspace")

    async def _raise_revision(self, connection: Connection, workspace_id: str) -> None:
        await connection.execute(self._statement(revision_moved()), {"workspace": workspace_id})

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
        "scopes": " ".join(dict.fromkeys(key.scopes)) or None,
        "token_hash": token_hash(token),
        "created_at": instant(milliseconds),
        "expires_at": None if key.days is None else instant(milliseconds + key.days * _DAY_MILLISECONDS),
        **dict.fromkeys(_UNSET),
    }
