"""The cost of an operation, by what the gateway reads for it: see the constants. Costs below a page are multiplied by the page's size.

An object costs 1, a short text, a number or a date nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from schema.engine.document.variables import Variables
from schema.rules.errors import BadRequest

LIST = 10
"""The items of a list without a page, each; the list counts as one item where nothing is read for it, such as what to mend."""
LONG_TEXT = 1
"""A text that may have more than LONG characters; each alias of it counts."""
LONG = 1_000
COUNT = 1
"""`totalCount`."""
SUMS = 50
"""Sums over all rows that match, such as `summary`, `pipeline` and `forecast`."""
SUMS_OF_A_DAY = 500
"""The same as they were on a past day, which reads the history of each record."""
SCHEMA = 200
"""`__schema` and `__type`."""

Size = Callable[[Variables], int]
"""A number that the variables decide: of rows, or of what they cost."""


@dataclass(slots=True)
class Cost:
    """The cost of a selection: what is known when it is compiled, and parts that the variables decide, each so many times."""

    own: int = 0
    parts: list[tuple[int, Size]] = field(default_factory=list)

    def add(self, other: "Cost") -> None:
        """Adds another selection's cost."""
        self.own += other.own
        self.parts += other.parts

    def times(self, factor: int) -> "Cost":
        """The cost of `factor` of these."""
        if factor == 1:
            return self
        return Cost(self.own * factor, [(times * factor, part) for times, part in self.parts])

    def total(self, variables: Variables) -> int:
        """The cost once the variables are known."""
        if not self.parts:
            return self.own
        return self.own + sum([times * part(variables) for times, part in self.parts])


def paged(size: Size, each: Cost) -> Cost:
    """The cost of a page of as many of `each` as `size` reads from the variables."""

    def total(variables: Variables) -> int:
        try:
            count = size(variables)
        except BadRequest:
            return 0  # The arguments are at fault: the field is answered by an error, and has no rows.
        return count * each.total(variables) if count else 0

    return Cost(0, [(1, total)])


def costliest(branches: list[Cost]) -> Cost:
    """The cost of the dearest of `branches`, of which nobody knows yet which one it will be."""
    if not any(branch.parts for branch in branches):
        return Cost(max(branch.own for branch in branches))
    return Cost(0, [(1, lambda variables: max(branch.total(variables) for branch in branches))])
