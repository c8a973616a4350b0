"""What lists can be narrowed and ordered by. A filter field names the column that it looks at; the operators are the planner's."""

from typing import Any, Optional

import strawberry
from strawberry import ID

from ..plan.conditions import AtLeast, LinkedTo, Match, Matching
from ..rules.stages import FIRST_CLOSED
from .enums import Direction, OpportunityOrderField, OpportunityStage
from .fields import Constraint, optional
from .relations import CONTACTS, visible_link
from .scalars import Date, DateTime, Money
from .sentences import Deal

_LIST = Constraint(max_items=250)
_SEARCH = Constraint(max_length=200)


def _operator(name: str, description: str, limits: Constraint | None = None) -> Any:
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


@strawberry.input(description="Conditions on the stage. All that are given must hold.")
class StageFilter:
    """Conditions on the stage."""

    eq: OpportunityStage | None = optional(_EQ)
    in_: list[OpportunityStage] | None = _operator("in", _IN, _LIST)
    not_in: list[OpportunityStage] | None = optional("The value is none of these.", _LIST)


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


def _on(match: Matching, description: str) -> Any:
    return optional(description, metadata={"match": match})


def matches(filter_type: Any) -> list[Matching]:
    """What the fields of a filter look at."""
    fields = filter_type.__strawberry_definition__.fields
    return [field.metadata["match"] for field in fields if "match" in field.metadata]


@strawberry.input(
    description=(
        "What must hold of an opportunity. All fields and all conditions that are given must hold; a field that is null counts as left "
        "out. A condition that is null, and an object without conditions, are an error (BAD_REQUEST), so that a variable that is null "
        "doesn't show everything. `in: []` and `or: []` match nothing, `and: []` everything; `not` and `notIn` match exactly what is left, "
        "records without a value included. Each object and each list in the filter counts, an `in` of 250 ids as one; there may be at most "
        "100."
    )
)
class OpportunityFilter:
    """What must hold of an opportunity."""

    and_: Optional[list["OpportunityFilter"]] = optional("All of these filters match; an empty list matches everything.", name="and")  # noqa: UP045  the name is a string here
    or_: Optional[list["OpportunityFilter"]] = optional("At least one of these filters matches; an empty list matches nothing.", name="or")  # noqa: UP045
    not_: Optional["OpportunityFilter"] = optional("This filter does not match, so records without a value do.", name="not")
    id: IDFilter | None = _on(Match("id"), Deal.ID)
    name: StringFilter | None = _on(Match("name", folded="name_folded"), Deal.NAME)
    account_id: IDFilter | None = _on(Match("account_id"), Deal.ACCOUNT)
    value: MoneyFilter | None = _on(Match("value_cents"), Deal.VALUE)
    stage: StageFilter | None = _on(Match("stage"), Deal.STAGE)
    is_closed: bool | None = _on(AtLeast("stage", FIRST_CLOSED), Deal.IS_CLOSED)
    probability: IntFilter | None = _on(Match("probability"), Deal.PROBABILITY)
    close_date: DateFilter | None = _on(Match("close_date"), Deal.CLOSE_DATE)
    closed_date: DateFilter | None = _on(Match("closed_date"), Deal.CLOSED_DATE)
    assigned_to_id: IDFilter | None = _on(Match("assigned_to_id"), Deal.ASSIGNED_TO)
    source: StringFilter | None = _on(Match("source", folded="source_folded"), Deal.SOURCE)
    contact_id: IDFilter | None = _on(LinkedTo(CONTACTS, "contact_ids", visible_link), "A person who takes part in the opportunity.")
    created_at: DateTimeFilter | None = _on(Match("created_at"), Deal.CREATED_AT)
    updated_at: DateTimeFilter | None = _on(Match("updated_at"), Deal.UPDATED_AT)


@strawberry.input(description="A key that a list of opportunities is ordered by.")
class OpportunityOrder:
    """A term of an order."""

    field: OpportunityOrderField = strawberry.field(description="What the list is ordered by.")
    direction: Direction = strawberry.field(description="Whether the smallest or the greatest comes first.", default=Direction.ASC)
