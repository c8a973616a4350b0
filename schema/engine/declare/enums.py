"""Enums of the graph, from their members' names and descriptions."""

import re
from collections.abc import Mapping
from enum import Enum

import strawberry

from schema.engine.compile.enums import StoredEnum
from schema.values import Made, Value

MOST_MEMBERS = 500
_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")
_HELD = range(-(2**31), 2**31)
_WORDS = frozenset({"true", "false", "null"})
"""Names that no member can have, since GraphQL reads these as values."""


def plain_enum(name: str, description: str, members: Mapping[str, str]) -> Made:
    """An enum that is stored nowhere: each member's name with its description."""
    return _made(Enum, name, description, members)


def stored_enum(name: str, description: str, members: Mapping[str, tuple[Value, str]]) -> Made:
    """An enum that columns hold: each member's name with what the database holds for it and its description."""
    _check(name, members)
    made = _made(StoredEnum, name, description, {member: text for member, (_, text) in members.items()})
    made._held_ = {member: value for member, (value, _) in members.items()}
    return made


def _check(name: str, members: Mapping[str, tuple[Value, str]]) -> None:
    """Raises TypeError for members that GraphQL or a column can't hold."""
    held = [value for value, _ in members.values()]
    if not 0 < len(members) <= MOST_MEMBERS:
        raise TypeError(f"{name} has {len(members):,} members: give 1 to {MOST_MEMBERS:,}; a longer list is a noun of its own")
    if {type(value) for value in held} not in ({bool}, {int}, {str}) or len(set(held)) < len(held):
        raise TypeError(f"{name}: what columns hold must be all whole numbers or all texts, each of its own; these are {held[:10]}")
    if any(isinstance(value, int) and value not in _HELD for value in held):
        raise TypeError(f"{name}: whole numbers that columns hold are from {_HELD[0]:,} to {_HELD[-1]:,}; these are {held[:10]}")
    for member in members:
        if _NAME.fullmatch(member) is None or member in _WORDS:
            raise TypeError(f"{name} has a member {member!r}: write capitals, digits and underscores, such as IN_PROGRESS")


def _made(base: Made, name: str, description: str, members: Mapping[str, str]) -> Made:
    values = {member: strawberry.enum_value(member, description=text) for member, text in members.items()}
    return strawberry.enum(base(name, values), description=description)
