"""Checks of a noun's declaration, made when it is declared: each error names the line, and says what to write."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from types import GenericAlias
from typing import TYPE_CHECKING

from strawberry import ID, UNSET

from schema.engine.compile.enums import StoredEnum
from schema.engine.types.fields import Constraint
from schema.engine.types.scalars import CENTS, SCALARS, Date, DateTime, Money, read_date, read_instant
from schema.values import Made, Value

from .base import Declaration
from .columns import FieldDeclaration
from .members import graph_name
from .types import MISSING

if TYPE_CHECKING:
    from .noun import Noun

_PREFIX = re.compile("[a-z][a-z0-9]*")
_LABEL = re.compile("[A-Za-z][A-Za-z0-9]*( [A-Za-z0-9]+)*")
_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")
_TYPE = re.compile("[A-Z][A-Za-z0-9]*")
_RESERVED = {"Query", "Mutation", "Subscription", "String", "Int", "Float", "Boolean", "ID", *[scalar.name for scalar in SCALARS.values()]}
_CONNECTIVES = ("and", "or", "not")
_HELD: dict[Value, type] = {bool: bool, int: int, Money: int, str: str, ID: str}
"""The Python types of values that fields have by default; amounts are whole cents."""
_LIMITS = (("min_length", "max_length", "pattern", "format"), ("min", "max"))
"""The limits that are kept of texts, and of numbers."""
_TIMES: dict[Value, tuple[Callable[[Value], str | None], str]] = {
    Date: (read_date, "2025-04-30"),
    DateTime: (read_instant, "2025-03-15T09:30:00Z"),
}
"""The functions that read days and instants, each with an example of the text that a column holds."""


def check(noun: "Noun") -> None:
    """Raises TypeError, which names the noun and what is wrong with it, and nothing where it can be derived."""
    for fault in _faults(noun):
        raise TypeError(f"{noun.name}{fault}")


def _faults(noun: "Noun") -> Iterator[str]:
    yield from _of_class(noun)
    read: dict[str, str] = {}
    for declared in noun.declared:
        name = graph_name(_read_as(declared))
        if _NAME.fullmatch(name) is None:
            yield f".{declared.attribute} would be `{name}` in the graph: write a name of the letters a to z, digits and underscores"
        other = read.setdefault(name, declared.attribute)
        if other != declared.attribute:
            yield f".{declared.attribute} and {noun.name}.{other} are both `{name}` in the graph: rename one of them"
        if isinstance(declared, FieldDeclaration):
            yield from (f".{declared.attribute} {fault}" for fault in _of_field(declared))


def _of_class(noun: "Noun") -> Iterator[str]:
    if getattr(noun.row, "__table__", None) is None:
        yield f" has no table: write `class {noun.name}(Tracked, table=True)`"
    if _TYPE.fullmatch(noun.name) is None or noun.name in _RESERVED:
        yield " can't be the name of a type: take one of letters and digits, with a capital first, that GraphQL and the gateway leave free"
    if noun.prefix is not None and _PREFIX.fullmatch(noun.prefix) is None:
        yield f" has the prefix {noun.prefix!r}: write small letters and digits, such as `inv`"
    for word, name in (("label", noun.label), ("plural", noun.plural)):
        if _LABEL.fullmatch(name) is None:
            yield f" has the {word} {name!r}, of which names of fields are made: write letters, digits and single blanks"
    if noun.prefix is not None and noun.lists and noun.plural.lower() == noun.label.lower():
        yield f" has {noun.label!r} for its label and for its plural, so one and the list have the same name: give another `plural=`"
    for word, said, creating in (("creates", noun.creates, True), ("updates", noun.updates, False)):
        if said is not None and not any(declared.given(creating=creating) for declared in noun.declared):
            yield f" says `{word}=`, but no field of it can be given: declare one that isn't `read_only`, or leave `{word}=` out"


def _read_as(declared: Declaration) -> str:
    return declared.member if isinstance(declared, FieldDeclaration) else declared.attribute


def _of_field(field: FieldDeclaration) -> Iterator[str]:
    if field.to is not None and field.through is not None and field.attribute == field.member:
        yield f"refers to {field.to}, and both are filtered by the name `{graph_name(field.attribute)}`: call it `{field.attribute}_id`"
    if field.filters and graph_name(field.attribute) in _CONNECTIVES:
        yield f"can't be filtered by: `{graph_name(field.attribute)}` connects conditions in a filter"
    faults = [] if field.limits is None else [*_of_limits(field, field.limits)]
    yield from faults
    if field.default is not MISSING and not faults:
        yield from _of_default(field, field.default)


def _of_limits(field: FieldDeclaration, limits: Constraint) -> Iterator[str]:
    said = {each.name: value for each in fields(limits) if (value := getattr(limits, each.name)) is not UNSET and value is not None}
    if isinstance(field.type, GenericAlias):
        return
    for name, value in said.items():
        kept = _LIMITS[field.type in {int, Money}] if field.type in {int, Money, str, ID} else ()
        if name not in kept:
            yield f"says Constraint({name}=…), which a field of its type doesn't keep: {' and '.join(kept) or 'no limits'} would be kept"
        elif isinstance(value, bool) or not isinstance(value, str if name in {"pattern", "format"} else int):
            yield f"says Constraint({name}={value!r}), where a {'text' if name in {'pattern', 'format'} else 'whole number'} is wanted"
    if said.get("format", "email") != "email":
        yield f"says Constraint(format={said['format']!r}), of which `email` alone is kept: write a pattern"
    for low, high in (("min", "max"), ("min_length", "max_length")):
        least, most = said.get(low), said.get(high)
        if isinstance(least, int) and isinstance(most, int) and least > most:
            yield f"says Constraint({low}={least}, {high}={most}), which nothing satisfies: the first is to be the smaller one"
    try:
        re.compile(said.get("pattern", ""))
    except (re.error, TypeError) as error:
        yield f"says Constraint(pattern={said['pattern']!r}), which is no regular expression: {error}"


def _of_default(field: FieldDeclaration, value: Value) -> Iterator[str]:
    if value is None:
        if not field.nullable:
            yield "has null by default, and can't be null: declare it `| None`, or give a value"
        return
    if field.type in _TIMES:
        read, example = _TIMES[field.type]
        if read(value) != value:
            yield f"has {value!r} by default: give a text such as {example}"
        return
    is_enum = isinstance(field.type, type) and issubclass(field.type, StoredEnum)
    held = field.type if is_enum else _HELD.get(field.type, object)
    if is_enum and value in field.type.held().values():
        return
    if not isinstance(value, held) or (held is int and isinstance(value, bool)):
        unit = ", whole cents" if field.type is Money else ""
        yield f"has {value!r} by default: give a value of the type {held.__name__}{unit}"
    elif field.limits is not None and not _is_within(field, value):
        yield f"has {value!r} by default, which its limits refuse: {' '.join(field.limits.sentences())}"


def _is_within(field: FieldDeclaration, value: Made) -> bool:
    limits: Made = field.limits
    is_text = isinstance(value, str)
    low, high = (limits.min_length, limits.max_length) if is_text else (limits.min, limits.max)
    size, unit = (len(value) if is_text else value), (CENTS if field.type is Money else 1)
    return not (isinstance(low, int) and size < low * unit) and not (isinstance(high, int) and size > high * unit)
