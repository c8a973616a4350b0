"""The results as a table for people and as JSON for programs."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from .contenders.catalog import CONTENDERS
from .machine import versions
from .rounds import Results
from .targets import Verdict
from .workloads import WORKLOADS


def markdown(results: Sequence[Results], verdicts: Sequence[Verdict], command: str, rows: int) -> str:
    """One page: what was run, ratios, numbers, targets, faults."""
    facts = ", ".join(f"{name} {value}" for name, value in versions().items())
    head = [
        "# Results of `make bench`",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, by `{command}`: {rows:,} opportunities; {facts}.",
        "One process a server on one core, wrk (and PostgreSQL) on the other, 8 connections, rounds A B C … A B C …, medians; ratios taken",
        "inside each round. Before it was measured, each contender was proved to give the same answers as the first.",
        "",
    ]
    body = [line for one in results for line in _section(one)]
    return "\n".join([*head, *body, *_targets(verdicts), *_faults(results)]).rstrip() + "\n"


def _section(results: Results) -> Iterator[str]:
    names = list(results.rounds)
    contenders = list(dict.fromkeys(name for found in results.rounds.values() for name in found))
    yield f"## {'SQLite' if results.kind == 'sqlite' else 'PostgreSQL'}"
    yield ""
    yield f"Requests a second as a multiple of {CONTENDERS[results.base].title}:"
    yield ""
    yield from _table(["", *names], ([CONTENDERS[name].title, *_ratios(results, name, names)] for name in contenders))
    for workload in names:
        yield f"### {workload}: {WORKLOADS[workload].title}"
        yield ""
        head = ["", "requests/s", "p50 ms", "p99 ms", "CPU ms a request", "RSS MB"]
        yield from _table(head, _numbers(results, workload, contenders))


def _ratios(results: Results, name: str, workloads: Sequence[str]) -> Iterator[str]:
    for workload in workloads:
        ratio = results.ratio(workload, name, results.base)
        found = results.median(workload, name)
        rate = f" ({found.rate:,.0f}/s)" if found and name == results.base else ""
        yield "" if ratio is None else f"{_short(ratio)}{rate}"


def _numbers(results: Results, workload: str, contenders: Sequence[str]) -> Iterator[list[str]]:
    for name in contenders:
        found = results.median(workload, name)
        if found:
            yield [
                CONTENDERS[name].title,
                f"{found.rate:,.0f}",
                f"{found.p50:.2f}",
                f"{found.p99:.2f}",
                f"{found.cpu:.3f}",
                f"{found.memory:.0f}",
            ]


def _table(head: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _targets(verdicts: Sequence[Verdict]) -> Iterator[str]:
    if verdicts:
        yield "## Targets"
        yield ""
        yield from _table(["target", "wanted", "measured", ""], ([v.title, v.wanted, v.measured, v.word] for v in verdicts))


def _faults(results: Sequence[Results]) -> Iterator[str]:
    faults = [(name, text) for one in results for name, text in one.faults.items()]
    if faults:
        yield "## Not measured"
        yield ""
        yield from (f"- {name}: {text.splitlines()[0][:300]}" for name, text in faults)


def _short(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"
