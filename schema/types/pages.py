"""What every connection shares: the arguments of a page, and what is told of it (Relay, GraphQL Cursor Connections Specification)."""

from typing import Annotated

import strawberry

from .enums import OpportunityStage, Period
from .fields import Constraint, argument, plain
from .filters import OpportunityFilter, OpportunityOrder
from .scalars import Date, Money

_SIZE = Constraint(min=0, max=100)

FirstArg = Annotated[
    int | None, argument("How many, from the start or after `after`: 0 to 100; 20 if neither this nor `last` is given.", _SIZE)
]
AfterArg = Annotated[str | None, argument("Only what comes after this cursor.")]
LastArg = Annotated[int | None, argument("How many, from the end or before `before`: 0 to 100.", _SIZE)]
BeforeArg = Annotated[str | None, argument("Only what comes before this cursor.")]
OffsetArg = Annotated[
    int | None, argument("How many to pass over, for page-numbered clients; excludes cursors and `last`.", Constraint(min=0))
]
FilterArg = Annotated[OpportunityFilter | None, argument("What must hold.")]
OrderArg = Annotated[
    list[OpportunityOrder] | None,
    argument("What to order by, the most important first; newest first if not given.", Constraint(max_items=7)),
]
SearchArg = Annotated[
    str | None, argument("Only names (and e-mail addresses) that contain this, ignoring case.", Constraint(max_length=200))
]


@strawberry.type(description="Where a page is (Relay).")
class PageInfo:
    """Where a page is."""

    has_next_page: bool = plain("Whether more follow.")
    has_previous_page: bool = plain("Whether some come before.")
    start_cursor: str | None = plain("The cursor of the first edge.")
    end_cursor: str | None = plain("The cursor of the last edge.")


@strawberry.type(name="OpportunitySummary", description="Over all that match, whatever the page.")
class Summary:
    """Over all that match, whatever the page."""

    count: int = plain("How many.")
    total_value: Money = plain("The sum of their values.")
    weighted_value: Money = plain("The sum of their weighted values, each to the cent.")
    average_value: Money | None = plain("The mean of the values there are, to the cent, half up; null if none has one.")
    won_count: int = plain("How many are won.")
    lost_count: int = plain("How many are lost.")
    win_rate: float | None = plain("won / (won + lost); null if none is closed.")


@strawberry.type(description="A stage, with what is in it.")
class PipelineStage:
    """A stage, with what is in it."""

    stage: OpportunityStage = plain("The stage.")
    count: int = plain("How many deals are in it.")
    total_value: Money = plain("The sum of their values.")
    weighted_value: Money = plain("The sum of their weighted values, each to the cent.")
    average_age_days: float | None = plain("Mean days that those deals have been in this stage; null if there are none.")


@strawberry.type(description="A period of the forecast.")
class ForecastPeriod:
    """A period of the forecast."""

    start: Date = plain("Its first day.")
    end: Date = plain("Its last day.")
    open_count: int = plain("Open deals expected to close in it.")
    open_value: Money = plain("The sum of their values.")
    weighted_value: Money = plain("The sum of their weighted values, each to the cent.")
    won_count: int = plain("Deals won in it.")
    won_value: Money = plain("The sum of their values.")


PeriodArg = Annotated[Period, argument("How long a period is.")]
