"""Enums of the graph. The value of a member is its name; what the database holds for it may be something else."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry


class StoredEnum(Enum):
    """An enum whose members the database holds as other values, such as a position or a text in lower case."""

    @property
    def stored(self) -> Any:
        """What the database holds for the member."""
        return type(self).held()[self.value]

    @classmethod
    def held(cls) -> dict[str, Any]:
        """What the database holds, by the names of the members."""
        found: dict[str, Any] = cls.__dict__["_held_"]
        return found

    @classmethod
    def names(cls) -> tuple[str, ...] | dict[Any, str]:
        """The names of the members, by what the database holds: a tuple where that is their position, since it is read faster."""
        held = cls.held()
        in_order = list(held.values()) == list(range(len(held)))
        return tuple(held) if in_order else {value: name for name, value in held.items()}


def plain_enum(name: str, description: str, members: Mapping[str, str]) -> Any:
    """An enum that is stored nowhere: each member's name with its description."""
    return _made(Enum, name, description, members)


def stored_enum(name: str, description: str, members: Mapping[str, tuple[Any, str]]) -> Any:
    """An enum that columns hold: each member's name with what the database holds for it and its description."""
    made = _made(StoredEnum, name, description, {member: text for member, (_, text) in members.items()})
    made._held_ = {member: value for member, (value, _) in members.items()}
    return made


def _made(base: Any, name: str, description: str, members: Mapping[str, str]) -> Any:
    values = {member: strawberry.enum_value(member, description=text) for member, text in members.items()}
    return strawberry.enum(base(name, values), description=description)
