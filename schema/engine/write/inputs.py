"""Inputs against their declared limits: every fault at once, each with the field that it is about."""

import re
from dataclasses import dataclass

from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.utils.str_converters import to_camel_case

from schema.engine.compile.enums import StoredEnum
from schema.engine.compile.sources import CLEARS, COLUMN, LIMITS
from schema.engine.types.fields import Constraint
from schema.rules.naming import is_absent
from schema.rules.text import is_blank, trimmed
from schema.values import Made, Object, Value, Values

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOTHING: Values = {}


@dataclass(frozen=True, slots=True)
class InputError:
    """A fault of an input, as a UserError tells it: the code, the reason, the path into the input, a sentence.

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


@dataclass(frozen=True, slots=True)
class InputField:
    """An input's field: its names in the graph and in the table, its limits, and what null means.

    `clearable`: null clears it. `trimmed`: blanks around the text don't count. `optional_text`: blank text counts as null.
    `many`: it is a list, and null counts as the empty one.
    """

    name: str
    column: str
    limits: Constraint | None
    clearable: bool
    trimmed: bool
    optional_text: bool
    many: bool

    def value(self, given: Value) -> Value:
        """What the column holds for a coerced value: an enum's member as the driver has it, text as it is stored."""
        if isinstance(given, str):
            if self.trimmed:
                return trimmed(given)
            return None if self.optional_text and is_blank(given) else given
        if isinstance(given, StoredEnum):
            return given.stored
        return [] if given is None and self.many else given


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
            found = _faults(field, value)
            if is_absent(value, stored.get(field.column), whole=whole, refused=bool(found)):
                continue
            faults += found
            if not found:
                values[field.column] = value
        return values, faults


def _input_field(declared: Made) -> InputField:
    name: str = declared.graphql_name or to_camel_case(declared.python_name)
    limits: Constraint | None = declared.metadata.get(LIMITS)
    optional = isinstance(declared.type, StrawberryOptional)
    inner = declared.type.of_type if optional else declared.type
    return InputField(
        name,
        declared.metadata.get(COLUMN, declared.python_name),
        limits,
        clearable=declared.metadata.get(CLEARS, optional),
        trimmed=limits is not None and bool(limits.min_length),
        optional_text=optional and inner is str,
        many=isinstance(inner, StrawberryList),
    )


def _faults(field: InputField, value: Value) -> list[InputError]:
    limits = field.limits
    if value is None:
        return [] if field.clearable else [invalid(field.name, "NULL", f"`{field.name}` can't be null: give a value or leave it out.")]
    if isinstance(value, str):
        return _text_faults(field, value, limits)
    if limits is None:
        return []
    if isinstance(value, list):
        return _list_faults(field, value, limits)
    if isinstance(value, int) and not isinstance(value, bool):
        return _number_faults(field, value, limits)
    return []


def _text_faults(field: InputField, value: str, limits: Constraint | None) -> list[InputError]:
    name, length = field.name, len(value)
    if "\0" in value or _SURROGATE.search(value):
        return [invalid(name, "MALFORMED", f"`{name}` holds a NUL character or half a surrogate pair, which no text may have.")]
    if limits is None:
        return []
    if limits.min_length and length < limits.min_length:
        return [invalid(name, "TOO_SHORT", f"`{name}` has {length} characters; it must have at least {limits.min_length}.")]
    if limits.max_length and length > limits.max_length:
        return [invalid(name, "TOO_LONG", f"`{name}` has {length} characters; it may have {limits.max_length}.")]
    if limits.format == "email" and not _EMAIL.fullmatch(value):
        return [invalid(name, "MALFORMED", f"`{name}` is no e-mail address: write name@example.com.")]
    return []


def _number_faults(field: InputField, value: int, limits: Constraint) -> list[InputError]:
    low = limits.min if isinstance(limits.min, int) else None
    high = limits.max if isinstance(limits.max, int) else None
    if (low is not None and value < low) or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"{low} or more"
        return [invalid(field.name, "OUT_OF_RANGE", f"`{field.name}` must be {span}.")]
    return []


def _list_faults(field: InputField, value: list[Value], limits: Constraint) -> list[InputError]:
    if limits.max_items and len(value) > limits.max_items:
        return [invalid(field.name, "TOO_LONG", f"`{field.name}` has {len(value)} items; it may have {limits.max_items}.")]
    seen: set[Value] = set()
    faults = []
    for place, item in enumerate(value):
        if "\0" in item:
            faults.append(invalid(field.name, "MALFORMED", "An id has no NUL character.", str(place)))
        elif item in seen and limits.unique_items:
            faults.append(invalid(field.name, "DUPLICATE", f"{item} is given twice.", str(place)))
        seen.add(item)
    return faults
