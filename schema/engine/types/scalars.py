"""Dates, instants and money: what a client writes, what the drivers hold, and what a client reads, one function for each way.

A scalar has one pattern: its texts are read by it, and the SDL (`@constraint`), OpenAPI and REST's parameters show the same.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NewType

import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, ValueNode, print_ast
from strawberry.types.scalar import ScalarDefinition

from schema.rules.money import show_money
from schema.rules.text import shortened, shown
from schema.rules.times import Between
from schema.values import Made, Object, Value

from .fields import Constraint

MAX_CENTS = 10**15 - 1
CENTS = 100
"""Cents in an amount of 1."""
_AMOUNT_LIMIT = 10**13
_LONGEST_INTEGER = 20
"""Digits beyond which an integer is too large for anything here."""

_DAY = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
DATE = f"^{_DAY}$"
INSTANT = rf"^{_DAY}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
AMOUNT = r"^-?[0-9]{1,13}(\.[0-9]{1,2})?$"

_DATE, _INSTANT, _AMOUNT = map(re.compile, (DATE, INSTANT, AMOUNT))
_SOME = re.compile("-?[0.]*[1-9]")
"""A number that isn't 0, as it is written."""
_LEAPS = {(6, 30, 23, 59), (12, 31, 23, 59)}
"""The minutes that may have a leap second: month, day, hour, minute in UTC (RFC 3339, section 5.7)."""

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
Money = NewType("Money", int)


def read_date(value: Value) -> str | None:
    """A calendar date from RFC 3339's full-date, `YYYY-MM-DD`, of the years 0001 to 9999; None for anything else."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        datetime(int(value[:4]), int(value[5:7]), int(value[8:]))  # noqa: DTZ001  a day has no zone
    except ValueError:
        return None
    return value


def read_instant(value: Value) -> str | None:
    """A UTC instant in whole seconds from RFC 3339's date-time with `Z` or an offset; None for anything else.

    What has a fraction, or is a leap second, is `Between` two seconds.
    """
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    try:
        return None if match is None else _instant(match)
    except (ValueError, OverflowError):
        return None


def _instant(match: re.Match[str]) -> str:
    """Raises ValueError or OverflowError for what isn't in the calendar."""
    text, second, fraction, zone = match.group(0, 4, 5, 6)
    leaps = second == "60"
    parts = map(int, (text[:4], text[5:7], text[8:10], text[11:13], text[14:16], "59" if leaps else second))
    instant = datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  its offset is taken off next
    if len(zone) > 1:
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
        instant += ahead if zone[0] == "-" else -ahead
    if leaps and (instant.month, instant.day, instant.hour, instant.minute) not in _LEAPS:
        raise ValueError
    kept = f"{instant.isoformat()}Z"
    return Between(kept) if leaps or (fraction and fraction.strip(".0")) else kept


def read_money(value: Value) -> int | None:
    """Whole cents from a JSON number or a decimal text with at most two decimals, |x| < 10^13; None for anything else."""
    if isinstance(value, str):
        whole, _, decimals = value.partition(".")
        return int(f"{whole}{decimals:0<2}") if _AMOUNT.fullmatch(value) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < _AMOUNT_LIMIT:
        return None
    cents = round(value * 100)
    # Of all doubles only the nearest to an amount is that amount; its neighbours have more decimals.
    return cents if cents / 100 == value and abs(cents) <= MAX_CENTS else None


def _scalar(name: str, read: Callable[[Value], Value], pattern: str, advice: str, **options: Value) -> ScalarDefinition:
    """A scalar whose values `read` reads; `advice` says what is wrong with all others and what to write."""

    def parse_value(value: Value) -> Made:
        found = read(value)
        if found is None:
            raise GraphQLError(f"{shown(value)} {advice}")
        return found

    def parse_literal(node: ValueNode, _: Object | None = None) -> Made:
        found = read(_written(node))
        if found is None:
            raise GraphQLError(f"{shortened(print_ast(node))} {advice}", node)
        return found

    options |= {"parse_value": parse_value, "parse_literal": parse_literal, "directives": [Constraint(pattern=pattern)]}
    made: ScalarDefinition = strawberry.scalar(name=name, **options)
    return made


def _written(node: ValueNode) -> Made:
    """The text or the number of a literal; None for others, and for numbers that are too long or too small to make a number of."""
    if isinstance(node, StringValueNode):
        return node.value
    if isinstance(node, FloatValueNode):
        number = float(node.value)
        return number if number or not _SOME.match(node.value) else None
    return int(node.value) if isinstance(node, IntValueNode) and len(node.value) <= _LONGEST_INTEGER else None


_RFC3339 = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6"

SCALARS: dict[object, ScalarDefinition] = {
    Date: _scalar(
        "Date",
        read_date,
        DATE,
        "is not a date: write YYYY-MM-DD, such as 2025-04-30.",
        description="A calendar date, written YYYY-MM-DD.",
        specified_by_url=_RFC3339,
        serialize=str,
    ),
    DateTime: _scalar(
        "DateTime",
        read_instant,
        INSTANT,
        "is not an instant: write YYYY-MM-DDTHH:MM:SS with Z or an offset, such as 2025-03-15T09:30:00Z.",
        description=(
            "An instant in UTC, written YYYY-MM-DDTHH:MM:SSZ, in whole seconds. An input is RFC 3339 with any offset; a fraction of a "
            "second is dropped, but in a filter it lies between two seconds. Days, such as today and `asOf`, are days in UTC."
        ),
        specified_by_url=_RFC3339,
        serialize=str,
    ),
    Money: _scalar(
        "Money",
        read_money,
        AMOUNT,
        "is not an amount: write a number with at most two decimals, below 10,000,000,000,000.",
        description=(
            "An amount in the workspace's currency, as a JSON number that is exact to the cent. An input is a number, or a text of digits, "
            "with at most two decimals, and between -10^13 and 10^13; anything else, NaN and Infinity too, is refused. Sums may be greater."
        ),
        serialize=show_money,
    ),
}


def _day(value: Value) -> str:
    found = read_date(value.isoformat() if type(value) is date else value)
    if found is None:
        raise ValueError("a text such as 2025-04-30 is wanted, or a date")
    return found


def _moment(value: Value) -> str:
    found = read_instant(value.isoformat() if isinstance(value, datetime) else value)
    if found is None:
        raise ValueError("a text such as 2025-03-15T09:30:00Z is wanted, or a datetime with a zone")
    return str(found)


def _cents(value: Value) -> int:
    # PostgreSQL's sums of whole numbers are decimals without a point.
    if type(value) is int or (isinstance(value, Decimal) and value.as_tuple().exponent == 0):
        return int(value)
    raise ValueError("whole cents are wanted, such as 1250 for 12.50")


HELD: dict[str, Callable[[Value], Value]] = {"Date": _day, "DateTime": _moment, "Money": _cents}
"""What a resolver answers, as columns hold it, by the names of scalars. Each raises ValueError for what can't be shown."""
