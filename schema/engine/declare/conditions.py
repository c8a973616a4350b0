"""Conditions that filters have on values of each type. The operators are the planner's."""

from collections.abc import Collection, Sequence

import strawberry
from strawberry import ID

from schema.engine.types.fields import Constraint, optional
from schema.engine.types.scalars import Date, DateTime, Money
from schema.values import Made

from .members import Member, make_input

_LIST = Constraint(max_items=250)
_SEARCH = Constraint(max_length=200)


def _operator(name: str, description: str, limits: Constraint | None = None) -> Made:
    return optional(description, limits, name=name)


_EQ = "The value is this one."
_IN = "The value is one of these; an empty list matches nothing."
_NOT_IN = "The value is none of these; records without a value match, too."
_NUMBERS = (
    "The value is greater than this one.",
    "The value is this one or greater.",
    "The value is less than this one.",
    "The value is this one or less.",
)
_TIMES = (
    "The time is later than this one.",
    "The time is this one or later.",
    "The time is earlier than this one.",
    "The time is this one or earlier.",
)
_NULL = "Whether there is no value: `true` matches records without one, `false` those with one."


@strawberry.input(description="Conditions on an id. All that are given must hold.")
class IDFilter:
    """Conditions on an id."""

    eq: ID | None = optional(_EQ)
    in_: list[ID] | None = _operator("in", _IN, _LIST)
    not_in: list[ID] | None = optional(_NOT_IN, _LIST)
    is_null: bool | None = optional(_NULL)


def _ranges(name: str, type_: Made, what: str, words: Sequence[str], *, without: Collection[str] = (), note: str = "") -> Made:
    """The input `name` of conditions on `what` can be less or more; `words` are those of the four comparisons."""
    texts = dict(zip(("eq", "gt", "gte", "lt", "lte", "is_null"), (_EQ, *words, _NULL), strict=True))
    members = [
        Member(each, bool | None if each == "is_null" else type_ | None, optional(text))
        for each, text in texts.items()
        if each not in without
    ]
    return make_input(name, f"Conditions on {what}. All that are given must hold.{note}", members)


_BETWEEN = " A bound with a fraction of a second lies between two seconds."

MoneyFilter = _ranges("MoneyFilter", Money, "an amount", _NUMBERS)
IntFilter = _ranges("IntFilter", int, "a whole number", _NUMBERS)
DateFilter = _ranges("DateFilter", Date, "a date", _TIMES)
DateTimeFilter = _ranges("DateTimeFilter", DateTime, "an instant", _TIMES, without={"eq"}, note=_BETWEEN)


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


def enum_conditions(name: str, enum: Made, what: str, *, nullable: bool = False) -> Made:
    """The input `name` of conditions on a value of an enum, of which `what` speaks, such as "the role"."""

    class Conditions:
        eq: enum | None = optional(_EQ)
        in_: list[enum] | None = _operator("in", _IN, _LIST)
        not_in: list[enum] | None = optional(_NOT_IN if nullable else "The value is none of these.", _LIST)
        if nullable:
            is_null: bool | None = optional(_NULL)

    return strawberry.input(Conditions, name=name, description=f"Conditions on {what}. All that are given must hold.")
