"""What an input refers to must exist, in the caller's own workspace."""

from typing import Any

from sqlalchemy import select

from schema.engine.execute.reading import WORKSPACE
from schema.engine.write.inputs import Fault
from schema.engine.write.writing import Looking
from schema.nouns.accounts.account import Account
from schema.nouns.contacts.contact import Contact
from schema.nouns.users.user import User
from schema.storage.statements import AnyOf, list_bind


def _existing(table: Any) -> Any:
    return select(table.c.id).where(table.c.workspace_id == WORKSPACE, AnyOf(table.c.id, list_bind("ids", table.c.id.type)))


_EXISTING = {
    "account": _existing(Account.__table__),
    "contact": _existing(Contact.__table__),
    "user": _existing(User.__table__),
}


async def missing(looking: Looking, kind: str, ids: list[str]) -> set[str]:
    """Which of `ids` no `kind` (account, contact, user) has."""
    if not ids:
        return set()
    return set(ids) - {row[0] for row in await looking.fetch(_EXISTING[kind], ids=ids)}


async def reference_faults(looking: Looking, kind: str, field: str, id_: str | None) -> list[Fault]:
    """A fault where `field` refers to something that doesn't exist."""
    if id_ is None or not await missing(looking, kind, [id_]):
        return []
    return [Fault("NOT_FOUND", "NOT_FOUND", (field,), f"There is no {kind} with this id.")]


async def list_faults(looking: Looking, kind: str, field: str, ids: list[str]) -> list[Fault]:
    """A fault for each item of `field` that refers to something that doesn't exist."""
    absent = await missing(looking, kind, ids)
    return [
        Fault("NOT_FOUND", "NOT_FOUND", (field, str(place)), f"There is no {kind} with this id.")
        for place, id_ in enumerate(ids)
        if id_ in absent
    ]
