"""The codes and the reasons of faults."""

from collections.abc import Mapping

from strawberry.types.enum import EnumValue

from .enums import plain_enum

ErrorCode = plain_enum(
    "ErrorCode",
    "The kinds of faults for which something is not done.",
    {
        "VALIDATION_ERROR": "A value breaks a rule; `field` says which value.",
        "NOT_FOUND": "There is no such record; without `field` it is the one to be changed.",
        "PRECONDITION_FAILED": "The record has another version than the caller expects.",
        "CONFLICT": "The state of the record, or another record, stands in the way of the change.",
    },
)
ErrorReason = plain_enum(
    "ErrorReason",
    "The faults for which something is not done, for frontends to word in their own language.",
    {
        "REQUIRED": "A value that is needed is missing.",
        "NULL": "A value is null that cannot be cleared.",
        "TOO_LONG": "A text or a list is longer than allowed.",
        "TOO_SHORT": "A text, without the blanks around it, or a list is shorter than allowed.",
        "OUT_OF_RANGE": "A number or an instant is out of its range.",
        "MALFORMED": "A value does not have the form that it must have.",
        "NOT_FOUND": "What an id or a name stands for does not exist, or the caller may not see it.",
        "DUPLICATE": "A value is given twice, or another record has it already.",
        "VERSION": "The version of the record is not the expected one: someone changed it.",
        "IN_USE": "Other records still refer to the record.",
        "FORBIDDEN": "The role or the scopes of the caller do not allow this.",
        "ANOTHER_ITEM": "Nothing is wrong with this item, but another one of the atomic call failed.",
        "KEY_REUSED": "The idempotency key was used for another call before.",
        "OTHER": "A rule without a reason of its own is broken; the message says which.",
    },
)


def add_reasons(reasons: Mapping[str, str]) -> None:
    """Adds the reasons of a noun's own rules, each with its description."""
    known: list[EnumValue] = ErrorReason.__strawberry_definition__.values
    known.extend(EnumValue(name, name, description=text) for name, text in reasons.items())
