"""Inputs against their declared limits: every fault at once, each with the field that it is about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strawberry.types.base import StrawberryOptional
from strawberry.utils.str_converters import to_camel_case

from ..plan.sources import LIMITS
from ..rules.stages import BY_NAME
from ..rules.text import trimmed
from ..types.fields import Constraint

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of an input, as a UserError tells it: the code, the path into the input, a sentence."""

    code: str
    field: tuple[str, ...] | None
    message: str

    def told(self) -> dict[str, Any]:
        """The plain object that the payload's writer takes."""
        return {"code": self.code, "field": list(self.field) if self.field is not None else None, "message": self.message}


def invalid(field: str, message: str, *below: str) -> Fault:
    """A value that breaks a rule."""
    return Fault("VALIDATION_ERROR", (field, *below), message)


@dataclass(frozen=True, slots=True)
class InputField:
    """An input's field: its names in the graph and in the table, its limits, and whether null clears it."""

    name: str
    column: str
    limits: Constraint | None
    clearable: bool
    trimmed: bool


class InputModel:
    """The fields of an input type, as declared. `columns` renames; `kept` are those that can't be cleared."""

    def __init__(self, input_type: Any, *, kept: frozenset[str], columns: Mapping[str, str] | None = None) -> None:
        renamed = columns or {}
        self.fields: list[InputField] = []
        for declared in input_type.__strawberry_definition__.fields:
            name = declared.graphql_name or to_camel_case(declared.python_name)
            column = renamed.get(declared.python_name, declared.python_name)
            limits: Constraint | None = declared.metadata.get(LIMITS)
            clearable = isinstance(declared.type, StrawberryOptional) and declared.python_name not in kept
            ends_trimmed = limits is not None and bool(limits.min_length)
            self.fields.append(InputField(name, column, limits, clearable, ends_trimmed))
        self.names = {field.column: field.name for field in self.fields}

    def read(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
        """The columns that a coerced input sets, and its faults; a field at fault sets nothing."""
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for field in self.fields:
            if field.name not in given:
                continue
            value = given[field.name]
            if field.trimmed and isinstance(value, str):
                value = trimmed(value)
            found = _faults(field, value)
            faults += found
            if not found:
                values[field.column] = _column_value(value)
        return values, faults


def _column_value(value: Any) -> Any:
    """An enum member as the driver holds it: a stage by its position, a role in lower case."""
    name = getattr(value, "value", value)
    if name is value:
        return value
    return BY_NAME[name].position if name in BY_NAME else name.lower()


def _faults(field: InputField, value: Any) -> list[Fault]:
    if value is None:
        return [] if field.clearable else [invalid(field.name, f"`{field.name}` can't be null: give a value or leave it out.")]
    limits = field.limits
    if isinstance(value, str):
        return _text_faults(field, value, limits)
    if limits is None:
        return []
    if isinstance(value, list):
        return _list_faults(field, value, limits)
    if isinstance(value, int) and not isinstance(value, bool):
        return _number_faults(field, value, limits)
    return []


def _text_faults(field: InputField, value: str, limits: Constraint | None) -> list[Fault]:
    if "\0" in value or _SURROGATE.search(value):
        return [invalid(field.name, f"`{field.name}` holds a NUL character or half a surrogate pair, which no text may have.")]
    if limits is None:
        return []
    if limits.min_length and len(value) < limits.min_length:
        return [invalid(field.name, f"`{field.name}` has {len(value)} characters; it must have at least {limits.min_length}.")]
    if limits.max_length and len(value) > limits.max_length:
        return [invalid(field.name, f"`{field.name}` has {len(value)} characters; it may have {limits.max_length}.")]
    if limits.format == "email" and not _EMAIL.fullmatch(value):
        return [invalid(field.name, f"`{field.name}` is no e-mail address: write name@example.com.")]
    return []


def _number_faults(field: InputField, value: int, limits: Constraint) -> list[Fault]:
    low = limits.min if isinstance(limits.min, int) else None
    high = limits.max if isinstance(limits.max, int) else None
    if (low is not None and value < low) or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"{low} or more"
        return [invalid(field.name, f"`{field.name}` must be {span}.")]
    return []


def _list_faults(field: InputField, value: list[Any], limits: Constraint) -> list[Fault]:
    if limits.max_items and len(value) > limits.max_items:
        return [invalid(field.name, f"`{field.name}` has {len(value)} items; it may have {limits.max_items}.")]
    seen: set[Any] = set()
    faults = []
    for place, item in enumerate(value):
        if "\0" in item:
            faults.append(invalid(field.name, "No id has a NUL character.", str(place)))
        elif item in seen and limits.unique_items:
            faults.append(invalid(field.name, f"{item} is given twice.", str(place)))
        seen.add(item)
    return faults
