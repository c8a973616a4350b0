"""Usage counts of REST by token: they show what keeps clients on REST."""

from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint
from sqlmodel import Field

from schema.engine.declare.columns import field
from schema.engine.declare.noun import noun
from schema.engine.declare.sql import Stored
from schema.engine.types.scalars import DateTime
from schema.storage.columns import Cents, CodePointText
from schema.storage.tables import CLUSTERED

from .enums import RestUsageKind


@noun(key="name", scope="usage")
class RestUsage(Stored, table=True):
    """How often a token used a part of REST: a route, a query parameter or a field. Brought up to date every few seconds."""

    __tablename__ = "rest_usage"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "token_id", "route", "kind", "name"),
        ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        CLUSTERED,
    )

    workspace_id: str = Field(sa_type=CodePointText)
    token_id: str = field("The id of the API key or of the user whose token it was.")
    route: str = field("The method and the path of the route, such as `GET /api/opportunities/`.")
    kind: RestUsageKind = field("Whether a route, a parameter or a field was used or ignored, an object read whole, or a call refused.")
    name: str = field("The name of the parameter or the field; empty for a route.")
    count: int = field(
        "How many times the token used this part of REST; 2,147,483,647 stands for that many or more.", default=0, stored_as=Cents
    )
    first_used_at: DateTime = field("When the token first used this part of REST, in UTC.")
    last_used_at: DateTime = field("When the token last used this part of REST, in UTC.")
