"""The statements that a record and its links are written with, made from their tables."""

from typing import Any

from sqlalchemy import Boolean, bindparam, delete, select, update

from schema.engine.compile.sources import ThroughLinks
from schema.sql_types import Bind
from schema.storage.columns import CodePointText
from schema.storage.statements import insert_of
from schema.storage.workspace import WORKSPACE
from schema.values import Made, Object, Value

from .rules import RecordValues
from .write_transaction import WriteTransaction

_ID: Bind = bindparam("row_id", type_=CodePointText(), required=True)
RECORD: Bind = bindparam("record", type_=CodePointText(), required=True)


class RowStatements:
    """Insert, find, update and delete of one row by its id."""

    def __init__(self, model: Made) -> None:
        table = model.__table__
        self.table = table
        self.columns: list[str] = [column.name for column in table.c]
        self._flags = [column.name for column in table.c if isinstance(column.type, Boolean)]
        here = (table.c.workspace_id == WORKSPACE, table.c.id == _ID)
        self._here = here
        self._updates: dict[frozenset[str], Any] = {}
        self.insert = insert_of(table)
        self.find = select(*table.c).where(*here)
        self.delete = delete(table).where(*here)

    def update(self, columns: frozenset[str]) -> Value:
        """Sets `columns` of the row `row_id`. Only what changes is named: SQLite rewrites the index entry of every column that is."""
        if columns not in self._updates:
            named: Object = {name: bindparam(name, required=True) for name in self.columns if name in columns}
            self._updates[columns] = update(self.table).where(*self._here).values(named)
        return self._updates[columns]

    def as_dict(self, row: Value) -> Object:
        """A row of `find` by column. SQLite's driver gives numbers for what is true or false; null is neither."""
        found = dict(zip(self.columns, row, strict=True))
        return found | {name: bool(value) for name in self._flags if (value := found[name]) is not None}


class Links:
    """The statements on a record's links to others, which stand in the order that a writer gave.

    `ids` is where a record's values hold the ids of the linked records.
    """

    def __init__(self, ids: str, by: ThroughLinks) -> None:
        table = by.table
        own = (table.c.workspace_id == WORKSPACE, table.c[by.here] == RECORD)
        self.ids = ids
        self._by = by
        self.find = select(table.c[by.there]).where(*own).order_by(table.c[by.order])
        self.clear = delete(table).where(*own)
        self._add = insert_of(table)

    async def write(self, transaction: WriteTransaction, row: RecordValues) -> None:
        """Links a new record, or one whose links were cleared, with the records of `row`'s ids."""
        own = {"workspace_id": transaction.caller.workspace_id, self._by.here: row["id"]}
        await transaction.execute_many(
            self._add, [{**own, self._by.order: place, self._by.there: id_} for place, id_ in enumerate(row[self.ids])]
        )
