"""What can be asked."""

from typing import Annotated, Any

import strawberry
from strawberry import ID, UNSET

from ..plan.sources import Aggregate, AnyById, ById, Computed, Connection, Rows, ToOne
from ..rules.access import Caller
from ..rules.stages import STAGES
from .enums import OpportunityStage, Period, Role
from .fields import Constraint, Planned, argument, plain, read_from, resolved
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
from .records import (
    Account,
    AccountConnection,
    ApiKey,
    Contact,
    ContactConnection,
    Node,
    Opportunity,
    OpportunityConnection,
    RestUsage,
    User,
    UserConnection,
    Workspace,
)
from .scalars import Date, DateTime

IdArg = Annotated[ID, argument("The id.")]


@strawberry.type(description="A stage of the pipeline.")
class StageDefinition:
    """A stage of the pipeline."""

    stage: OpportunityStage = plain("Its name in the graph.")
    value: str = plain("Its name in REST.")
    label: str = plain("Its name for people.")
    default_probability: int = plain("The probability, in percent, of a deal that enters it, unless given.")
    is_closed: bool = plain("Whether deals end in it.")


@strawberry.type(description="Who is asking.")
class Viewer:
    """Who is asking."""

    user: User | None = read_from(ToOne("User", "userId"), "The user; null for an API key.")
    workspace: Workspace = read_from(ToOne("Workspace", "workspaceId"), "The workspace.")
    role: Role = plain("What the token may do.")
    token_name: str | None = plain("The name of the API key; null for a user's token.")
    expires_at: DateTime | None = plain("When the token stops working.")


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
    "Relay connection. Default order newest first, default page 20, at most 100. Cursors are keyset positions: stable under inserts, as "
    "fast on the last page as on the first. `offset` serves page-numbered clients and excludes `after`/`before`/`last`. `first` with "
    "`last`, `after` with `before`, a size outside 0-100, a cursor that isn't one of ours or belongs to another order: an error with code "
    "BAD_REQUEST; nothing is clamped. Names order by case-folded code points, stages by the pipeline, nulls last in both directions, ties "
    "by `id` in the first term's direction: alike on every database."
)


_AS_OF = (
    "The UTC day at whose end it is looked at; now, if not given. Deals that are there still count in the stage that they were in then, "
    "with today's value, and with the stage's default probability or their own where that is still known."
)


@strawberry.type(description="What can be asked. Single records that don't exist are null without an error.")
class Query:
    """What can be asked."""

    @resolved(Computed(_viewer), "Who is asking: the user (null for an API key), the workspace, the role.")
    def viewer(self) -> Viewer:
        """Who is asking."""
        raise Planned

    @resolved(AnyById(many=False), "Any record by its id (Relay).")
    def node(self, id: IdArg) -> Node | None:
        """Any record by its id."""
        raise Planned

    @resolved(AnyById(many=True), "Records by their ids, in that order, null where there is none.")
    def nodes(self, ids: Annotated[list[ID], argument("The ids.", Constraint(max_items=100))]) -> list[Node | None]:
        """Records by their ids."""
        raise Planned

    @resolved(Computed(_stages), "The stages of the pipeline, in order.")
    def stages(self) -> list[StageDefinition]:
        """The stages of the pipeline."""
        raise Planned

    @resolved(ById("Opportunity"), "One opportunity.")
    def opportunity(self, id: IdArg) -> Opportunity | None:
        """One opportunity."""
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

    @resolved(ById("Account"), "One account.")
    def account(self, id: IdArg) -> Account | None:
        """One account."""
        raise Planned

    @resolved(Connection("Account"), "Accounts, newest first.")
    def accounts(
        self, search: SearchArg = UNSET, first: FirstArg = UNSET, after: AfterArg = UNSET, offset: OffsetArg = UNSET
    ) -> AccountConnection:
        """A page of accounts."""
        raise Planned

    @resolved(ById("Contact"), "One contact.")
    def contact(self, id: IdArg) -> Contact | None:
        """One contact."""
        raise Planned

    @resolved(Connection("Contact"), "Contacts, newest first.")
    def contacts(
        self,
        search: SearchArg = UNSET,
        account_id: Annotated[ID | None, argument("Only those of this account.")] = UNSET,
        first: FirstArg = UNSET,
        after: AfterArg = UNSET,
        offset: OffsetArg = UNSET,
    ) -> ContactConnection:
        """A page of contacts."""
        raise Planned

    @resolved(Connection("User"), "Users, newest first.")
    def users(
        self, search: SearchArg = UNSET, first: FirstArg = UNSET, after: AfterArg = UNSET, offset: OffsetArg = UNSET
    ) -> UserConnection:
        """A page of users."""
        raise Planned

    @resolved(Rows("ApiKey", ("created_at", "id"), admin=True), "The workspace's keys, oldest first. Admins only.")
    def api_keys(self) -> list[ApiKey]:
        """The workspace's keys."""
        raise Planned

    @resolved(Rows("RestUsage", ("token_id", "route", "kind", "name"), admin=True), "Who still uses REST, and what of it. Admins only.")
    def rest_usage(self) -> list[RestUsage]:
        """Who still uses REST."""
        raise Planned

    @resolved(
        Aggregate("pipeline"),
        "One row a stage, also the empty ones. With `asOf`, the pipeline as it stood at the end of that day, from the stage history.",
    )
    def pipeline(
        self,
        filter: FilterArg = UNSET,
        as_of: Annotated[Date | None, argument(_AS_OF)] = UNSET,
    ) -> list[PipelineStage]:
        """One row a stage."""
        raise Planned

    @resolved(
        Aggregate("forecast"), "Open and won value by period of closeDate/closedDate; lost deals never count; empty periods are there."
    )
    def forecast(
        self,
        from_: Annotated[Date, strawberry.argument(name="from", description="The first day.")],
        to: Annotated[Date, argument("The last day; at most 400 periods in all.")],
        filter: FilterArg = UNSET,
        by: PeriodArg = Period.MONTH,
    ) -> list[ForecastPeriod]:
        """Value by period."""
        raise Planned
