"""The links of a record to others, in the order that a writer gave."""

from sqlalchemy import bindparam, delete, select

from schema.engine.compile.sources import ThroughLinks
from schema.sql_types import Bind
from schema.storage.columns import CodePointText
from schema.storage.statements import insert_of
from schema.storage.workspace import WORKSPACE

from .rules import RecordValues
from .write_transaction import WriteTransaction

RECORD: Bind = bindparam("record", type_=CodePointText(), required=True)


class Links:
    """The statements on a table of links. `ids` is where a record's values hold the ids of the linked records."""

    def __init__(self, ids: str, by: ThroughLinks) -> None:
        table = by.table
        own = (table.c.workspace_id == WORKSPACE, table.c[by.here] == RECORD)
        self.ids = ids
        self._by = by
        self.find = select(table.c[by.there]).where(*own).order_by(table.c[by.order])
        self.clear = delete(table).where(*own)
        self._add = insert_of(table)

    async def write(self, writing: WriteTransaction, row: RecordValues) -> None:
        """Links a new record, or one whose links were cleared, with the records of `row`'s ids."""
        own = {"workspace_id": writing.caller.workspace_id, self._by.here: row["id"]}
        await writing.execute_many(
            self._add, [{**own, self._by.order: place, self._by.there: id_} for place, id_ in enumerate(row[self.ids])]
        )
