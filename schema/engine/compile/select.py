"""One SELECT a list level: only the columns asked for, to-one relations joined, and a batch for each to-many relation below it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, and_, literal_column, select

from schema.engine.compile.data_reader import DataReader
from schema.engine.document.variables import Variables
from schema.sql_types import Clause, SelectOf
from schema.storage.database import Row
from schema.storage.statements import JsonRows
from schema.storage.workspace import WORKSPACE
from schema.values import Object, Value

from .response_size import ParentCounts, ResponseSize, counted
from .sources import StoredType


@cache
def alias(table: FromClause, name: str) -> FromClause:
    """A table under another name. All plans share it, since it takes some 30 KB; there are as many as a statement has tables."""
    return table.alias(name)


class Batch(Protocol):
    """Values related to the rows of a level, loaded for all of them at once."""

    key: int
    """The place of the parents' key in their rows."""

    async def load(self, reader: DataReader, parents: ParentCounts, variables: Variables) -> Value:
        """A mapping from each parent's key to its part of the response. Raises ResponseTooLarge."""


@dataclass(slots=True)
class Level:
    """The SELECT of a list level as it grows while the selection is compiled.

    `row` names a row in the writer's code. Its tables' aliases begin with `prefix`, another one within another SELECT.
    """

    stored: StoredType
    limited: bool
    row: str = "r"
    prefix: str = "t"
    embeds: bool = False
    """Whether related rows come with their parent's, as JSON: for one or a few parents that saves a statement, and the transaction."""
    table: FromClause = field(init=False)
    weight: ResponseSize = field(init=False)
    """The bytes of a row in the response, without related records."""
    columns: list[Clause] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    sizes: dict[str, Callable[[Variables], int]] = field(default_factory=dict)
    """The binds of what is embedded, by name, and how to get their values from the variables."""
    _joins: list[tuple[FromClause, ColumnElement[bool]]] = field(default_factory=list)
    _slots: dict[str, int] = field(default_factory=dict)
    _tables: dict[tuple[str, str], FromClause] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = alias(self.stored.table, f"{self.prefix}0")
        self.weight = ResponseSize(self.row)

    def place(self, column: Clause) -> int:
        """Return the index of `column` in a row; the column is added to the SELECT if it is missing."""
        key = (
            str(column.compile(compile_kwargs={"literal_binds": True}))
            if not hasattr(column, "table")
            else f"{column.table.name}.{column.name}"
        )
        if key not in self._slots:
            self._slots[key] = len(self.columns)
            self.columns.append(column)
        return self._slots[key]

    def found(self, column: Clause) -> int | None:
        """Return the index of a table's column in a row, if it is selected already."""
        return self._slots.get(f"{column.table.name}.{column.name}") if hasattr(column, "table") else None

    def embed(self, rows: SelectOf, around: FromClause) -> str:
        """The code of the list of `rows`, selected with each row of this level, to whose table `around` they refer."""
        self.columns.append(JsonRows(rows, around))
        return f"loads({self.row}[{len(self.columns) - 1}])"

    def bind_sizes(self, values: Object, variables: Variables) -> Object:
        """Adds the binds of what is embedded to the other `values`. Raises BadRequest."""
        for name, size in self.sizes.items():
            values[name] = size(variables)
        return values

    def slot(self, column: Clause) -> str:
        """The code that reads `column` from a row."""
        return f"{self.row}[{self.place(column)}]"

    def join(self, parent: FromClause, column: str, target: StoredType) -> FromClause:
        """The row that `parent.column` refers to, joined once for all fields that need it; null where the caller may not see it."""
        key = (str(parent.name), column)  # type: ignore[attr-defined]
        if key not in self._tables:
            table = alias(target.table, f"{self.prefix}{len(self._tables) + 1}")
            same = [table.c.id == parent.c[column]]
            if "workspace_id" in table.c:
                same.insert(0, table.c.workspace_id == parent.c.workspace_id)
            if self.limited and target.visible is not None:
                same.append(target.visible(table))
            self._tables[key] = table
            self._joins.append((table, and_(*same)))
        return self._tables[key]

    def clause(self, *where: ColumnElement[bool], extra: Sequence[Value] = (), source: FromClause | None = None) -> SelectOf:
        """The SELECT, with the workspace and what the caller may see already required. `source` replaces the bare table below it."""
        joined: Any = self.table if source is None else source
        for table, condition in self._joins:
            joined = joined.outerjoin(table, condition)
        # If only __typename or pageInfo is selected there is no column to select, which SQLite's grammar rules out.
        columns = [*self.columns, *extra] or [literal_column("1").label("present")]
        return select(*columns).select_from(joined).where(*self.permitted(), *where)

    def permitted(self) -> list[ColumnElement[bool]]:
        """The conditions of every statement on this table: the workspace, and the visibility of a limited viewer."""
        return permitted(self.table, self.stored, limited=self.limited)

    async def batched(
        self, reader: DataReader, rows: Sequence[Row], variables: Variables, parents: ParentCounts | None = None, place: int = 0
    ) -> list[Value]:
        """Load the batches of `rows`: one mapping a batch, in the writer's order. Raises ResponseTooLarge.

        The rows hang on `parents` in turn, whose keys stand at `place`.
        """
        loaded: list[Value] = []
        for batch in self.batches:
            found = [row[batch.key] for row in rows if row[batch.key] is not None]
            if not found:
                loaded.append({})
                continue
            keys = list(dict.fromkeys(found))
            most = (len(found) - len(keys) + 1) * (1 if parents is None else parents.most)
            hanging = ParentCounts(keys, most, partial(counted, rows, batch.key, parents, place))
            loaded.append(await batch.load(reader, hanging, variables))
        return loaded

    @property
    def parameters(self) -> str:
        """The names of the batches in the writer's code."""
        return "".join(f", b{place}" for place in range(len(self.batches)))


def permitted(table: FromClause, stored: StoredType, *, limited: bool) -> list[ColumnElement[bool]]:
    """The workspace, and what a limited viewer may see of `table`. No statement is made without these."""
    tenant = table.c.workspace_id if "workspace_id" in table.c else table.c.id
    terms: list[ColumnElement[bool]] = [tenant == WORKSPACE]
    if limited and stored.visible is not None:
        terms.append(stored.visible(table))
    return terms
