"""Exports a person's data: each value with the table and the field that it came from."""

from collections.abc import AsyncIterator, Sequence

from schema.storage.database import Database
from schema.values import Object

from .occurrences import PersonalColumn, find_occurrences
from .person import Person

_WHY = {
    "own": "the person's own record",
    "reference": "the person's id",
    "mention": "a text that names the person",
    "other": "another person's record that has the same name or number",
}


async def export(database: Database, persons: Sequence[Person], also: Sequence[str] = ()) -> AsyncIterator[Object]:
    """Yield an object for each value stored on these persons; of a value of another person it says only that there is one."""
    for person in persons:
        for column, value in person.row.items():
            if column != "workspace_id" and value is not None:
                yield _to_object(person, PersonalColumn(person.kind, {"id": person.id}, column, value, "own"))
        async for trace in find_occurrences(database, person, person.words(also)):
            if trace.how != "own":
                yield _to_object(person, trace)


def _to_object(person: Person, trace: PersonalColumn) -> Object:
    return {
        "person": person.id,
        "workspace": person.workspace,
        "table": trace.table,
        "key": trace.key,
        "field": trace.column,
        "value": None if trace.how == "other" else trace.value,
        "why": _WHY[trace.how],
    }
