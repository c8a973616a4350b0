"""The contact: a person, at one account at most."""

from sqlalchemy import Index
from sqlmodel import Field
from strawberry import ID

from schema.engine.compile.sources import OwnedBy
from schema.engine.declare.columns import field
from schema.engine.declare.noun import noun
from schema.engine.declare.relations import listed
from schema.engine.declare.sql import Record
from schema.engine.types.scalars import DateTime
from schema.nouns.limits import EMAIL, LINE, SHORT
from schema.nouns.people import folded_email, folded_name
from schema.storage.columns import CodePointText
from schema.storage.tables import CLUSTERED

from .links import OPPORTUNITIES


@noun(
    "cnt",
    visible=OwnedBy("account_id"),
    search="search_folded",
    lists=True,
    creates="A new contact. It needs a first or a last name, and an e-mail address that no other contact of the workspace has.",
    updates="A change of a contact. A field that is left out stays as it is; null clears it, but not the e-mail address.",
)
class Contact(Record, table=True):
    """A person with whom the workspace is in touch, at one account at most."""

    __table_args__ = (
        Index("ix_contact_newest", "workspace_id", "created_at", "id"),
        Index("ix_contact_account", "workspace_id", "account_id", "created_at", "id"),
        CLUSTERED,
    )

    first_name: str | None = field("The first name of the contact.", SHORT)
    last_name: str | None = field("The last name of the contact.", SHORT)
    name: str = field(
        "The first and the last name of the contact, as far as they are known.",
        read_only=True,
        longest=201,
        filters=True,
        folded=folded_name,
        orders="a",
    )
    search_folded: str = Field(sa_type=CodePointText)
    email: str = field(
        "The e-mail address of the contact, unique in the workspace.",
        EMAIL,
        unique=("email_folded", "e-mail address"),
        filters=True,
        folded=folded_email,
        orders="b",
    )
    email_folded: str = Field(sa_type=CodePointText)
    phone: str | None = field("The telephone number of the contact.", SHORT)
    title: str | None = field("The job title of the contact.", LINE, filters=True)
    account_id: ID | None = field(
        "The account that the contact works for.",
        to="Account",
        on_delete="clear",
        filters=True,
        through="What must hold of the account that the contact works for.",
        ordered_by={"ACCOUNT_NAME": ("c", "name", "The name of the account that the contact works for.")},
    )
    created_at: DateTime = field("When the contact was created, in UTC.", read_only=True, filters=True, orders="f")
    updated_at: DateTime = field("When the contact was last changed, in UTC.", read_only=True, filters=True, orders="g")
    version: int = field("The version of the contact: a number that grows by one with every change.", default=1, read_only=True)
    opportunities = listed(
        "The opportunities that the contact takes part in; newest first, unless `orderBy` is given.", "Opportunity", OPPORTUNITIES
    )
