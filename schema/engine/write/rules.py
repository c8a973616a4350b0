"""The rules of writing a noun's records. By default there are none; a noun's rules override these methods."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from schema.rules.violations import Ruled
from schema.values import Value

from .inputs import InputError
from .write_transaction import WriteReader, WriteTransaction

RecordValues = dict[str, Any]
"""A record by column; the ids of its linked records stand there too, as if they were a column."""


class Rules:
    """Hooks around the writes of a noun's records. A record is given by column, as the driver holds it."""

    also: Mapping[str, str] = {}
    """The columns that only rules set, each with its name in the graph: their changes are listed in events like others."""

    def apply(self, before: RecordValues | None, given: RecordValues, now: str) -> Ruled:
        """Apply the rules to `given`, the columns that a call names, on the record `before` (None: it is being created)."""
        return Ruled()

    def complete(self, row: RecordValues) -> list[InputError]:
        """Sets the columns of `row` that follow from others, and says what is wrong with the record as a whole."""
        return []

    async def guard(self, reader: WriteReader, before: RecordValues, after: RecordValues) -> list[InputError]:
        """Return the errors that stop a change from `before` to `after`."""
        return []

    def stamp(self, before: RecordValues | None, after: RecordValues, now: str) -> None:
        """Sets the columns that say when something happened, just before the record is stored."""

    async def written(self, transaction: WriteTransaction, before: RecordValues | None, after: RecordValues) -> None:
        """Writes what goes with a record that was just stored, such as its history."""

    async def removable(self, reader: WriteReader, row: RecordValues) -> list[InputError]:
        """Return the errors that stop a deletion. Writes nothing."""
        return []

    async def removing(self, transaction: WriteTransaction, row: RecordValues) -> None:
        """Writes what must be done before a record is deleted."""


R = TypeVar("R", bound=type[Rules])


def rules_of(row: Value) -> Callable[[R], R]:
    """Makes a class the rules of a noun's writes. Raises TypeError for what is no noun, and for one that has rules."""
    noun = getattr(row, "__noun__", None)
    if noun is None:
        raise TypeError(f"rules_of({row!r}), which is no noun: name the class that stands under `@noun(…)`")

    def declare(rules: R) -> R:
        if not (isinstance(rules, type) and issubclass(rules, Rules)):
            raise TypeError(f"{getattr(rules, '__name__', rules)} are to be the rules of {noun.name}: write `class …(Rules)`")
        if noun.rules is not None:
            raise TypeError(f"{noun.name} has rules already, {type(noun.rules).__name__}: those of {rules.__name__} would replace them")
        noun.rules = rules()
        return rules

    return declare
