"""What can be asked."""

from typing import Annotated, Any

import strawberry
from strawberry import ID, UNSET

from ..nouns.opportunities.reports import MAX_PERIODS, Forecast, Pipeline
from ..plan.sources import Aggregate, AnyById, ById, Computed, Connection, Rows, ToOne, WorkedOut
from ..rules.access import Caller
from ..rules.stages import STAGES
from .enums import OpportunityStage, Period, Role
from .fields import Constraint, Planned, argument, plain, read_from, resolved
from .inputs import UpdateOpportunityInput
from .mutation import UnchangedArg
from .pages import (
    AfterArg,
    BeforeArg,
    FilterArg,
    FirstArg,
    ForecastPeriod,
    LastArg,
    OffsetArg,
    OrderArg,
    PeriodArg,
    PipelineStage,
    SearchArg,
)
from .payloads import OpportunityPreview
from .records import (
    Account,
    AccountConnection,
    ApiKey,
    Contact,
    ContactConnection,
    GraphqlUsage,
    Node,
    Opportunity,
    OpportunityConnection,
    RestUsage,
    User,
    UserConnection,
    Workspace,
)
from .scalars import Date, DateTime

IdArg = Annotated[ID, argument("The id of the record.")]


@strawberry.type(description="A stage of the pipeline and its rules.")
class StageDefinition:
    """A stage of the pipeline."""

    stage: OpportunityStage = plain("The name of the stage in GraphQL.")
    value: str = plain("The name of the stage in REST.")
    label: str = plain("The name of the stage for people.")
    default_probability: int = plain("The probability, in percent, that an opportunity gets when it enters the stage, unless one is given.")
    is_closed: bool = plain("Whether opportunities in the stage are closed: won or lost.")


@strawberry.type(description="Who is asking, and what the token allows.")
class Viewer:
    """Who is asking."""

    user: User | None = read_from(ToOne("User", "userId"), "The user who is asking; null for an API key.")
    workspace: Workspace = read_from(ToOne("Workspace", "workspaceId"), "The workspace that the token is good for.")
    role: Role = plain("What the token allows.")
    token_name: str | None = plain("The name of the API key; null for a user's token.")
    expires_at: DateTime | None = plain("When the token stops working, in UTC; null if it never does.")


def _stages(_: Caller) -> list[dict[str, Any]]:
    return [
        {
            "stage": stage.position,
            "value": stage.value,
            "label": stage.label,
            "defaultProbability": stage.default_probability,
            "isClosed": stage.is_closed,
        }
        for stage in STAGES
    ]


def _viewer(caller: Caller) -> dict[str, Any]:
    return {
        "userId": caller.user_id,
        "workspaceId": caller.workspace_id,
        "role": caller.role,
        "tokenName": caller.token_name,
        "expiresAt": caller.expires_at,
    }


_PAGE = (
    "A page of the opportunities, as a Relay connection. A cursor is a position in the order: records that are added or removed meanwhile "
    "move nothing, and the last page is as fast as the first. `first` with `last`, `after` with `before`, `offset` with a cursor or "
    "`last`, a size out of range, and a cursor of another list or another order are errors with the code BAD_REQUEST. Names are ordered "
    "by code points without regard to case, stages by the pipeline; records without a value come last in both directions; `id` decides "
    "between equals, in the direction of the first key."
)


_AS_OF = (
    "The day, in UTC, at whose end the pipeline is looked at; if it is left out, the pipeline is that of now. Opportunities that still "
    "exist count in the stage that they were in then, with the value of now, and with the default probability of the stage, or their own "
    "where that is still known."
)


@strawberry.type(description="What can be read. A record that does not exist is null, without an error.")
class Query:
    """What can be asked."""

    @resolved(Computed(_viewer), "Who is asking: the user or the API key, with its workspace and its role.")
    def viewer(self) -> Viewer:
        """Who is asking."""
        raise Planned

    @resolved(AnyById(many=False), "A record of any type by its id, as Relay asks for it; null if there is none.")
    def node(self, id: IdArg) -> Node | None:
        """Any record by its id."""
        raise Planned

    @resolved(AnyById(many=True), "Records of any type by their ids, in the order of the ids; null where there is none.")
    def nodes(self, ids: Annotated[list[ID], argument("The ids of the records.", Constraint(max_items=100))]) -> list[Node | None]:
        """Records by their ids."""
        raise Planned

    @resolved(Computed(_stages), "The stages of the pipeline, in order.")
    def stages(self) -> list[StageDefinition]:
        """The stages of the pipeline."""
        raise Planned

    @resolved(ById("Opportunity"), "An opportunity by its id; null if there is none.")
    def opportunity(self, id: IdArg) -> Opportunity | None:
        """A deal by its id; null if there is none."""
        raise Planned

    @resolved(Connection("Opportunity"), _PAGE)
    def opportunities(
        self,
        filter: FilterArg = UNSET,
        order_by: OrderArg = UNSET,
        first: FirstArg = UNSET,
        after: AfterArg = UNSET,
        last: LastArg = UNSET,
        before: BeforeArg = UNSET,
        offset: OffsetArg = UNSET,
    ) -> OpportunityConnection:
        """A page of opportunities."""
        raise Planned

    @resolved(ById("Account"), "An account by its id; null if there is none.")
    def account(self, id: IdArg) -> Account | None:
        """An account by its id; null if there is none."""
        raise Planned

    @resolved(Connection("Account"), "A page of the accounts, newest first.")
    def accounts(
        self,
        search: SearchArg = UNSET,
        first: FirstArg = UNSET,
        after: AfterArg = UNSET,
        last: LastArg = UNSET,
        before: BeforeArg = UNSET,
        offset: OffsetArg = UNSET,
    ) -> AccountConnection:
        """A page of accounts."""
        raise Planned

    @resolved(ById("Contact"), "A contact by its id; null if there is none.")
    def contact(self, id: IdArg) -> Contact | None:
        """A contact by its id; null if there is none."""
        raise Planned

    @resolved(Connection("Contact"), "A page of the contacts, newest first.")
    def contacts(
        self,
        search: SearchArg = UNSET,
        account_id: Annotated[ID | None, argument("Only contacts of this account.")] = UNSET,
        first: FirstArg = UNSET,
        after: AfterArg = UNSET,
        last: LastArg = UNSET,
        before: BeforeArg = UNSET,
        offset: OffsetArg = UNSET,
    ) -> ContactConnection:
        """A page of contacts."""
        raise Planned

    @resolved(Connection("User"), "A page of the users, newest first.")
    def users(
        self,
        search: SearchArg = UNSET,
        first: FirstArg = UNSET,
        after: AfterArg = UNSET,
        last: LastArg = UNSET,
        before: BeforeArg = UNSET,
        offset: OffsetArg = UNSET,
    ) -> UserConnection:
        """A page of users."""
        raise Planned

    @resolved(Rows("ApiKey", ("created_at", "id"), admin=True), "The API keys of the workspace, oldest first. Only admins may ask.")
    def api_keys(self) -> list[ApiKey]:
        """The workspace's keys."""
        raise Planned

    @resolved(
        Rows("RestUsage", ("token_id", "route", "kind", "name"), admin=True), "Who still uses which part of REST. Only admins may ask."
    )
    def rest_usage(self) -> list[RestUsage]:
        """Who still uses REST."""
        raise Planned

    @resolved(
        Rows("GraphqlUsage", ("token_id", "client", "kind", "name"), admin=True),
        "Which clients use which operations and fields of GraphQL. Only admins may ask.",
    )
    def graphql_usage(self) -> list[GraphqlUsage]:
        """Who uses GraphQL."""
        raise Planned

    @resolved(
        Aggregate(Pipeline, dearer="asOf"),
        "The pipeline, with a row for each stage, also for empty ones. With `asOf` it is that of the end of a day, by the stage history.",
    )
    def pipeline(
        self,
        filter: FilterArg = UNSET,
        as_of: Annotated[Date | None, argument(_AS_OF)] = UNSET,
    ) -> list[PipelineStage]:
        """One row a stage."""
        raise Planned

    @resolved(
        Aggregate(Forecast),
        "Open and won opportunities by the period of their `closeDate` or `closedDate`. Lost ones never count; empty periods are there.",
    )
    def forecast(
        self,
        from_: Annotated[Date, strawberry.argument(name="from", description="The first day of the forecast.")],
        to: Annotated[Date, argument(f"The last day of the forecast, which has at most {MAX_PERIODS} periods.")],
        filter: FilterArg = UNSET,
        by: PeriodArg = Period.MONTH,
    ) -> list[ForecastPeriod]:
        """Value by period."""
        raise Planned

    @resolved(
        WorkedOut("previewUpdateOpportunity"),
        "What an update of an opportunity would change, and what would stop it. Nothing is written. Only who may update may ask.",
    )
    def preview_update_opportunity(
        self,
        id: IdArg,
        input: Annotated[UpdateOpportunityInput, argument("The fields that would change, and their values.")],
        ignore_unchanged: UnchangedArg = False,
    ) -> OpportunityPreview:
        """What an update would do."""
        raise Planned
