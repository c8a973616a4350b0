"""The rules of writing users and API keys."""

from sqlalchemy import bindparam, select
from typing_extensions import override

from schema.engine.declare.codes import add_reasons
from schema.engine.write.inputs import InputError, invalid
from schema.engine.write.rules import RecordValues, Rules, rules_of
from schema.engine.write.write_transaction import WriteReader, WriteTransaction
from schema.nouns.people import fold_person
from schema.rules.scopes import advice, listed, unknown
from schema.rules.text import shortened
from schema.rules.violations import Ruled, RuleViolation
from schema.storage.columns import CodePointText
from schema.storage.workspace import WORKSPACE

from . import audit_writes
from .api_key import ApiKey
from .user import User

_USER = User.__table__
_OTHER_ADMIN = (
    select(_USER.c.id)
    .where(
        _USER.c.workspace_id == WORKSPACE,
        _USER.c.role == "admin",
        _USER.c.is_active.is_(True),
        _USER.c.id != bindparam("row_id", type_=CodePointText(), required=True),
    )
    .limit(1)
)

add_reasons(
    {
        "LAST_ADMIN": "The user is the last active one with the role ADMIN.",
        "NOT_VIEWER": "Only a viewer can be limited to an account.",
        "KEY_ENDED": "The API key was revoked, or has expired.",
        "OVERLAP": "The token that the API key had before still works.",
    }
)


def _limit_faults(row: RecordValues) -> list[InputError]:
    """Return the errors of a user or key that is limited to an account: only a viewer can be."""
    if row["account_id"] is None or row["role"] == "viewer":
        return []
    return [invalid("accountId", "NOT_VIEWER", "Only a `VIEWER` is limited to an account: make `role` `VIEWER`, or `accountId` null.")]


def _administers(user: RecordValues) -> bool:
    return user["role"] == "admin" and bool(user["is_active"])


@rules_of(User)
class UserRules(Rules):
    """A workspace keeps an active admin among its users. Keys don't count: they are lost and revoked."""

    @override
    def complete(self, row: RecordValues) -> list[InputError]:
        fold_person(row)
        return _limit_faults(row)

    @override
    async def guard(self, reader: WriteReader, before: RecordValues, after: RecordValues) -> list[InputError]:
        if not _administers(before) or _administers(after) or await reader.fetch(_OTHER_ADMIN, row_id=before["id"]):
            return []
        field = "isActive" if after["role"] == "admin" else "role"
        message = "This is the last active user with the role `ADMIN`: give it to another one first."
        return [InputError("CONFLICT", "LAST_ADMIN", (field,), message)]

    @override
    async def written(self, transaction: WriteTransaction, before: RecordValues | None, after: RecordValues) -> None:
        await audit_writes.note_user(transaction, before, after)


@rules_of(ApiKey)
class KeyRules(Rules):
    """A key ends in the future, if at all, and is narrowed to scopes that exist."""

    @override
    def apply(self, before: RecordValues | None, given: RecordValues, now: str) -> Ruled:
        refusals, values = _scope_refusals(given), {"scopes": " ".join(given["scopes"])} if given.get("scopes") else {}
        if given.get("expires_at") is not None and given["expires_at"] <= now:
            refusals.append(RuleViolation("expires_at", "OUT_OF_RANGE", "`expiresAt` is past: give an instant to come."))
        return Ruled(values, refusals=refusals)

    @override
    def complete(self, row: RecordValues) -> list[InputError]:
        return _limit_faults(row)

    @override
    async def written(self, transaction: WriteTransaction, before: RecordValues | None, after: RecordValues) -> None:
        if before is None:
            await audit_writes.note_key(transaction, after)


def _scope_refusals(given: RecordValues) -> list[RuleViolation]:
    if "scopes" not in given:
        return []
    wrong = [shortened(each) for each in unknown(given["scopes"])]
    return [RuleViolation("scopes", "NOT_FOUND", f"There is no scope {listed(wrong)}; the scopes are: {advice()}.")] if wrong else []
