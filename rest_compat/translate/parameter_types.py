"""Types of query parameters, by the GraphQL type behind each: how the text is read, what is allowed, and its OpenAPI schema."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_CEILING, Decimal

from rest_compat.json_values import Json, JsonObject

LONGEST_LIST = 250
LONGEST_TEXT = 200
MONEY_LIMIT = Decimal("9999999999999.99")
CENT = Decimal("0.01")
SCALAR_SCHEMAS: Mapping[str, JsonObject] = {
    "ID": {"type": "string"},
    "String": {"type": "string"},
    "Int": {"type": "integer"},
    "Float": {"type": "number", "format": "double"},
    "Boolean": {"type": "boolean"},
    "Date": {"type": "string", "format": "date"},
    "DateTime": {"type": "string", "format": "date-time"},
    "Money": {"type": "number", "format": "double", "minimum": -float(MONEY_LIMIT), "maximum": float(MONEY_LIMIT)},
}
"""The OpenAPI schemas of the graph's scalars; a scalar that isn't here may be any value."""

_BLANKS = "".join(each for each in map(chr, range(0x3001)) if each.isspace()) + "\u00ad\u180e\u200b\u2060\ufeff"
"""The characters that the graph trims from names."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_DIGITS = re.compile(r"[0-9]+")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+\- ]?[0-9]{1,3})?")
"""Exponents are short, so that no text means a number of a billion digits. A `+` in a query string that isn't encoded is a blank."""
_TIME = re.compile(r"[Tt ]([01][0-9]|2[0-4]):?[0-5][0-9](:?([0-5][0-9]|60)([.,][0-9]{1,20})?)?([Zz]|[+\- ][0-9]{2}(:?[0-5][0-9])?)?")


class Disallowed(ValueError):
    """A text that is refused for another reason than what `allowed` says; the argument says it."""


@dataclass(frozen=True, slots=True)
class ParameterType:
    """The parser of a parameter's text.

    allowed: what may be given, to end the sentence 'allowed is …'. schema: the same as JSON Schema, for OpenAPI. read: gives the value of a
    text that is not empty, and raises ValueError. note: what is read as well and `schema` doesn't say, as a sentence of its own.
    """

    allowed: str
    schema: JsonObject
    read: Callable[[str], Json]
    note: str = ""
    is_list: bool = False


def integer(least: int, most: int | None = None) -> ParameterType:
    """An integer from `least` to `most`; digits without end are read as a very large number."""

    def read(text: str) -> int:
        if not _DIGITS.fullmatch(text):
            raise ValueError
        number = int((text.lstrip("0") or "0")[:19])
        if number < least or (most and number > most):
            raise ValueError
        return number

    schema = {"type": "integer", "minimum": least} | ({"maximum": most} if most else {})
    return ParameterType(f"an integer from {least}" + (f" to {most}" if most else ""), schema, read)


def text_of(longest: int = LONGEST_TEXT) -> ParameterType:
    """Text, as it is."""

    def read(text: str) -> str:
        if len(text) > longest:
            raise ValueError
        return text

    return ParameterType(f"text of at most {longest} characters", {"type": "string", "maxLength": longest}, read)


def search(longest: int = LONGEST_TEXT) -> ParameterType:
    """Text to search for, without blanks at its ends, zero-width ones too; where nothing else is in it, it is as if absent."""
    plain = text_of(longest)

    def read(text: str) -> Json:
        if _CONTROL.search(text):
            raise Disallowed("text without control characters")
        return plain.read(text.strip(_BLANKS))

    return replace(plain, read=read, note="Control characters are not allowed.")


def identifier() -> ParameterType:
    """An id. Ids are opaque, so a text that is no id matches nothing; a comma is in none, so with one it is several."""

    def read(text: str) -> str:
        if "," in text:
            raise Disallowed("one id")
        return text

    return ParameterType("an id", {"type": "string"}, read)


def choice(values: Mapping[str, Json]) -> ParameterType:
    """One of a few names, each with its GraphQL value."""

    def read(text: str) -> Json:
        if text not in values:
            raise ValueError
        return values[text]

    return ParameterType("one of " + ", ".join(values), {"type": "string", "enum": list(values)}, read)


def day(pattern: str) -> ParameterType:
    """A date, or an instant, of which the date as written counts. `pattern` is that of the date."""

    def read(text: str) -> str:
        written, time = text[:10], text[10:]
        if not re.fullmatch(pattern, written) or (time and not _TIME.fullmatch(time)):
            raise ValueError
        return date.fromisoformat(written).isoformat()

    # In `anyOf` with `date-time`, generated clients send garbage or crash: so the second form is described in words.
    note = "An ISO 8601 instant such as 2025-04-30T12:00:00Z is taken, too: of it only the date as written counts."
    allowed = "a date (2025-04-30) or an ISO 8601 instant (2025-04-30T12:00:00Z)"
    return ParameterType(allowed, SCALAR_SCHEMAS["Date"], read, note)


def amount(rounding: str | None) -> ParameterType:
    """An amount. Amounts are whole cents, so a bound between two cents is rounded to a side, which changes no answer.

    Without `rounding` it is no bound: an amount between two cents is refused, since none is equal to it.
    """

    def read(text: str) -> int | float:
        if not NUMBER.fullmatch(text) or (exact := Decimal(text.replace(" ", "+"))).copy_abs() > MONEY_LIMIT:
            raise ValueError
        cents = exact.quantize(CENT, rounding or ROUND_CEILING)
        if rounding is None and cents != exact:
            raise Disallowed("a number with at most two decimals")
        return int(cents) if cents == int(cents) else float(cents)

    return ParameterType(f"a number from -{MONEY_LIMIT} to {MONEY_LIMIT}", SCALAR_SCHEMAS["Money"], read)


def list_of(item: ParameterType, key: Callable[[Json], Json] | None = None, longest: int = LONGEST_LIST) -> ParameterType:
    """A comma-separated list; spaces around the commas don't count, nor do empty places beside others.

    key: where only the first of those alike counts, what makes them so. longest: how many places it may have, those alike included.
    """

    def read(text: str) -> Sequence[Json]:
        parts = [part for piece in text.split(",") if (part := piece.strip(" "))]
        if not parts:
            raise ValueError
        if len(parts) > longest:
            raise Disallowed(f"at most {longest} values")
        found = [item.read(part) for part in parts]
        if key is None:
            return found
        first: dict[Json, Json] = {}
        for value in found:
            first.setdefault(key(value), value)
        return list(first.values())

    schema = {"type": "array", "items": item.schema, "maxItems": longest}
    return ParameterType(f"{item.allowed}, or several of that, separated by commas", schema, read, is_list=True)
