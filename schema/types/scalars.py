"""Dates, instants and money: what a client writes, what the drivers hold, and what a client reads, one function for each way."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import orjson
import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.types.scalar import ScalarDefinition

MAX_CENTS = 10**15 - 1
_EXACT_CENTS = 10**15
_DATE_LENGTH = 10

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
Money = NewType("Money", int)


def parse_date(value: Any) -> str:
    """A calendar date from `YYYY-MM-DD` (RFC 3339 full-date). Raises GraphQLError."""
    try:
        if isinstance(value, str) and len(value) == _DATE_LENGTH:
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    message = f"{_shown(value)} is not a date: write YYYY-MM-DD, such as 2025-04-30."
    raise GraphQLError(message)


def parse_instant(value: Any) -> str:
    """A UTC instant in whole seconds from ISO 8601 with a time zone (RFC 3339 date-time). Raises GraphQLError."""
    try:
        if isinstance(value, str) and len(value) > _DATE_LENGTH:
            instant = datetime.fromisoformat(value)
            if instant.tzinfo is not None:
                return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except (ValueError, OverflowError):
        pass
    message = f"{_shown(value)} is not an instant: write YYYY-MM-DDTHH:MM:SSZ, such as 2025-03-15T09:30:00Z."
    raise GraphQLError(message)


def parse_money(value: Any) -> int:
    """Whole cents from a JSON number or a decimal string with at most two decimals, |x| < 10^13. Raises GraphQLError."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            cents = Decimal(repr(value) if isinstance(value, float) else str(value).strip()) * 100
        except InvalidOperation:
            cents = Decimal("NaN")
        if cents.is_finite() and abs(cents) <= MAX_CENTS and cents == cents.to_integral_value():
            return int(cents)
    message = f"{_shown(value)} is not an amount: write a number with at most two decimals, below 10,000,000,000,000."
    raise GraphQLError(message)


def show_money(cents: int | None) -> Any:
    """Whole cents as a JSON number exact to the cent: `48000`, `48000.5`; sums beyond a double's reach keep all their digits."""
    if cents is None:
        return None
    whole, rest = divmod(cents, 100)
    if rest == 0 and -_EXACT_CENTS < cents < _EXACT_CENTS:
        return whole
    if -_EXACT_CENTS < cents < _EXACT_CENTS:
        return cents / 100
    return orjson.Fragment(str(Decimal(cents).scaleb(-2).normalize().__format__("f")).encode())


def _literal(parse: Callable[[Any], Any]) -> Callable[..., Any]:
    """The same of a literal in a document: its errors say where it stands."""

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        try:
            return parse(value_from_ast_untyped(node, variables))
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from None

    return parse_literal


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004  enough to recognise it by


SCALARS: dict[object, ScalarDefinition] = {
    Date: strawberry.scalar(
        name="Date",
        description="A calendar date, YYYY-MM-DD.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        parse_value=parse_date,
        parse_literal=_literal(parse_date),
        serialize=str,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant in UTC, YYYY-MM-DDTHH:MM:SSZ, kept in whole seconds. 'Today', `asOf` and periods are UTC days.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        parse_value=parse_instant,
        parse_literal=_literal(parse_instant),
        serialize=str,
    ),
    Money: strawberry.scalar(
        name="Money",
        description=(
            "An amount in the workspace's currency: a JSON number with at most two decimals, |x| < 10^13, so exact to the cent as a "
            "double. Accepts a number or a decimal string; refuses more decimals, NaN and Infinity. Stored as whole cents. "
            "The bound is for input: sums may exceed it and stay exact."
        ),
        parse_value=parse_money,
        parse_literal=_literal(parse_money),
        serialize=show_money,
    ),
}
