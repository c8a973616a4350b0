"""The stage rules of a deal: what entering and leaving a stage does to probability, closed date and loss reason."""

from dataclasses import dataclass

from schema.values import Value, Values

from .absent_values import is_absent
from .stages import LOST, STAGES, Stage
from .violations import Ruled, RuleViolation

Deal = Values


@dataclass(frozen=True, slots=True)
class Move:
    """A deal before the call (None: it is being created), what the call names, and the stages that it goes from and to."""

    before: Deal | None
    given: Deal
    old: Stage | None
    new: Stage

    @property
    def enters(self) -> bool:
        """Whether the stage changes."""
        return self.old is not self.new

    def stored(self, name: str) -> Value:
        """Return the deal's value before the change."""
        return None if self.before is None else self.before[name]


_NOT_CLOSED = RuleViolation(
    "closed_date", "NOT_CLOSED", "Only a closed opportunity has a `closedDate`: close the opportunity, or leave this out."
)
_NOT_LOST = RuleViolation(
    "loss_reason", "NOT_LOST", "Only a lost opportunity has a `lossReason`: set `stage` to `CLOSED_LOST`, or leave this out."
)
_DATELESS = RuleViolation(
    "closed_date", "CLOSED_WITHOUT_DATE", "A closed opportunity has a `closedDate`: give a date, or move the opportunity to an open stage."
)


def apply(before: Deal | None, given: Deal, today: str) -> Ruled:
    """Apply the rules to `given` (the columns that the call names) on the deal `before` (None: it is being created).

    `today` is the UTC day, `YYYY-MM-DD`. What the call names stands; the rules fill in the rest.
    """
    ruled = Ruled()
    old = None if before is None else STAGES[before["stage"]]
    new = STAGES[given.get("stage", 0 if old is None else old.position)]
    if old is None and "stage" not in given:
        ruled.put("stage", new.position, f"a new opportunity starts in {new.name}")
    move = Move(before, given, old, new)
    _probability(ruled, move)
    _closed_date(ruled, move, today)
    if new.position != LOST:
        _keep_out(ruled, move, _NOT_LOST, "only a lost opportunity has a lossReason")
    return ruled


def _probability(ruled: Ruled, move: Move) -> None:
    old, new = move.old, move.new
    if "probability" in move.given:
        _named_probability(ruled, move)
    elif move.enters and (new.is_closed or old is None or old.is_closed or not move.stored("probability_manual")):
        rule = f"the default of {new.name}"
        ruled.put("probability", new.default_probability, rule)
        ruled.put("probability_manual", False, rule)  # noqa: FBT003  a column's value


def _named_probability(ruled: Ruled, move: Move) -> None:
    """A probability that is named is the caller's own estimate. Of a closed deal it is none: what is closed isn't estimated.

    The call that closed a deal may be sent again, so naming what a closed deal holds already changes nothing.
    """
    if not move.new.is_closed:
        ruled.put("probability_manual", True, "a probability that is named stays as it is")  # noqa: FBT003
    elif move.enters:
        ruled.put("probability_manual", False, "entering a closed stage ends the estimate")  # noqa: FBT003
    elif move.given["probability"] != move.stored("probability"):
        ruled.put("probability_manual", True, "a probability that is named stays as it is")  # noqa: FBT003


def _closed_date(ruled: Ruled, move: Move, today: str) -> None:
    if not move.new.is_closed:
        _keep_out(ruled, move, _NOT_CLOSED, "an open opportunity has no closedDate")
    elif "closed_date" not in move.given:
        if move.enters:
            ruled.put("closed_date", today, f"entering {move.new.name} closes the opportunity today")
    elif move.given["closed_date"] is None:
        ruled.refusals.append(_DATELESS)


def _keep_out(ruled: Ruled, move: Move, refusal: RuleViolation, rule: str) -> None:
    """A column that the new stage doesn't have: a new value is refused, a stored one is cleared."""
    name = refusal.column
    value, stored = move.given.get(name), move.stored(name)
    if value is not None and not is_absent(value, stored, refused=True):
        ruled.refusals.append(refusal)
    elif stored is not None and (value is not None or name not in move.given):
        ruled.put(name, None, rule)
