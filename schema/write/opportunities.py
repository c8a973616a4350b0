"""Creating, changing and removing deals, one or many."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from ..plan.reading import WORKSPACE
from ..rules import clock, pipeline
from ..rules.stages import STAGES
from ..rules.text import fold, fold_name
from ..storage.columns import Text
from ..storage.ids import new_id
from ..storage.tables import Opportunity, OpportunityContact, StageChange
from ..types.inputs import CreateOpportunityInput, UpdateOpportunityInput
from .inputs import Fault, InputModel, invalid
from .references import list_faults, reference_faults
from .rows import RowStatements
from .transaction import Writing, done, refused

_ROWS = RowStatements(Opportunity)
_LINK: Any = OpportunityContact.__table__  # type: ignore[attr-defined]
_CHANGE: Any = StageChange.__table__  # type: ignore[attr-defined]
_ID: Any = bindparam("deal", type_=Text(), required=True)

_LINKED = select(_LINK.c.contact_id).where(_LINK.c.workspace_id == WORKSPACE, _LINK.c.opportunity_id == _ID).order_by(_LINK.c.position)
_UNLINK = delete(_LINK).where(_LINK.c.workspace_id == WORKSPACE, _LINK.c.opportunity_id == _ID)
_ADD_LINK = insert(_LINK).values({column.name: bindparam(column.name, required=True) for column in _LINK.c})
_FORGET_CHANGES = delete(_CHANGE).where(_CHANGE.c.workspace_id == WORKSPACE, _CHANGE.c.opportunity_id == _ID)
_ADD_CHANGE = insert(_CHANGE).values({column.name: bindparam(column.name, required=True) for column in _CHANGE.c})

_COLUMNS = {"value": "value_cents"}
_KEPT = frozenset({"name", "account_id", "stage", "probability"})
_CREATE = InputModel(CreateOpportunityInput, kept=_KEPT, columns=_COLUMNS)
_UPDATE = InputModel(UpdateOpportunityInput, kept=_KEPT, columns=_COLUMNS)

MAX_MANY = 250

STATE = (
    "id",
    "account_id",
    "assigned_to_id",
    "stage",
    "value_cents",
    "probability",
    "close_date",
    "closed_date",
    "created_at",
    "updated_at",
    "name",
    "name_folded",
    "source",
    "source_folded",
)
"""What an event keeps of a deal: every column that a filter or a limited viewer looks at."""

NOT_FOUND = Fault("NOT_FOUND", None, "There is no opportunity with this id.")


def state(deal: Mapping[str, Any], contact_ids: list[str]) -> dict[str, Any]:
    """What an event keeps of a deal."""
    return {**{name: deal[name] for name in STATE}, "contact_ids": contact_ids}


@dataclass(slots=True)
class Change:
    """An update worked out: the deal before and after, the rules that made something of it, and what stops it."""

    before: dict[str, Any]
    after: dict[str, Any]
    contacts_before: list[str]
    contacts: list[str]
    because: Mapping[str, str]
    faults: list[Fault]

    @property
    def fields(self) -> list[str]:
        """The names, in the graph, of what differs."""
        changed = [name for column, name in _UPDATE.names.items() if column != "contact_ids" and self.before[column] != self.after[column]]
        return [*changed, *(["contactIds"] if self.contacts != self.contacts_before else [])]


async def create(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """CreateOpportunity."""
    return await create_one(writing, arguments["input"])


async def create_one(writing: Writing, given: Mapping[str, Any]) -> dict[str, Any]:
    """Creates one deal, or says what stops it."""
    # Null is how many clients leave a field out when they create: it takes its default.
    values, faults = _CREATE.read({name: value for name, value in given.items() if value is not None})
    contacts: list[str] = values.pop("contact_ids", [])
    ruled = pipeline.apply(None, values, writing.now[:10])
    faults += [invalid(_CREATE.names[column], message) for column, message in ruled.faults]
    faults += await _reference_faults(writing, values, contacts)
    if faults:
        return refused(*faults)
    id_, milliseconds = new_id("opp")
    writing.now = created = clock.instant(milliseconds)
    deal = dict.fromkeys(_ROWS.columns) | {**values, **ruled.values}
    deal |= {
        "workspace_id": writing.caller.workspace_id,
        "id": id_,
        "stage_since": created,
        "created_at": created,
        "updated_at": created,
        "version": 1,
    }
    _fold(deal)
    await writing.execute(_ROWS.insert, deal)
    await _link(writing, id_, contacts)
    await _record_stage(writing, deal, None, created)
    changed = [name for column, name in _CREATE.names.items() if deal.get(column) is not None or (column == "contact_ids" and contacts)]
    await writing.event("CREATED", id_, changed, None, state(deal, contacts))
    return done(id_)


async def update(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateOpportunity."""
    return await update_one(writing, arguments["id"], arguments["input"], arguments.get("expectedVersion"))


async def update_one(writing: Writing, id_: str, given: Mapping[str, Any], expected: int | None = None) -> dict[str, Any]:
    """Changes one deal, or says what stops it; a change that changes nothing leaves no trace."""
    found = await _find(writing, id_, expected)
    if isinstance(found, Fault):
        return refused(found)
    change = await work_out(writing, found, given)
    if change.faults:
        return refused(*change.faults)
    if change.fields:
        await _store(writing, change)
    return done(id_)


async def work_out(writing: Writing, deal: dict[str, Any], given: Mapping[str, Any]) -> Change:
    """What an update would make of a deal, and what stops it; writes nothing."""
    values, faults = _UPDATE.read(given)
    linked = [row[0] for row in await writing.fetch(_LINKED, deal=deal["id"])]
    contacts = linked
    if "contact_ids" in values:
        contacts = values.pop("contact_ids") or []
    # What equals the stored value counts as absent, so that a client may send back the whole object with one change.
    values = {column: value for column, value in values.items() if value != deal[column]}
    ruled = pipeline.apply(deal, values, writing.now[:10])
    faults += [invalid(_UPDATE.names[column], message) for column, message in ruled.faults]
    faults += await _reference_faults(writing, values, contacts if contacts != linked else [])
    after = {**deal, **values, **ruled.values}
    return Change(deal, after, linked, contacts, ruled.because, faults)


async def _store(writing: Writing, change: Change) -> None:
    before, after = change.before, change.after
    after["version"] = before["version"] + 1
    after["updated_at"] = writing.now
    if after["stage"] != before["stage"]:
        after["stage_since"] = writing.now
    _fold(after)
    changed = frozenset(column for column in _ROWS.columns if before[column] != after[column])
    await writing.execute(_ROWS.update(changed), {**after, "row_id": after["id"]})
    if change.contacts != change.contacts_before:
        await writing.execute(_UNLINK, {"deal": after["id"]})
        await _link(writing, after["id"], change.contacts)
    if after["stage"] != before["stage"]:
        await _record_stage(writing, after, before, writing.now)
    states = state(before, change.contacts_before), state(after, change.contacts)
    await writing.event("UPDATED", after["id"], change.fields, *states)


async def remove(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """DeleteOpportunity."""
    return await remove_one(writing, arguments["id"], arguments.get("expectedVersion"))


async def remove_one(writing: Writing, id_: str, expected: int | None = None) -> dict[str, Any]:
    """Removes one deal with its links and history, or says what stops it."""
    found = await _find(writing, id_, expected)
    if isinstance(found, Fault):
        return refused(found)
    linked = [row[0] for row in await writing.fetch(_LINKED, deal=id_)]
    for clause in (_UNLINK, _FORGET_CHANGES):
        await writing.execute(clause, {"deal": id_})
    await writing.execute(_ROWS.delete, {"row_id": id_})
    await writing.event("DELETED", id_, [], state(found, linked), None)
    return done(deletedId=id_)


async def drop_contact(writing: Writing, id_: str, contact: str) -> None:
    """Takes a contact that is being removed off a deal."""
    found = await _find(writing, id_, None)
    assert not isinstance(found, Fault)
    linked = [row[0] for row in await writing.fetch(_LINKED, deal=id_)]
    rest = [other for other in linked if other != contact]
    await _store(writing, Change(found, dict(found), linked, rest, {}, []))


async def create_many(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """CreateOpportunities."""
    return await _many(writing, arguments["inputs"], create_one, "inputs", atomic=arguments["atomic"])


async def update_many(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateOpportunities."""

    async def one(writing: Writing, id_: str) -> dict[str, Any]:
        return await update_one(writing, id_, arguments["input"])

    return await _many(writing, arguments["ids"], one, "ids", atomic=arguments["atomic"])


async def remove_many(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """DeleteOpportunities."""
    return await _many(writing, arguments["ids"], remove_one, "ids", atomic=arguments["atomic"])


async def preview(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """previewUpdateOpportunity: works the change out, and lets the transaction go."""
    found = await _find(writing, arguments["id"], None)
    if isinstance(found, Fault):
        return {"changes": [], "userErrors": [found.told()]}
    change = await work_out(writing, found, arguments["input"])
    return {"changes": _told_changes(change), "userErrors": [fault.told() for fault in change.faults]}


def _told_changes(change: Change) -> list[dict[str, Any]]:
    columns = {name: column for column, name in _UPDATE.names.items()}
    told = []
    for name in change.fields:
        column = columns[name]
        if column == "contact_ids":
            told.append({"field": name, "from": ",".join(change.contacts_before), "to": ",".join(change.contacts), "because": None})
            continue
        before, after = (_shown(column, deal[column]) for deal in (change.before, change.after))
        told.append({"field": name, "from": before, "to": after, "because": change.because.get(column)})
    return told


def _shown(column: str, value: Any) -> str | None:
    if value is None:
        return None
    if column == "stage":
        name: str = STAGES[value].name
        return name
    if column == "value_cents":
        whole, rest = divmod(value, 100)
        return str(whole) if rest == 0 else f"{whole}.{rest:02}".rstrip("0")
    return str(value)


async def _many(writing: Writing, items: list[Any], one: Any, name: str, *, atomic: bool) -> dict[str, Any]:
    if len(items) > MAX_MANY:
        fault = invalid(name, f"`{name}` has {len(items)} items; it may have {MAX_MANY}.")
        return {"results": [refused(fault)], "succeeded": 0, "failed": 1}
    results = [await one(writing, item) for item in items]
    failed = sum(bool(result["userErrors"]) for result in results)
    if atomic and failed:
        writing.abandoned = True
        why = Fault("CONFLICT", None, "Not done: another item of this atomic call failed.")
        results = [result if result["userErrors"] else refused(why) for result in results]
        failed = len(results)
    return {"results": results, "succeeded": len(results) - failed, "failed": failed}


async def _find(writing: Writing, id_: str, expected: int | None) -> dict[str, Any] | Fault:
    rows = await writing.fetch(_ROWS.find, row_id=id_)
    if not rows:
        return NOT_FOUND
    deal = _ROWS.as_dict(rows[0])
    deal["probability_manual"] = bool(deal["probability_manual"])
    if expected is not None and expected != deal["version"]:
        return Fault("PRECONDITION_FAILED", None, f"The opportunity is at version {deal['version']}, not {expected}: read it again.")
    return deal


async def _reference_faults(writing: Writing, values: Mapping[str, Any], contacts: list[str]) -> list[Fault]:
    found = await reference_faults(writing, "account", "accountId", values.get("account_id"))
    found += await reference_faults(writing, "user", "assignedToId", values.get("assigned_to_id"))
    return found + await list_faults(writing, "contact", "contactIds", contacts)


async def _link(writing: Writing, id_: str, contacts: list[str]) -> None:
    here = {"workspace_id": writing.caller.workspace_id, "opportunity_id": id_}
    await writing.execute_many(_ADD_LINK, [{**here, "position": place, "contact_id": contact} for place, contact in enumerate(contacts)])


async def _record_stage(writing: Writing, deal: Mapping[str, Any], before: Mapping[str, Any] | None, at: str) -> None:
    values = {
        "workspace_id": writing.caller.workspace_id,
        "opportunity_id": deal["id"],
        "sequence": deal["version"],
        "from_stage": None if before is None else before["stage"],
        "to_stage": deal["stage"],
        "at": at,
        "by_id": writing.caller.user_id,
        "by_key_id": writing.caller.key_id,
        "duration": None if before is None else clock.seconds_between(before["stage_since"], at),
    }
    await writing.execute(_ADD_CHANGE, values)


def _fold(deal: dict[str, Any]) -> None:
    deal["name_folded"] = fold_name(deal["name"])
    deal["source_folded"] = None if deal["source"] is None else fold(deal["source"])
