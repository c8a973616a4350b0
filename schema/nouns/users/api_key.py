"""The API key: it lets a program use the workspace. Only the SHA-256 of its token is kept."""

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field
from strawberry import ID

from schema.engine.declare.columns import field
from schema.engine.declare.noun import noun
from schema.engine.declare.sql import Record
from schema.engine.types.fields import Constraint
from schema.engine.types.scalars import DateTime
from schema.nouns.limits import NAME
from schema.rules.scopes import MOST_SCOPES
from schema.storage.columns import CodePointText

from .enums import Role


@noun(
    "key",
    label="API key",
    unlisted=True,
    scope="tokens",
    creates="A new API key. A program uses it to read or write, as far as its role allows.",
)
class ApiKey(Record, table=True):
    """A key that lets a program use the workspace. What a program does with it has no user, so `by` is null and `actor` is the key.
    Everyone may read the id and the name of a key, also after it was revoked; admins may read everything.
    """

    # After a rotation the former token has the columns `previous_…`, until its overlap ends.
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_api_key_previous", "previous_hash", unique=True))

    name: str = field("What the key is for, so that people can tell it from others.", NAME)
    role: Role = field("What the key may read and write.", admins=True)
    account_id: ID | None = field(
        "The one account that the key is limited to, if any; only viewers can be limited.", to="Account", on_delete="rules", admins=True
    )
    scopes: list[str] | None = field(
        "What the key is narrowed to beside its role, such as `accounts:read`; null if its role alone says what it may do.",
        Constraint(min_items=1, max_items=MOST_SCOPES, unique_items=True),
        stored_as=CodePointText,
        admins=True,
    )
    token_hash: str = Field(sa_type=CodePointText)
    previous_hash: str | None = Field(default=None, sa_type=CodePointText, nullable=True)
    created_at: DateTime = field("When the key was created, in UTC.", admins=True, read_only=True)
    expires_at: DateTime | None = field("When the key stops working, in UTC; null if it never does.", admins=True)
    last_used_at: DateTime | None = field(
        "When the token of the key was last used, in UTC and to the minute; null if it never was.", admins=True, read_only=True
    )
    rotated_at: DateTime | None = field(
        "When the key was last given a new token, in UTC; null if it has its first.", admins=True, read_only=True
    )
    previous_token_expires_at: DateTime | None = field(
        "When the token that the key had before stops working, in UTC; null if there is none.", admins=True, read_only=True
    )
    previous_token_last_used_at: DateTime | None = field(
        "When the token that the key had before was last used, in UTC and to the minute; null if it never was.",
        admins=True,
        read_only=True,
    )
    revoked_at: DateTime | None = field("When the key was revoked, in UTC; null if it was not.", admins=True, read_only=True)
