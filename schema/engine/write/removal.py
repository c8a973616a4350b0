"""Deletes a record, and does with the records that refer to it what their declarations say: `on_delete` cascades, clears or refuses."""

from dataclasses import dataclass, field

from sqlalchemy import bindparam, func, select, update

from schema.engine.declare.base import CASCADE, CLEAR, REFUSE, Reference
from schema.engine.declare.noun import Noun
from schema.sql_types import Bind
from schema.storage.columns import CodePointText
from schema.storage.workspace import WORKSPACE
from schema.values import Object

from .inputs import InputError
from .records import RecordWriter, Writers
from .rows import RECORD
from .rules import RecordValues
from .write_transaction import WriteReader, WriteTransaction, done, refused

MOST = 1_000
"""The most records that one transaction's deletions may delete or change along: other writes of the workspace wait meanwhile."""
TOO_MANY = "records would be deleted or changed with the"
"""The words of the refusal of a deletion that would take more along, by which programs of the gateway itself know it."""

_NOW: Bind = bindparam("now", type_=CodePointText(), required=True)


class Dependent:
    """The records of a noun that refer to a deleted one by one of their references."""

    def __init__(self, writer: RecordWriter, reference: Reference) -> None:
        self.writer = writer
        self.reference = reference
        table, by = (writer.rows.table, None) if reference.link is None else (reference.link.table, reference.link)
        column, id_ = (table.c[reference.column], table.c.id) if by is None else (table.c[by.there], table.c[by.here])
        here = (table.c.workspace_id == WORKSPACE, column == RECORD)
        self.count = select(func.count()).select_from(table).where(*here)
        self.find = select(id_).where(*here).order_by(id_).limit(bindparam("most", required=True))
        self.at_once = reference.on_delete == CLEAR and by is None and not writer.noun.followed
        """Whether no event is needed for each record: then one statement clears them all."""
        values: Object = {reference.column: None} if by is None else {}
        if by is None and "version" in table.c:
            values |= {"version": table.c.version + 1}
        if by is None and "updated_at" in table.c:
            values |= {"updated_at": bindparam("now", type_=table.c.updated_at.type, required=True)}
        self.clear = update(table).where(*here).values(values)

    def without(self, row: RecordValues, id_: str) -> RecordValues:
        """A record without its reference to `id_`."""
        column = self.reference.column
        return {**row, column: None if self.reference.link is None else [other for other in row[column] if other != id_]}


class Removals:
    """Deletes records of a graph's nouns. Raises TypeError, by name, for an `on_delete` that can't be kept."""

    def __init__(self, writers: Writers) -> None:
        self._dependents: dict[str, list[Dependent]] = {name: [] for name in writers}
        for writer in writers.values():
            for reference in writer.references.all:
                if reference.on_delete in (CASCADE, CLEAR, REFUSE):
                    self._dependents[reference.to].append(_checked(Dependent(writer, reference)))
        for name in writers:
            self._check_circle(name, [])

    def is_long(self, name: str) -> bool:
        """Whether many records may go or change with one of this noun."""
        return any(each.reference.on_delete != REFUSE and not each.at_once for each in self._dependents[name])

    async def remove(self, transaction: WriteTransaction, writer: RecordWriter, id_: str, expected: int | None = None) -> Object:
        """Deletes a record with all that goes with it, or says what stops it."""
        found = await writer.find(transaction, id_, expected)
        if isinstance(found, InputError):
            return refused(found)
        going = _Deletion(writer.noun, transaction.taken_along)
        faults = await self._look(transaction, writer, found, going)
        if faults:
            return refused(*faults)
        await going.execute(transaction)
        transaction.taken_along += going.count
        return done(deletedId=id_)

    async def _look(self, reader: WriteReader, writer: RecordWriter, row: RecordValues, going: "_Deletion") -> list[InputError]:
        """Notes what goes, what goes first, and what is changed; answers what stops it. Writes nothing."""
        for each in self._dependents[writer.noun.name]:
            faults = await self._dependent(reader, writer, each, row["id"], going)
            if faults:
                return faults
        going.records[writer.noun.name, row["id"]] = writer, row
        return await writer.rules.removable(reader, row)

    async def _dependent(
        self, reader: WriteReader, writer: RecordWriter, each: Dependent, id_: str, going: "_Deletion"
    ) -> list[InputError]:
        if each.reference.on_delete == REFUSE:
            return _in_use(writer, each, (await reader.fetch(each.count, record=id_))[0][0])
        if each.at_once:
            going.cleared.append((each, id_))
            return []
        ids = [row[0] for row in await reader.fetch(each.find, record=id_, most=MOST + 1)]
        going.count += len(ids)
        if going.before + going.count > MOST:
            return [going.too_many()]
        for other in ids:
            if each.reference.on_delete == CLEAR:
                going.changed.append((each, other, id_))
            elif (each.writer.noun.name, other) not in going.records:
                faults = await self._look(reader, each.writer, await _there(reader, each.writer, other), going)
                if faults:
                    return faults
        return []

    def _check_circle(self, name: str, above: list[str]) -> None:
        if name in above:
            circle = " → ".join([*above[above.index(name) :], name])
            raise TypeError(f'on_delete="cascade" goes in a circle: {circle}. Let one of these references refuse or clear.')
        for each in self._dependents[name]:
            if each.reference.on_delete == CASCADE:
                self._check_circle(each.writer.noun.name, [*above, name])


def _checked(each: Dependent) -> Dependent:
    """Raises TypeError where a reference can't be cleared."""
    writer, reference = each.writer, each.reference
    if reference.on_delete == CLEAR and reference.link is None:
        where = f'{writer.noun.name}.{reference.column} says on_delete="clear"'
        if not writer.rows.table.c[reference.column].nullable:
            raise TypeError(f"{where}, and can't be null: declare it `ID | None`, or let it cascade or refuse.")
        if not each.at_once and reference.column not in writer.names:
            raise TypeError(f"{where}, and can't be updated, so that followers could not be told: let it cascade or refuse.")
    return each


@dataclass(slots=True)
class _Deletion:
    """The effects of a deletion: records to delete by noun and id, in order, and references to clear.

    `before` is how many records the deletions before it in the same transaction have taken along.
    """

    noun: Noun
    before: int
    records: dict[tuple[str, str], tuple[RecordWriter, RecordValues]] = field(default_factory=dict)
    changed: list[tuple[Dependent, str, str]] = field(default_factory=list)
    cleared: list[tuple[Dependent, str]] = field(default_factory=list)
    count: int = 0

    def too_many(self) -> InputError:
        too_many = f"More than {MOST:,} {TOO_MANY}"
        alone = f"{too_many} {self.noun.label}: delete some of them first."
        together = f"{too_many} {self.noun.plural} of this call: delete fewer at once."
        return InputError("CONFLICT", "IN_USE", None, alone if self.count > MOST else together)

    async def execute(self, transaction: WriteTransaction) -> None:
        for dependent, id_ in self.cleared:
            await transaction.execute(dependent.clear, {"record": id_, "now": transaction.now})
        for dependent, other, id_ in self.changed:
            if (dependent.writer.noun.name, other) not in self.records:
                row = await _there(transaction, dependent.writer, other)
                await dependent.writer.store(transaction, row, dependent.without(row, id_))
        for writer, row in self.records.values():
            await writer.forget(transaction, row)


async def _there(reader: WriteReader, writer: RecordWriter, id_: str) -> RecordValues:
    row = await writer.find(reader, id_)
    assert not isinstance(row, InputError), row.message
    return row


def _in_use(writer: RecordWriter, dependent: Dependent, count: int) -> list[InputError]:
    if not count:
        return []
    noun = dependent.writer.noun
    still = f"1 {noun.label}: delete or move it" if count == 1 else f"{count} {noun.plural}: delete or move them"
    return [InputError("CONFLICT", "IN_USE", None, f"The {writer.noun.label} still has {still} first.")]
