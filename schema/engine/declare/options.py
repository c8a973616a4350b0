"""Checks of the options of declarations: values of the annotated types, and names that exist."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from functools import cache
from types import EllipsisType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from schema.values import Value, Values

Letter: TypeAlias = Annotated[str, "[a-z]"]
"""The letter of an order in cursors: a small one, since the capital means the other direction."""
EnumName: TypeAlias = Annotated[str, "[A-Z][A-Z0-9_]*"]
"""The name of a value of an enum of the graph."""
Area: TypeAlias = Annotated[str, "[a-z][a-z0-9_]*"]
"""The pattern of the first part of a token's scopes."""


def check_options(declared: Value, place: str) -> None:
    """Raises TypeError for an option that is not of its type; it names the `place` where it is `declared`, by a dataclass."""
    kind: Value = type(declared)
    hints = _hints(kind)
    for each in fields(declared):
        if each.init and (value := getattr(declared, each.name)) is not each.default and not _fits(value, hints[each.name]):
            raise TypeError(f"{place} says {each.name}={value!r}, where {_shown(hints[each.name])} is wanted")


def check_name(place: str, option: str, name: str, there: Collection[str]) -> None:
    """Raises TypeError for a name that isn't one of `there`; the message says where it is used, and lists the names."""
    if name not in {*there}:
        raise TypeError(f"{place} says {option}={name!r}, which isn't there; there are {', '.join(there)}")


@cache
def _hints(kind: type) -> Values:
    return get_type_hints(kind, include_extras=True)


def _fits(value: Value, hint: Value) -> bool:  # noqa: PLR0911  a line a form
    form: Value = get_origin(hint)
    parts = get_args(hint)
    if form is Annotated:
        return _fits(value, parts[0]) and re.fullmatch(parts[1], value) is not None
    if form in {Union, UnionType}:
        return any(_fits(value, part) for part in parts)
    if form is Literal:
        return value in parts
    if form is tuple and isinstance(value, tuple):
        inner = [parts[0]] * len(value) if isinstance(parts[-1], EllipsisType) else parts
        return len(value) == len(inner) and all(map(_fits, value, inner))
    if form is Mapping and isinstance(value, Mapping):
        return all(_fits(key, parts[0]) and _fits(each, parts[1]) for key, each in value.items())
    if form is Callable:
        return callable(value)
    return hint is Any or isinstance(value, form or hint)


def _shown(hint: Value) -> str:
    """The type as it is written, without the modules of what it names."""
    text = hint.__name__ if isinstance(hint, type) else str(hint)
    return re.sub(r"Annotated\[str, ('[^']*')\]", r"str like \1", re.sub(r"\b\w+\.(?=\w)", "", text))
