"""Sources of the graph's fields: a column, an expression, a related row, many. Types declare them, the planner reads them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from graphql import GraphQLField, GraphQLInputField
from sqlalchemy import ColumnElement, FromClause, Table, bindparam, exists, select

from schema.engine.libraries.strawberry_graphql import declared
from schema.sql_types import Clause
from schema.storage.columns import CodePointText
from schema.values import Object, Value, Values

from .aggregates import SummarySql
from .order import Ordering

SOURCE = "source"
"""The key of a strawberry field's metadata that holds its source."""
RESOLVED = "resolved"
"""The key of a strawberry field's metadata that says what its resolver needs."""
FOR_ADMINS = "for_admins"
"""The key of a strawberry field's metadata that says that everybody but an admin reads null."""
LIMITS = "limits"
"""The key of an input field's metadata that holds its limits."""
COLUMN = "column"
"""The key of an input field's metadata that holds the name of its column, where that is not the field's own."""
CLEARS = "clears"
"""The key of an input field's metadata that says whether null clears the column."""
WRITES = "writes"
"""The key of a mutation's metadata that holds the name of the type whose records it changes."""
SCOPE = "scope"
"""The key of a field's metadata that holds the scope which it needs, where its source doesn't say that."""
LONGEST = "longest"
"""The key of an output field's metadata that says how many characters it has at most."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the type's own table."""

    name: str


@dataclass(frozen=True, slots=True)
class SqlExpression:
    """A SQL expression over the type's own table."""

    build: Callable[[FromClause], Clause]


@dataclass(frozen=True, slots=True)
class ToOne:
    """The row that `column` refers to: a column of the type's own table, or a key of a plain object."""

    type_name: str
    column: str


@dataclass(frozen=True, slots=True)
class OneOf:
    """A member of a union: the row that the first of `members` whose column isn't null refers to."""

    members: tuple[ToOne, ...]


@dataclass(frozen=True, slots=True)
class BackReference:
    """Related rows whose `column` refers to this one, in the order of their columns `order`."""

    column: str
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ThroughLinks:
    """Related rows through a link table: its column for this side, its column for the other, and its order."""

    table: Table
    here: str
    there: str
    order: str


@dataclass(frozen=True, slots=True)
class ToMany:
    """All related rows, in order: one batched statement for all parents.

    `last`: only the newest, as many as the field's argument of that name says.
    """

    type_name: str
    by: BackReference | ThroughLinks
    last: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionSource:
    """A page of rows: of the workspace's (`by` None), or of those related to each parent.

    `columns` are those that arguments of other names than a page's are compared with, by argument. Below a plain object `of` is its key
    for the parent's id; where that is null there is no page. `admin`: only administrators may ask, which is for root fields.
    """

    type_name: str
    by: BackReference | ThroughLinks | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    of: str = ""
    admin: bool = False


@dataclass(frozen=True, slots=True)
class RecordById:
    """The one row with the argument `id`, or null."""

    type_name: str


@dataclass(frozen=True, slots=True)
class NodeById:
    """The row, of any type, with the argument `id`, or one for each of `ids`."""

    many: bool


@dataclass(frozen=True, slots=True)
class AllRows:
    """All rows of a type, without paging, for administrators."""

    type_name: str
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FromCaller:
    """A plain object or list made by `make` from the caller, without the database."""

    make: Callable[[Value], Value]


class RunAggregate(Protocol):
    """Aggregates in the database for a query's field, by the field's arguments."""

    def __call__(self, reader: Any, arguments: Values) -> Awaitable[Value]:
        """Plain objects. Raises GatewayError, and NotCompiled where the statement isn't compiled."""

    def compile(self, arguments: Values) -> None:
        """Compiles the statement for these arguments. Raises GatewayError."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Plain objects that the database aggregates from rows of a type: `make` gets the compiler.

    `dearer` is the argument with which that costs more, `size` the one that says how many objects there are at most.
    """

    make: Callable[[Value], RunAggregate]
    type_name: str
    dearer: str | None = None
    size: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class WritePreview:
    """A plain object that the rules of a write to a type work out without writing, by the name of the query's field."""

    name: str
    type_name: str


@dataclass(frozen=True, slots=True)
class EventSource:
    """Events of the records of a type; `id_field` is the event's field that has the record's id."""

    type_name: str
    id_field: str


@dataclass(frozen=True, slots=True)
class ResolverSource:
    """A field answered by a Python function, once everything is read, from the columns `needs` of its record. Each call counts `cost`.

    `batch`: it is called once for all records of a level, with a list of them, and answers as many values. `admin`: a mutation that only
    admins may call.
    """

    needs: tuple[str, ...] = ()
    cost: int = 1
    batch: bool = False
    admin: bool = False


FieldSource = (
    Column
    | SqlExpression
    | ToOne
    | OneOf
    | ToMany
    | ConnectionSource
    | RecordById
    | NodeById
    | AllRows
    | FromCaller
    | Aggregate
    | WritePreview
    | EventSource
    | ResolverSource
)


VIEWER_LIMIT = bindparam("viewer_limit", type_=CodePointText(), required=True)


@dataclass(frozen=True, slots=True)
class OwnedBy:
    """Which rows a limited viewer sees: those whose `column` names the record that the viewer is limited to.

    Called with a table it makes the SQL condition.
    """

    column: str

    def __call__(self, row: FromClause) -> ColumnElement[bool]:
        return row.c[self.column] == VIEWER_LIMIT

    def owner(self, row: FromClause) -> Clause:
        """Return the expression that `VIEWER_LIMIT` must equal for a row to be visible."""
        return row.c[self.column]

    def holds(self, state: Values, limit: str) -> bool:
        """The same of a record's state, as an event keeps it."""
        return bool(state[self.column] == limit)


OWNER = "seen_with"
"""The key of an event's state for what limits viewers, of records that are visible through another one."""


@dataclass(frozen=True, slots=True)
class SeenWith:
    """Which rows a limited viewer sees: those whose `column` refers to a row of `table` that it sees by `other`."""

    column: str
    table: Table
    other: "OwnedBy | SeenWith"

    def __call__(self, row: FromClause) -> ColumnElement[bool]:
        return exists().where(*self._joined(row, table := self.table.alias()), self.other(table))

    def owner(self, row: FromClause) -> Clause:
        """Return the expression that `VIEWER_LIMIT` must equal for a row to be visible."""
        table = self.table.alias()
        return select(self.other.owner(table)).where(*self._joined(row, table)).scalar_subquery()

    def holds(self, state: Values, limit: str) -> bool:
        """Whether a record was seen, by its state as an event keeps it."""
        return bool(state[OWNER] == limit)

    def _joined(self, row: FromClause, table: FromClause) -> tuple[ColumnElement[bool], ...]:
        return table.c.workspace_id == row.c.workspace_id, table.c.id == row.c[self.column]


@dataclass(frozen=True, slots=True)
class StoredType:
    """Where a type's rows are: its table, the prefix of its ids, and what a limited viewer may see of it.

    `unlisted`: such a viewer meets the rows through records that it sees, and finds none by its id. `ordering` is there where they are
    listed in pages, `summary` where all that match are summed up. `scope` is the area of the scope that a token needs to read the rows, the
    table's name unless said; None says that every token may read them.
    """

    table: Table
    prefix: str | None = None
    visible: Callable[[FromClause], ColumnElement[bool]] | None = None
    search: str | None = None
    key: str = "id"
    unlisted: bool = False
    ordering: Ordering | None = None
    summary: SummarySql | None = None
    scope: str | None = ""

    @property
    def area(self) -> str | None:
        """The area of the scope that a token needs to read the rows; None where it needs none."""
        return self.table.name if self.scope == "" else self.scope


def metadata(field: GraphQLField | GraphQLInputField) -> Object:
    """Return the metadata of a field's declaration beyond GraphQL."""
    declaration = declared(field)
    return dict(declaration.metadata) if declaration is not None else {}
