"""The user errors of every mutation: why something was not done."""

import strawberry

from schema.engine.types.fields import plain

from .codes import ErrorCode, ErrorReason

USER_ERRORS = "What to mend before it can be done; empty if it was done."


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
