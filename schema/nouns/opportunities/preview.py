"""What an update of a deal would change, and what would stop it: worked out by the update's own rules, and not written."""

from collections.abc import Mapping
from typing import Any

from schema.engine.execute.reading import Reader
from schema.engine.write.inputs import Fault
from schema.engine.write.writing import Looking
from schema.rules.errors import Forbidden
from schema.rules.stages import STAGES

from .changing import FIELDS, Change, find, work_out


async def preview_update(reader: Reader, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What `previewUpdateOpportunity` answers. Raises Forbidden for viewers: they can't update, so there is nothing to foretell."""
    if not reader.caller.role.may_write:
        message = "A viewer may only read, so there is no update to preview."
        raise Forbidden(message)
    looking = Looking(reader.database, reader, reader.caller)
    found = await find(looking, arguments["id"], None)
    if isinstance(found, Fault):
        return {"changes": [], "userErrors": [found.told()]}
    change = await work_out(looking, found, arguments["input"], whole=arguments["ignoreUnchanged"])
    return {"changes": _changes(change), "userErrors": [fault.told() for fault in change.faults]}


def _changes(change: Change) -> list[dict[str, Any]]:
    return [_change(change, column) for column in change.columns]


def _change(change: Change, column: str) -> dict[str, Any]:
    before, after = (_shown(column, deal[column]) for deal in (change.before, change.after))
    return {"field": FIELDS[column], "from": before, "to": after, "because": change.because.get(column)}


def _shown(column: str, value: Any) -> str | None:
    if value is None:
        return None
    if column == "stage":
        return str(STAGES[value].name)
    if column == "probability_manual":
        return "MANUAL" if value else "STAGE_DEFAULT"
    if column == "contact_ids":
        return ",".join(value)
    if column == "value_cents":
        whole, rest = divmod(value, 100)
        return str(whole) if rest == 0 else f"{whole}.{rest:02}".rstrip("0")
    return str(value)
