"""The records of the CRM: opportunities, accounts, contacts, users, workspaces, and what hangs on them."""

from typing import Annotated, Any

import strawberry
from strawberry import ID, UNSET

from ..plan.aggregates import weighted_cents
from ..plan.sources import Column, Connection, Expression, Foreign, OneOf, Stored, ToMany, ToOne
from ..storage import tables
from .enums import OpportunityStage, ProbabilitySource, RestUsageKind, Role
from .fields import Planned, for_admins, plain, read_from, resolved
from .pages import AfterArg, BeforeArg, FilterArg, FirstArg, LastArg, OffsetArg, OrderArg, PageInfo, Summary
from .relations import CONTACTS, OPPORTUNITIES, OPPORTUNITY, itself, known_user, own_account
from .scalars import Date, DateTime, Money


@strawberry.interface(
    description=(
        "Anything with an id. Ids are `<prefix>_<ULID>`, the same in REST and GraphQL, unique over all types and workspaces; they are "
        "opaque to clients."
    )
)
class Node:
    """Relay's global object identification, without base64."""

    id: ID = plain("`<prefix>_<ULID>`: opp_, acc_, cnt_, usr_, ws_, key_.")


@strawberry.type(description="A tenant: whatever a token sees belongs to one workspace.")
class Workspace(Node):
    """A tenant."""

    __stored__ = Stored(tables.Workspace.__table__, "ws")  # type: ignore[attr-defined]

    name: str = plain("Its name.")
    currency: str = plain("The ISO 4217 code of the currency that amounts are in.")


@strawberry.type(description="Someone who signs in, and whom deals are assigned to.")
class User(Node):
    """Someone who signs in."""

    __stored__ = Stored(tables.User.__table__, "usr", known_user, search="search_folded")  # type: ignore[attr-defined]

    name: str = plain("The full name.")
    email: str = plain("The e-mail address, unique in the workspace.")
    role: Role = plain("What the user may do.")
    is_active: bool = plain("Whether the user may sign in.")
    account: "Account | None" = read_from(ToOne("Account", "account_id"), "The one account that a viewer is limited to, if any.")


@strawberry.type(
    description=(
        "A key that lets a program use the workspace. What a program does with it has no user, so `by` is null and `actor` is the key. "
        "Everyone may read the id and the name of a key, also after it was revoked; admins may read everything."
    )
)
class ApiKey(Node):
    """A key of the workspace. What only an admin may read is nullable, because everyone meets keys as actors."""

    __stored__ = Stored(tables.ApiKey.__table__, "key", unlisted=True)  # type: ignore[attr-defined]

    name: str = plain("What the key is for.")
    role: Role | None = for_admins("What the key may do.")
    account: "Account | None" = for_admins("The one account that the key is limited to, if any.", ToOne("Account", "account_id"))
    created_at: DateTime | None = for_admins("When the key was created.")
    expires_at: DateTime | None = for_admins("When the key stops working; null if it never does.")
    last_used_at: DateTime | None = for_admins("When the key was last used, to the minute; null if it never was.")
    revoked_at: DateTime | None = for_admins("When the key was revoked; null if it was not.")


Actor = Annotated[User | ApiKey, strawberry.union("Actor", description="Who changed something: a user, or a program with an API key.")]


def actor(by: str, by_key: str) -> Any:
    """The field `actor`, read from the columns that hold the user's and the key's id."""
    description = "Who did it: the user, or the API key. Null if that was not recorded, or if the caller may not see the user."
    return read_from(OneOf((ToOne("User", by), ToOne("ApiKey", by_key))), description)


@strawberry.type(description="A step of a deal through the pipeline.")
class StageChange:
    """A step of a deal through the pipeline."""

    __stored__ = Stored(tables.StageChange.__table__, key="sequence")  # type: ignore[attr-defined]

    from_: OpportunityStage | None = read_from(Column("from_stage"), "The stage that it left; null where it was created.", name="from")
    to: OpportunityStage = read_from(Column("to_stage"), "The stage that it entered.")
    at: DateTime = plain("When.")
    by: User | None = read_from(ToOne("User", "by_id"), "Who did it; null for an API key.")
    actor: Actor | None = actor("by_id", "by_key_id")
    duration: int | None = plain("Seconds spent in `from`.")


@strawberry.type(description="A person, at one account at most.")
class Contact(Node):
    """A person, at one account at most."""

    __stored__ = Stored(tables.Contact.__table__, "cnt", own_account, search="search_folded")  # type: ignore[attr-defined]

    first_name: str | None = plain("The first name.")
    last_name: str | None = plain("The last name.")
    name: str = plain("First and last name, as far as given.")
    email: str = plain("The e-mail address, unique in the workspace.")
    phone: str | None = plain("The telephone number.")
    title: str | None = plain("What the contact does there.")
    account: "Account | None" = read_from(ToOne("Account", "account_id"), "Where the contact works.")
    created_at: DateTime = plain("When it was created.")
    updated_at: DateTime = plain("When it last changed.")
    version: int = plain("Grows by one with every change.")

    @resolved(Connection("Opportunity", OPPORTUNITIES), "The deals that the contact is on, newest first.")
    def opportunities(self, first: FirstArg = UNSET, after: AfterArg = UNSET) -> "OpportunityConnection":
        """A page of the deals that the contact is on."""
        raise Planned


@strawberry.type(description="A company that deals are made with.")
class Account(Node):
    """A company that deals are made with."""

    __stored__ = Stored(tables.Account.__table__, "acc", itself, search="name_folded")  # type: ignore[attr-defined]

    name: str = plain("Its name.")
    website: str | None = plain("Its address on the web.")
    industry: str | None = plain("What it does.")
    created_at: DateTime = plain("When it was created.")
    updated_at: DateTime = plain("When it last changed.")
    version: int = plain("Grows by one with every change.")

    @resolved(Connection("Contact", Foreign("account_id")), "Its contacts, newest first.")
    def contacts(self, first: FirstArg = 20, after: AfterArg = UNSET) -> "ContactConnection":
        """A page of its contacts."""
        raise Planned

    @resolved(Connection("Opportunity", Foreign("account_id")), "Its deals.")
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


@strawberry.type(description="A deal on its way through the pipeline.")
class Opportunity(Node):
    """A deal on its way through the pipeline."""

    __stored__ = Stored(OPPORTUNITY, "opp", own_account)

    name: str = plain("What the deal is called.")
    account: Account = read_from(ToOne("Account", "account_id"), "Whom the deal is with.")
    value: Money | None = read_from(Column("value_cents"), "What the deal is worth.")
    stage: OpportunityStage = plain("Where it is in the pipeline.")
    probability: int = plain("How likely it is to be won, in percent.")
    probability_source: ProbabilitySource = read_from(Column("probability_manual"), "Whether the probability is the stage's default.")
    weighted_value: Money | None = read_from(Expression(weighted_cents), "value × probability / 100, to the cent, half up.")
    close_date: Date | None = plain("When it is expected to close.")
    closed_date: Date | None = plain("When it did close.")
    loss_reason: str | None = plain("Why it was lost; only of lost deals.")
    assigned_to: User | None = read_from(ToOne("User", "assigned_to_id"), "Who looks after it.")
    source: str | None = plain("Where it came from.")
    contacts: list[Contact] = read_from(ToMany("Contact", CONTACTS), "The people on it, in the order given by the writer.")
    description: str | None = plain("What it is about.")
    created_at: DateTime = plain("When it was created.")
    updated_at: DateTime = plain("When it last changed.")
    version: int = plain("Grows by one with every change; `expectedVersion` and the REST ETag are made of it.")
    stage_history: list[StageChange] = read_from(
        ToMany("StageChange", Foreign("opportunity_id", ("sequence",))), "Its way through the pipeline, oldest first."
    )


@strawberry.type(description="How often a token used a REST route, a parameter of it or a field, counted every few seconds.")
class RestUsage:
    """What still keeps a token on the old door."""

    __stored__ = Stored(tables.RestUsage.__table__, key="name")  # type: ignore[attr-defined]

    token_id: str = plain("The token's owner: `key_…` or `usr_…`.")
    route: str = plain("The method and the route.")
    kind: RestUsageKind = plain("What part of REST was used.")
    name: str = plain("The parameter's or field's name; the route's, where it is about the route.")
    count: int = plain("How often.")
    first_used_at: DateTime = plain("When first.")
    last_used_at: DateTime = plain("When last.")


@strawberry.type(description="An opportunity on a page.")
class OpportunityEdge:
    """An opportunity on a page."""

    cursor: str = plain("Its position, for `after` and `before`.")
    node: Opportunity = plain("The opportunity.")


@strawberry.type(description="A page of opportunities.")
class OpportunityConnection:
    """A page of opportunities."""

    edges: list[OpportunityEdge] = plain("The opportunities with their cursors.")
    nodes: list[Opportunity] = plain("The opportunities.")
    page_info: PageInfo = plain("Where the page is.")
    total_count: int = plain("All that match, whatever the page. Counted only when asked for.")
    summary: Summary = plain("Over all that match, whatever the page. Computed only when asked for.")


@strawberry.type(description="An account on a page.")
class AccountEdge:
    """An account on a page."""

    cursor: str = plain("Its position, for `after`.")
    node: Account = plain("The account.")


@strawberry.type(description="A page of accounts.")
class AccountConnection:
    """A page of accounts."""

    edges: list[AccountEdge] = plain("The accounts with their cursors.")
    nodes: list[Account] = plain("The accounts.")
    page_info: PageInfo = plain("Where the page is.")
    total_count: int = plain("All that match, whatever the page. Counted only when asked for.")


@strawberry.type(description="A contact on a page.")
class ContactEdge:
    """A contact on a page."""

    cursor: str = plain("Its position, for `after`.")
    node: Contact = plain("The contact.")


@strawberry.type(description="A page of contacts.")
class ContactConnection:
    """A page of contacts."""

    edges: list[ContactEdge] = plain("The contacts with their cursors.")
    nodes: list[Contact] = plain("The contacts.")
    page_info: PageInfo = plain("Where the page is.")
    total_count: int = plain("All that match, whatever the page. Counted only when asked for.")


@strawberry.type(description="A user on a page.")
class UserEdge:
    """A user on a page."""

    cursor: str = plain("Its position, for `after`.")
    node: User = plain("The user.")


@strawberry.type(description="A page of users.")
class UserConnection:
    """A page of users."""

    edges: list[UserEdge] = plain("The users with their cursors.")
    nodes: list[User] = plain("The users.")
    page_info: PageInfo = plain("Where the page is.")
    total_count: int = plain("All that match, whatever the page. Counted only when asked for.")
