"""The audit list: an entry for each change of a key or a user, written in the transaction of the change. No token is ever in it."""

from collections.abc import Mapping
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from schema.engine.write.write_transaction import WriteTransaction
from schema.rules.clock import instant
from schema.storage.ids import new_id
from schema.storage.statements import insert_of
from schema.values import Object, Value, Values

from .audit import AuditEntry
from .enums import AuditKind

ADD = insert_of(AuditEntry.__table__)
"""Adds an entry, whose columns `entry` makes."""

# Columns whose values the entries have. Names and addresses of people are left out, since entries are kept after their erasure.
_RIGHTS = ("role", "is_active", "account_id", "scopes", "expires_at")
# What follows from other columns, or is nobody's to give.
_DERIVED = frozenset({"search_folded", "email_folded", "version", "updated_at", "token_hash", "previous_hash"})

_OWN = frozenset({"workspace_id", "id", "created_at"})


def changes(before: Values, after: Values) -> dict[str, tuple[Any, Any]]:
    """The columns that differ, each with its value before and after."""
    names = [name for name in after if name not in _DERIVED]
    return {name: (before.get(name), after[name]) for name in names if before.get(name) != after[name]}


def entry(workspace_id: str, kind: Value, changed: Mapping[str, tuple[Any, Any]], **subject: str | None) -> Object:
    """The columns of an entry. `subject` is who it is about (`user_id` or `api_key_id`) and who did it (`by_id`, `by_key_id`)."""
    id_, milliseconds = new_id("aud")
    nobody = dict.fromkeys(("by_id", "by_key_id", "user_id", "api_key_id"))
    details = "; ".join(f"{to_camel_case(name)}: {_shown(*changed[name])}" for name in _RIGHTS if name in changed)
    return {
        **nobody,
        **subject,
        "workspace_id": workspace_id,
        "id": id_,
        "kind": kind.stored,
        "created_at": instant(milliseconds),
        "changed_fields": " ".join(to_camel_case(name) for name in changed),
        "details": details or None,
    }


def _shown(before: Value, after: Value) -> str:
    return _value(after) if before is None else f"{_value(before)} → {_value(after)}"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)


async def note(transaction: WriteTransaction, kind: Value, changed: Mapping[str, tuple[Any, Any]], **subject: str) -> None:
    """Adds an entry about what the caller does in this transaction."""
    caller = transaction.caller
    values = entry(caller.workspace_id, kind, changed, by_id=caller.user_id, by_key_id=caller.key_id, **subject)
    await transaction.execute(ADD, values)


async def note_user(transaction: WriteTransaction, before: Values | None, after: Values) -> None:
    """Adds an entry about a user who was created, where there is nothing before, or changed."""
    kind, changed = (AuditKind.USER_CREATED, given(after)) if before is None else (AuditKind.USER_CHANGED, changes(before, after))
    await note(transaction, kind, changed, user_id=after["id"])


async def note_key(transaction: WriteTransaction, after: Values) -> None:
    """Adds an entry about a key that was created."""
    await note(transaction, AuditKind.KEY_CREATED, given(after), api_key_id=after["id"])


def given(row: Values) -> dict[str, tuple[Any, Any]]:
    """Return the values of a new record as an audit entry's changes."""
    return changes({}, {name: value for name, value in row.items() if value is not None and name not in _OWN})
