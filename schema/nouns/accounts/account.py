"""The account: a company that deals are made with."""

from sqlalchemy import Index
from sqlmodel import Field

from schema.engine.compile.sources import OwnedBy
from schema.engine.declare.columns import field
from schema.engine.declare.noun import noun
from schema.engine.declare.relations import listed
from schema.engine.declare.sql import Record
from schema.engine.types.fields import Constraint
from schema.engine.types.scalars import DateTime
from schema.nouns.limits import NAME, SHORT
from schema.storage.columns import CodePointText
from schema.storage.tables import CLUSTERED


@noun(
    "acc",
    visible=OwnedBy("id"),
    search="name_folded",
    lists=True,
    creates="A new account. A field that is left out, or null, stays empty.",
    updates="A change of an account. A field that is left out stays as it is; null clears it, but not the name.",
)
class Account(Record, table=True):
    """A company that the workspace does business with, or would like to."""

    __table_args__ = (Index("ix_account_newest", "workspace_id", "created_at", "id"), CLUSTERED)

    name: str = field("The name of the account.", NAME, filters=True, folded="name_folded", orders="a")
    name_folded: str = Field(sa_type=CodePointText)
    website: str | None = field("The address of the account's website.", Constraint(max_length=500), filters=True)
    industry: str | None = field("The industry that the account works in.", SHORT, filters=True, orders="b")
    created_at: DateTime = field("When the account was created, in UTC.", read_only=True, filters=True, orders="f")
    updated_at: DateTime = field("When the account was last changed, in UTC.", read_only=True, filters=True, orders="g")
    version: int = field("The version of the account: a number that grows by one with every change.", default=1, read_only=True)
    contacts = listed("The contacts who work for the account; newest first, unless `orderBy` is given.", "Contact", "account_id")
    opportunities = listed("The opportunities with the account; newest first, unless `orderBy` is given.", "Opportunity", "account_id")
