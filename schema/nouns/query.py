"""What can be asked."""

from typing import Annotated

import strawberry
from strawberry import ID

from schema.engine.compile.sources import (
    SOURCE,
    Aggregate,
    AllRows,
    BackReference,
    ConnectionSource,
    FromCaller,
    NodeById,
    ToOne,
    WritePreview,
)
from schema.engine.declare.derive import many, one
from schema.engine.declare.groups import groups
from schema.engine.declare.lists import filter_argument
from schema.engine.declare.members import REQUIRED, Argument, list_of, with_arguments
from schema.engine.declare.relay import Node
from schema.engine.declare.writes import IdArg
from schema.engine.types.fields import Constraint, argument, plain, read_from
from schema.engine.types.scalars import Date, DateTime
from schema.nouns.opportunities.enums import OpportunityStage, Period
from schema.nouns.opportunities.report_types import ForecastPeriod, PeriodArg, PipelineStage
from schema.nouns.opportunities.reports import MAX_PERIODS, Forecast, Pipeline
from schema.nouns.users.audit import AuditEntry
from schema.nouns.users.enums import Role
from schema.rules.access import Caller
from schema.rules.stages import STAGES
from schema.values import Object

from .all import Account, ApiKey, Contact, GraphqlUsage, Opportunity, RestUsage, User, Workspace
from .mutation import UnchangedArg
from .payloads import OpportunityPreview

_FILTER = Argument("filter", filter_argument(Opportunity.__noun__.listing.filter, "Only opportunities that match this filter."))


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
    opportunities = Opportunity.__noun__.listing.field(
        "The opportunities that the user looks after; null for an API key. The newest come first, unless `orderBy` is given.",
        ConnectionSource("Opportunity", BackReference("assigned_to_id"), of="userId"),
    )
    expires_at: DateTime | None = plain("When the token stops working, in UTC; null if it never does.")
    scopes: list[str] | None = plain(
        "What the token is narrowed to beside its role, such as `accounts:read`; null if its role alone says what it may do."
    )


def _stages(_: Caller) -> list[Object]:
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


def _viewer(caller: Caller) -> Object:
    return {
        "userId": caller.user_id,
        "workspaceId": caller.workspace_id,
        "role": caller.role,
        "tokenName": caller.token_name,
        "expiresAt": caller.expires_at,
        "scopes": None if caller.scopes is None else sorted(caller.scopes),
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

    viewer = with_arguments(
        Viewer, [], "Who is asking: the user or the API key, with its workspace and its role.", {SOURCE: FromCaller(_viewer)}
    )
    node = with_arguments(
        Node | None,
        [Argument("id", IdArg, REQUIRED)],
        "A record of any type by its id, as Relay asks for it; null if there is none.",
        {SOURCE: NodeById(many=False)},
    )
    nodes = with_arguments(
        list[Node | None],
        [Argument("ids", Annotated[list[ID], argument("The ids of the records.", Constraint(max_items=100))], REQUIRED)],
        "Records of any type by their ids, in the order of the ids; null where there is none.",
        {SOURCE: NodeById(many=True)},
    )
    stages = with_arguments(list[StageDefinition], [], "The stages of the pipeline, in order.", {SOURCE: FromCaller(_stages)})
    opportunity = one(Opportunity)
    opportunities = many(Opportunity, _PAGE)
    opportunity_groups = groups(Opportunity)
    account = one(Account)
    accounts = many(Account, "A page of the accounts; newest first, unless `orderBy` is given.")
    contact = one(Contact)
    contacts = many(
        Contact,
        "A page of the contacts; newest first, unless `orderBy` is given.",
        Argument("account_id", Annotated[ID | None, argument("Only contacts of this account.")]),
        accountId="account_id",
    )
    user = one(User)
    users = many(User, "A page of the users; newest first, unless `orderBy` is given.")
    api_keys = with_arguments(
        list[ApiKey],
        [],
        "The API keys of the workspace, oldest first. Only admins may ask.",
        {SOURCE: AllRows("ApiKey", ("created_at", "id"))},
    )
    audit_entries = many(
        AuditEntry,
        "A page of the audit list: who made, changed, rotated and revoked API keys and users; newest first. Entries are kept for as long "
        "as the gateway is set to. Only admins may ask.",
        admin=True,
    )
    rest_usage = with_arguments(
        list[RestUsage],
        [],
        "Who still uses which part of REST. Only admins may ask.",
        {SOURCE: AllRows("RestUsage", ("token_id", "route", "kind", "name"))},
    )
    graphql_usage = with_arguments(
        list[GraphqlUsage],
        [],
        "Which clients use which operations and fields of GraphQL. Only admins may ask.",
        {SOURCE: AllRows("GraphqlUsage", ("token_id", "client", "kind", "name"))},
    )
    pipeline = with_arguments(
        list_of(PipelineStage),
        [_FILTER, Argument("as_of", Annotated[Date | None, argument(_AS_OF)])],
        "The pipeline, with a row for each stage, also for empty ones. With `asOf` it is that of the end of a day, by the stage history.",
        {SOURCE: Aggregate(lambda compiler: Pipeline(compiler, "Opportunity"), "Opportunity", dearer="asOf")},
    )
    forecast = with_arguments(
        list_of(ForecastPeriod),
        [
            Argument("from_", Annotated[Date, strawberry.argument(name="from", description="The first day of the forecast.")], REQUIRED),
            Argument("to", Annotated[Date, argument(f"The last day of the forecast, which has at most {MAX_PERIODS} periods.")], REQUIRED),
            _FILTER,
            Argument("by", PeriodArg, Period.MONTH),
        ],
        "Open and won opportunities by the period of their `closeDate` or `closedDate`. Lost ones never count; empty periods are there.",
        {SOURCE: Aggregate(lambda compiler: Forecast(compiler, "Opportunity"), "Opportunity")},
    )
    preview_update_opportunity = with_arguments(
        OpportunityPreview,
        [
            Argument("id", IdArg, REQUIRED),
            Argument(
                "input", Annotated[Opportunity.__noun__.update, argument("The fields that would change, and their values.")], REQUIRED
            ),
            Argument("ignore_unchanged", UnchangedArg, default=False),
        ],
        "What an update of an opportunity would change, and what would stop it. Nothing is written. Only who may update may ask.",
        {SOURCE: WritePreview("previewUpdateOpportunity", "Opportunity")},
    )
