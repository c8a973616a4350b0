"""Creates, changes and deletes the records of a noun, as its declarations and its rules say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, delete, select

from schema.engine.compile.enums import stored_value
from schema.engine.compile.sources import OWNER, SeenWith
from schema.engine.declare.base import Reference, Unique
from schema.engine.declare.noun import Noun
from schema.rules import clock
from schema.storage.columns import CodePointText
from schema.storage.ids import new_id
from schema.storage.statements import AnyOf, list_bind
from schema.storage.workspace import WORKSPACE
from schema.values import Value, Values

from .inputs import InputError, InputModel, invalid
from .rows import RECORD, Links, RowStatements
from .rules import RecordValues, Rules
from .write_transaction import WriteReader, WriteTransaction, done, refused

_TIMES = frozenset({"created_at", "updated_at"})
_VALUE: Any = bindparam("value", type_=CodePointText(), required=True)


@dataclass(slots=True)
class Change:
    """A write worked out: the record before and after, the rules that made something of it, and what stops it."""

    before: RecordValues
    after: RecordValues
    because: Mapping[str, str]
    faults: list[InputError]


class References:
    """The references of a noun's records: each must name what is there, in the caller's own workspace. `nouns` are all of the graph."""

    def __init__(self, noun: Noun, nouns: Mapping[str, Noun]) -> None:
        self.all = [each for declared in noun.declared if (each := declared.reference()) is not None]
        self._nouns = nouns
        self._existing = {each.to: _existing(nouns[each.to].row.__table__) for each in self.all}

    async def faults(self, reader: WriteReader, values: Values) -> list[InputError]:
        """A fault for each of `values`, by column, that refers to a record that isn't there."""
        faults = []
        for each in self.all:
            value = values.get(each.column)
            ids = [value] if each.link is None and value is not None else value or []
            if ids:
                faults += await self._absent(reader, each, ids)
        return faults

    async def _absent(self, reader: WriteReader, reference: Reference, ids: list[str]) -> list[InputError]:
        here = {row[0] for row in await reader.fetch(self._existing[reference.to], ids=ids)}
        message = f"There is no {self._nouns[reference.to].label} with this id."
        paths = [(reference.field, str(place)) if reference.link is not None else (reference.field,) for place in range(len(ids))]
        return [InputError("NOT_FOUND", "NOT_FOUND", path, message) for path, id_ in zip(paths, ids, strict=True) if id_ not in here]


class RecordWriter:
    """Writes the records of a noun. `nouns` are all of the graph, by their names."""

    def __init__(self, noun: Noun, nouns: Mapping[str, Noun]) -> None:
        self.noun = noun
        self.rules: Rules = noun.rules or Rules()
        self.rows = RowStatements(noun.row)
        self.creation = None if noun.create is None else InputModel(noun.create)
        self.change = None if noun.update is None else InputModel(noun.update)
        self.names = {} if self.change is None else {**self.change.names, **self.rules.also}
        """The columns that can change, with their names in the graph."""
        self.references = References(noun, nouns)
        self.links = [Links(each.column, each.link) for each in self.references.all if each.link is not None]
        self._histories = [_of_record(nouns, *each) for declared in noun.declared for each in declared.histories()]
        self._uniques = [(each, _same(self.rows.table, each)) for declared in noun.declared if (each := declared.uniques()) is not None]
        first = {"version": 1} if "version" in self.rows.columns else {}
        self._defaults = first | {column: stored_value(value) for declared in noun.declared for column, value in declared.defaults()}
        self._derived = [each for declared in noun.declared for each in declared.derived()]
        self._kept = noun.state
        self._owner = _owner(noun.visible)

    async def create(self, transaction: WriteTransaction, given: Mapping[str, Any], **columns: Any) -> dict[str, Any]:
        """Creates a record with `columns` beside what is given; answers its payload, or what stops it."""
        change = await self.work_out(transaction, None, given)
        if change.faults:
            return refused(*change.faults)
        id_, milliseconds = new_id(self.noun.prefix or "")
        transaction.now = clock.instant(milliseconds)
        row = {**change.after, **columns, "workspace_id": transaction.caller.workspace_id, "id": id_}
        row |= dict.fromkeys(_TIMES.intersection(self.rows.columns), transaction.now)
        self.rules.stamp(None, row, transaction.now)
        await transaction.execute(self.rows.insert, {name: row[name] for name in self.rows.columns})
        for links in self.links:
            await links.write(transaction, row)
        await self.rules.written(transaction, None, row)
        if self.noun.followed:
            assert self.creation is not None
            changed = [name for column, name in self.creation.names.items() if row[column] is not None and row[column] != []]
            await self.event(transaction, "CREATED", id_, changed, None, row)
        return done(id_)

    async def update(
        self, transaction: WriteTransaction, id_: str, given: Mapping[str, Any], expected: int | None = None, *, whole: bool = False
    ) -> dict[str, Any]:
        """Changes a record, or says what stops it; a change that changes nothing leaves no trace."""
        found = await self.find(transaction, id_, expected)
        if isinstance(found, InputError):
            return refused(found)
        change = await self.work_out(transaction, found, given, whole=whole)
        if change.faults:
            return refused(*change.faults)
        await self.store(transaction, found, change.after)
        return done(id_)

    async def find(self, reader: WriteReader, id_: str, expected: int | None = None) -> RecordValues | InputError:
        """The record with this id, at the version that the caller expects (None: at any)."""
        rows = await reader.fetch(self.rows.find, row_id=id_)
        if not rows:
            return InputError("NOT_FOUND", "NOT_FOUND", None, f"There is no {self.noun.label} with this id.")
        row = self.rows.as_dict(rows[0])
        if expected is not None and expected != row["version"]:
            message = f"The {self.noun.label} is at version {row['version']}, not {expected}: read it again."
            return InputError("PRECONDITION_FAILED", "VERSION", None, message)
        for links in self.links:
            row[links.ids] = [each[0] for each in await reader.fetch(links.find, record=id_)]
        return row

    async def work_out(self, reader: WriteReader, before: RecordValues | None, given: Mapping[str, Any], *, whole: bool = False) -> Change:
        """Work out the change that a call makes to a record (None: it is being created), and the errors that stop it; writes nothing.

        `whole`: the whole object was sent back.
        """
        model = self.creation if before is None else self.change
        assert model is not None, self.noun.name
        values, faults = model.read(given, before or {}, whole=whole)
        ruled = self.rules.apply(before, values, reader.now)
        names = {**model.names, **self.rules.also}
        faults += [invalid(names[column], reason, message) for column, reason, message in ruled.refusals]
        faulty = bool(faults)
        base = self._blank() if before is None else before
        after = {**base, **values, **ruled.values}
        faults += await self.references.faults(reader, {column: after[column] for column in values if after[column] != base[column]})
        if not faulty:
            faults += await self._as_a_whole(reader, before, after)
        if before is not None:
            faults += await self.rules.guard(reader, before, after)
        return Change(base, after, ruled.because, faults)

    def changed(self, before: RecordValues, after: RecordValues) -> list[str]:
        """The columns with names in the graph that differ."""
        return [column for column in self.names if before[column] != after[column]]

    async def store(self, transaction: WriteTransaction, before: RecordValues, after: RecordValues) -> None:
        """Stores a record as it is after a change, with what goes with that; does nothing where nothing of it changed."""
        changed = self.changed(before, after)
        if not changed:
            return
        if "version" in self.rows.columns:
            after["version"] = before["version"] + 1
        if "updated_at" in self.rows.columns:
            after["updated_at"] = transaction.now
        self.rules.stamp(before, after, transaction.now)
        columns = frozenset(column for column in self.rows.columns if before[column] != after[column])
        if columns:
            await transaction.execute(self.rows.update(columns), {**after, "row_id": after["id"]})
        for links in self.links:
            if after[links.ids] != before[links.ids]:
                await transaction.execute(links.clear, {"record": after["id"]})
                await links.write(transaction, after)
        await self.rules.written(transaction, before, after)
        if self.noun.followed:
            await self.event(transaction, "UPDATED", after["id"], [self.names[column] for column in changed], before, after)

    async def forget(self, transaction: WriteTransaction, row: RecordValues) -> None:
        """Deletes a record that nothing refers to any more, with its links and its history."""
        await self.rules.removing(transaction, row)
        state = await self._state(transaction, row) if self.noun.followed else None
        for clause in (*[links.clear for links in self.links], *self._histories):
            await transaction.execute(clause, {"record": row["id"]})
        await transaction.execute(self.rows.delete, {"row_id": row["id"]})
        if self.noun.followed:
            await transaction.event(self.noun.name, "DELETED", row["id"], [], state, None)

    async def event(
        self, transaction: WriteTransaction, kind: str, id_: str, fields: list[str], before: RecordValues | None, after: RecordValues
    ) -> None:
        """Tells followers of a record that was created or changed."""
        was = None if before is None else await self._state(transaction, before)
        await transaction.event(self.noun.name, kind, id_, fields, was, await self._state(transaction, after))

    async def _state(self, reader: WriteReader, row: RecordValues) -> dict[str, Any]:
        """Return the columns of a record that an event keeps."""
        kept = {name: row[name] for name in self._kept}
        if self._owner is not None:
            statement, column = self._owner
            found = await reader.fetch(statement, value=row[column])
            kept[OWNER] = found[0][0] if found else None
        return kept

    def _blank(self) -> RecordValues:
        return {**dict.fromkeys(self.rows.columns), **{links.ids: [] for links in self.links}, **self._defaults}

    async def _as_a_whole(self, reader: WriteReader, before: RecordValues | None, after: RecordValues) -> list[InputError]:
        """Return the errors of a record as a whole, without those that it had before this call."""
        faults = self._completed(after)
        if faults and before is not None:
            known = self._completed({**before})
            faults = [fault for fault in faults if fault not in known]
        for unique, same in self._uniques:
            value = after[unique.column]
            if value is None or (before is not None and before[unique.column] == value):
                continue
            if await reader.fetch(same, value=value, record=after["id"] or ""):
                faults.append(InputError("CONFLICT", "DUPLICATE", (unique.field,), f"Another {self.noun.label} has this {unique.called}."))
        return faults

    def _completed(self, row: RecordValues) -> list[InputError]:
        for column, source, follow in self._derived:
            row[column] = None if row[source] is None else follow(row[source])
        return self.rules.complete(row)


class Writers(dict[str, RecordWriter]):
    """The writers of all nouns of a graph whose records have ids, by the names of the nouns."""

    def __init__(self, nouns: Iterable[Noun]) -> None:
        super().__init__()
        known = {noun.name: noun for noun in nouns}
        self.update({name: RecordWriter(noun, known) for name, noun in known.items() if noun.prefix})


def _existing(table: Table) -> Value:
    return select(table.c.id).where(table.c.workspace_id == WORKSPACE, AnyOf(table.c.id, list_bind("ids", table.c.id.type)))


def _same(table: Table, unique: Unique) -> Any:
    return select(table.c.id).where(table.c.workspace_id == WORKSPACE, table.c[unique.column] == _VALUE, table.c.id != RECORD)


def _of_record(nouns: Mapping[str, Noun], name: str, column: str) -> Any:
    table = nouns[name].row.__table__
    return delete(table).where(table.c.workspace_id == WORKSPACE, table.c[column] == RECORD)


def _owner(visible: Any) -> Any:
    """Return the expression for what viewers are limited to who see a record through one that it refers to, and the referring column."""
    if not isinstance(visible, SeenWith):
        return None
    table = visible.table
    return select(visible.other.owner(table)).where(table.c.workspace_id == WORKSPACE, table.c.id == _VALUE), visible.column
