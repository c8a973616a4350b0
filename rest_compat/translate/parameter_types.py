"""What a query parameter's text may be: how it is read, what is allowed, and how OpenAPI says so. The GraphQL type behind it decides."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import ClassVar, Protocol

from typing_extensions import override

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
"""As OpenAPI shows the graph's scalars; one that isn't here may be any value."""

_BLANKS = "".join(each for each in map(chr, range(0x3001)) if each.isspace()) + "\u00ad\u180e\u200b\u2060\ufeff"
"""As the graph trims names."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_DIGITS = re.compile(r"[0-9]+")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+\- ]?[0-9]{1,3})?")
"""Exponents are short, so that no text stands for a number of a billion digits. A `+` in a query string that isn't encoded is a blank."""
_TIME = re.compile(r"[Tt ]([01][0-9]|2[0-4]):?[0-5][0-9](:?([0-5][0-9]|60)([.,][0-9]{1,20})?)?([Zz]|[+\- ][0-9]{2}(:?[0-5][0-9])?)?")


class Disallowed(ValueError):
    """A text that is refused for another reason than what `allowed` says; the argument says it."""


class ParameterType(Protocol):
    """How a parameter's text is read."""

    note: ClassVar[str] = ""
    """What is read as well and `schema` doesn't say, as a sentence of its own."""

    @property
    def allowed(self) -> str:
        """What may be given, to end the sentence 'allowed is …'."""

    def read(self, text: str) -> Json:
        """The value of a text that is not empty. Raises ValueError."""

    def schema(self) -> JsonObject:
        """As JSON Schema, for OpenAPI."""


@dataclass(frozen=True, slots=True)
class IntegerParameter(ParameterType):
    """An integer from `least` to `most`; digits without end are read as a very large number."""

    least: int
    most: int | None = None

    @property
    @override
    def allowed(self) -> str:
        return f"an integer from {self.least}" + (f" to {self.most}" if self.most else "")

    @override
    def read(self, text: str) -> int:
        if not _DIGITS.fullmatch(text):
            raise ValueError
        number = int((text.lstrip("0") or "0")[:19])
        if number < self.least or (self.most and number > self.most):
            raise ValueError
        return number

    @override
    def schema(self) -> JsonObject:
        return {"type": "integer", "minimum": self.least} | ({"maximum": self.most} if self.most else {})


@dataclass(frozen=True, slots=True)
class TextParameter(ParameterType):
    """Text, as it is."""

    longest: int = LONGEST_TEXT

    @property
    @override
    def allowed(self) -> str:
        return f"text of at most {self.longest} characters"

    @override
    def read(self, text: str) -> str:
        if len(text) > self.longest:
            raise ValueError
        return text

    @override
    def schema(self) -> JsonObject:
        return {"type": "string", "maxLength": self.longest}


@dataclass(frozen=True, slots=True)
class SearchParameter(TextParameter):
    """Text to search for, without blanks at its ends, zero-width ones too; where nothing else is in it, it is as if absent."""

    note: ClassVar[str] = "Control characters are not allowed."

    @override
    def read(self, text: str) -> str:
        if _CONTROL.search(text):
            raise Disallowed("text without control characters")
        return TextParameter.read(self, text.strip(_BLANKS))


@dataclass(frozen=True, slots=True)
class IdParameter(ParameterType):
    """An id: opaque, so whatever is no id of ours matches nothing."""

    allowed: str = "an id"

    @override
    def read(self, text: str) -> str:
        return text

    @override
    def schema(self) -> JsonObject:
        return {"type": "string"}


@dataclass(frozen=True, slots=True)
class EnumParameter(ParameterType):
    """One of a few names, each with its GraphQL value."""

    values: Mapping[str, Json]

    @property
    @override
    def allowed(self) -> str:
        return "one of " + ", ".join(self.values)

    @override
    def read(self, text: str) -> Json:
        if text not in self.values:
            raise ValueError
        return self.values[text]

    @override
    def schema(self) -> JsonObject:
        return {"type": "string", "enum": list(self.values)}


@dataclass(frozen=True, slots=True)
class DateParameter(ParameterType):
    """A date, or an instant, of which the date as written counts. `pattern` is that of the date."""

    # In `anyOf` with `date-time`, generated clients send garbage or crash: the second form is told in words.
    note: ClassVar[str] = "An ISO 8601 instant such as 2025-04-30T12:00:00Z is taken, too: of it only the date as written counts."

    pattern: str
    allowed: str = "a date (2025-04-30) or an ISO 8601 instant (2025-04-30T12:00:00Z)"

    @override
    def read(self, text: str) -> str:
        written, time = text[:10], text[10:]
        if not re.fullmatch(self.pattern, written) or (time and not _TIME.fullmatch(time)):
            raise ValueError
        return date.fromisoformat(written).isoformat()

    @override
    def schema(self) -> JsonObject:
        return dict(SCALAR_SCHEMAS["Date"])


@dataclass(frozen=True, slots=True)
class AmountParameter(ParameterType):
    """An amount. Amounts are whole cents, so a bound between two cents is rounded to a side, which changes no answer.

    Without `rounding` it is no bound: an amount between two cents is refused, since none is equal to it.
    """

    rounding: str | None = ROUND_CEILING

    @property
    @override
    def allowed(self) -> str:
        return f"a number from -{MONEY_LIMIT} to {MONEY_LIMIT}"

    @override
    def read(self, text: str) -> int | float:
        if not NUMBER.fullmatch(text) or (exact := Decimal(text.replace(" ", "+"))).copy_abs() > MONEY_LIMIT:
            raise ValueError
        cents = exact.quantize(CENT, self.rounding or ROUND_CEILING)
        if self.rounding is None and cents != exact:
            raise Disallowed("a number with at most two decimals")
        return int(cents) if cents == int(cents) else float(cents)

    @override
    def schema(self) -> JsonObject:
        return dict(SCALAR_SCHEMAS["Money"])


@dataclass(frozen=True, slots=True)
class ListParameter(ParameterType):
    """A comma-separated list; spaces around the commas don't count, nor do empty places beside others."""

    of: ParameterType
    key: Callable[[Json], Json] | None = None
    """Where only the first of those alike counts: what makes them so."""

    @property
    @override
    def allowed(self) -> str:
        return f"{self.of.allowed}, or several of that, separated by commas"

    @override
    def read(self, text: str) -> Sequence[Json]:
        parts = [part for piece in text.split(",") if (part := piece.strip(" "))]
        if not parts:
            raise ValueError
        if len(parts) > LONGEST_LIST:
            raise Disallowed(f"at most {LONGEST_LIST} values")
        found = [self.of.read(part) for part in parts]
        if self.key is None:
            return found
        first: dict[Json, Json] = {}
        for value in found:
            first.setdefault(self.key(value), value)
        return list(first.values())

    @override
    def schema(self) -> JsonObject:
        return {"type": "array", "items": self.of.schema(), "maxItems": LONGEST_LIST}
