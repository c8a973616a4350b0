"""The results of rules: fields that they set, and values that they refuse."""

from dataclasses import dataclass, field
from typing import NamedTuple

from schema.values import Object, Value


class RuleViolation(NamedTuple):
    """A column whose value a rule refuses: the reason for programs (`ErrorReason`), and a sentence."""

    column: str
    reason: str
    message: str


@dataclass(slots=True)
class Ruled:
    """The fields that the rules set, each with the rule's sentence, and what the rules refuse."""

    values: Object = field(default_factory=dict)
    because: dict[str, str] = field(default_factory=dict)
    refusals: list[RuleViolation] = field(default_factory=list)

    def put(self, name: str, value: Value, rule: str) -> None:
        """Sets a field by a rule."""
        self.values[name] = value
        self.because[name] = rule
