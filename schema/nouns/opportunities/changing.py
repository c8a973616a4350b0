"""Creating, changing and removing one deal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from schema.engine.execute.reading import WORKSPACE
from schema.engine.write.inputs import Fault, InputModel, invalid
from schema.engine.write.rows import RowStatements
from schema.engine.write.writing import Looking, Writing, done, refused
from schema.nouns.all import Opportunity
from schema.nouns.references import list_faults, reference_faults
from schema.rules import clock, pipeline
from schema.rules.text import fold, fold_name
from schema.storage.columns import Text
from schema.storage.ids import new_id

from .links import OpportunityContact
from .stage_change import StageChange

_ROWS = RowStatements(Opportunity)
_LINK: Any = OpportunityContact.__table__
_CHANGE: Any = StageChange.__table__
_ID: Any = bindparam("deal", type_=Text(), required=True)

_LINKED = select(_LINK.c.contact_id).where(_LINK.c.workspace_id == WORKSPACE, _LINK.c.opportunity_id == _ID).order_by(_LINK.c.position)
_UNLINK = delete(_LINK).where(_LINK.c.workspace_id == WORKSPACE, _LINK.c.opportunity_id == _ID)
_ADD_LINK = insert(_LINK).values({column.name: bindparam(column.name, required=True) for column in _LINK.c})
_FORGET_CHANGES = delete(_CHANGE).where(_CHANGE.c.workspace_id == WORKSPACE, _CHANGE.c.opportunity_id == _ID)
_ADD_CHANGE = insert(_CHANGE).values({column.name: bindparam(column.name, required=True) for column in _CHANGE.c})

_CREATE = InputModel(Opportunity.__noun__.create)
_UPDATE = InputModel(Opportunity.__noun__.update)

FIELDS = {**_UPDATE.names, "probability_manual": "probabilitySource"}
"""What of a deal can change, by column, with its name in the graph: what is written, and what the rules keep beside it."""

STATE = Opportunity.__noun__.state
"""What an event keeps of a deal: what filters and a limited viewer look at."""

NOT_FOUND = Fault("NOT_FOUND", "NOT_FOUND", None, "There is no opportunity with this id.")

Deal = dict[str, Any]
"""A deal by column; `contact_ids` are its contacts' ids, in order, as if they were a column too."""


@dataclass(slots=True)
class Change:
    """An update worked out: the deal before and after, the rules that made something of it, and what stops it."""

    before: Deal
    after: Deal
    because: Mapping[str, str]
    faults: list[Fault]
    columns: list[str] = field(init=False)
    """Which of FIELDS differ."""

    def __post_init__(self) -> None:
        before, after = self.before, self.after
        self.columns = [column for column in FIELDS if before[column] != after[column]]


def state(deal: Deal) -> dict[str, Any]:
    """What an event keeps of a deal."""
    return {name: deal[name] for name in STATE}


async def create(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """CreateOpportunity."""
    return await create_one(writing, arguments["input"])


async def create_one(writing: Writing, given: Mapping[str, Any]) -> dict[str, Any]:
    """Creates one deal, or says what stops it."""
    values, faults = _CREATE.read(given)
    ruled = pipeline.apply(None, values, writing.now[:10])
    faults += _refusals(ruled)
    faults += await _reference_faults(writing, values)
    if faults:
        return refused(*faults)
    id_, milliseconds = new_id("opp")
    writing.now = created = clock.instant(milliseconds)
    deal = dict.fromkeys(_ROWS.columns) | {"contact_ids": [], **values, **ruled.values}
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
    await _link(writing, deal)
    await _record_stage(writing, deal, None, created)
    changed = [name for column, name in _CREATE.names.items() if deal[column] is not None and deal[column] != []]
    await writing.event("CREATED", id_, changed, None, state(deal))
    return done(id_)


async def update(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """UpdateOpportunity."""
    whole = arguments["ignoreUnchanged"]
    return await update_one(writing, arguments["id"], arguments["input"], arguments.get("expectedVersion"), whole=whole)


async def update_one(
    writing: Writing, id_: str, given: Mapping[str, Any], expected: int | None = None, *, whole: bool = False
) -> dict[str, Any]:
    """Changes one deal, or says what stops it; a change that changes nothing leaves no trace."""
    found = await find(writing, id_, expected)
    if isinstance(found, Fault):
        return refused(found)
    change = await work_out(writing, found, given, whole=whole)
    if change.faults:
        return refused(*change.faults)
    if change.columns:
        await _store(writing, change)
    return done(id_)


async def work_out(looking: Looking, deal: Deal, given: Mapping[str, Any], *, whole: bool) -> Change:
    """What an update would make of a deal, and what stops it; writes nothing. `whole`: the whole object was sent back."""
    values, faults = _UPDATE.read(given, deal, whole=whole)
    ruled = pipeline.apply(deal, values, looking.now[:10])
    faults += _refusals(ruled)
    new = {column: value for column, value in values.items() if value != deal[column]}
    faults += await _reference_faults(looking, new)
    return Change(deal, {**deal, **values, **ruled.values}, ruled.because, faults)


def _refusals(ruled: pipeline.Ruled) -> list[Fault]:
    return [invalid(FIELDS[column], reason, message) for column, reason, message in ruled.refusals]


async def _store(writing: Writing, change: Change) -> None:
    before, after = change.before, change.after
    after["version"] = before["version"] + 1
    after["updated_at"] = writing.now
    moved = after["stage"] != before["stage"]
    if moved:
        after["stage_since"] = writing.now
    _fold(after)
    changed = frozenset(column for column in _ROWS.columns if before[column] != after[column])
    await writing.execute(_ROWS.update(changed), {**after, "row_id": after["id"]})
    if after["contact_ids"] != before["contact_ids"]:
        await writing.execute(_UNLINK, {"deal": after["id"]})
        await _link(writing, after)
    if moved:
        await _record_stage(writing, after, before, writing.now)
    fields = [FIELDS[column] for column in change.columns]
    await writing.event("UPDATED", after["id"], fields, state(before), state(after))


async def remove(writing: Writing, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """DeleteOpportunity."""
    return await remove_one(writing, arguments["id"], arguments.get("expectedVersion"))


async def remove_one(writing: Writing, id_: str, expected: int | None = None) -> dict[str, Any]:
    """Removes one deal with its links and history, or says what stops it."""
    found = await find(writing, id_, expected)
    if isinstance(found, Fault):
        return refused(found)
    for clause in (_UNLINK, _FORGET_CHANGES):
        await writing.execute(clause, {"deal": id_})
    await writing.execute(_ROWS.delete, {"row_id": id_})
    await writing.event("DELETED", id_, [], state(found), None)
    return done(deletedId=id_)


async def drop_contact(writing: Writing, id_: str, contact: str) -> None:
    """Takes a contact that is being removed off a deal."""
    found = await find(writing, id_, None)
    assert not isinstance(found, Fault)
    rest = [other for other in found["contact_ids"] if other != contact]
    await _store(writing, Change(found, {**found, "contact_ids": rest}, {}, []))


async def find(looking: Looking, id_: str, expected: int | None) -> Deal | Fault:
    """The deal with this id, at the version that the caller expects (None: at any)."""
    rows = await looking.fetch(_ROWS.find, row_id=id_)
    if not rows:
        return NOT_FOUND
    deal = _ROWS.as_dict(rows[0])
    if expected is not None and expected != deal["version"]:
        message = f"The opportunity is at version {deal['version']}, not {expected}: read it again."
        return Fault("PRECONDITION_FAILED", "VERSION", None, message)
    deal["contact_ids"] = [row[0] for row in await looking.fetch(_LINKED, deal=id_)]
    return deal


async def _reference_faults(looking: Looking, values: Mapping[str, Any]) -> list[Fault]:
    found = await reference_faults(looking, "account", "accountId", values.get("account_id"))
    found += await reference_faults(looking, "user", "assignedToId", values.get("assigned_to_id"))
    return found + await list_faults(looking, "contact", "contactIds", values.get("contact_ids", []))


async def _link(writing: Writing, deal: Deal) -> None:
    here = {"workspace_id": writing.caller.workspace_id, "opportunity_id": deal["id"]}
    links = [{**here, "position": place, "contact_id": contact} for place, contact in enumerate(deal["contact_ids"])]
    await writing.execute_many(_ADD_LINK, links)


async def _record_stage(writing: Writing, deal: Deal, before: Deal | None, at: str) -> None:
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


def _fold(deal: Deal) -> None:
    deal["name_folded"] = fold_name(deal["name"])
    deal["source_folded"] = None if deal["source"] is None else fold(deal["source"])
