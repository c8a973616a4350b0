"""The statements that rows of a table are written with, made from the table."""

from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from ..plan.reading import WORKSPACE
from ..storage.columns import Text

_ID: Any = bindparam("row_id", type_=Text(), required=True)


class RowStatements:
    """Insert, find, update and delete of one row by its id."""

    def __init__(self, model: Any) -> None:
        table = model.__table__
        self.table = table
        self.columns: list[str] = [column.name for column in table.c]
        here = (table.c.workspace_id == WORKSPACE, table.c.id == _ID)
        changing = [name for name in self.columns if name not in {"workspace_id", "id", "created_at"}]
        self.insert = insert(table).values({name: bindparam(name, required=True) for name in self.columns})
        self.find = select(*table.c).where(*here)
        self.update = update(table).where(*here).values({name: bindparam(name, required=True) for name in changing})
        self.delete = delete(table).where(*here)

    def as_dict(self, row: Any) -> dict[str, Any]:
        """A row of `find` by column."""
        return dict(zip(self.columns, row, strict=True))
