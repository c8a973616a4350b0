"""The mutations that nouns have in common: one creates, one changes, one deletes a record."""

from typing import Annotated

import strawberry
from strawberry import ID

from schema.engine.compile.sources import WRITES
from schema.engine.types.fields import Constraint, argument, plain
from schema.values import Made, Value

from .errors import USER_ERRORS, UserError
from .members import REQUIRED, Argument, with_arguments

IdArg = Annotated[ID, argument("The id of the record.")]
VersionArg = Annotated[
    int | None,
    argument("The version of the record that the caller has seen. If it has another one by now, nothing is done: PRECONDITION_FAILED."),
]
KeyArg = Annotated[
    str | None,
    argument(
        "Printable characters of the caller's choice, which make a retry safe: for 24 hours the same call under the same key has no second "
        "effect and gets the first answer again, with `idempotencyReplayed: true` in the extensions. Another call under the same key is an "
        "error with the code VALIDATION_ERROR.",
        Constraint(min_length=1, max_length=255),
    ),
]

KEY = Argument("idempotency_key", KeyArg)


@strawberry.type(description="The id of what was deleted, or what to mend.")
class DeletePayload:
    """The deleted id, or what to mend."""

    deleted_id: ID | None = plain("The id of the record that was deleted; null if nothing was done.")
    user_errors: list[UserError] = plain(USER_ERRORS)


def creates(row: Value, note: str = "", returns: Made = None) -> Made:
    """Return the mutation that creates a record; `note` is added to its description, `returns` replaces the noun's payload."""
    noun = row.__noun__
    given = Argument("input", Annotated[noun.create, argument(f"The {noun.label} to create.")], REQUIRED)
    payload = returns or noun.payload
    text = _with_note(f"Creates {noun.a_label}.", note)
    return with_arguments(payload | None, [given, KEY], text, {WRITES: noun.name})


def changes(row: Value, note: str = "", *more: Argument) -> Made:
    """The mutation that changes a record, with `more` arguments."""
    noun = row.__noun__
    given = Argument("input", Annotated[noun.update, argument("The fields that change.")], REQUIRED)
    arguments = [Argument("id", IdArg, REQUIRED), given, *more, KEY]
    text = _with_note(f"Changes {noun.a_label}.", note)
    return with_arguments(noun.payload | None, arguments, text, {WRITES: noun.name})


def deletes(row: Value, note: str = "") -> Made:
    """The mutation that deletes a record."""
    noun = row.__noun__
    arguments = [Argument("id", IdArg, REQUIRED), VERSION, KEY]
    text = _with_note(f"Deletes {noun.a_label} for good.", note)
    return with_arguments(DeletePayload | None, arguments, text, {WRITES: noun.name})


def _with_note(description: str, note: str) -> str:
    return f"{description} {note}" if note else description


VERSION = Argument("expected_version", VersionArg)
