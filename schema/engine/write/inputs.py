"""Inputs against their declared limits: every fault at once, each with the field that it is about."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.utils.str_converters import to_camel_case

from schema.engine.compile.enums import stored_value
from schema.engine.compile.sources import CLEARS, COLUMN, LIMITS
from schema.engine.types.fields import Constraint
from schema.engine.types.scalars import CENTS, Money
from schema.rules.absent_values import is_absent
from schema.rules.text import VISIBLE, is_blank, shortened, trimmed
from schema.values import Made, Object, Value, Values

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOTHING: Values = {}
_UNLIMITED = frozenset({bool, int, float})
"""Types of which each value may be stored where no limits are declared."""


@dataclass(frozen=True, slots=True)
class InputError:
    """An error of an input, with the fields of a UserError: the code, the reason, the path into the input, a sentence.

    Names of the schema stand between backticks in the sentence, so that REST can put its own names there.
    """

    code: str
    reason: str
    field: tuple[str, ...] | None
    message: str

    def to_dict(self) -> Object:
        """The plain object that the payload's writer takes; `index` is set by calls that carry many items."""
        field = list(self.field) if self.field is not None else None
        return {"code": self.code, "reason": self.reason, "index": None, "field": field, "message": self.message}


def invalid(field: str, reason: str, message: str, *below: str) -> InputError:
    """A value that breaks a rule."""
    return InputError("VALIDATION_ERROR", reason, (field, *below), message)


Check = Callable[["InputField", Value], list[InputError]]
"""Return the errors of a value other than null."""


@dataclass(frozen=True, slots=True)
class InputField:
    """An input's field: its names in the graph and in the table, its limits, and what null means.

    `clearable`: null clears it. `many`: it is a list, and null counts as the empty one. `held` makes what the column holds of a coerced
    value, and `check` tells what is wrong with that; None where there is nothing to do. Both are chosen once, by the declared type.
    """

    name: str
    column: str
    limits: Constraint
    clearable: bool
    many: bool
    held: Callable[[Value], Value] | None
    check: Check | None
    pattern: re.Pattern[str] | None = None
    """What a text must have in it; None where its least length says as much."""
    unit: int = 1
    """What the column holds for 1 in the limits: 100 for an amount, which is held in cents."""

    def value(self, given: Value) -> Value:
        """Return the column's value for a coerced value: an enum's member as the driver has it, text as it is stored."""
        if given is None:
            return [] if self.many else None
        return given if self.held is None else self.held(given)

    def faults(self, value: Value) -> list[InputError]:
        """Return the errors of a value for the column."""
        if value is not None:
            return [] if self.check is None else self.check(self, value)
        return [] if self.clearable else [invalid(self.name, "NULL", f"`{self.name}` can't be null: give a value or leave it out.")]


class InputModel:
    """The fields of an input type, as declared."""

    def __init__(self, input_type: Made) -> None:
        fields = [_input_field(declared) for declared in input_type.__strawberry_definition__.fields]
        self._fields = {field.name: field for field in fields}
        self.names = {field.column: field.name for field in fields}

    def read(self, given: Values, stored: Values = _NOTHING, *, whole: bool = False) -> tuple[Object, list[InputError]]:
        """The columns that a coerced input names, and its faults; a field at fault names nothing.

        `stored` is the record that it changes, by column; without it one is created. `whole`: the whole object was sent back.
        """
        values: Object = {}
        faults: list[InputError] = []
        for name, one in given.items():
            field = self._fields[name]
            value = field.value(one)
            found = field.faults(value)
            if is_absent(value, stored.get(field.column), whole=whole, refused=bool(found)):
                continue
            faults += found
            if not found:
                values[field.column] = value
        return values, faults


def _input_field(declared: Made) -> InputField:
    name: str = declared.graphql_name or to_camel_case(declared.python_name)
    limits: Constraint = declared.metadata.get(LIMITS) or Constraint()
    optional = isinstance(declared.type, StrawberryOptional)
    inner = declared.type.of_type if optional else declared.type
    return InputField(
        name,
        declared.metadata.get(COLUMN, declared.python_name),
        limits,
        clearable=declared.metadata.get(CLEARS, optional),
        many=isinstance(inner, StrawberryList),
        held=_held_of(inner, limits, optional=optional),
        check=_check_of(inner, limits),
        pattern=_pattern_of(limits),
        unit=CENTS if inner is Money else 1,
    )


def _pattern_of(limits: Constraint) -> re.Pattern[str] | None:
    if not limits.pattern or (limits.pattern == VISIBLE and limits.min_length):
        return None
    # In ECMA-262 `$` is the end, and not what stands before a last line break, too.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", limits.pattern))


def _held_of(inner: Made, limits: Constraint, *, optional: bool) -> Callable[[Value], Value] | None:
    """Blanks around a text that must not be empty don't count; a blank text where null may be counts as null."""
    if limits.min_length:
        return trimmed
    if optional and inner is str:
        return _text_or_null
    return stored_value if isinstance(inner, StrawberryEnumDefinition) else None


def _text_or_null(text: str) -> str | None:
    return None if is_blank(text) else text


def _check_of(inner: Made, limits: Constraint) -> Check | None:
    if isinstance(inner, StrawberryList):
        return _list_faults
    if isinstance(limits.min, int) or isinstance(limits.max, int):
        return _number_faults
    return None if inner in _UNLIMITED or isinstance(inner, StrawberryEnumDefinition) else _text_faults


def _text_faults(field: InputField, value: Value) -> list[InputError]:
    if not isinstance(value, str):
        return []
    name, length, limits = field.name, len(value), field.limits
    if "\0" in value or (not value.isascii() and _SURROGATE.search(value)):
        message = f"`{name}` holds a NUL character or half a surrogate pair, which no text may have."
        return [invalid(name, "MALFORMED", message)]
    if limits.min_length and length < limits.min_length:
        return [invalid(name, "TOO_SHORT", f"`{name}` has {length} characters; it must have at least {limits.min_length}.")]
    if limits.max_length and length > limits.max_length:
        return [invalid(name, "TOO_LONG", f"`{name}` has {length} characters; it may have {limits.max_length}.")]
    if limits.format == "email" and not _EMAIL.fullmatch(value):
        malformed = f"`{name}` is no e-mail address: write name@example.com."
    elif field.pattern is not None and field.pattern.search(value) is None:
        malformed = f"`{name}` doesn't have the form {limits.pattern}."
    else:
        return []
    return [invalid(name, "MALFORMED", malformed)]


def _number_faults(field: InputField, value: int) -> list[InputError]:
    low = field.limits.min if isinstance(field.limits.min, int) else None
    high = field.limits.max if isinstance(field.limits.max, int) else None
    if (low is not None and value < low * field.unit) or (high is not None and value > high * field.unit):
        span = f"{low} or more" if high is None else f"{high} or less" if low is None else f"from {low} to {high}"
        return [invalid(field.name, "OUT_OF_RANGE", f"`{field.name}` must be {span}.")]
    return []


def _list_faults(field: InputField, value: list[Value]) -> list[InputError]:
    limits = field.limits
    if limits.min_items and len(value) < limits.min_items:
        message = f"`{field.name}` has {len(value)} items; it must have at least {limits.min_items}, or be left out."
        return [invalid(field.name, "TOO_SHORT", message)]
    if limits.max_items and len(value) > limits.max_items:
        return [invalid(field.name, "TOO_LONG", f"`{field.name}` has {len(value)} items; it may have {limits.max_items}.")]
    seen: set[Value] = set()
    faults = []
    for place, item in enumerate(value):
        if isinstance(item, str) and "\0" in item:
            faults.append(invalid(field.name, "MALFORMED", "An id has no NUL character.", str(place)))
        elif limits.unique_items:
            if item in seen:
                faults.append(invalid(field.name, "DUPLICATE", f"{shortened(str(item))} is given twice.", str(place)))
            seen.add(item)
    return faults
