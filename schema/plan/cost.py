"""What an operation costs: an object 1, a scalar 0, times the page size; a list without paging counts as 10."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..rules.errors import BadRequest
from .variables import Variables

LIST = 10

Size = Callable[[Variables], int]


@dataclass(slots=True)
class Cost:
    """The cost of a selection: its own objects, and those on pages whose size the variables decide."""

    own: int = 0
    pages: list[tuple[Size, "Cost | Dearest"]] = field(default_factory=list)

    def add(self, other: "Cost", times: int = 1) -> None:
        """Adds another selection's cost, `times` over."""
        self.own += other.own * times
        for size, page in other.pages:
            self.pages.append((size, page.times(times)))

    def times(self, factor: int) -> "Cost":
        """The cost of `factor` of these."""
        if factor == 1:
            return self
        return Cost(self.own * factor, [(size, page.times(factor)) for size, page in self.pages])

    def total(self, variables: Variables) -> int:
        """The cost once the variables are known."""
        if not self.pages:
            return self.own
        return self.own + sum(_size(size, variables) * page.total(variables) for size, page in self.pages)


@dataclass(slots=True)
class Dearest:
    """The cost of whichever branch costs most once the variables are known."""

    branches: list[Cost]

    def times(self, factor: int) -> "Dearest":
        """The cost of `factor` of these."""
        return Dearest([branch.times(factor) for branch in self.branches])

    def total(self, variables: Variables) -> int:
        """The cost once the variables are known."""
        return max(branch.total(variables) for branch in self.branches)


def dearest(branches: list[Cost]) -> Cost:
    """The cost of an object that is one of several types: of the branch that costs most, pages included."""
    if any(branch.pages for branch in branches):
        return Cost(0, [(lambda _: 1, Dearest(branches))])
    return max(branches, key=lambda branch: branch.own)


def _size(size: Size, variables: Variables) -> int:
    try:
        return size(variables)
    except BadRequest:
        return 0  # arguments at fault: the field is told as an error, and has no rows
