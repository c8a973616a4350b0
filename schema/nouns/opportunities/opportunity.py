"""The opportunity: a deal on its way through the pipeline."""

from sqlalchemy import CheckConstraint, ColumnElement, FromClause, Index, exists
from sqlmodel import Field
from strawberry import ID

from schema.engine.compile.sources import VIEWER_LIMIT, OwnedBy
from schema.engine.declare.columns import field
from schema.engine.declare.members import Argument
from schema.engine.declare.noun import noun
from schema.engine.declare.relations import computed, flag, linked, newest
from schema.engine.declare.sql import Record
from schema.engine.types.fields import Constraint
from schema.engine.types.scalars import Date, DateTime, Money
from schema.nouns.contacts.contact import Contact
from schema.nouns.contacts.links import CONTACTS
from schema.nouns.limits import NAME, SHORT
from schema.rules.stages import FIRST_CLOSED
from schema.storage.columns import CodePointText, Instant, Small

from .amounts import SUMMARY, weighted_cents
from .enums import OpportunityStage, ProbabilitySource
from .report_types import NewestArg, Summary


def _visible_link(link: FromClause) -> ColumnElement[bool]:
    """A link to a contact of the viewer's account."""
    contact = Contact.__table__.alias()
    same = (contact.c.workspace_id == link.c.workspace_id) & (contact.c.id == link.c.contact_id)
    return exists().where(same, contact.c.account_id == VIEWER_LIMIT)


@noun(
    "opp",
    plural="opportunities",
    visible=OwnedBy("account_id"),
    lists=True,
    followed=True,
    summary=(Summary, SUMMARY),
    creates="A new opportunity. A field that is left out, or null, takes its default.",
    updates=(
        "A change of an opportunity. A field that is left out stays as it is; null clears it, but not name, account, stage and probability."
    ),
)
class Opportunity(Record, table=True):
    """An opportunity on its way through the stages of the pipeline."""

    __table_args__ = (
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

    name: str = field("What the opportunity is called.", NAME, filters=True, folded="name_folded", orders="a")
    name_folded: str = Field(sa_type=CodePointText)
    account_id: ID = field(
        "The account that the opportunity is with.",
        to="Account",
        on_delete="refuse",
        filters=True,
        through="What must hold of the account that the opportunity is with.",
        groups=("ACCOUNT", "The account that all opportunities of the group are with."),
        ordered_by={"ACCOUNT_NAME": ("j", "name", "The name of the account that the opportunity is with.")},
    )
    value: Money | None = field(
        "What the opportunity is worth, in the workspace's currency.", Constraint(min=0), column="value_cents", filters=True, orders="b"
    )
    stage: OpportunityStage = field(
        "The stage of the pipeline that the opportunity is in.",
        on_create="By default it is the first stage.",
        filters=True,
        orders="c",
        groups=("STAGE", "The stage that all opportunities of the group are in."),
    )
    is_closed = flag("Whether the opportunity is closed: won or lost.", "stage", at_least=FIRST_CLOSED)
    probability: int = field(
        "How likely the opportunity is to be won, in percent.",
        Constraint(min=0, max=100),
        on_create="By default it is that of the stage.",
        stored_as=Small,
        filters=True,
        orders="d",
    )
    probability_source: ProbabilitySource = field(
        "Whether the probability is the default of the stage, or was given by someone.",
        column="probability_manual",
        default=False,
        read_only=True,
    )
    weighted_value: Money | None = computed(
        weighted_cents,
        "`value` × `probability` / 100, rounded half up to the cent. A won opportunity counts with its whole value, a lost one with 0.",
        orders="i",
    )
    close_date: Date | None = field("When the opportunity is expected to close.", filters=True, orders="e")
    closed_date: Date | None = field(
        "When the opportunity was closed; only closed opportunities have this date.",
        on_create="A closed one without a date gets today's, in UTC.",
        filters=True,
        orders="h",
    )
    loss_reason: str | None = field(
        "Why the opportunity was lost; only lost opportunities have a reason.",
        Constraint(max_length=500),
        filters=True,
        groups=("LOSS_REASON", "Why all opportunities of the group were lost."),
    )
    assigned_to_id: ID | None = field(
        "The user who looks after the opportunity.",
        to="User",
        filters=True,
        through="What must hold of the user who looks after the opportunity.",
        in_sight=True,
        groups=("OWNER", "The user who looks after all opportunities of the group."),
        ordered_by={"OWNER_NAME": ("k", "name", "The name of the user who looks after the opportunity.")},
    )
    source: str | None = field(
        "Where the opportunity came from, such as a campaign or a partner.",
        SHORT,
        filters=True,
        folded="source_folded",
        groups=("SOURCE", "Where all opportunities of the group came from."),
    )
    source_folded: str | None = Field(default=None, sa_type=CodePointText, nullable=True)
    contacts = linked(
        "The people who take part in the opportunity, in the order that was given.",
        "Contact",
        CONTACTS,
        limits=Constraint(max_items=250, unique_items=True),
        one=("contact_id", "A person who takes part in the opportunity."),
        visible=_visible_link,
        on_update="Null and an empty list remove them all.",
        on_delete="clear",
    )
    description: str | None = field("Notes on the opportunity, as free text.", Constraint(max_length=10_000))
    stage_since: DateTime = Field(sa_type=Instant)
    created_at: DateTime = field("When the opportunity was created, in UTC.", read_only=True, filters=True, orders="f")
    updated_at: DateTime = field("When the opportunity was last changed, in UTC.", read_only=True, filters=True, orders="g")
    version: int = field("The version of the opportunity: a number that grows by one with every change.", default=1, read_only=True)
    stage_history = newest(
        "The newest moves of the opportunity through the pipeline, the oldest of these first.",
        "StageChange",
        "opportunity_id",
        "sequence",
        Argument("last", NewestArg, 100),
    )
