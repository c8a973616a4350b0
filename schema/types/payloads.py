"""What a mutation answers: the record, or `userErrors` saying what to mend, never both."""

import strawberry
from strawberry import ID

from ..plan.sources import ToOne
from .enums import ErrorCode, ErrorReason
from .fields import plain, read_from
from .records import Account, ApiKey, Contact, Opportunity, User

_ERRORS = "What to mend; empty where it was done."


@strawberry.type(description="A fault of the input, or of the record.")
class UserError:
    """A fault of the input, or of the record."""

    code: ErrorCode = plain("What kind of fault it is.")
    reason: ErrorReason = plain("Why, for programs: a frontend words it in its own language.")
    index: int | None = plain("In calls that carry many items: the place of the item in the input, from 0.")
    field: list[str] | None = plain("Path into the input, e.g. ['contactIds', '1']; null where it is about the record.")
    message: str = plain("What to mend, in one English sentence.")


@strawberry.type(description="The opportunity, or what to mend.")
class OpportunityPayload:
    """The opportunity, or what to mend."""

    opportunity: Opportunity | None = read_from(ToOne("Opportunity", "recordId"), "As it is now.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="The account, or what to mend.")
class AccountPayload:
    """The account, or what to mend."""

    account: Account | None = read_from(ToOne("Account", "recordId"), "As it is now.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="The contact, or what to mend.")
class ContactPayload:
    """The contact, or what to mend."""

    contact: Contact | None = read_from(ToOne("Contact", "recordId"), "As it is now.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="The user, or what to mend.")
class UserPayload:
    """The user, or what to mend."""

    user: User | None = read_from(ToOne("User", "recordId"), "As it is now.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="The key and its token, or what to mend.")
class ApiKeyPayload:
    """The key and its token, or what to mend."""

    api_key: ApiKey | None = read_from(ToOne("ApiKey", "recordId"), "The key.")
    token: str | None = plain("The token: shown this once.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="What was deleted, or what to mend.")
class DeletePayload:
    """What was deleted, or what to mend."""

    deleted_id: ID | None = plain("The id of what is gone.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="Results in the order of the input.")
class BulkOpportunityPayload:
    """Results in the order of the input."""

    results: list[OpportunityPayload] = plain("One for each item.")
    succeeded: int = plain("How many were done.")
    failed: int = plain("How many were not.")


@strawberry.type(description="Results in the order of the input.")
class BulkDeletePayload:
    """Results in the order of the input."""

    results: list[DeletePayload] = plain("One for each id.")
    succeeded: int = plain("How many were done.")
    failed: int = plain("How many were not.")


@strawberry.type(description="A field that an update would change.")
class FieldChange:
    """A field that an update would change."""

    field: str = plain("Its name in `UpdateOpportunityInput`, or `probabilitySource`, which the rules keep.")
    from_: str | None = plain("What it is.", name="from")
    to: str | None = plain("What it would be.")
    because: str | None = plain("The rule that makes it, null where the caller does.")


@strawberry.type(description="What an update would do.")
class OpportunityPreview:
    """What an update would do."""

    changes: list[FieldChange] = plain("What would change.")
    user_errors: list[UserError] = plain("What would stop it.")
