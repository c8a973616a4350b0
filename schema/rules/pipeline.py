"""The stage rules of a deal: what entering and leaving a stage does to probability, closed date and loss reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .stages import LOST, STAGES

Deal = Mapping[str, Any]


@dataclass(slots=True)
class Ruled:
    """The fields that the rules set, each with the rule's sentence; faults are (field, message)."""

    values: dict[str, Any] = field(default_factory=dict)
    because: dict[str, str] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def put(self, name: str, value: Any, rule: str) -> None:
        """Sets a field by a rule."""
        self.values[name] = value
        self.because[name] = rule


def apply(before: Deal | None, given: Deal, today: str) -> Ruled:
    """What the rules make of `given` (columns that the caller sets) on the deal `before` (None: it is being created).

    `today` is the UTC day, `YYYY-MM-DD`. The caller's own values stand; the rules fill in what was not given.
    """
    ruled = Ruled()
    old = None if before is None else STAGES[before["stage"]]
    new = STAGES[given.get("stage", 0 if old is None else old.position)]
    if old is None:
        _default(ruled, given, "stage", new.position, "a new deal starts in prospecting")
    _probability(ruled, before, given, old, new)
    _closing(ruled, before, given, new, today, entered=old is None or old is not new)
    return ruled


def _default(ruled: Ruled, given: Deal, name: str, value: Any, rule: str) -> None:
    if name not in given:
        ruled.put(name, value, rule)


def _probability(ruled: Ruled, before: Deal | None, given: Deal, old: Any, new: Any) -> None:
    entered_closed = new.is_closed and new is not old
    if "probability" in given:
        # A probability given while entering a closed stage belongs to that stage; it is not someone's own estimate.
        ruled.values["probability_manual"] = not entered_closed
        return
    if new is old:
        return
    by_hand = before is not None and before["probability_manual"]
    if entered_closed or old is None or old.is_closed or not by_hand:
        ruled.put("probability", new.default_probability, f"the default of {new.value}")
        ruled.values["probability_manual"] = False


def _closing(ruled: Ruled, before: Deal | None, given: Deal, new: Any, today: str, *, entered: bool) -> None:
    if not new.is_closed:
        if given.get("closed_date") is not None:
            ruled.faults.append(("closed_date", "Only a closed deal has a closedDate; close it or leave this out."))
        _clear(ruled, before, given, "closed_date", "an open deal has no closedDate")
    elif entered:
        _default(ruled, given, "closed_date", today, f"entering {new.value} closes the deal today")
    if new.position != LOST:
        if given.get("loss_reason") is not None:
            ruled.faults.append(("loss_reason", "Only a lost deal has a lossReason; set the stage to closed_lost or leave this out."))
        _clear(ruled, before, given, "loss_reason", "only a lost deal has a lossReason")


def _clear(ruled: Ruled, before: Deal | None, given: Deal, name: str, rule: str) -> None:
    if before is not None and before[name] is not None and given.get(name) is None:
        ruled.put(name, None, rule)
