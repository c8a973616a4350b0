"""What the gateway is to reach, and whether it did."""

from collections.abc import Mapping
from dataclasses import dataclass

from .comparison import Results

_FLOOR = {"sqlite": "floor", "postgresql": "floor-asyncpg"}


@dataclass(frozen=True, slots=True)
class Target:
    """`one` answers at least `least` requests for each that `other` does: the floor of that database, if left out.

    With `than`, those of `other` are of that workload.
    """

    workload: str
    one: str
    least: float
    other: str = ""
    than: str = ""
    kind: str = "sqlite"

    @property
    def against(self) -> str:
        return self.other or _FLOOR[self.kind]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target beside what was measured."""

    title: str
    wanted: str
    measured: str
    met: bool | None

    @property
    def word(self) -> str:
        return {True: "met", False: "**missed**", None: "not measured"}[self.met]


TARGETS = (
    Target("W1", "gateway-counting", 0.85),
    Target("W1", "gateway-counting", 3.5, "fastapi"),
    Target("W1", "gateway-counting", 6, "django"),
    Target("W1", "gateway", 2.5),
    Target("W1", "gateway", 10, "fastapi"),
    Target("W2", "gateway-counting", 0.85),
    Target("W2", "gateway", 2),
    Target("W3", "gateway", 0.7),
    Target("W3", "gateway", 12, "fastapi"),
    Target("W6", "gateway", 0.8),
    Target("W6", "gateway", 2.2, "mercurius"),
    Target("W6", "gateway", 25, "strawberry"),
    Target("W6", "gateway-unplanned", 4, "strawberry"),
    Target("W7", "gateway-unplanned", 15, "strawberry"),
    Target("W7", "gateway", 0.65),
    Target("W7", "gateway", 1.0, "mercurius"),
    Target("W7", "gateway", 40, "strawberry"),
    Target("W4", "gateway", 0.5),
    Target("W5", "gateway", 0.5),
    Target("W1", "gateway", 0.9, "gateway", "G1"),
    Target("W1", "gateway-counting", 0.9, "gateway-counting", "G1"),
    Target("W3", "gateway", 0.9, "gateway", "G3"),
    Target("W1", "gateway", 0.95, "gateway-unwatched"),
    Target("W3", "gateway", 0.95, "gateway-unwatched"),
    Target("W1", "gateway", 0.85, kind="postgresql"),
    Target("W1", "gateway-counting", 0.85, kind="postgresql"),
    Target("W3", "gateway", 0.85, kind="postgresql"),
    Target("W6", "gateway", 0.85, kind="postgresql"),
    Target("W7", "gateway", 0.85, kind="postgresql"),
)

# Times with ten times the rows, as multiples of those without: at most.
GROWTH = {"W3": 1.2, "W7": 1.2, "first page": 1.5, "last page": 1.5}


def check(results: Results) -> list[Verdict]:
    """Each target of the database that was measured, if its workload and contenders were to be."""
    return [_verdict(target, results) for target in TARGETS if target.kind == results.kind and _concerns(target, results)]


def _concerns(target: Target, results: Results) -> bool:
    return {target.workload, target.than or target.workload} <= {*results.rounds} and {target.one, target.against} <= {*results.contenders}


def _verdict(target: Target, results: Results) -> Verdict:
    ratio = results.ratio(target.workload, target.one, target.against, target.than)
    database = "" if target.kind == "sqlite" else " on PostgreSQL"
    other = f"its own {target.than}" if target.than else target.against
    met = None if ratio is None else ratio >= target.least
    title = f"{target.workload}{database}: {target.one} against {other}"
    return Verdict(title, f"≥ {target.least:g}", "" if ratio is None else f"{ratio:.2f}", met)


def check_growth(ratios: Mapping[str, float]) -> list[Verdict]:
    """Growth's targets beside the times' ratios."""
    return [Verdict(f"growth, {name}", f"≤ {GROWTH[name]:g}", f"{ratio:.2f}", ratio <= GROWTH[name]) for name, ratio in ratios.items()]
