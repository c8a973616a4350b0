"""The tables. Every key begins with `workspace_id` (but the workspace's own and the API key's hash): a row's place is its tenant's.

Ids are `<prefix>_<ULID>` text. Money is whole cents. A `…_folded` column holds the case-folded text that searching and ordering by
name use, so that both databases ignore case alike, beyond ASCII too.
"""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from schema.values import Object, Value

from .columns import Cents, CodePointText, Instant

# Parents are read by primary key alone: without a rowid that is one B-tree descent instead of two on SQLite.
CLUSTERED: Object = {"sqlite_with_rowid": False}


class TableRow(SQLModel):
    """A row of a table."""

    if TYPE_CHECKING:
        __table__: ClassVar[Table]


def tables_of(package: str) -> dict[str, Table]:
    """The tables that the classes of a package or a module declare, by name."""
    waiting: list[type[TableRow]] = TableRow.__subclasses__()
    found = {}
    for row in waiting:
        waiting.extend(row.__subclasses__())
        if hasattr(row, "__table__") and f"{row.__module__}.".startswith(f"{package}."):
            found[row.__table__.name] = row.__table__
    return found


def _text(*, primary_key: bool = False) -> Value:
    return Field(sa_type=CodePointText, primary_key=primary_key)


def _maybe_text() -> Value:
    return Field(default=None, sa_type=CodePointText, nullable=True)


def _in_workspace() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["workspace_id"], ["workspace.id"])


class WorkspaceTable(TableRow, table=True):
    """A tenant. `revision` grows by one with every committed change of anything in it."""

    __tablename__ = "workspace"
    __table_args__ = (UniqueConstraint("name"), CLUSTERED)

    id: str = _text(primary_key=True)
    name: str = _text()
    currency: str = _text()
    revision: int = Field(default=0, sa_type=Cents)
    created_at: datetime = Field(sa_type=Instant)


class Epoch(TableRow, table=True):
    """Which history of the database this is: one row, written when a backup is restored. Without it the `number` is 0."""

    __tablename__ = "epoch"
    __table_args__ = (CLUSTERED,)

    id: int = Field(primary_key=True)
    number: int = Field(sa_type=Cents)
    began_at: datetime = Field(sa_type=Instant)


class Event(TableRow, table=True):
    """A change of a record, sent to subscribers. `before` and `after` are JSON of the columns that filters and limited viewers need.

    `by_id` and `by_key_id` are as in `StageChange`.
    """

    __tablename__ = "event"
    __table_args__ = (PrimaryKeyConstraint("workspace_id", "revision", "position"), _in_workspace(), CLUSTERED)

    workspace_id: str = _text()
    revision: int = Field(sa_type=Cents)
    position: int
    kind: str = _text()
    # Events of before revision 0007 are about opportunities.
    noun: str = Field(sa_type=CodePointText, sa_column_kwargs={"server_default": "Opportunity"})
    record_id: str = _text()
    changed_fields: str = _text()
    before: str | None = _maybe_text()
    after: str | None = _maybe_text()
    at: datetime = Field(sa_type=Instant)
    by_id: str | None = _maybe_text()
    by_key_id: str | None = _maybe_text()


class PrunedEvents(TableRow, table=True):
    """The position up to which a workspace's events are pruned: none is kept up to this place of this revision, and all after it are."""

    __tablename__ = "pruned_events"
    __table_args__ = (PrimaryKeyConstraint("workspace_id"), _in_workspace(), CLUSTERED)

    workspace_id: str = _text()
    revision: int = Field(sa_type=Cents)
    position: int


class Sweep(TableRow, table=True):
    """Which process sweeps away what is too old: `holder` alone, until `until`."""

    __tablename__ = "sweep"
    __table_args__ = (CLUSTERED,)

    name: str = _text(primary_key=True)
    holder: str = _text()
    until: datetime = Field(sa_type=Instant)


class IdempotencyKey(TableRow, table=True):
    """The answer kept under a key that a caller gave with a write, for 24 hours, per token."""

    __tablename__ = "idempotency_key"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "token_id", "key"),
        _in_workspace(),
        Index("ix_idempotency_age", "workspace_id", "created_at"),
        CLUSTERED,
    )

    workspace_id: str = _text()
    token_id: str = _text()
    key: str = _text()
    fingerprint: str = _text()
    answer: str = _text()
    created_at: datetime = Field(sa_type=Instant)
