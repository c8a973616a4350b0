"""What a writer gives. Limits are declared here once: the rules check them, the SDL and OpenAPI show them."""

from typing import Any

import strawberry
from strawberry import ID

from ..rules.text import VISIBLE
from .enums import OpportunityStage, Role
from .fields import Constraint, optional, required
from .scalars import Date, DateTime, Money

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


def _account() -> Any:
    return optional("The one account that a viewer is limited to; only for the role VIEWER.")


@strawberry.input(description="A new deal. Fields left out take their defaults: stage prospecting, probability by stage, no contacts.")
class CreateOpportunityInput:
    """A new deal."""

    name: str = required("What the deal is called.", _NAME)
    account_id: ID = required("Whom it is with.")
    value: Money | None = optional("What it is worth.", _AMOUNT)
    stage: OpportunityStage | None = optional("Where it is in the pipeline; PROSPECTING if not given.")
    probability: int | None = optional("How likely it is to be won, in percent; the stage's default if not given.", _PERCENT)
    close_date: Date | None = optional("When it is expected to close.")
    closed_date: Date | None = optional("When it did close; only of closed deals; today if not given.")
    loss_reason: str | None = optional("Why it was lost; only of lost deals.", _REASON)
    assigned_to_id: ID | None = optional("Who looks after it.")
    source: str | None = optional("Where it came from.", _SHORT)
    contact_ids: list[ID] | None = optional("The people on it, in order, none twice.", _CONTACTS)
    description: str | None = optional("What it is about.", _LONG)


@strawberry.input(description="A change of a deal. Left out: unchanged; null: cleared (not name, accountId, stage, probability).")
class UpdateOpportunityInput:
    """A change of a deal."""

    name: str | None = optional("What the deal is called.", _NAME)
    account_id: ID | None = optional("Whom it is with.")
    value: Money | None = optional("What it is worth.", _AMOUNT)
    stage: OpportunityStage | None = optional("Where it is in the pipeline.")
    probability: int | None = optional("How likely it is to be won, in percent.", _PERCENT)
    close_date: Date | None = optional("When it is expected to close.")
    closed_date: Date | None = optional("When it did close; only of closed deals.")
    loss_reason: str | None = optional("Why it was lost; only of lost deals.", _REASON)
    assigned_to_id: ID | None = optional("Who looks after it.")
    source: str | None = optional("Where it came from.", _SHORT)
    contact_ids: list[ID] | None = optional("The people on it, in order, none twice; null and [] clear them.", _CONTACTS)
    description: str | None = optional("What it is about.", _LONG)


@strawberry.input(description="A new account.")
class CreateAccountInput:
    """A new account."""

    name: str = required("Its name.", _NAME)
    website: str | None = optional("Its address on the web.", _URL)
    industry: str | None = optional("What it does.", _SHORT)


@strawberry.input(description="A change of an account. Left out: unchanged; null: cleared (not name).")
class UpdateAccountInput:
    """A change of an account."""

    name: str | None = optional("Its name.", _NAME)
    website: str | None = optional("Its address on the web.", _URL)
    industry: str | None = optional("What it does.", _SHORT)


@strawberry.input(description="A new contact: firstName or lastName, and a valid e-mail address, unique in the workspace.")
class CreateContactInput:
    """A new contact."""

    first_name: str | None = optional("The first name.", _SHORT)
    last_name: str | None = optional("The last name.", _SHORT)
    email: str = required("The e-mail address.", _EMAIL)
    phone: str | None = optional("The telephone number.", _SHORT)
    title: str | None = optional("What the contact does there.", _LINE)
    account_id: ID | None = optional("Where the contact works.")


@strawberry.input(description="A change of a contact. Left out: unchanged; null: cleared (not email).")
class UpdateContactInput:
    """A change of a contact."""

    first_name: str | None = optional("The first name.", _SHORT)
    last_name: str | None = optional("The last name.", _SHORT)
    email: str | None = optional("The e-mail address.", _EMAIL)
    phone: str | None = optional("The telephone number.", _SHORT)
    title: str | None = optional("What the contact does there.", _LINE)
    account_id: ID | None = optional("Where the contact works.")


@strawberry.input(description="A new user.")
class CreateUserInput:
    """A new user."""

    name: str = required("The full name.", _NAME)
    email: str = required("The e-mail address, unique in the workspace.", _EMAIL)
    role: Role = required("What the user may do.")
    account_id: ID | None = _account()


@strawberry.input(description="A change of a user. Left out: unchanged; null: cleared (only accountId).")
class UpdateUserInput:
    """A change of a user."""

    name: str | None = optional("The full name.", _NAME)
    email: str | None = optional("The e-mail address, unique in the workspace.", _EMAIL)
    role: Role | None = optional("What the user may do.")
    is_active: bool | None = optional("Whether the user may sign in.")
    account_id: ID | None = _account()


@strawberry.input(description="A new key. `accountId` limits a viewer's key to that account.")
class CreateApiKeyInput:
    """A new key."""

    name: str = required("What it is for.", _NAME)
    role: Role = required("What it may do.")
    expires_at: DateTime | None = optional("When it stops working; never, if not given.")
    account_id: ID | None = _account()
