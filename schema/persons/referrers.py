"""Deletes a record to which more refer than one deletion may take along: portion by portion, those that refer to it go or let go first.

Each is changed or deleted by the graph's own mutation, so that its rules hold and followers hear of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from sqlalchemy import select

from schema.engine.declare.base import CASCADE, CLEAR, NOUNS, Reference
from schema.engine.declare.noun import Noun
from schema.engine.write.removal import TOO_MANY
from schema.engine.write.rows import RECORD
from schema.graph import Graph
from schema.storage.database import Row
from schema.storage.workspace import WORKSPACE
from schema.values import Object, Value

PORTION: Final = 100
"""Records that let go before the deletion is tried again."""

Mutate = Callable[[str, str, Object], Awaitable[str]]
"""Runs a mutation by its name, document and variables, and returns what refuses it, or nothing."""


class Deletion:
    """Deletes records of a workspace by `mutate`."""

    def __init__(self, graph: Graph, workspace_id: str, mutate: Mutate) -> None:
        self._database = graph.database
        self._mutations: Value = graph.graphql_schema.mutation_type
        self._workspace_id = workspace_id
        self._mutate = mutate

    async def delete(self, noun: str, id_: str) -> str:
        """Deletes a record; what refuses it, or nothing. Raises StorageError."""
        while TOO_MANY in (refusal := await self._call(f"delete{noun}", "$id: ID!", "id: $id", {"id": id_})):
            # None lets go where a package has no mutation for it: then the refusal stands.
            if not await self._release(noun, id_):
                break
        return refusal

    async def _release(self, name: str, id_: str) -> bool:
        """Lets a portion of the records go that refer to one; whether there were any."""
        for noun, reference in self._referrers(name):
            others = [row[0] for row in await self._fetch(_ids(noun, reference), id_)]
            gone = [not await self._let_go(noun, reference, other, id_) for other in others]
            if any(gone):
                return True
        return False

    def _referrers(self, name: str) -> Sequence[tuple[Noun, Reference]]:
        found = [(noun, each) for noun in NOUNS.values() for declared in noun.declared if (each := declared.reference()) is not None]
        verbs = {CASCADE: "delete", CLEAR: "update"}
        return [
            (noun, each)
            for noun, each in found
            if each.to == name and each.on_delete in verbs and f"{verbs[each.on_delete]}{noun.name}" in self._mutations.fields
        ]

    async def _let_go(self, noun: Noun, reference: Reference, id_: str, of: str) -> str:
        """What refuses it, or nothing; also where another one has changed the record meanwhile, which is then tried again."""
        if reference.on_delete == CASCADE:
            return await self.delete(noun.name, id_)
        given: Object = {"id": id_, "input": {reference.field: None}}
        takes, passes = f"$id: ID!, $input: Update{noun.name}Input!", "id: $id, input: $input"
        if reference.link is not None:
            table = noun.row.__table__
            version = await self._fetch(select(table.c.version).where(table.c.workspace_id == WORKSPACE, table.c.id == RECORD), id_)
            left = [row[0] for row in await self._fetch(_linked(reference), id_) if row[0] != of]
            given |= {"input": {reference.field: left}, "version": version[0][0] if version else None}
            takes, passes = f"{takes}, $version: Int", f"{passes}, expectedVersion: $version"
        return await self._call(f"update{noun.name}", takes, passes, given)

    async def _call(self, name: str, takes: str, passes: str, values: Object) -> str:
        return await self._mutate(name, f"mutation({takes}) {{ {name}({passes}) {{ userErrors {{ message }} }} }}", values)

    async def _fetch(self, clause: Value, record: str) -> Sequence[Row]:
        return await self._database.fetch(self._database.compile(clause), {"workspace": self._workspace_id, "record": record})


def _ids(noun: Noun, reference: Reference) -> Value:
    """The statement that finds the ids of a portion of the records that refer to one."""
    link, table = reference.link, noun.row.__table__ if reference.link is None else reference.link.table
    here, there = (table.c.id, table.c[reference.column]) if link is None else (table.c[link.here], table.c[link.there])
    return select(here).where(table.c.workspace_id == WORKSPACE, there == RECORD).order_by(here).limit(PORTION)


def _linked(reference: Reference) -> Value:
    """The statement that finds the ids that a record links to, in order."""
    link: Value = reference.link
    table = link.table
    return select(table.c[link.there]).where(table.c.workspace_id == WORKSPACE, table.c[link.here] == RECORD).order_by(table.c[link.order])
