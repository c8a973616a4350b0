"""The tables. Every key begins with `workspace_id` (but the workspace's own and the API key's hash): a row's place is its tenant's.

Ids are `<prefix>_<ULID>` text. Money is whole cents. A `…_folded` column holds the case-folded text that searching and ordering by
name use, so that both databases ignore case alike, beyond ASCII too.
"""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from .columns import Cents, Day, Instant, Small, Text

# Parents are read by primary key alone: without a rowid that is one B-tree descent instead of two on SQLite.
CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


class Row(SQLModel):
    """A row of a table."""

    if TYPE_CHECKING:
        __table__: ClassVar[Table]


def _text(*, primary_key: bool = False) -> Any:
    return Field(sa_type=Text, primary_key=primary_key)


def _maybe_text() -> Any:
    return Field(default=None, sa_type=Text, nullable=True)


def _belongs(column: str, table: str) -> ForeignKeyConstraint:
    """A reference that cannot leave the workspace: the foreign key holds the workspace's id too."""
    return ForeignKeyConstraint(["workspace_id", column], [f"{table}.workspace_id", f"{table}.id"])


def _in_workspace() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["workspace_id"], ["workspace.id"])


class Workspace(Row, table=True):
    """A tenant. `revision` grows by one with every committed change of anything in it."""

    __tablename__ = "workspace"
    __table_args__ = (UniqueConstraint("name"), CLUSTERED)

    id: str = _text(primary_key=True)
    name: str = _text()
    currency: str = _text()
    revision: int = Field(default=0, sa_type=Cents)
    created_at: datetime = Field(sa_type=Instant)


class User(Row, table=True):
    """Someone who signs in. `account_id` is the one account that a viewer is limited to, if any."""

    __tablename__ = "user"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "id"),
        _in_workspace(),
        _belongs("account_id", "account"),
        UniqueConstraint("workspace_id", "email_folded"),
        CLUSTERED,
    )

    workspace_id: str = _text()
    id: str = _text()
    name: str = _text()
    search_folded: str = _text()
    email: str = _text()
    email_folded: str = _text()
    role: str = _text()
    is_active: bool = True
    account_id: str | None = _maybe_text()
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    version: int = 1


class Account(Row, table=True):
    """A company that deals are made with."""

    __tablename__ = "account"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "id"),
        _in_workspace(),
        Index("ix_account_newest", "workspace_id", "created_at", "id"),
        CLUSTERED,
    )

    workspace_id: str = _text()
    id: str = _text()
    name: str = _text()
    name_folded: str = _text()
    website: str | None = _maybe_text()
    industry: str | None = _maybe_text()
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    version: int = 1


class Contact(Row, table=True):
    """A person, at one account at most. `name` is what is shown: first and last name, as far as given."""

    __tablename__ = "contact"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "id"),
        _in_workspace(),
        _belongs("account_id", "account"),
        UniqueConstraint("workspace_id", "email_folded"),
        Index("ix_contact_newest", "workspace_id", "created_at", "id"),
        Index("ix_contact_account", "workspace_id", "account_id", "created_at", "id"),
        CLUSTERED,
    )

    workspace_id: str = _text()
    id: str = _text()
    first_name: str | None = _maybe_text()
    last_name: str | None = _maybe_text()
    name: str = _text()
    search_folded: str = _text()
    email: str = _text()
    email_folded: str = _text()
    phone: str | None = _maybe_text()
    title: str | None = _maybe_text()
    account_id: str | None = _maybe_text()
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    version: int = 1


class Opportunity(Row, table=True):
    """A deal. `stage` is the position in the pipeline (0 prospecting … 6 closed lost), so that it orders by it."""

    __tablename__ = "opportunity"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "id"),
        _in_workspace(),
        _belongs("account_id", "account"),
        _belongs("assigned_to_id", "user"),
        CheckConstraint("stage BETWEEN 0 AND 6", name="stage_known"),
        CheckConstraint("probability BETWEEN 0 AND 100", name="probability_percent"),
        # The columns behind `id` let range filters and counts be decided in the index, before a row is fetched.
        Index("ix_opportunity_newest", "workspace_id", "created_at", "id", "stage", "close_date", "value_cents"),
        Index("ix_opportunity_stage", "workspace_id", "stage", "created_at", "id"),
        Index("ix_opportunity_account", "workspace_id", "account_id", "created_at", "id"),
        Index("ix_opportunity_owner", "workspace_id", "assigned_to_id", "created_at", "id"),
        Index("ix_opportunity_value", "workspace_id", "value_cents", "id", "close_date", "stage"),
        Index("ix_opportunity_close", "workspace_id", "close_date", "id", "value_cents", "stage"),
        Index("ix_opportunity_name", "workspace_id", "name_folded", "id"),
        Index("ix_opportunity_updated", "workspace_id", "updated_at", "id"),
    )

    workspace_id: str = _text()
    id: str = _text()
    name: str = _text()
    name_folded: str = _text()
    account_id: str = _text()
    value_cents: int | None = Field(default=None, sa_type=Cents)
    stage: int = Field(sa_type=Small)
    probability: int = Field(sa_type=Small)
    probability_manual: bool = False
    close_date: date | None = Field(default=None, sa_type=Day)
    closed_date: date | None = Field(default=None, sa_type=Day)
    loss_reason: str | None = _maybe_text()
    assigned_to_id: str | None = _maybe_text()
    source: str | None = _maybe_text()
    source_folded: str | None = _maybe_text()
    description: str | None = _maybe_text()
    stage_since: datetime = Field(sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)
    version: int = 1


class OpportunityContact(Row, table=True):
    """A contact on a deal, at the place that the writer gave it."""

    __tablename__ = "opportunity_contact"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "opportunity_id", "position"),
        _belongs("opportunity_id", "opportunity"),
        _belongs("contact_id", "contact"),
        UniqueConstraint("workspace_id", "contact_id", "opportunity_id"),
        CLUSTERED,
    )

    workspace_id: str = _text()
    opportunity_id: str = _text()
    position: int
    contact_id: str = _text()


class StageChange(Row, table=True):
    """A step of a deal through the pipeline. `sequence` is the deal's version that it made; `duration` is seconds spent in `from_stage`.

    Either `by_id`, the user, or `by_key_id`, the API key, says who did it; both are null in rows of before revision 0003 that a key made.
    """

    __tablename__ = "stage_change"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "opportunity_id", "sequence"),
        _belongs("opportunity_id", "opportunity"),
        CLUSTERED,
    )

    workspace_id: str = _text()
    opportunity_id: str = _text()
    sequence: int
    from_stage: int | None = Field(default=None, sa_type=Small)
    to_stage: int = Field(sa_type=Small)
    at: datetime = Field(sa_type=Instant)
    by_id: str | None = _maybe_text()
    duration: int | None = Field(default=None, sa_type=Cents)
    by_key_id: str | None = _maybe_text()


class Event(Row, table=True):
    """What happened to a deal, told to subscribers. `before` and `after` are JSON of what filters and limited viewers need.

    `by_id` and `by_key_id` are as in `StageChange`.
    """

    __tablename__ = "event"
    __table_args__ = (PrimaryKeyConstraint("workspace_id", "revision", "position"), _in_workspace(), CLUSTERED)

    workspace_id: str = _text()
    revision: int = Field(sa_type=Cents)
    position: int
    kind: str = _text()
    opportunity_id: str = _text()
    changed_fields: str = _text()
    before: str | None = _maybe_text()
    after: str | None = _maybe_text()
    at: datetime = Field(sa_type=Instant)
    by_id: str | None = _maybe_text()
    by_key_id: str | None = _maybe_text()


class PrunedEvents(Row, table=True):
    """How far a workspace's events are gone: none is kept up to this place of this revision, and all after it are."""

    __tablename__ = "pruned_events"
    __table_args__ = (PrimaryKeyConstraint("workspace_id"), _in_workspace(), CLUSTERED)

    workspace_id: str = _text()
    revision: int = Field(sa_type=Cents)
    position: int


class Sweep(Row, table=True):
    """Which process sweeps away what is too old: `holder` alone, until `until`."""

    __tablename__ = "sweep"
    __table_args__ = (CLUSTERED,)

    name: str = _text(primary_key=True)
    holder: str = _text()
    until: datetime = Field(sa_type=Instant)


class ApiKey(Row, table=True):
    """A workspace's key: only the SHA-256 of its token is kept."""

    __tablename__ = "api_key"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "id"),
        _in_workspace(),
        _belongs("account_id", "account"),
        UniqueConstraint("token_hash"),
    )

    workspace_id: str = _text()
    id: str = _text()
    name: str = _text()
    role: str = _text()
    account_id: str | None = _maybe_text()
    token_hash: str = _text()
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class IdempotencyKey(Row, table=True):
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


class RestUsage(Row, table=True):
    """How often a token used a REST route, a parameter or a field, and when last: what still keeps it on the old door."""

    __tablename__ = "rest_usage"
    __table_args__ = (PrimaryKeyConstraint("workspace_id", "token_id", "route", "kind", "name"), _in_workspace(), CLUSTERED)

    workspace_id: str = _text()
    token_id: str = _text()
    route: str = _text()
    kind: str = _text()
    name: str = _text()
    count: int = Field(default=0, sa_type=Cents)
    first_used_at: datetime = Field(sa_type=Instant)
    last_used_at: datetime = Field(sa_type=Instant)


class GraphqlUsage(Row, table=True):
    """How often a client, under a token, ran an operation of GraphQL or asked for a field, and when last."""

    __tablename__ = "graphql_usage"
    __table_args__ = (PrimaryKeyConstraint("workspace_id", "token_id", "client", "kind", "name"), _in_workspace(), CLUSTERED)

    workspace_id: str = _text()
    token_id: str = _text()
    client: str = _text()
    kind: str = _text()
    name: str = _text()
    count: int = Field(default=0, sa_type=Cents)
    first_used_at: datetime = Field(sa_type=Instant)
    last_used_at: datetime = Field(sa_type=Instant)
