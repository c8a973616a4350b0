"""Payloads of mutations: the record, or `userErrors` saying what to mend, never both."""

import strawberry

from schema.engine.compile.sources import ToOne
from schema.engine.declare.errors import USER_ERRORS, UserError
from schema.engine.declare.members import Member, list_of, make_type
from schema.engine.declare.writes import DeletePayload
from schema.engine.types.fields import plain, read_from
from schema.values import Made

from .all import ApiKey, Opportunity


@strawberry.type(description="The API key that was created or given a new token, with that token, or what to mend.")
class ApiKeyPayload:
    """The key and its token, or what to mend."""

    api_key: ApiKey | None = read_from(
        ToOne("ApiKey", "recordId"), "The API key that was created or given a new token; null if nothing was done."
    )
    token: str | None = plain("The token that a program sends with its requests. It is shown this once, and kept nowhere.")
    user_errors: list[UserError] = plain(USER_ERRORS)


def _bulk(name: str, what: str, result: Made, each: str) -> Made:
    members = [
        Member("results", list_of(result), plain(f"A result for each {each}.")),
        Member("succeeded", int, plain("How many items were done.")),
        Member("failed", int, plain("How many items were not done.")),
    ]
    return make_type(name, f"What became of each {what} of a call with many.", members)


BulkOpportunityPayload = _bulk("BulkOpportunityPayload", "opportunity", Opportunity.__noun__.payload, "item of the input, in its order")
BulkDeletePayload = _bulk("BulkDeletePayload", "deletion", DeletePayload, "id of the input, in its order")


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
