"""The rules of writing a contact."""

from typing_extensions import override

from schema.engine.write.inputs import InputError, invalid
from schema.engine.write.rules import RecordValues, Rules, rules_of
from schema.nouns.people import fold_person
from schema.rules.text import trimmed

from .contact import Contact


@rules_of(Contact)
class ContactRules(Rules):
    """A contact has a name."""

    @override
    def complete(self, row: RecordValues) -> list[InputError]:
        names = [name for name in map(trimmed, (row["first_name"] or "", row["last_name"] or "")) if name]
        row["name"] = " ".join(names)
        fold_person(row)
        return [] if names else [invalid("firstName", "REQUIRED", "A contact has a `firstName` or a `lastName`: give one of them.")]
