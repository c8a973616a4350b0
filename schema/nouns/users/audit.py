"""The audit list: who made, changed, rotated and revoked keys and users."""

from sqlalchemy import Index
from sqlmodel import Field
from strawberry import ID

from schema.engine.declare.columns import field
from schema.engine.declare.noun import noun
from schema.engine.declare.relations import one_of
from schema.engine.declare.sql import Record
from schema.engine.types.scalars import DateTime
from schema.storage.columns import CodePointText
from schema.storage.tables import CLUSTERED

from .actor import Actor
from .enums import AuditKind


@noun(label="audit entry", plural="audit entries", lists=True, scope="audit")
class AuditEntry(Record, table=True):
    """An entry of the audit list: who made, changed, rotated or revoked an API key or a user, and when. It never holds a token."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_newest", "workspace_id", "created_at", "id"), CLUSTERED)

    id: ID = field("The id of the audit entry.", read_only=True)
    kind: AuditKind = field("What was done to the user or the API key.", filters=True)
    at: DateTime = field(
        "When the user or the API key was created, changed, rotated or revoked, in UTC.", column="created_at", filters=True
    )
    actor = one_of(
        "The user or the API key that made the change; null if it was made on the command line.",
        lambda: Actor,
        by_id="User",
        by_key_id="ApiKey",
    )
    by_id: str | None = Field(default=None, sa_type=CodePointText, nullable=True)
    by_key_id: str | None = Field(default=None, sa_type=CodePointText, nullable=True)
    user_id: ID | None = field("The user that was created or changed; null for an API key.", to="User", loose=True, filters=True)
    api_key_id: ID | None = field(
        "The API key that was created, rotated or revoked; null for a user.", to="ApiKey", loose=True, filters=True
    )
    changed_fields: list[str] = field("The names of the fields that were given or changed.", stored_as=CodePointText)
    details: str | None = field(
        "What was given or changed of the rights, as a sentence for people: the value before, an arrow, the value after.", longest=2_000
    )
