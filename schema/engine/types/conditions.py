"""Conditions that filters have on values of each type. The operators are the planner's."""

import strawberry
from strawberry import ID

from schema.values import Made

from .fields import Constraint, optional
from .scalars import Date, DateTime, Money

_LIST = Constraint(max_items=250)
_SEARCH = Constraint(max_length=200)


def _operator(name: str, description: str, limits: Constraint | None = None) -> Made:
    return optional(description, limits, name=name)


_EQ = "The value is this one."
_IN = "The value is one of these; an empty list matches nothing."
_NOT_IN = "The value is none of these; records without a value match, too."
_GT, _GTE = "The value is greater than this one.", "The value is this one or greater."
_LT, _LTE = "The value is less than this one.", "The value is this one or less."
_LATER, _SINCE = "The time is later than this one.", "The time is this one or later."
_EARLIER, _UNTIL = "The time is earlier than this one.", "The time is this one or earlier."
_NULL = "Whether there is no value: `true` matches records without one, `false` those with one."


@strawberry.input(description="Conditions on an id. All that are given must hold.")
class IDFilter:
    """Conditions on an id."""

    eq: ID | None = optional(_EQ)
    in_: list[ID] | None = _operator("in", _IN, _LIST)
    not_in: list[ID] | None = optional(_NOT_IN, _LIST)
    is_null: bool | None = optional(_NULL)


@strawberry.input(description="Conditions on an amount. All that are given must hold.")
class MoneyFilter:
    """Conditions on an amount."""

    eq: Money | None = optional(_EQ)
    gt: Money | None = optional(_GT)
    gte: Money | None = optional(_GTE)
    lt: Money | None = optional(_LT)
    lte: Money | None = optional(_LTE)
    is_null: bool | None = optional(_NULL)


@strawberry.input(description="Conditions on a whole number. All that are given must hold.")
class IntFilter:
    """Conditions on a whole number."""

    eq: int | None = optional(_EQ)
    gt: int | None = optional(_GT)
    gte: int | None = optional(_GTE)
    lt: int | None = optional(_LT)
    lte: int | None = optional(_LTE)


@strawberry.input(description="Conditions on a date. All that are given must hold.")
class DateFilter:
    """Conditions on a date."""

    eq: Date | None = optional(_EQ)
    gt: Date | None = optional(_LATER)
    gte: Date | None = optional(_SINCE)
    lt: Date | None = optional(_EARLIER)
    lte: Date | None = optional(_UNTIL)
    is_null: bool | None = optional(_NULL)


@strawberry.input(
    description="Conditions on an instant. All that are given must hold. A bound with a fraction of a second lies between two seconds."
)
class DateTimeFilter:
    """Conditions on an instant."""

    gt: DateTime | None = optional(_LATER)
    gte: DateTime | None = optional(_SINCE)
    lt: DateTime | None = optional(_EARLIER)
    lte: DateTime | None = optional(_UNTIL)


@strawberry.input(
    description="Conditions on a text. All that are given must hold. No text is trimmed; `%` and `_` are ordinary characters."
)
class StringFilter:
    """Conditions on a text."""

    eq: str | None = optional("The text is exactly this one.")
    in_: list[str] | None = _operator("in", "The text is exactly one of these; an empty list matches nothing.", _LIST)
    contains: str | None = optional(
        "The text contains this one; upper and lower case are alike, as are other forms of the same character.", _SEARCH
    )
    starts_with: str | None = optional(
        "The text begins with this one; upper and lower case are alike, as are other forms of the same character.", _SEARCH
    )
    is_null: bool | None = optional(_NULL)


@strawberry.input(description="Conditions on a text as it is, upper and lower case apart. All that are given must hold.")
class ExactStringFilter:
    """Conditions on a text that isn't kept case-folded."""

    eq: str | None = optional("The text is exactly this one.")
    in_: list[str] | None = _operator("in", "The text is exactly one of these; an empty list matches nothing.", _LIST)
    not_in: list[str] | None = optional("The text is none of these; records without a text match, too.", _LIST)
    is_null: bool | None = optional(_NULL)


def enum_conditions(name: str, enum: Made, what: str) -> Made:
    """The input `name` of conditions on a value of an enum, of which `what` speaks, such as "the role"."""

    class Conditions:
        eq: enum | None = optional(_EQ)
        in_: list[enum] | None = _operator("in", _IN, _LIST)
        not_in: list[enum] | None = optional("The value is none of these.", _LIST)

    return strawberry.input(Conditions, name=name, description=f"Conditions on {what}. All that are given must hold.")
