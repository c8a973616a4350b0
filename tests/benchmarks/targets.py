"""What the gateway is to reach, and whether it did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .rounds import Results

_FLOOR = {"sqlite": "floor", "postgresql": "floor-asyncpg"}


@dataclass(frozen=True, slots=True)
class Target:
    """`one` answers at least `least` requests for each that `other` does; `other` left out means the floor of that database."""

    workload: str
    one: str
    least: float
    other: str = ""
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
    Target("W1", "gateway", 0.85, kind="postgresql"),
    Target("W3", "gateway", 0.85, kind="postgresql"),
    Target("W6", "gateway", 0.85, kind="postgresql"),
    Target("W7", "gateway", 0.85, kind="postgresql"),
)

# Times with ten times the rows, as multiples of those without: at most.
GROWTH = {"W3": 1.2, "W7": 1.2, "first keyset page": 1.5, "last keyset page": 1.5}


def check(results: Sequence[Results]) -> list[Verdict]:
    """Each target of the databases that were measured."""
    by_kind = {one.kind: one for one in results}
    return [_verdict(target, by_kind[target.kind]) for target in TARGETS if target.kind in by_kind]


def _verdict(target: Target, results: Results) -> Verdict:
    ratio = results.ratio(target.workload, target.one, target.against)
    database = "" if target.kind == "sqlite" else " on PostgreSQL"
    title = f"{target.workload}{database}: {target.one} against {target.against}"
    met = None if ratio is None else ratio >= target.least
    return Verdict(title, f"≥ {target.least:g}", "" if ratio is None else f"{ratio:.2f}", met)


def check_growth(ratios: Mapping[str, float]) -> list[Verdict]:
    """Growth's targets beside the times' ratios."""
    return [Verdict(f"growth, {name}", f"≤ {most:g}", f"{ratios[name]:.2f}", ratios[name] <= most) for name, most in GROWTH.items()]
