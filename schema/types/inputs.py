"""What a writer gives. Limits are declared here once: the rules check them, the SDL and OpenAPI show them."""

import strawberry
from strawberry import ID

from ..rules.text import VISIBLE
from .enums import OpportunityStage, Role
from .fields import Constraint, optional, required
from .scalars import Date, DateTime, Money
from .sentences import Company, Deal, Key, Member, Person

_NAME = Constraint(min_length=1, max_length=200, pattern=VISIBLE)
_EMAIL = Constraint(min_length=3, max_length=254, format="email")
_SHORT = Constraint(max_length=100)
_LINE = Constraint(max_length=200)
_REASON = Constraint(max_length=500)
_LONG = Constraint(max_length=10_000)
_URL = Constraint(max_length=500)
_PERCENT = Constraint(min=0, max=100)
_AMOUNT = Constraint(min=0)
_CONTACTS = Constraint(max_items=250, unique_items=True)


@strawberry.input(description="A new opportunity. A field that is left out, or null, takes its default.")
class CreateOpportunityInput:
    """A new deal."""

    name: str = required(Deal.NAME, _NAME)
    account_id: ID = required(Deal.ACCOUNT)
    value: Money | None = optional(Deal.VALUE, _AMOUNT)
    stage: OpportunityStage | None = optional(f"{Deal.STAGE} By default it is the first stage.")
    probability: int | None = optional(f"{Deal.PROBABILITY} By default it is that of the stage.", _PERCENT)
    close_date: Date | None = optional(Deal.CLOSE_DATE)
    closed_date: Date | None = optional(f"{Deal.CLOSED_DATE} A closed one without a date gets today's, in UTC.")
    loss_reason: str | None = optional(Deal.LOSS_REASON, _REASON)
    assigned_to_id: ID | None = optional(Deal.ASSIGNED_TO)
    source: str | None = optional(Deal.SOURCE, _SHORT)
    contact_ids: list[ID] | None = optional(Deal.CONTACTS, _CONTACTS)
    description: str | None = optional(Deal.DESCRIPTION, _LONG)


@strawberry.input(
    description=(
        "A change of an opportunity. A field that is left out stays as it is; null clears it, but not name, account, stage and probability."
    )
)
class UpdateOpportunityInput:
    """A change of a deal."""

    name: str | None = optional(Deal.NAME, _NAME)
    account_id: ID | None = optional(Deal.ACCOUNT)
    value: Money | None = optional(Deal.VALUE, _AMOUNT)
    stage: OpportunityStage | None = optional(Deal.STAGE)
    probability: int | None = optional(Deal.PROBABILITY, _PERCENT)
    close_date: Date | None = optional(Deal.CLOSE_DATE)
    closed_date: Date | None = optional(Deal.CLOSED_DATE)
    loss_reason: str | None = optional(Deal.LOSS_REASON, _REASON)
    assigned_to_id: ID | None = optional(Deal.ASSIGNED_TO)
    source: str | None = optional(Deal.SOURCE, _SHORT)
    contact_ids: list[ID] | None = optional(f"{Deal.CONTACTS} Null and an empty list remove them all.", _CONTACTS)
    description: str | None = optional(Deal.DESCRIPTION, _LONG)


@strawberry.input(description="A new account. A field that is left out, or null, stays empty.")
class CreateAccountInput:
    """A new account."""

    name: str = required(Company.NAME, _NAME)
    website: str | None = optional(Company.WEBSITE, _URL)
    industry: str | None = optional(Company.INDUSTRY, _SHORT)


@strawberry.input(description="A change of an account. A field that is left out stays as it is; null clears it, but not the name.")
class UpdateAccountInput:
    """A change of an account."""

    name: str | None = optional(Company.NAME, _NAME)
    website: str | None = optional(Company.WEBSITE, _URL)
    industry: str | None = optional(Company.INDUSTRY, _SHORT)


@strawberry.input(
    description="A new contact. It needs a first or a last name, and an e-mail address that no other contact of the workspace has."
)
class CreateContactInput:
    """A new contact."""

    first_name: str | None = optional(Person.FIRST_NAME, _SHORT)
    last_name: str | None = optional(Person.LAST_NAME, _SHORT)
    email: str = required(Person.EMAIL, _EMAIL)
    phone: str | None = optional(Person.PHONE, _SHORT)
    title: str | None = optional(Person.TITLE, _LINE)
    account_id: ID | None = optional(Person.ACCOUNT)


@strawberry.input(description="A change of a contact. A field that is left out stays as it is; null clears it, but not the e-mail address.")
class UpdateContactInput:
    """A change of a contact."""

    first_name: str | None = optional(Person.FIRST_NAME, _SHORT)
    last_name: str | None = optional(Person.LAST_NAME, _SHORT)
    email: str | None = optional(Person.EMAIL, _EMAIL)
    phone: str | None = optional(Person.PHONE, _SHORT)
    title: str | None = optional(Person.TITLE, _LINE)
    account_id: ID | None = optional(Person.ACCOUNT)


@strawberry.input(description="A new user, who can sign in from now on.")
class CreateUserInput:
    """A new user."""

    name: str = required(Member.NAME, _NAME)
    email: str = required(Member.EMAIL, _EMAIL)
    role: Role = required(Member.ROLE)
    account_id: ID | None = optional(Member.ACCOUNT)


@strawberry.input(description="A change of a user. A field that is left out stays as it is; only the account can be cleared, by null.")
class UpdateUserInput:
    """A change of a user."""

    name: str | None = optional(Member.NAME, _NAME)
    email: str | None = optional(Member.EMAIL, _EMAIL)
    role: Role | None = optional(Member.ROLE)
    is_active: bool | None = optional(Member.IS_ACTIVE)
    account_id: ID | None = optional(Member.ACCOUNT)


@strawberry.input(description="A new API key. A program uses it to read or write, as far as its role allows.")
class CreateApiKeyInput:
    """A new key."""

    name: str = required(Key.NAME, _NAME)
    role: Role = required(Key.ROLE)
    expires_at: DateTime | None = optional(Key.EXPIRES_AT)
    account_id: ID | None = optional(Key.ACCOUNT)
