"""Numbers about opportunities, as the graph tells them."""

from typing import Annotated

import strawberry

from schema.engine.types.fields import Constraint, argument, plain
from schema.engine.types.scalars import Date, Money

from .enums import OpportunityStage, Period

_SIZE = Constraint(min=0, max=100)


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
NewestArg = Annotated[int | None, argument("How many of the newest moves are told.", _SIZE)]
