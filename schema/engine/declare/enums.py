"""Enums of the graph, from their members' names and descriptions."""

from collections.abc import Mapping
from enum import Enum

import strawberry

from schema.engine.compile.enums import StoredEnum
from schema.values import Made, Value


def plain_enum(name: str, description: str, members: Mapping[str, str]) -> Made:
    """An enum that is stored nowhere: each member's name with its description."""
    return _made(Enum, name, description, members)


def stored_enum(name: str, description: str, members: Mapping[str, tuple[Value, str]]) -> Made:
    """An enum that columns hold: each member's name with what the database holds for it and its description."""
    made = _made(StoredEnum, name, description, {member: text for member, (_, text) in members.items()})
    made._held_ = {member: value for member, (value, _) in members.items()}
    return made


def _made(base: Made, name: str, description: str, members: Mapping[str, str]) -> Made:
    values = {member: strawberry.enum_value(member, description=text) for member, text in members.items()}
    return strawberry.enum(base(name, values), description=description)
