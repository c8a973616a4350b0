"""Finds a person, a contact or a user, by id, e-mail address, telephone number or name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, bindparam, or_, select

from schema.nouns.contacts.contact import Contact
from schema.nouns.users.user import User
from schema.rules.text import fold, fold_email
from schema.storage.columns import CodePointText
from schema.storage.database import Database
from schema.storage.tables import WorkspaceTable
from schema.values import Object, Value

from .identifiers import PersonIdentifiers, texts

KINDS: Final[Object] = {"contact": Contact, "user": User}
MOST_FOUND: Final = 50
"""The most persons listed in a message."""
_WORKSPACES = WorkspaceTable.__table__
_MISSING: Final = "gateway export person E-MAIL tells the ids of a person, and gateway erase remains ends what was interrupted"


class PersonFault(Exception):
    """No single person was found, or the request can't be done: the message says what to give."""


@dataclass(frozen=True, slots=True)
class Person:
    """A contact or a user as stored; `row` by column."""

    kind: str
    workspace_id: str
    workspace: str
    row: Object

    @property
    def id(self) -> str:
        return str(self.row["id"])

    def words(self, also: Sequence[str] = ()) -> PersonIdentifiers:
        """Return the person's identifiers; `also` are further names, addresses and numbers.

        A name of a single word is not looked for: it may be a word of the language, or another person's name.
        """
        row = self.row
        own = texts(row.get(name) for name in ("first_name", "last_name", "name", "email", "phone", "title"))
        parts = texts([row.get("first_name"), row.get("last_name")])
        names = [name for name in texts([row["name"], " ".join(parts)]) if len(name.split()) > 1]
        emails = texts([row["email"], row["email_folded"], *(text for text in also if "@" in text)])
        return PersonIdentifiers(
            self.id,
            texts([*names, *(text for text in also if "@" not in text)]),
            emails,
            texts([row.get("phone"), *also]),
            frozenset(own),
            parts if len(parts) > 1 else (),
        )


async def find(database: Database, who: str, workspace: str | None = None) -> list[Person]:
    """All persons that have this id, e-mail address, telephone number or name, over all workspaces or in the one of that name or id."""
    found: list[Person] = []
    name = fold(who)
    for kind, model in KINDS.items():
        table = model.__table__
        values = {"id": who, "email": fold_email(who), "first": f"{name}\n", "last": f"{name}\x0b", "phone": who, "workspace": workspace}
        rows = await database.fetch(database.compile(_matching(table, workspace)), values)
        names = [column.name for column in table.c]
        found += [Person(kind, row[0], row[1], dict(zip(names, row[2:], strict=True))) for row in rows]
    return found


def _matching(table: Value, workspace: str | None) -> Value:
    def bound(name: str) -> Value:
        return bindparam(name, type_=CodePointText(), required=True)

    # The folded name is before the line break, the address after it.
    has_name = and_(table.c.search_folded >= bound("first"), table.c.search_folded < bound("last"))
    by = [table.c.id == bound("id"), table.c.email_folded == bound("email"), has_name]
    if "phone" in table.c:
        by.append(table.c.phone == bound("phone"))
    joined = table.join(_WORKSPACES, _WORKSPACES.c.id == table.c.workspace_id)
    clause = select(_WORKSPACES.c.id, _WORKSPACES.c.name, *table.c).select_from(joined).where(or_(*by))
    if workspace is not None:
        clause = clause.where(or_(_WORKSPACES.c.name == bound("workspace"), _WORKSPACES.c.id == bound("workspace")))
    return clause.order_by(table.c.workspace_id, table.c.id).limit(MOST_FOUND)


async def find_one(database: Database, kind: str, id_: str) -> Person:
    """The contact or user with this id. Raises PersonFault, which says what else it may be."""
    found = await find(database, id_)
    for person in found:
        if person.kind == kind and person.id == id_:
            return person
    others = [f"{person.kind} {person.id}" for person in found]
    hint = f": is {' or '.join(others)} meant?" if others else f"; {_MISSING}"
    raise PersonFault(f"there is no {kind} {id_}{hint}")


def nobody(who: str) -> PersonFault:
    """Return the error for a person who was not found."""
    looks = "an id" if re.fullmatch(r"[a-z]+_\w+", who) else "an e-mail address" if "@" in who else "a name"
    return PersonFault(
        f"nobody has {who!r}, which was taken for {looks}: give the id (cnt_… or usr_…), the whole e-mail address, the telephone number"
        " as it is stored, or the whole name, and name no other --workspace"
    )
