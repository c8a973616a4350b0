"""Usage counts of GraphQL by client: they show which clients have left REST."""

from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint
from sqlmodel import Field

from schema.engine.declare.columns import field
from schema.engine.declare.noun import noun
from schema.engine.declare.sql import Stored
from schema.engine.types.scalars import DateTime
from schema.storage.columns import Cents, CodePointText
from schema.storage.tables import CLUSTERED

from .enums import GraphqlUsageKind


@noun(key="name", scope="usage")
class GraphqlUsage(Stored, table=True):
    """How often a client used a part of GraphQL: an operation or a field, over HTTP, a stream or a socket. A subscription counts once, when
    it begins. A client says its name by the header `GraphQL-Client-Name` or `apollographql-client-name`, on a socket also by a member of
    that name in the payload of `connection_init`. Brought up to date every few seconds.
    """

    __tablename__ = "graphql_usage"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "token_id", "client", "kind", "name"),
        ForeignKeyConstraint(["workspace_id"], ["workspace.id"]),
        CLUSTERED,
    )

    workspace_id: str = Field(sa_type=CodePointText)
    token_id: str = field("The id of the API key or of the user whose token it was.")
    client: str = field("The name of the client; empty where it says none.")
    kind: GraphqlUsageKind = field("Whether an operation or a field was used.")
    name: str = field("The name of the operation, empty where it has none; or the field, such as `Opportunity.value`.")
    count: int = field(
        "How many times the client used this part of GraphQL; 2,147,483,647 stands for that many or more.", default=0, stored_as=Cents
    )
    first_used_at: DateTime = field("When the client first used this part of GraphQL, in UTC.")
    last_used_at: DateTime = field("When the client last used this part of GraphQL, in UTC.")
