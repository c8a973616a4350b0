"""The results as a page for people and as JSON for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .comparison import Results
from .contenders.catalog import CONTENDERS
from .machine import versions
from .rounds import Measured
from .targets import Verdict, check
from .workloads import WORKLOADS

MEASURED = ("requests/s", "p50 ms", "p99 ms", "CPU ms a request", "RSS MB")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: its lines, what was wanted, the raw numbers, and what couldn't be measured."""

    title: str
    lines: Sequence[str] = ()
    verdicts: Sequence[Verdict] = ()
    raw: Any = None
    faults: Mapping[str, str] = field(default_factory=dict)


def page(sections: Sequence[Section], command: str, rows: int) -> str:
    """What was run, targets, each section, faults."""
    facts = ", ".join(f"{name} {value}" for name, value in versions().items())
    head = [
        "# Results of `make bench`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, by `{command}`: {rows:,} opportunities; {facts}.",
        "One process a server on one core, wrk (and PostgreSQL) on the other, 8 connections, rounds A B C … A B C …, medians; ratios taken",
        "inside each round. Before it was measured, each contender was proved to give the same answers as the first. The gateway runs with",
        "everything on (authentication, limits, request ids, logs, metrics); the floor and the peers answer anyone and do none of it.",
        "",
    ]
    others = sorted(_others([section.raw for section in sections]))
    if others:
        head[-1:] = [
            f"Other programs took {others[len(others) // 2]:.1%} of the server's core meanwhile (median; {others[-1]:.0%} at most).",
            "",
        ]
    body = [line for section in sections for line in ("## " + section.title, "", *section.lines)]
    return "\n".join([*head, *_targets(sections), *body, *_faults(sections)]).rstrip() + "\n"


def _others(raw: Any) -> Iterator[float]:
    """What each round of whatever was measured says of them."""
    if isinstance(raw, Mapping):
        if "others" in raw:
            yield raw["others"]
            return
        raw = raw.values()
    if isinstance(raw, Iterable) and not isinstance(raw, str):
        for one in raw:
            yield from _others(one)


def as_json(sections: Sequence[Section], command: str) -> dict[str, Any]:
    """All that was measured."""
    measured = {section.title: section.raw for section in sections}
    faults = {name: text for section in sections for name, text in section.faults.items()}
    return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "command": command, **versions(), "measured": measured, "faults": faults}


def compared(results: Results) -> Section:
    """The contenders' ratios and numbers on one database."""
    title = "SQLite" if results.kind == "sqlite" else "PostgreSQL"
    return Section(title, list(_comparison(results)), check(results), results.as_json(), results.faults)


def _comparison(results: Results) -> Iterator[str]:
    names = list(results.rounds)
    contenders = list(dict.fromkeys(name for found in results.rounds.values() for name in found))
    yield f"Requests a second as a multiple of {CONTENDERS[results.base].title}:"
    yield ""
    yield from table(["", *names], ([CONTENDERS[name].title, *_ratios(results, name, names)] for name in contenders))
    for workload in names:
        yield f"### {workload}: {WORKLOADS[workload].title}"
        yield ""
        found = ((CONTENDERS[name].title, results.median(workload, name)) for name in contenders)
        yield from table(["", *MEASURED], ([title, *numbers(one)] for title, one in found if one))


def _ratios(results: Results, name: str, workloads: Sequence[str]) -> Iterator[str]:
    for workload in workloads:
        # What REST is translated into is compared with REST.
        ratio = results.ratio(workload, name, results.base, WORKLOADS[workload].beside)
        found = results.median(workload, name)
        rate = f" ({found.rate:,.0f}/s)" if found and name == results.base else ""
        yield "" if ratio is None else f"{_short(ratio)}{rate}"


def numbers(found: Measured) -> list[str]:
    """Under the heads of MEASURED."""
    return [f"{found.rate:,.0f}", f"{found.p50:.2f}", f"{found.p99:.2f}", f"{found.cpu:.3f}", f"{found.memory:.0f}"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _targets(sections: Sequence[Section]) -> Iterator[str]:
    verdicts = [verdict for section in sections for verdict in section.verdicts]
    if verdicts:
        yield "## Targets"
        yield ""
        yield from table(["target", "wanted", "measured", ""], ([v.title, v.wanted, v.measured, v.word] for v in verdicts))


def _faults(sections: Sequence[Section]) -> Iterator[str]:
    faults = [(name, text) for section in sections for name, text in section.faults.items()]
    if faults:
        yield "## Not measured"
        yield ""
        yield from (f"- {name}: {text.splitlines()[0][:300]}" for name, text in faults)


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"
