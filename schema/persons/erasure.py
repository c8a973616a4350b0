"""Erasing a person: out of texts, events, kept answers and counts of use, and at last the person's own record.

Records are changed by the graph's own mutations, so that their rules hold, versions grow and followers hear of the new state. What
else holds the person is rewritten in place, in short transactions. All of it can be done again, and is, until nothing more is found.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Table, bindparam, delete, func, select, update
from sqlmodel import SQLModel
from strawberry.utils.str_converters import to_camel_case

from schema.engine.declare.base import NOUNS
from schema.graph import Graph
from schema.nouns.users.user import User
from schema.rules.access import Caller, Role
from schema.storage.columns import CodePointText
from schema.storage.database import Connection
from schema.storage.workspace import WORKSPACE, advance_revision
from schema.values import Object, Value

from .identifiers import MARK, PersonIdentifiers
from .occurrences import PersonalColumn, find_occurrences, without
from .person import Person, PersonFault
from .referrers import Deletion

PASSES: Final = 4
"""How often the search is repeated for data that others write meanwhile."""
TOGETHER: Final = 100
"""Rows that are rewritten in one transaction."""
TOGETHER_BYTES: Final = 16_777_216
"""Bytes of their texts, old and new, from which on no more are added."""
BY: Final = "gateway_erase"
"""The actor of erasures in events and history: no user and no key."""

REMOVED, REPLACED, TAKEN_OUT, STAYS = "the row is removed", "is replaced", "the words are taken out", "stays"
_USERS = User.__table__
_OTHER_ADMINS = select(func.count()).where(
    _USERS.c.workspace_id == WORKSPACE,
    _USERS.c.role == "admin",
    _USERS.c.is_active.is_(True),
    _USERS.c.id != bindparam("row_id", type_=CodePointText()),
)
_RAISE = advance_revision()

Found = Counter[tuple[str, str, str]]
"""The number of values by table, column, and what is done with them."""


@dataclass(slots=True)
class Erased:
    """The result of an erasure, with sentences about records that rules prevented from being erased."""

    found: Found = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """The failures, each listed once."""
        return [*dict.fromkeys(self.failed)]


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """A row as it is to be; without `new` values it is removed. It is left alone where it is no longer as it was."""

    table: Table
    key: Object
    old: dict[str, str]
    new: dict[str, str]

    @property
    def size(self) -> int:
        """The characters of its texts, about as many bytes."""
        return sum(map(len, (*self.old.values(), *self.new.values())))


class Eraser:
    """Erases one person; `also` are further names that the person is known by."""

    def __init__(self, graph: Graph, person: Person, also: Sequence[str] = ()) -> None:
        self._graph = graph
        self._database = graph.database
        self._person = person
        self._words: PersonIdentifiers = person.words(also)
        self._caller = Caller(person.workspace_id, Role.ADMIN, None, None, BY)

    async def look(self) -> Found:
        """Return the person's data found, and what would be done with it. Changes nothing."""
        found: Found = Counter()
        async for trace in self._traces():
            found[trace.table, trace.column, self._becomes(trace)] += 1
        return found

    async def erase(self) -> Erased:
        """Does it. Raises PersonFault where the person can't go, StorageError."""
        await self._check_admin()
        erased = Erased()
        await self._passes(erased)
        await self._own(erased)
        # What names the person since the last step, and what others wrote meanwhile.
        await self._passes(erased)
        return erased

    def _traces(self) -> AsyncIterator[PersonalColumn]:
        return find_occurrences(self._database, self._person, self._words)

    def _becomes(self, trace: PersonalColumn) -> str:
        if trace.how == "own":
            return REMOVED if self._person.kind == "contact" else REPLACED
        if trace.how == "reference":
            is_link = self._person.kind == "contact" and trace.table == "opportunity_contact"
            return REMOVED if is_link else STAYS
        if trace.how == "other" or trace.table == "workspace":
            return STAYS
        return REMOVED if trace.column in _keys(trace.table) else TAKEN_OUT

    async def _check_admin(self) -> None:
        row = self._person.row
        if self._person.kind != "user" or row["role"] != "admin" or not row["is_active"]:
            return
        statement = self._database.compile(_OTHER_ADMINS)
        others = await self._database.fetch(statement, {"workspace": self._person.workspace_id, "row_id": self._person.id})
        if not others[0][0]:
            raise PersonFault(f"{self._person.id} is the last active admin among the users: make another user admin first")

    async def _passes(self, erased: Erased) -> None:
        for _ in range(PASSES):
            if not await self._pass(erased):
                return

    async def _pass(self, erased: Erased) -> int:
        """Takes the person out of everything but persons' own records. Tells how many values that were."""
        done, waiting = 0, list[_Rewritten]()
        async for traces in _by_row(self._traces()):
            mine = [trace for trace in traces if self._becomes(trace) in {TAKEN_OUT, REMOVED} and trace.how == "mention"]
            changed = await self._changed(mine, erased) if mine else None
            if changed is None:
                continue
            erased.found.update((trace.table, trace.column, self._becomes(trace)) for trace in mine)
            done += len(mine)
            for each in changed:
                waiting.append(each)
                await self._rewrite_full(waiting)
        await self._rewrite(waiting)
        return done

    async def _rewrite_full(self, waiting: list[_Rewritten]) -> None:
        """Rewrites what waits, once that is a portion."""
        if len(waiting) >= TOGETHER or sum(each.size for each in waiting) >= TOGETHER_BYTES:
            await self._rewrite(waiting)
            waiting.clear()

    async def _changed(self, traces: list[PersonalColumn], erased: Erased) -> list[_Rewritten] | None:
        """Changes a record as far as its mutation takes its texts: what is to be rewritten in place beside, None where it was refused."""
        if not self._is_record(traces[0]):
            return [self._rewritten(traces)]
        if not await self._change_record(traces, erased):
            return None
        # One by one: folded columns have followed the others by now, and are left alone then.
        return [self._rewritten([trace]) for trace in traces if to_camel_case(trace.column) not in self._given(trace.table)]

    def _is_record(self, trace: PersonalColumn) -> bool:
        """Whether the graph has a mutation that changes it."""
        noun = _noun(trace.table)
        fields: Value = self._graph.graphql_schema.mutation_type
        return noun is not None and f"update{noun}" in fields.fields

    async def _change_record(self, traces: list[PersonalColumn], erased: Erased) -> bool:
        """Changes a record by its mutation, as an admin's program would; whether that was not refused."""
        noun, id_ = _noun(traces[0].table), traces[0].key["id"]
        known = self._given(traces[0].table)
        given = {to_camel_case(trace.column): self._words.redact(trace.value) for trace in traces}
        given = {name: value for name, value in given.items() if name in known}
        refusal = await self._update(noun, id_, given) if given else ""
        if refusal:
            erased.failed.append(f"{traces[0].table} {id_}: {refusal}")
        return not refusal

    def _given(self, table: str) -> Collection[str]:
        """Return the columns that the update mutation accepts: not those that only rules set or that no field shows."""
        known: Value = self._graph.graphql_schema.type_map[f"Update{_noun(table)}Input"]
        fields: Collection[str] = known.fields
        return fields

    async def _update(self, noun: str | None, id_: str, given: Object) -> str:
        """Changes a record; what refuses it, or nothing."""
        document = (
            f"mutation($id: ID!, $input: Update{noun}Input!) {{ update{noun}(id: $id, input: $input) {{ userErrors {{ message }} }} }}"
        )
        return await self._mutate(f"update{noun}", document, {"id": id_, "input": given})

    async def _mutate(self, name: str, document: str, values: Object) -> str:
        answer = await self._graph.run(self._graph.prepare(document), values, self._caller)
        faults = answer.errors or (answer.data or {})[name]["userErrors"]
        return "; ".join(fault["message"] for fault in faults)

    async def _own(self, erased: Erased) -> None:
        """The person's own record: a contact's goes, a user's stays without the person, since deals and history refer to it."""
        person = self._person
        if person.kind == "contact":
            refusal = await Deletion(self._graph, person.workspace_id, self._mutate).delete("Contact", person.id)
        else:
            refusal = await self._update("User", person.id, {"name": MARK, "email": f"{person.id}@erased.invalid", "isActive": False})
        if refusal:
            raise PersonFault(f"the {person.kind} {person.id} can't be erased: {refusal}")
        erased.found[person.kind, "*", REMOVED if person.kind == "contact" else REPLACED] += 1

    def _rewritten(self, traces: list[PersonalColumn]) -> _Rewritten:
        table = SQLModel.metadata.tables[traces[0].table]
        old = {trace.column: trace.value for trace in traces}
        if any(self._becomes(trace) == REMOVED for trace in traces):
            return _Rewritten(table, traces[0].key, old, {})
        return _Rewritten(table, traces[0].key, old, {trace.column: without(trace.column, trace.value, self._words) for trace in traces})

    async def _rewrite(self, rows: Sequence[_Rewritten]) -> None:
        """Rewrites rows in one transaction, which moves the workspace's revision on."""
        if not rows:
            return

        async def work(connection: Connection) -> None:
            for row in rows:
                await connection.execute(self._database.compile(_statement(row)), _values(row, self._person.workspace_id))
            await connection.execute(self._database.compile(_RAISE), {"workspace": self._person.workspace_id})

        await self._database.write(work, long=True)


def _statement(row: _Rewritten) -> Value:
    here = [row.table.c.workspace_id == WORKSPACE]
    here += [row.table.c[name] == bindparam(f"key_{name}", type_=row.table.c[name].type, required=True) for name in row.key]
    here += [row.table.c[name] == bindparam(f"old_{name}", type_=CodePointText(), required=True) for name in row.old]
    if not row.new:
        return delete(row.table).where(*here)
    return update(row.table).where(*here).values({name: bindparam(f"new_{name}", type_=CodePointText(), required=True) for name in row.new})


def _values(row: _Rewritten, workspace_id: str) -> Object:
    found = {"workspace": workspace_id}
    for prefix, values in (("key", row.key), ("old", row.old), ("new", row.new)):
        found |= {f"{prefix}_{name}": value for name, value in values.items()}
    return found


async def _by_row(traces: AsyncIterator[PersonalColumn]) -> AsyncIterator[list[PersonalColumn]]:
    """The traces of each row together."""
    row: list[PersonalColumn] = []
    async for trace in traces:
        if row and (trace.table, trace.key) != (row[0].table, row[0].key):
            yield row
            row = []
        row.append(trace)
    if row:
        yield row


def _keys(table: str) -> set[str]:
    return {column.name for column in SQLModel.metadata.tables[table].primary_key}


def _noun(table: str) -> str | None:
    return next((noun.name for noun in NOUNS.values() if noun.row.__table__.name == table), None)


def lines(found: Found) -> Iterator[tuple[str, str, str, str]]:
    """Table, field, how many values, and what becomes of them."""
    for (table, column, becomes), count in sorted(found.items()):
        yield table, column, str(count), becomes
