"""What a mutation answers: the record, or `userErrors` saying what to mend, never both."""

import strawberry
from strawberry import ID

from ..plan.sources import ToOne
from .enums import ErrorCode, ErrorReason
from .fields import plain, read_from
from .records import Account, ApiKey, Contact, Opportunity, User

_ERRORS = "What to mend before it can be done; empty if it was done."


@strawberry.type(description="Why something was not done, and what to mend.")
class UserError:
    """A fault of the input, or of the record."""

    code: ErrorCode = plain("The kind of the fault, which REST tells by its status.")
    reason: ErrorReason = plain("The fault itself, for programs: a frontend words it in its own language.")
    index: int | None = plain("The place of the item in the input, counted from 0, in calls with many items; null in others.")
    field: list[str] | None = plain(
        "The path to the faulty value in the input, such as ['contactIds', '1']; null if the fault is about the record."
    )
    message: str = plain("What to mend, in an English sentence for people.")


@strawberry.type(description="The opportunity that was created or changed, or what to mend.")
class OpportunityPayload:
    """The opportunity, or what to mend."""

    opportunity: Opportunity | None = read_from(ToOne("Opportunity", "recordId"), "The opportunity as it is now; null if nothing was done.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="The account that was created or changed, or what to mend.")
class AccountPayload:
    """The account, or what to mend."""

    account: Account | None = read_from(ToOne("Account", "recordId"), "The account as it is now; null if nothing was done.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="The contact that was created or changed, or what to mend.")
class ContactPayload:
    """The contact, or what to mend."""

    contact: Contact | None = read_from(ToOne("Contact", "recordId"), "The contact as it is now; null if nothing was done.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="The user who was created or changed, or what to mend.")
class UserPayload:
    """The user, or what to mend."""

    user: User | None = read_from(ToOne("User", "recordId"), "The user as it is now; null if nothing was done.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="The API key that was created, with its token, or what to mend.")
class ApiKeyPayload:
    """The key and its token, or what to mend."""

    api_key: ApiKey | None = read_from(ToOne("ApiKey", "recordId"), "The API key that was created; null if nothing was done.")
    token: str | None = plain("The token that a program sends with its requests. It is shown this once, and kept nowhere.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="The id of what was deleted, or what to mend.")
class DeletePayload:
    """What was deleted, or what to mend."""

    deleted_id: ID | None = plain("The id of the record that was deleted; null if nothing was done.")
    user_errors: list[UserError] = plain(_ERRORS)


@strawberry.type(description="What became of each opportunity of a call with many.")
class BulkOpportunityPayload:
    """Results in the order of the input."""

    results: list[OpportunityPayload] = plain("A result for each item of the input, in its order.")
    succeeded: int = plain("How many items were done.")
    failed: int = plain("How many items were not done.")


@strawberry.type(description="What became of each deletion of a call with many.")
class BulkDeletePayload:
    """Results in the order of the input."""

    results: list[DeletePayload] = plain("A result for each id of the input, in its order.")
    succeeded: int = plain("How many items were done.")
    failed: int = plain("How many items were not done.")


@strawberry.type(description="A field of an opportunity that an update would change.")
class FieldChange:
    """A field that an update would change."""

    field: str = plain("The name of the field in `UpdateOpportunityInput`, or `probabilitySource`, which the rules set.")
    from_: str | None = plain("The value of the field as it is now.", name="from")
    to: str | None = plain("The value that the field would have.")
    because: str | None = plain("The rule that would change the field; null if the caller does.")


@strawberry.type(description="What an update of an opportunity would do.")
class OpportunityPreview:
    """What an update would do."""

    changes: list[FieldChange] = plain("The fields that would change.")
    user_errors: list[UserError] = plain("What would stop the update; empty if it would be done.")
