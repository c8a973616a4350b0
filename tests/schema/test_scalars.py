"""Scalars against the specifications that they name, by other means: regular expressions of the RFC's grammar, fractions, calendars."""

import calendar
import re
from fractions import Fraction
from typing import Any

import pytest
from graphql import GraphQLError, parse_value
from hypothesis import example, given
from hypothesis import strategies as st

from schema.assembly import build
from schema.rules.times import Between
from tests.schema import scalar_strategies

MONEY, DATE, INSTANT = (build().schema.type_map[name] for name in ("Money", "Date", "DateTime"))

# RFC 3339, section 5.6, rule by rule.
_FULL_DATE = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_PARTIAL_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?P<fraction>\.[0-9]+)?"
_TIME_OFFSET = r"(?P<zone>[Zz]|(?P<sign>[+-])(?P<ahead>[0-9]{2}):(?P<minutes>[0-9]{2}))"
FULL_DATE = re.compile(_FULL_DATE)
DATE_TIME = re.compile(f"{_FULL_DATE}[Tt]{_PARTIAL_TIME}{_TIME_OFFSET}")
NUMBER = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]{1,13})(\.(?P<cents>[0-9]{1,2}))?")


def taken(type_: Any, value: Any) -> Any:
    """What a scalar makes of a JSON value; None where it refuses it."""
    try:
        return type_.coerce_input_value(value)
    except GraphQLError as error:
        message = error.message
    assert len(message) < 250
    assert message.isprintable()
    return None


def is_day(year: int, month: int, day: int) -> bool:
    return year > 0 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def days_of(year: int, month: int, day: int) -> int:
    """Days since 0001-01-01 by the rule of leap years."""
    before = year - 1
    return (
        before * 365
        + before // 4
        - before // 100
        + before // 400
        + sum(calendar.monthrange(year, each)[1] for each in range(1, month))
        + day
        - 1
    )


LAST = days_of(9999, 12, 31) * 86_400 + 86_399


def second_of(text: str) -> Fraction | None:
    """The seconds since the year 1 of an RFC 3339 date-time; None for what is none, or lies beyond the years 1 to 9999."""
    match = DATE_TIME.fullmatch(text)
    if match is None:
        return None
    part = {name: int(value) for name, value in match.groupdict().items() if value and value.isdigit()}
    if not is_day(part["year"], part["month"], part["day"]) or part["hour"] > 23 or part["minute"] > 59 or part["second"] > 60:
        return None
    offset = 0
    if match["sign"]:
        if part["ahead"] > 23 or part["minutes"] > 59:
            return None
        offset = (part["ahead"] * 3600 + part["minutes"] * 60) * (1 if match["sign"] == "+" else -1)
    days = days_of(part["year"], part["month"], part["day"])
    minute = days * 86_400 + part["hour"] * 3600 + part["minute"] * 60 - offset
    if part["second"] == 60:
        ends = [
            days_of(year, *end) * 86_400 + 86_340
            for year in range(max(1, part["year"] - 1), min(9999, part["year"] + 1) + 1)
            for end in ((6, 30), (12, 31))
        ]
        # After the last second of the day, before the next day's first.
        return minute + Fraction(119, 2) if minute in ends else None
    seconds = minute + part["second"] + Fraction(f"0{match['fraction'] or '.0'}")
    return seconds if 0 <= seconds < LAST + 1 else None


@given(scalar_strategies.dates)
@example("0000-01-01")
@example("2025-02-29")
@example("2025-04-30\n")
def test_dates_are_those_of_the_rfc(text: str) -> None:
    """A date is taken if and only if it is RFC 3339's full-date and in the calendar, and is kept as it is."""
    match = FULL_DATE.fullmatch(text)
    good = match is not None and is_day(int(match["year"]), int(match["month"]), int(match["day"]))
    assert taken(DATE, text) == (text if good else None)


@given(scalar_strategies.instants)
@example("2016-12-31T23:59:60Z")
@example("2017-01-01T05:29:60.25+05:30")
@example("2025-05-05T12:00:60Z")
@example("0001-01-01T00:00:00+00:01")
@example("9999-12-31T23:59:59.9Z")
@example("9999-12-31T23:59:59-00:01")
@example("2025-W11-6T09:30Z")
@example("20250315T093000Z")
@example("2025-03-15T09:30:00+00:00:30")
def test_instants_are_those_of_the_rfc(text: str) -> None:
    """An instant is taken if and only if it is RFC 3339's date-time, and is kept as the second that it is in, in UTC."""
    wanted, kept = second_of(text), taken(INSTANT, text)
    assert (kept is None) == (wanted is None)
    if wanted is not None:
        assert re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", kept)
        assert second_of(kept) == wanted // 1
        assert isinstance(kept, Between) == (wanted % 1 != 0)


@given(scalar_strategies.amounts)
@example("1e999999")
@example("-0")
@example("9999999999999.99")
@example("10000000000000")
def test_amounts_as_texts_are_digits(text: str) -> None:
    """A text is an amount if and only if it is plain digits with at most two decimals, and is kept to the cent."""
    match = NUMBER.fullmatch(text)
    wanted = None
    if match is not None:
        wanted = int(Fraction(f"{match['whole']}.{match['cents'] or 0}") * 100) * (-1 if match["sign"] else 1)
    assert taken(MONEY, text) == wanted


@given(st.integers() | st.floats() | st.integers(-(10**15), 10**15).map(lambda cents: cents / 100))
@example(1e3)
@example(-0.0)
@example(0.1 + 0.2)
@example(9999999999999.99)
@example(10**13)
@example(float("inf"))
@example(float("nan"))
def test_amounts_as_numbers_are_exact(number: float) -> None:
    """A JSON number is an amount if and only if its shortest text has at most two decimals, and is kept to the cent."""
    wanted = None
    if abs(number) < 10**13:
        cents = Fraction(repr(number)) * 100
        wanted = int(cents) if cents.denominator == 1 else None
    found = taken(MONEY, number)
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize("value", [True, False, None, [], [1], {}, {"a": 1}, "\ud800", "1\0"])
def test_other_values_are_no_scalars(value: Any) -> None:
    """What is neither a text nor a number is refused in words of JSON: a boolean is no amount."""
    for type_ in (MONEY, DATE, INSTANT):
        with pytest.raises(GraphQLError) as caught:
            type_.coerce_input_value(value)  # type: ignore[attr-defined]
        assert not re.search("True|False|None|NaN", caught.value.message)
        caught.value.message.encode()


@given(scalar_strategies.amounts | scalar_strategies.dates | scalar_strategies.instants, st.sampled_from([MONEY, DATE, INSTANT]))
def test_literals_are_as_values(text: str, type_: Any) -> None:
    """A string in a document is what the same text is in a variable."""
    if "\0" in text:
        return
    escaped = "".join(f"\\u{{{ord(each):x}}}" for each in text)
    node = parse_value(f'"{escaped}"')
    try:
        found = type_.parse_literal(node)
    except GraphQLError:
        found = None
    assert found == taken(type_, text)


@pytest.mark.parametrize(
    ("literal", "wanted"),
    [
        ("1e3", 100_000),
        ("-0", 0),
        ("-0.0", 0),
        ("12.5", 1_250),
        ("1e999999", None),
        ("1e-400", None),
        ("0e-400", 0),
        ("9" * 5_000, None),
        ("1." + "1" * 5_000, None),
        ("true", None),
        ("null", None),
        ("[1]", None),
        ("X", None),
    ],
)
def test_numbers_in_documents(literal: str, wanted: int | None) -> None:
    """A number in a document is the JSON number; one of thousands of digits is refused like any other that is too large."""
    node = parse_value(literal)
    if wanted is None:
        with pytest.raises(GraphQLError) as caught:
            MONEY.parse_literal(node)  # type: ignore[attr-defined]
        assert "is not an amount" in caught.value.message
        assert len(caught.value.message) < 200
    else:
        assert MONEY.parse_literal(node) == wanted  # type: ignore[attr-defined]
