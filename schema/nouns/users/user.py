"""The user: a person who signs in."""

from sqlalchemy import ColumnElement, FromClause, bindparam, exists, or_
from sqlmodel import Field
from strawberry import ID

from schema.engine.compile.sources import VIEWER_LIMIT
from schema.engine.declare.columns import field
from schema.engine.declare.noun import noun
from schema.engine.declare.sql import Record
from schema.engine.types.scalars import DateTime
from schema.nouns.limits import EMAIL, NAME
from schema.nouns.opportunities.opportunity import Opportunity
from schema.nouns.people import folded_email, folded_name
from schema.storage.columns import CodePointText, Instant
from schema.storage.tables import CLUSTERED

from .enums import Role

VIEWER_USER = bindparam("viewer_user", type_=CodePointText(), required=True)


def visible_user(user: FromClause) -> ColumnElement[bool]:
    """A limited viewer sees itself and whoever owns one of its account's deals."""
    deal = Opportunity.__table__.alias()
    owned = (deal.c.workspace_id == user.c.workspace_id) & (deal.c.assigned_to_id == user.c.id) & (deal.c.account_id == VIEWER_LIMIT)
    return or_(user.c.id == VIEWER_USER, exists().where(owned))


@noun(
    "usr",
    person=True,
    visible=visible_user,
    search="search_folded",
    lists=True,
    creates="A new user, who can sign in from now on.",
    updates="A change of a user. A field that is left out stays as it is; only the account can be cleared, by null.",
)
class User(Record, table=True):
    """A person who signs in, and to whom opportunities can be assigned."""

    __table_args__ = (CLUSTERED,)

    name: str = field("The full name of the user.", NAME, filters=True, folded=folded_name, orders="a")
    search_folded: str = Field(sa_type=CodePointText)
    email: str = field(
        "The e-mail address of the user, unique in the workspace.",
        EMAIL,
        unique=("email_folded", "e-mail address"),
        filters=True,
        folded=folded_email,
        orders="b",
    )
    email_folded: str = Field(sa_type=CodePointText)
    role: Role = field("What the user may read and write.", filters=True, orders="c")
    is_active: bool = field("Whether the user may sign in.", default=True, creates=False, filters=True)
    account_id: ID | None = field(
        "The one account that the user is limited to, if any; only viewers can be limited.",
        to="Account",
        on_delete="rules",
        filters=True,
        through="What must hold of the account that the user is limited to.",
    )
    created_at: DateTime = Field(sa_type=Instant)
    updated_at: DateTime = Field(sa_type=Instant)
    version: int = 1
