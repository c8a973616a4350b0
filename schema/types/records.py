"""The records of the CRM: opportunities, accounts, contacts, users, workspaces, and what hangs on them."""

from typing import Annotated, Any

import strawberry
from strawberry import ID, UNSET

from ..nouns.opportunities.amounts import SUMMARY, weighted_cents
from ..plan.order import ordering
from ..plan.sources import LONGEST, Column, Connection, Expression, Foreign, OneOf, Stored, ToMany, ToOne
from ..storage import tables
from .enums import GraphqlUsageKind, OpportunityStage, ProbabilitySource, RestUsageKind, Role
from .fields import Planned, for_admins, plain, read_from, resolved
from .pages import AfterArg, BeforeArg, FilterArg, FirstArg, LastArg, NewestArg, OffsetArg, OrderArg, PageInfo, Summary
from .relations import CONTACTS, DEAL_ORDERS, OPPORTUNITIES, OPPORTUNITY, itself, known_user, own_account
from .scalars import Date, DateTime, Money
from .sentences import Company, Deal, Key, Member, Person


@strawberry.interface(
    description=(
        "A record that has an id. Ids are the same in REST and GraphQL, and unique over all types and workspaces. Clients need not know "
        "what they are made of."
    )
)
class Node:
    """Relay's global object identification, without base64."""

    id: ID = plain("The id of the record: `<prefix>_<ULID>`, where the prefix is opp, acc, cnt, usr, ws or key.")


@strawberry.type(description="A tenant: everything that a token can see belongs to one workspace.")
class Workspace(Node):
    """A tenant."""

    __stored__ = Stored(tables.Workspace.__table__, "ws")

    name: str = plain("The name of the workspace.")
    currency: str = plain("The currency of all amounts in the workspace, as an ISO 4217 code such as EUR.")


@strawberry.type(description="A person who signs in, and to whom opportunities can be assigned.")
class User(Node):
    """Someone who signs in."""

    __stored__ = Stored(tables.User.__table__, "usr", known_user, search="search_folded", ordering=ordering(tables.User.__table__, {}))

    name: str = plain(Member.NAME)
    email: str = plain(Member.EMAIL)
    role: Role = plain(Member.ROLE)
    is_active: bool = plain(Member.IS_ACTIVE)
    account: "Account | None" = read_from(ToOne("Account", "account_id"), Member.ACCOUNT)


@strawberry.type(
    description=(
        "A key that lets a program use the workspace. What a program does with it has no user, so `by` is null and `actor` is the key. "
        "Everyone may read the id and the name of a key, also after it was revoked; admins may read everything."
    )
)
class ApiKey(Node):
    """A key of the workspace. What only an admin may read is nullable, because everyone meets keys as actors."""

    __stored__ = Stored(tables.ApiKey.__table__, "key", unlisted=True)

    name: str = plain(Key.NAME)
    role: Role | None = for_admins(Key.ROLE)
    account: "Account | None" = for_admins(Key.ACCOUNT, ToOne("Account", "account_id"))
    created_at: DateTime | None = for_admins("When the key was created, in UTC.")
    expires_at: DateTime | None = for_admins(Key.EXPIRES_AT)
    last_used_at: DateTime | None = for_admins("When the key was last used, in UTC and to the minute; null if it never was.")
    revoked_at: DateTime | None = for_admins("When the key was revoked, in UTC; null if it was not.")


Actor = Annotated[User | ApiKey, strawberry.union("Actor", description="Who changed something: a user, or a program with an API key.")]


def by_user(column: str, did: str) -> Any:
    """The field `by`, read from the column that holds the user's id."""
    return read_from(ToOne("User", column), f"The user who {did}; null if it was an API key, or a user whom the caller may not see.")


def by_actor(user: str, key: str, did: str) -> Any:
    """The field `actor`, read from the columns that hold the user's and the key's id."""
    description = f"The user or the API key that {did}; null for a user whom the caller may not see, and where it was not recorded."
    return read_from(OneOf((ToOne("User", user), ToOne("ApiKey", key))), description)


@strawberry.type(description="A move of an opportunity from one stage to another, or its creation.")
class StageChange:
    """A step of a deal through the pipeline."""

    __stored__ = Stored(tables.StageChange.__table__, key="sequence")

    from_: OpportunityStage | None = read_from(
        Column("from_stage"), "The stage that the opportunity left; null for its creation.", name="from"
    )
    to: OpportunityStage = read_from(Column("to_stage"), "The stage that the opportunity entered.")
    at: DateTime = plain("When the opportunity entered the stage, in UTC.")
    by: User | None = by_user("by_id", "moved the opportunity")
    actor: Actor | None = by_actor("by_id", "by_key_id", "moved the opportunity")
    duration: int | None = plain("How many seconds the opportunity was in the stage that it left; null for its creation.")


@strawberry.type(description="A person with whom the workspace is in touch, at one account at most.")
class Contact(Node):
    """A person, at one account at most."""

    __stored__ = Stored(
        tables.Contact.__table__, "cnt", own_account, search="search_folded", ordering=ordering(tables.Contact.__table__, {})
    )

    first_name: str | None = plain(Person.FIRST_NAME)
    last_name: str | None = plain(Person.LAST_NAME)
    name: str = plain("The first and the last name of the contact, as far as they are known.", metadata={LONGEST: 201})
    email: str = plain(Person.EMAIL)
    phone: str | None = plain(Person.PHONE)
    title: str | None = plain(Person.TITLE)
    account: "Account | None" = read_from(ToOne("Account", "account_id"), Person.ACCOUNT)
    created_at: DateTime = plain(Person.CREATED_AT)
    updated_at: DateTime = plain(Person.UPDATED_AT)
    version: int = plain(Person.VERSION)

    @resolved(Connection("Opportunity", OPPORTUNITIES), "The opportunities that the contact takes part in, newest first.")
    def opportunities(self, first: FirstArg = UNSET, after: AfterArg = UNSET) -> "OpportunityConnection":
        """A page of the deals that the contact is on."""
        raise Planned


@strawberry.type(description="A company that the workspace does business with, or would like to.")
class Account(Node):
    """A company that deals are made with."""

    __stored__ = Stored(tables.Account.__table__, "acc", itself, search="name_folded", ordering=ordering(tables.Account.__table__, {}))

    name: str = plain(Company.NAME)
    website: str | None = plain(Company.WEBSITE)
    industry: str | None = plain(Company.INDUSTRY)
    created_at: DateTime = plain(Company.CREATED_AT)
    updated_at: DateTime = plain(Company.UPDATED_AT)
    version: int = plain(Company.VERSION)

    @resolved(Connection("Contact", Foreign("account_id")), "The contacts who work for the account, newest first.")
    def contacts(self, first: FirstArg = 20, after: AfterArg = UNSET) -> "ContactConnection":
        """A page of its contacts."""
        raise Planned

    @resolved(
        Connection("Opportunity", Foreign("account_id")), "The opportunities with the account; newest first, unless `orderBy` is given."
    )
    def opportunities(
        self,
        filter: FilterArg = UNSET,
        order_by: OrderArg = UNSET,
        first: FirstArg = UNSET,
        after: AfterArg = UNSET,
        last: LastArg = UNSET,
        before: BeforeArg = UNSET,
        offset: OffsetArg = UNSET,
    ) -> "OpportunityConnection":
        """A page of its deals."""
        raise Planned


@strawberry.type(description="An opportunity on its way through the stages of the pipeline.")
class Opportunity(Node):
    """A deal on its way through the pipeline."""

    __stored__ = Stored(OPPORTUNITY, "opp", own_account, ordering=ordering(OPPORTUNITY, DEAL_ORDERS), summary=SUMMARY)

    name: str = plain(Deal.NAME)
    account: Account = read_from(ToOne("Account", "account_id"), Deal.ACCOUNT)
    value: Money | None = read_from(Column("value_cents"), Deal.VALUE)
    stage: OpportunityStage = plain(Deal.STAGE)
    probability: int = plain(Deal.PROBABILITY)
    probability_source: ProbabilitySource = read_from(
        Column("probability_manual"), "Whether the probability is the default of the stage, or was given by someone."
    )
    weighted_value: Money | None = read_from(
        Expression(weighted_cents),
        "`value` × `probability` / 100, rounded half up to the cent. A won opportunity counts with its whole value, a lost one with 0.",
    )
    close_date: Date | None = plain(Deal.CLOSE_DATE)
    closed_date: Date | None = plain(Deal.CLOSED_DATE)
    loss_reason: str | None = plain(Deal.LOSS_REASON)
    assigned_to: User | None = read_from(ToOne("User", "assigned_to_id"), Deal.ASSIGNED_TO)
    source: str | None = plain(Deal.SOURCE)
    contacts: list[Contact] = read_from(ToMany("Contact", CONTACTS), Deal.CONTACTS)
    description: str | None = plain(Deal.DESCRIPTION)
    created_at: DateTime = plain(Deal.CREATED_AT)
    updated_at: DateTime = plain(Deal.UPDATED_AT)
    version: int = plain(Deal.VERSION)

    @resolved(
        ToMany("StageChange", Foreign("opportunity_id", ("sequence",)), last=True),
        "The newest moves of the opportunity through the pipeline, the oldest of these first.",
    )
    def stage_history(self, last: NewestArg = 100) -> list[StageChange]:
        """The newest moves of the opportunity through the pipeline."""
        raise Planned


@strawberry.type(
    description="How often a token used a part of REST: a route, a query parameter or a field. Brought up to date every few seconds."
)
class RestUsage:
    """What still keeps a token on the old door."""

    __stored__ = Stored(tables.RestUsage.__table__, key="name")

    token_id: str = plain("The id of the API key or of the user whose token it was.")
    route: str = plain("The method and the path of the route, such as `GET /api/opportunities/`.")
    kind: RestUsageKind = plain("What it was that was used, ignored or refused.")
    name: str = plain("The name of the parameter or the field; empty for a route.")
    count: int = plain("How many times the token used it.")
    first_used_at: DateTime = plain("When the token first used it, in UTC.")
    last_used_at: DateTime = plain("When the token last used it, in UTC.")


@strawberry.type(
    description=(
        "How often a client used a part of GraphQL over HTTP: an operation or a field. A client says its name by the header "
        "`GraphQL-Client-Name` or `apollographql-client-name`. Brought up to date every few seconds."
    )
)
class GraphqlUsage:
    """Who has left the old door, and for what."""

    __stored__ = Stored(tables.GraphqlUsage.__table__, key="name")

    token_id: str = plain("The id of the API key or of the user whose token it was.")
    client: str = plain("The name of the client; empty where it says none.")
    kind: GraphqlUsageKind = plain("Whether it was an operation or a field.")
    name: str = plain("The name of the operation, empty where it has none; or the field, such as `Opportunity.value`.")
    count: int = plain("How many times the client used it.")
    first_used_at: DateTime = plain("When the client first used it, in UTC.")
    last_used_at: DateTime = plain("When the client last used it, in UTC.")


@strawberry.type(description="An opportunity on a page, with its position in the list.")
class OpportunityEdge:
    """An opportunity on a page."""

    cursor: str = plain("The position in the list, to be given as `after` or `before`.")
    node: Opportunity = plain("The opportunity at this position of the list.")


@strawberry.type(description="A page of a list of opportunities.")
class OpportunityConnection:
    """A page of opportunities."""

    edges: list[OpportunityEdge] = plain("The opportunities of the page, each with its position in the list.")
    nodes: list[Opportunity] = plain("The opportunities of the page, without their positions.")
    page_info: PageInfo = plain("What comes before and after the page.")
    total_count: int = plain("How many records match, on all pages together. It is counted only when asked for.")
    summary: Summary = plain("Numbers over all opportunities that match, on all pages together. They are worked out only when asked for.")


@strawberry.type(description="An account on a page, with its position in the list.")
class AccountEdge:
    """An account on a page."""

    cursor: str = plain("The position in the list, to be given as `after`.")
    node: Account = plain("The account at this position of the list.")


@strawberry.type(description="A page of a list of accounts.")
class AccountConnection:
    """A page of accounts."""

    edges: list[AccountEdge] = plain("The accounts of the page, each with its position in the list.")
    nodes: list[Account] = plain("The accounts of the page, without their positions.")
    page_info: PageInfo = plain("What comes before and after the page.")
    total_count: int = plain("How many records match, on all pages together. It is counted only when asked for.")


@strawberry.type(description="A contact on a page, with its position in the list.")
class ContactEdge:
    """A contact on a page."""

    cursor: str = plain("The position in the list, to be given as `after`.")
    node: Contact = plain("The contact at this position of the list.")


@strawberry.type(description="A page of a list of contacts.")
class ContactConnection:
    """A page of contacts."""

    edges: list[ContactEdge] = plain("The contacts of the page, each with its position in the list.")
    nodes: list[Contact] = plain("The contacts of the page, without their positions.")
    page_info: PageInfo = plain("What comes before and after the page.")
    total_count: int = plain("How many records match, on all pages together. It is counted only when asked for.")


@strawberry.type(description="A user on a page, with its position in the list.")
class UserEdge:
    """A user on a page."""

    cursor: str = plain("The position in the list, to be given as `after`.")
    node: User = plain("The user at this position of the list.")


@strawberry.type(description="A page of a list of users.")
class UserConnection:
    """A page of users."""

    edges: list[UserEdge] = plain("The users of the page, each with its position in the list.")
    nodes: list[User] = plain("The users of the page, without their positions.")
    page_info: PageInfo = plain("What comes before and after the page.")
    total_count: int = plain("How many records match, on all pages together. It is counted only when asked for.")
