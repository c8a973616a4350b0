"""API keys from the command line: made, listed, rotated and revoked, over all workspaces, by the same actions as the graph's mutations."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import bindparam, or_, select

from schema.engine.write.mutation_call import Action
from schema.engine.write.write_transaction import WriteTransaction
from schema.nouns.actions import Writes
from schema.nouns.all import BUILT_IN
from schema.nouns.users.api_key import ApiKey
from schema.rules.access import Caller, Role
from schema.rules.clock import later, now
from schema.storage.database import Connection, Database
from schema.storage.tables import WorkspaceTable
from schema.storage.workspace import advance_revision
from schema.values import Object, Value, Values

from .lookup import Lookup
from .workspaces import find_or_create

_KEYS: Final = ApiKey.__table__
_WORKSPACES: Final = WorkspaceTable.__table__
_RAISE: Final[Value] = advance_revision()
_LOWER: Final[Value] = advance_revision(-1)

_DAY_SECONDS = 86_400
MOST_NAMED = 5
"""The most keys of one name that a message lists."""


class KeyFault(Exception):
    """The request can't be fulfilled; the message says why."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """The values of a new key. `days` until it expires, None for never; `account_id` limits a viewer to that account.

    `scopes` narrow what the role allows; without any nothing is narrowed.
    """

    workspace: str
    role: Role
    name: str
    days: int | None = None
    account_id: str | None = None
    scopes: tuple[str, ...] = ()

    def to_input(self) -> Object:
        """The input of `createApiKey`."""
        return {
            "name": self.name,
            "role": self.role.value,
            "accountId": self.account_id,
            "expiresAt": None if self.days is None else later(now(), self.days * _DAY_SECONDS),
            "scopes": list(dict.fromkeys(self.scopes)) or None,
        }


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key. Nothing else ever holds its `token`."""

    token: str
    id: str
    workspace_id: str
    new_workspace: bool


@dataclass(frozen=True, slots=True)
class RotatedKey:
    """A key with a new `token`, which nothing else ever holds. The former one works `until` an instant, or no longer where that is None."""

    token: str
    id: str
    name: str
    until: str | None


@dataclass(frozen=True, slots=True)
class ListedKey:
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


class KeySelector(NamedTuple):
    """Selects a key."""

    workspace_id: str
    id: str
    name: str


class ApiKeys:
    """The API keys of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, key: NewKey) -> CreatedKey:
        """Makes a key, and its workspace if there is none of that name. Raises KeyFault, DatabaseUnavailable."""

        async def work(connection: Connection) -> CreatedKey:
            workspace_id, is_new = await find_or_create(self._database, connection, key.workspace)
            made = await self._carry_out(connection, workspace_id, "createApiKey", {"input": key.to_input()})
            return CreatedKey(made["token"], made["recordId"], workspace_id, new_workspace=is_new)

        return await self._database.write(work)

    async def opens(self, token: str) -> bool:
        """Whether a token is the present one of a key which is neither revoked nor expired. Raises DatabaseUnavailable."""
        key = await Lookup(self._database).key(token)
        return key is not None and key.is_present and key.revoked_at is None and (key.ends_at is None or key.ends_at > now())

    async def list(self) -> Sequence[ListedKey]:
        """All keys, oldest first. Raises DatabaseUnavailable."""
        columns = select(_WORKSPACES.c.name, *(_KEYS.c[name] for name in ListedKey.__slots__[1:]))
        clause = columns.join(_WORKSPACES, _WORKSPACES.c.id == _KEYS.c.workspace_id).order_by(_KEYS.c.created_at, _KEYS.c.id)
        return [ListedKey(*row) for row in await self._database.fetch(self._database.compile(clause), {})]

    async def rotate(self, named: str, overlap: int) -> RotatedKey:
        """Gives a key, by id or name, a new token; the former one works `overlap` minutes more. Raises KeyFault, DatabaseUnavailable."""

        async def work(connection: Connection) -> RotatedKey:
            key = await self._named(connection, named)
            done = await self._carry_out(connection, key.workspace_id, "rotateApiKey", {"id": key.id, "overlapMinutes": overlap})
            return RotatedKey(done["token"], key.id, key.name, done["until"])

        return await self._database.write(work)

    async def revoke(self, named: str) -> KeySelector:
        """Revokes a key, by its id or name. Running gateways follow within seconds. Raises KeyFault, DatabaseUnavailable."""

        async def work(connection: Connection) -> KeySelector:
            key = await self._named(connection, named)
            await self._carry_out(connection, key.workspace_id, "revokeApiKey", {"id": key.id})
            return key

        return await self._database.write(work)

    async def _named(self, connection: Connection, named: str) -> KeySelector:
        """The key with this id, or the one key of this name that isn't revoked. Raises KeyFault."""
        by = _KEYS.c.id == bindparam("named")
        also = (_KEYS.c.name == bindparam("named")) & _KEYS.c.revoked_at.is_(None)
        clause = select(_KEYS.c.workspace_id, _KEYS.c.id, _KEYS.c.name).where(or_(by, also)).order_by(_KEYS.c.id)
        found = await connection.fetch(self._database.compile(clause), {"named": named})
        if not found:
            raise KeyFault(f"there is no key {named}: gateway token list tells their ids and names")
        if len(found) > 1:
            raise KeyFault(f"{len(found)} keys are called {named}: give the id, one of {', '.join(row[1] for row in found[:MOST_NAMED])}")
        return KeySelector(*found[0])

    async def _carry_out(self, connection: Connection, workspace_id: str, name: str, arguments: Values) -> Object:
        """The payload of the graph's mutation `name`, carried out for nobody: the command line has no token. Raises KeyFault."""
        # Only events need the revision of a change, and keys have no events: 0 takes its place.
        transaction = WriteTransaction(self._database, connection, Caller(workspace_id, Role.ADMIN, None, None, ""), 0)
        # First of all, since it takes the workspace's lock.
        await transaction.keep_house(_RAISE, {})
        payload = await _actions()[name].run(transaction, arguments)
        for error in payload["userErrors"]:
            message: str = error["message"]
            raise KeyFault(f"{message[0].lower()}{message[1:].rstrip('.')}")
        if not transaction.changed:
            await transaction.keep_house(_LOWER, {})
        return payload


@cache
def _actions() -> dict[str, Action]:
    return Writes(BUILT_IN).actions
