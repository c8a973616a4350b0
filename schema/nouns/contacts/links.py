"""Which contacts take part in which opportunities."""

from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint
from sqlmodel import Field

from schema.engine.compile.sources import ThroughLinks
from schema.storage.columns import CodePointText
from schema.storage.tables import CLUSTERED, TableRow


class OpportunityContact(TableRow, table=True):
    """A contact on a deal, at the place that the writer gave it."""

    __tablename__ = "opportunity_contact"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "opportunity_id", "position"),
        ForeignKeyConstraint(["workspace_id", "opportunity_id"], ["opportunity.workspace_id", "opportunity.id"]),
        ForeignKeyConstraint(["workspace_id", "contact_id"], ["contact.workspace_id", "contact.id"]),
        UniqueConstraint("workspace_id", "contact_id", "opportunity_id"),
        CLUSTERED,
    )

    workspace_id: str = Field(sa_type=CodePointText)
    opportunity_id: str = Field(sa_type=CodePointText)
    position: int
    contact_id: str = Field(sa_type=CodePointText)


CONTACTS = ThroughLinks(OpportunityContact.__table__, here="opportunity_id", there="contact_id", order="position")
OPPORTUNITIES = ThroughLinks(OpportunityContact.__table__, here="contact_id", there="opportunity_id", order="position")
