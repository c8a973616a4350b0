"""What every connection shares: the arguments of a page, and what is told of it (Relay, GraphQL Cursor Connections Specification)."""

from typing import Annotated

import strawberry

from .enums import OpportunityStage, Period
from .fields import Constraint, argument, plain
from .filters import OpportunityFilter, OpportunityOrder
from .scalars import Date, Money

_SIZE = Constraint(min=0, max=100)

FirstArg = Annotated[
    int | None,
    argument("How many records the page has, from the start of the list or after `after`; 20 if neither this nor `last` is given.", _SIZE),
]
AfterArg = Annotated[str | None, argument("Only records that come after this cursor.")]
NewestArg = Annotated[int | None, argument("How many of the newest moves are told.", _SIZE)]
LastArg = Annotated[int | None, argument("How many records the page has, from the end of the list or before `before`.", _SIZE)]
BeforeArg = Annotated[str | None, argument("Only records that come before this cursor.")]
OffsetArg = Annotated[
    int | None,
    argument("How many records are passed over, for clients that number their pages; it excludes cursors and `last`.", Constraint(min=0)),
]
FilterArg = Annotated[OpportunityFilter | None, argument("Only opportunities that match this filter.")]
OrderArg = Annotated[
    list[OpportunityOrder] | None,
    argument(
        "What the opportunities are ordered by, the most important first; if it is left out, the newest come first.",
        Constraint(max_items=7),
    ),
]
SearchArg = Annotated[
    str | None,
    argument(
        "Only records with this text in the name, or in the e-mail address if they have one; upper and lower case are alike, as are other "
        "forms of the same character.",
        Constraint(max_length=200),
    ),
]


@strawberry.type(description="What comes before and after a page, as Relay's specification of cursor connections has it.")
class PageInfo:
    """Where a page is."""

    has_next_page: bool = plain("Whether more records come after the page.")
    has_previous_page: bool = plain("Whether records come before the page.")
    start_cursor: str | None = plain("The cursor of the first record of the page; null if the page is empty.")
    end_cursor: str | None = plain("The cursor of the last record of the page; null if the page is empty.")


@strawberry.type(name="OpportunitySummary", description="Numbers over all opportunities that match a filter.")
class Summary:
    """Over all that match, whatever the page."""

    count: int = plain("How many opportunities match.")
    total_value: Money = plain("The sum of the values of the opportunities.")
    weighted_value: Money = plain("The sum of the weighted values of the opportunities, each of them rounded to the cent.")
    average_value: Money | None = plain("The mean of the values, rounded half up to the cent; null if no opportunity has a value.")
    won_count: int = plain("How many of the opportunities are won.")
    lost_count: int = plain("How many of the opportunities are lost.")
    win_rate: float | None = plain("The share of won opportunities among the closed ones, from 0 to 1; null if none is closed.")


@strawberry.type(description="A stage of the pipeline, with numbers over the opportunities that are in it.")
class PipelineStage:
    """A stage, with what is in it."""

    stage: OpportunityStage = plain("The stage that the numbers are about.")
    count: int = plain("How many opportunities are in the stage.")
    total_value: Money = plain("The sum of the values of the opportunities in the stage.")
    weighted_value: Money = plain("The sum of the weighted values of the opportunities in the stage, each of them rounded to the cent.")
    average_age_days: float | None = plain("How many days, on average, the opportunities have been in the stage; null if there are none.")


@strawberry.type(description="A period of a forecast, with numbers over the opportunities that close in it.")
class ForecastPeriod:
    """A period of the forecast."""

    start: Date = plain("The first day of the period.")
    end: Date = plain("The last day of the period.")
    open_count: int = plain("How many open opportunities are expected to close in the period.")
    open_value: Money = plain("The sum of the values of the open opportunities that are expected to close in the period.")
    weighted_value: Money = plain("The sum of the weighted values of those open opportunities, each of them rounded to the cent.")
    won_count: int = plain("How many opportunities were won in the period.")
    won_value: Money = plain("The sum of the values of the opportunities that were won in the period.")


PeriodArg = Annotated[Period, argument("How long each period is.")]
