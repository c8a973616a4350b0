"""Previews an update of a deal: its changes and errors, worked out by the update's own rules without writing."""

from schema.engine.compile.data_reader import DataReader
from schema.engine.write.inputs import InputError
from schema.engine.write.records import Change, RecordWriter
from schema.engine.write.write_transaction import WriteReader
from schema.rules.errors import Forbidden
from schema.rules.stages import STAGES
from schema.values import Object, Value, Values


async def preview_update(writer: RecordWriter, reader: DataReader, arguments: Values) -> Object:
    """Return the response of `previewUpdateOpportunity`. Raises Forbidden for viewers, who can't update."""
    if not reader.caller.role.may_write:
        raise Forbidden("A viewer may only read, so there is no update to preview.")
    write_reader = WriteReader(reader.database, reader, reader.caller)
    found = await writer.find(write_reader, arguments["id"])
    if isinstance(found, InputError):
        return {"changes": [], "userErrors": [found.to_dict()]}
    change = await writer.work_out(write_reader, found, arguments["input"], whole=arguments["ignoreUnchanged"])
    return {"changes": _changes(writer, change), "userErrors": [fault.to_dict() for fault in change.faults]}


def _changes(writer: RecordWriter, change: Change) -> list[Object]:
    return [_change(change, column, writer.names[column]) for column in writer.changed(change.before, change.after)]


def _change(change: Change, column: str, name: str) -> Object:
    before, after = (_shown(column, deal[column]) for deal in (change.before, change.after))
    return {"field": name, "from": before, "to": after, "because": change.because.get(column)}


def _shown(column: str, value: Value) -> str | None:
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
