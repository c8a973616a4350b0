"""What an input refers to must exist, in the caller's own workspace."""

from collections.abc import Mapping

from sqlalchemy import Table, select

from schema.engine.declare.base import Reference
from schema.engine.declare.noun import Noun
from schema.storage.statements import AnyOf, list_bind
from schema.storage.workspace import WORKSPACE
from schema.values import Value, Values

from .inputs import InputError
from .write_transaction import WriteReader


class References:
    """The references of a noun's records. `nouns` are all of the graph, by their names."""

    def __init__(self, noun: Noun, nouns: Mapping[str, Noun]) -> None:
        self.all = [each for declared in noun.declared if (each := declared.reference()) is not None]
        self._nouns = nouns
        self._existing = {each.to: _existing(nouns[each.to].row.__table__) for each in self.all}

    async def faults(self, looking: WriteReader, values: Values) -> list[InputError]:
        """A fault for each of `values`, by column, that refers to a record that isn't there."""
        faults = []
        for each in self.all:
            value = values.get(each.column)
            ids = [value] if each.link is None and value is not None else value or []
            if ids:
                faults += await self._absent(looking, each, ids)
        return faults

    async def _absent(self, looking: WriteReader, reference: Reference, ids: list[str]) -> list[InputError]:
        here = {row[0] for row in await looking.fetch(self._existing[reference.to], ids=ids)}
        message = f"There is no {self._nouns[reference.to].label} with this id."
        paths = [(reference.field, str(place)) if reference.link is not None else (reference.field,) for place in range(len(ids))]
        return [InputError("NOT_FOUND", "NOT_FOUND", path, message) for path, id_ in zip(paths, ids, strict=True) if id_ not in here]


def _existing(table: Table) -> Value:
    return select(table.c.id).where(table.c.workspace_id == WORKSPACE, AnyOf(table.c.id, list_bind("ids", table.c.id.type)))
