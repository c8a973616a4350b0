"""The pipeline and the forecast: one statement each, whatever they cover."""

from datetime import date, timedelta

from sqlalchemy import BigInteger, ColumnElement, FromClause, Integer, and_, bindparam, case, cast, exists, extract, func, or_, select, text
from typing_extensions import override

from schema.engine.compile.aggregates import exact_sum, joined, only_if
from schema.engine.compile.data_reader import DataReader
from schema.engine.compile.groups import FilteredSums
from schema.rules import clock
from schema.rules.errors import BadRequest
from schema.rules.stages import FIRST_CLOSED, STAGES, WON
from schema.sql_types import Bind, SelectOf
from schema.storage.columns import CalendarDate, Instant
from schema.storage.database import Row
from schema.values import CacheKey, Object, Value, Values

from .amounts import weighted_cents
from .stage_change import StageChange

MAX_PERIODS = 400
_DAY = 86_400
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}

CHANGE = StageChange.__table__


def seconds(column: Value, dialect: str) -> Value:
    """Seconds since 1970 of an instant."""
    return func.unixepoch(column) if dialect == "sqlite" else cast(extract("epoch", column), BigInteger)


class Pipeline(FilteredSums):
    """A row a stage: how many deals, what they are worth, how long they have been there."""

    async def __call__(self, reader: DataReader, arguments: Values) -> list[Object]:
        """One object a stage, in the order of the pipeline."""
        as_of = arguments.get("asOf")
        # An open day ends now: nobody has been anywhere until midnight yet.
        end = min(f"{as_of}T23:59:59Z", clock.now()) if as_of else clock.now()
        rows = {row[0]: row for row in await self.rows(reader, arguments, end=end)}
        return [_pipeline_stage(stage.position, rows.get(stage.position)) for stage in STAGES]

    @override
    def variant(self, arguments: Values) -> CacheKey:
        return (arguments.get("asOf") is not None,)

    @override
    def clause(self, table: FromClause, where: list[ColumnElement[bool]], variant: CacheKey) -> SelectOf:
        end: Bind = bindparam("end", type_=Instant(), required=True)
        source, stage, since, weight = table, table.c.stage, table.c.stage_since, weighted_cents(table)
        if variant == (True,):
            change = CHANGE.alias("change")
            same = and_(change.c.workspace_id == table.c.workspace_id, change.c.opportunity_id == table.c.id)
            source, stage, since, where = table.join(change, same), change.c.to_stage, change.c.at, [*where, *_is_last(change, end)]
            weight = weighted_cents(table, stage, _probability_in(stage, table))
        age = func.sum(seconds(end, self.dialect) - seconds(since, self.dialect))
        columns = [stage, func.count(), *exact_sum(table.c.value_cents), *exact_sum(weight), age]
        return select(*columns).select_from(source).where(*where).group_by(stage)


def _is_last(change: FromClause, end: Bind) -> list[ColumnElement[bool]]:
    """Return the condition that selects a deal's last change before `end`."""
    later = CHANGE.alias("later")
    newer = exists().where(
        later.c.workspace_id == change.c.workspace_id,
        later.c.opportunity_id == change.c.opportunity_id,
        later.c.sequence > change.c.sequence,
        later.c.at <= end,
    )
    return [change.c.at <= end, ~newer]


def _probability_in(stage: Value, deal: Value) -> Value:
    """How likely a deal was to be won while it was in `stage`: the history keeps stages alone. What is told of it today says so where it is
    in that stage still, or where someone gave it and the deal is open still; else it was, as far as anyone knows, the stage's default.
    """
    given = and_(deal.c.probability_manual, deal.c.stage < FIRST_CLOSED, stage < FIRST_CLOSED)
    defaults = case({each.position: each.default_probability for each in STAGES}, value=stage)
    return case((or_(stage == deal.c.stage, given), deal.c.probability), else_=defaults)


def _pipeline_stage(position: int, row: Row | None) -> Object:
    _, count, high, low, weighted_high, weighted_low, age = row or (position, 0, None, None, None, None, None)
    return {
        "stage": position,
        "count": count,
        "totalValue": joined(high, low),
        "weightedValue": joined(weighted_high, weighted_low),
        "averageAgeDays": float(age or 0) / count / _DAY if count else None,
    }


class Forecast(FilteredSums):
    """A row a period: open deals by the day they should close, won deals by the day they did."""

    async def __call__(self, reader: DataReader, arguments: Values) -> list[Object]:
        """One object a period. Raises BadRequest for a range that is empty or too long."""
        first, last = date.fromisoformat(arguments["from"]), date.fromisoformat(arguments["to"])
        (months,) = self.variant(arguments)
        periods = _periods(first, last, months)
        found = await self.rows(reader, arguments, first=first.isoformat(), last=last.isoformat())
        rows = {int(row[0]): row for row in found}
        return [_forecast_period(start, end, rows.get(_number(start, months))) for start, end in periods]

    @override
    def variant(self, arguments: Values) -> CacheKey:
        return (_MONTHS[arguments["by"].value],)

    @override
    def clause(self, table: FromClause, where: list[ColumnElement[bool]], variant: CacheKey) -> SelectOf:
        is_open, is_won = table.c.stage < FIRST_CLOSED, table.c.stage == WON
        day = case((is_won, table.c.closed_date), else_=table.c.close_date)
        covered = [
            or_(is_open, is_won),
            day >= bindparam("first", type_=CalendarDate(), required=True),
            day <= bindparam("last", type_=CalendarDate(), required=True),
        ]
        columns = [
            self._period_number(day, *variant),
            func.count(only_if(is_open, table.c.id)),
            *exact_sum(only_if(is_open, table.c.value_cents)),
            *exact_sum(only_if(is_open, weighted_cents(table))),
            func.count(only_if(is_won, table.c.id)),
            *exact_sum(only_if(is_won, table.c.value_cents)),
        ]
        return select(*columns).select_from(table).where(*where, *covered).group_by(text("1"))

    def _period_number(self, day: Value, months: int) -> Value:
        if self.dialect == "sqlite":
            year, month = cast(func.substr(day, 1, 4), Integer), cast(func.substr(day, 6, 2), Integer)
        else:
            year, month = cast(extract("year", day), Integer), cast(extract("month", day), Integer)
        return (year * 12 + month - 1) // months


def _number(start: date, months: int) -> int:
    return (start.year * 12 + start.month - 1) // months


def _periods(first: date, last: date, months: int) -> list[tuple[date, date]]:
    """The calendar periods that touch the range, cut to it."""
    if first > last:
        raise BadRequest(f"`from` ({first}) is after `to` ({last}).")
    numbers = range(_number(first, months), _number(last, months) + 1)
    if len(numbers) > MAX_PERIODS:
        raise BadRequest(f"The range has {len(numbers)} periods; it may have {MAX_PERIODS}.")
    return [(max(first, _starts(number, months)), min(last, _ends(number, months))) for number in numbers]


def _starts(number: int, months: int) -> date:
    year, month = divmod(number * months, 12)
    return date(year, month + 1, 1)


def _ends(number: int, months: int) -> date:
    year, month = divmod((number + 1) * months, 12)
    return date.max if year > date.max.year else date(year, month + 1, 1) - timedelta(days=1)


def _forecast_period(start: date, end: date, row: Row | None) -> Object:
    _, opened, high, low, weighted_high, weighted_low, won, won_high, won_low = row or (0, 0, None, None, None, None, 0, None, None)
    return {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "openCount": opened,
        "openValue": joined(high, low),
        "weightedValue": joined(weighted_high, weighted_low),
        "wonCount": won,
        "wonValue": joined(won_high, won_low),
    }
