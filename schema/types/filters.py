"""What lists can be narrowed and ordered by. A filter field names the column that it looks at; the operators are the planner's."""

from typing import Any, Optional

import strawberry
from strawberry import ID

from ..plan.conditions import LinkedTo, Match
from .enums import Direction, OpportunityOrderField, OpportunityStage
from .fields import Constraint, optional
from .relations import CONTACTS, visible_link
from .scalars import Date, DateTime, Money

_LIST = Constraint(max_items=250)
_SEARCH = Constraint(max_length=200)


def _operator(name: str, description: str, limits: Constraint | None = None) -> Any:
    return optional(description, limits, name=name)


_EQ, _IN, _NOT_IN = "Is this.", "Is one of these; none of them: matches nothing.", "Is none of these, or absent."
_GT, _GTE, _LT, _LTE = "Greater.", "Greater or the same.", "Less.", "Less or the same."
_NULL = "true: is absent; false: is there."


@strawberry.input(description="Operators on an id.")
class IDFilter:
    """Operators on an id."""

    eq: ID | None = optional(_EQ)
    in_: list[ID] | None = _operator("in", _IN, _LIST)
    not_in: list[ID] | None = optional(_NOT_IN, _LIST)
    is_null: bool | None = optional(_NULL)


@strawberry.input(description="Operators on the stage.")
class StageFilter:
    """Operators on the stage."""

    eq: OpportunityStage | None = optional(_EQ)
    in_: list[OpportunityStage] | None = _operator("in", _IN, _LIST)
    not_in: list[OpportunityStage] | None = optional("Is none of these.", _LIST)


@strawberry.input(description="Operators on an amount.")
class MoneyFilter:
    """Operators on an amount."""

    eq: Money | None = optional(_EQ)
    gt: Money | None = optional(_GT)
    gte: Money | None = optional(_GTE)
    lt: Money | None = optional(_LT)
    lte: Money | None = optional(_LTE)
    is_null: bool | None = optional(_NULL)


@strawberry.input(description="Operators on a whole number.")
class IntFilter:
    """Operators on a whole number."""

    eq: int | None = optional(_EQ)
    gt: int | None = optional(_GT)
    gte: int | None = optional(_GTE)
    lt: int | None = optional(_LT)
    lte: int | None = optional(_LTE)


@strawberry.input(description="Operators on a date.")
class DateFilter:
    """Operators on a date."""

    eq: Date | None = optional(_EQ)
    gt: Date | None = optional("Later.")
    gte: Date | None = optional("Later or the same.")
    lt: Date | None = optional("Earlier.")
    lte: Date | None = optional("Earlier or the same.")
    is_null: bool | None = optional(_NULL)


@strawberry.input(description="Operators on an instant.")
class DateTimeFilter:
    """Operators on an instant."""

    gt: DateTime | None = optional("Later.")
    gte: DateTime | None = optional("Later or the same.")
    lt: DateTime | None = optional("Earlier.")
    lte: DateTime | None = optional("Earlier or the same.")


@strawberry.input(description="Operators on a text. `contains` and `startsWith` ignore case; `%` and `_` are ordinary characters.")
class StringFilter:
    """Operators on a text."""

    eq: str | None = optional("Is exactly this.")
    in_: list[str] | None = _operator("in", "Is exactly one of these.", _LIST)
    contains: str | None = optional("Has this in it, ignoring case.", _SEARCH)
    starts_with: str | None = optional("Begins with this, ignoring case.", _SEARCH)
    is_null: bool | None = optional(_NULL)


def _on(match: Match | LinkedTo, description: str) -> Any:
    return optional(description, metadata={"match": match})


@strawberry.input(
    description=(
        "Fields are ANDed; every operator given in one object must hold. An operator that is null counts as absent; `in: []` and `or: []` "
        "match nothing, `and: []` everything; `not`, `notIn` are exact complements, so rows without a value match them. At most 100 "
        "conditions."
    )
)
class OpportunityFilter:
    """What must hold of an opportunity."""

    and_: Optional[list["OpportunityFilter"]] = optional("All of these hold.", name="and")  # noqa: UP045  the name is a string here
    or_: Optional[list["OpportunityFilter"]] = optional("At least one of these holds.", name="or")  # noqa: UP045
    not_: Optional["OpportunityFilter"] = optional("This does not hold.", name="not")
    id: IDFilter | None = _on(Match("id"), "The id.")
    account_id: IDFilter | None = _on(Match("account_id"), "The account's id.")
    assigned_to_id: IDFilter | None = _on(Match("assigned_to_id"), "The owner's id.")
    contact_id: IDFilter | None = _on(LinkedTo(CONTACTS, "contact_ids", visible_link), "The id of any of its contacts.")
    stage: StageFilter | None = _on(Match("stage"), "The stage.")
    is_closed: bool | None = _on(Match("stage"), "Whether it is won or lost.")
    value: MoneyFilter | None = _on(Match("value_cents"), "The value.")
    probability: IntFilter | None = _on(Match("probability"), "The probability, in percent.")
    close_date: DateFilter | None = _on(Match("close_date"), "When it is expected to close.")
    closed_date: DateFilter | None = _on(Match("closed_date"), "When it did close.")
    created_at: DateTimeFilter | None = _on(Match("created_at"), "When it was created.")
    updated_at: DateTimeFilter | None = _on(Match("updated_at"), "When it last changed.")
    name: StringFilter | None = _on(Match("name", folded="name_folded"), "The name.")
    source: StringFilter | None = _on(Match("source", folded="source_folded"), "Where it came from.")


@strawberry.input(description="A term of an order.")
class OpportunityOrder:
    """A term of an order."""

    field: OpportunityOrderField = strawberry.field(description="What to order by.")
    direction: Direction = strawberry.field(description="Which way.", default=Direction.ASC)
