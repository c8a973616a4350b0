"""The stage change: a step of a deal through the pipeline."""

from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint
from sqlmodel import Field
from strawberry import ID

from schema.engine.declare.columns import field
from schema.engine.declare.noun import noun
from schema.engine.declare.relations import one_of
from schema.engine.declare.sql import Stored
from schema.engine.types.scalars import DateTime
from schema.nouns.users.actor import Actor, by_actor, by_user
from schema.storage.columns import Cents, CodePointText
from schema.storage.tables import CLUSTERED

from .enums import OpportunityStage

_DID = "moved the opportunity"


@noun(label="stage change", key="sequence", scope="opportunities")
class StageChange(Stored, table=True):
    """A move of an opportunity from one stage to another, or its creation."""

    # `sequence` is the deal's version that the step made. Either `by_id` or `by_key_id` says who did it; both are null in rows of before
    # revision 0003 that a key made.
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "opportunity_id", "sequence"),
        ForeignKeyConstraint(["workspace_id", "opportunity_id"], ["opportunity.workspace_id", "opportunity.id"]),
        CLUSTERED,
    )

    workspace_id: str = Field(sa_type=CodePointText)
    opportunity_id: str = Field(sa_type=CodePointText)
    sequence: int
    from_: OpportunityStage | None = field("The stage that the opportunity left; null for its creation.", column="from_stage")
    to: OpportunityStage = field("The stage that the opportunity entered.", column="to_stage")
    at: DateTime = field("When the opportunity entered the stage, in UTC.")
    by_id: ID | None = field(by_user(_DID), to="User", loose=True)
    actor = one_of(by_actor(_DID), lambda: Actor, by_id="User", by_key_id="ApiKey")
    duration: int | None = field("How many seconds the opportunity was in the stage that it left; null for its creation.", stored_as=Cents)
    by_key_id: str | None = Field(default=None, sa_type=CodePointText, nullable=True)
