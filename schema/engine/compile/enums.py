"""Enums that columns hold. The value of a member is its name; what the database holds for it may be something else."""

from enum import Enum

from schema.values import Object, Value


class StoredEnum(Enum):
    """An enum whose members the database holds as other values, such as a position or a text in lower case."""

    @property
    def stored(self) -> Value:
        """The member's value in the database."""
        return type(self).held()[self.value]

    @classmethod
    def held(cls) -> Object:
        """The values in the database, by the names of the members."""
        found: Object = cls.__dict__["_held_"]
        return found

    @classmethod
    def names(cls) -> tuple[str, ...] | dict[Value, str]:
        """The names of the members, by what the database holds: a tuple where that is their position, since it is read faster."""
        held = cls.held()
        in_order = list(held.values()) == list(range(len(held)))
        return tuple(held) if in_order else {value: name for name, value in held.items()}


def stored_value(value: Value) -> Value:
    """Return a coerced input as the driver has it: members of an enum as their stored values, everything else unchanged."""
    return value.stored if isinstance(value, StoredEnum) else value
