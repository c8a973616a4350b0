"""Creating, changing and removing accounts, contacts and users: one way for all, with what is special to each declared."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update

from schema.engine.execute.reading import WORKSPACE
from schema.engine.write.inputs import Fault, InputModel, invalid
from schema.engine.write.rows import RowStatements
from schema.engine.write.writing import Writing, done, refused
from schema.nouns.opportunities.links import OpportunityContact
from schema.nouns.references import reference_faults
from schema.rules import clock
from schema.rules.text import fold, fold_email, fold_name, trimmed
from schema.storage.columns import Text
from schema.storage.ids import new_id

from .all import Account, ApiKey, Contact, Opportunity, User
from .opportunities import changing as opportunities

_DEAL: Any = Opportunity.__table__
_CONTACT: Any = Contact.__table__
_LINK: Any = OpportunityContact.__table__
_USER: Any = User.__table__
_KEY: Any = ApiKey.__table__
_ROW: Any = bindparam("row_id", type_=Text(), required=True)
_EMAIL: Any = bindparam("email", type_=Text(), required=True)

Complete = Callable[[dict[str, Any]], list[Fault]]
Guard = Callable[[Writing, Mapping[str, Any], Mapping[str, Any]], Awaitable[list[Fault]]]


def _account(row: dict[str, Any]) -> list[Fault]:
    row["name_folded"] = fold_name(row["name"])
    return []


def _contact(row: dict[str, Any]) -> list[Fault]:
    names = [name for name in map(trimmed, (row["first_name"] or "", row["last_name"] or "")) if name]
    row["name"] = " ".join(names)
    row["email_folded"] = fold_email(row["email"])
    row["search_folded"] = fold(f"{row['name']}\n{row['email']}")
    return [] if names else [invalid("firstName", "REQUIRED", "A contact has a `firstName` or a `lastName`: give one of them.")]


def _user(row: dict[str, Any]) -> list[Fault]:
    row["email_folded"] = fold_email(row["email"])
    row["search_folded"] = fold(f"{row['name']}\n{row['email']}")
    return limit_faults(row)


def limit_faults(row: Mapping[str, Any]) -> list[Fault]:
    """What stops a user or a key that is limited to an account; only a viewer can be."""
    if row.get("account_id") is None or row.get("role") == "viewer":
        return []
    return [invalid("accountId", "OTHER", "Only a `VIEWER` is limited to an account: make `role` `VIEWER`, or `accountId` null.")]


_OTHER_ADMIN = (
    select(_USER.c.id)
    .where(_USER.c.workspace_id == WORKSPACE, _USER.c.role == "admin", _USER.c.is_active.is_(True), _USER.c.id != _ROW)
    .limit(1)
)


def _administers(user: Mapping[str, Any]) -> bool:
    return user["role"] == "admin" and bool(user["is_active"])


async def _keep_an_admin(writing: Writing, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Fault]:
    """What stops a change that leaves a workspace without an active admin among its users. Keys don't count: they are lost and revoked."""
    if not _administers(before) or _administers(after) or await writing.fetch(_OTHER_ADMIN, row_id=before["id"]):
        return []
    field = "isActive" if after["role"] == "admin" else "role"
    return [Fault("CONFLICT", "LAST_ADMIN", (field,), "This is the last active user with the role `ADMIN`: give it to another one first.")]


async def _anything(_writing: Writing, _before: Mapping[str, Any], _after: Mapping[str, Any]) -> list[Fault]:
    return []


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: its rows, its inputs, `complete`, which derives columns and checks them together, and `guard`, which looks at a
    change from the record before to that after it.
    """

    name: str
    prefix: str
    rows: RowStatements
    creation: InputModel
    change: InputModel
    complete: Complete
    unique_email: bool
    guard: Guard = _anything


def _same_email(table: Any) -> Any:
    return select(table.c.id).where(table.c.workspace_id == WORKSPACE, table.c.email_folded == _EMAIL, table.c.id != _ROW)


_SAME_EMAIL = {table.name: _same_email(table) for table in (_CONTACT, _USER)}

ACCOUNT = Kind(
    "account",
    "acc",
    RowStatements(Account),
    InputModel(Account.__noun__.create),
    InputModel(Account.__noun__.update),
    _account,
    unique_email=False,
)
CONTACT = Kind(
    "contact",
    "cnt",
    RowStatements(Contact),
    InputModel(Contact.__noun__.create),
    InputModel(Contact.__noun__.update),
    _contact,
    unique_email=True,
)
USER = Kind(
    "user",
    "usr",
    RowStatements(User),
    InputModel(User.__noun__.create),
    InputModel(User.__noun__.update),
    _user,
    unique_email=True,
    guard=_keep_an_admin,
)

Run = Callable[[Writing, Mapping[str, Any]], Awaitable[dict[str, Any]]]


def create(kind: Kind) -> Run:
    """The action that creates a record of `kind`."""

    async def run(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
        values, faults = kind.creation.read(arguments["input"])
        id_, milliseconds = new_id(kind.prefix)
        writing.now = clock.instant(milliseconds)
        times = {"created_at": writing.now, "updated_at": writing.now, "version": 1}
        row = dict.fromkeys(kind.rows.columns) | {"is_active": True} | values
        row |= {"workspace_id": writing.caller.workspace_id, "id": id_, **times}
        faults += await _faults(writing, kind, row, faulty=bool(faults))
        if faults:
            return refused(*faults)
        await writing.execute(kind.rows.insert, {name: row[name] for name in kind.rows.columns})
        return done(id_)

    return run


def change(kind: Kind) -> Run:
    """The action that changes a record of `kind`; a change that changes nothing leaves no trace."""

    async def run(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
        found = await _find(writing, kind, arguments["id"], arguments.get("expectedVersion"))
        if isinstance(found, Fault):
            return refused(found)
        values, faults = kind.change.read(arguments["input"], found)
        row = {**found, **values}
        # A fault that the record has had before a rule was drawn isn't this call's.
        known = kind.complete(dict(found))
        faults += [fault for fault in await _faults(writing, kind, row, faulty=bool(faults)) if fault not in known]
        faults += await kind.guard(writing, found, row)
        if faults:
            return refused(*faults)
        if row != found:
            row |= {"version": found["version"] + 1, "updated_at": writing.now}
            changed = frozenset(column for column in found if found[column] != row[column])
            await writing.execute(kind.rows.update(changed), {**row, "row_id": row["id"]})
        return done(row["id"])

    return run


async def _find(writing: Writing, kind: Kind, id_: str, expected: int | None) -> dict[str, Any] | Fault:
    rows = await writing.fetch(kind.rows.find, row_id=id_)
    if not rows:
        return Fault("NOT_FOUND", "NOT_FOUND", None, f"There is no {kind.name} with this id.")
    found = kind.rows.as_dict(rows[0])
    if expected is not None and expected != found["version"]:
        message = f"The {kind.name} is at version {found['version']}, not {expected}: read it again."
        return Fault("PRECONDITION_FAILED", "VERSION", None, message)
    return found


async def _faults(writing: Writing, kind: Kind, row: dict[str, Any], *, faulty: bool) -> list[Fault]:
    """What stops a row as a whole; where single fields are already at fault, only what doesn't depend on them is looked at."""
    found = await reference_faults(writing, "account", "accountId", row.get("account_id"))
    if faulty:
        return found
    found += kind.complete(row)
    if kind.unique_email and await writing.fetch(_SAME_EMAIL[kind.rows.table.name], email=row["email_folded"], row_id=row["id"]):
        found.append(Fault("CONFLICT", "DUPLICATE", ("email",), f"Another {kind.name} has this e-mail address."))
    return found


_DEALS_OF = select(func.count()).select_from(_DEAL).where(_DEAL.c.workspace_id == WORKSPACE, _DEAL.c.account_id == _ROW)
_LEAVE = (
    update(_CONTACT)
    .where(_CONTACT.c.workspace_id == WORKSPACE, _CONTACT.c.account_id == _ROW)
    .values(account_id=None, version=_CONTACT.c.version + 1, updated_at=bindparam("now", type_=_CONTACT.c.updated_at.type, required=True))
)


async def remove_account(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """deleteAccount: refused while deals, viewers or working keys hang on it; it leaves its contacts, which raises their versions."""
    id_ = arguments["id"]
    found = await _find(writing, ACCOUNT, id_, arguments.get("expectedVersion"))
    if isinstance(found, Fault):
        return refused(found)
    deals = (await writing.fetch(_DEALS_OF, row_id=id_))[0][0]
    if deals:
        still = "1 opportunity: delete or move it" if deals == 1 else f"{deals} opportunities: delete or move them"
        return refused(Fault("CONFLICT", "IN_USE", None, f"The account still has {still} first."))
    if await writing.fetch(_LIMITED_TO, row_id=id_, now=writing.now):
        message = "A viewer or a key is limited to this account: change or revoke it first, or it would see everything."
        return refused(Fault("CONFLICT", "IN_USE", None, message))
    await writing.execute(_LET_GO, {"row_id": id_, "now": writing.now})
    await writing.execute(_LEAVE, {"row_id": id_, "now": writing.now})
    await writing.execute(ACCOUNT.rows.delete, {"row_id": id_})
    return done(deletedId=id_)


_NOW: Any = bindparam("now", type_=_KEY.c.expires_at.type, required=True)
_OF_ACCOUNT = (_KEY.c.workspace_id == WORKSPACE, _KEY.c.account_id == _ROW)
_LIMITED_TO = (
    select(_USER.c.id)
    .where(_USER.c.workspace_id == WORKSPACE, _USER.c.account_id == _ROW)
    .union_all(
        select(_KEY.c.id).where(*_OF_ACCOUNT, _KEY.c.revoked_at.is_(None), or_(_KEY.c.expires_at.is_(None), _KEY.c.expires_at > _NOW))
    )
)
# Keys that are revoked or expired hold nothing. One that has merely expired is revoked too: without its limit it must never work again.
_LET_GO = update(_KEY).where(*_OF_ACCOUNT).values(account_id=None, revoked_at=func.coalesce(_KEY.c.revoked_at, _NOW))
_LINKED_DEALS = (
    select(_LINK.c.opportunity_id).where(_LINK.c.workspace_id == WORKSPACE, _LINK.c.contact_id == _ROW).order_by(_LINK.c.opportunity_id)
)


async def remove_contact(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """deleteContact: it leaves every deal that it is on, which raises their versions, with an event each."""
    id_ = arguments["id"]
    found = await _find(writing, CONTACT, id_, arguments.get("expectedVersion"))
    if isinstance(found, Fault):
        return refused(found)
    for (deal,) in await writing.fetch(_LINKED_DEALS, row_id=id_):
        await opportunities.drop_contact(writing, deal, id_)
    await writing.execute(CONTACT.rows.delete, {"row_id": id_})
    return done(deletedId=id_)
