"""`python -m tests.benchmarks`: measures the gateway against the floor and its peers.

Exits with 1 where something couldn't be measured, or a contender answered otherwise than the first; a missed target is told, and no error.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from .comparison import Plan, compare
from .contenders.catalog import CONTENDERS, Contender
from .data import FOLDER, Data, postgresql_data, sqlite_data
from .growth import growth
from .inside import inside
from .latency import latency
from .load import LoadFault
from .report import Section, as_json, compared, page
from .rounds import WARM_SECONDS, Effort, say
from .servers import ServerFault
from .subscribers import subscribers
from .workloads import WORKLOADS

_QUICK = {
    "sections": ["sqlite", "latency"],
    "contenders": ["floor", "gateway"],
    "only": ["W1", "G1", "W3", "G3", "W6", "W4"],
    "rows": 2_000,
    "rounds": 1,
    "seconds": 1,
    "warm": 0,
    "out": FOLDER / "QUICK.md",
}


def main() -> int:
    """Writes the page and its JSON, and prints the page."""
    options = _options()
    command = " ".join(["make bench", *([f"ARGS='{' '.join(sys.argv[1:])}'"] if sys.argv[1:] else [])])
    sections = list(_measured(options))
    text = page(sections, command, options.rows)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text)
    options.out.with_suffix(".json").write_text(json.dumps(as_json(sections, command), indent=1) + "\n")
    print(text)
    return 1 if any(section.faults for section in sections) else 0


def _measured(options: argparse.Namespace) -> Iterator[Section]:
    """One section after the other; one that fails is told, and the next begun."""
    for name in options.sections:
        try:
            yield SECTIONS[name](options)
        except (ServerFault, LoadFault) as fault:
            say(f"{name}: {fault}")
            yield Section(name, faults={name: str(fault)})


def _comparison(options: argparse.Namespace, data: Data) -> Section:
    # What REST is translated into depends on no database.
    known = [workload for workload in WORKLOADS.values() if data.kind == "sqlite" or not workload.beside]
    workloads = [workload for workload in known if not options.only or workload.name in options.only]
    return compared(compare(Plan(workloads, _contenders(options, data.kind), _effort(options)), data))


def _contenders(options: argparse.Namespace, kind: str) -> list[Contender]:
    return [CONTENDERS[name] for name in options.contenders or CONTENDERS if kind in CONTENDERS[name].kinds]


def _effort(options: argparse.Namespace) -> Effort:
    return Effort(options.rounds, options.seconds, warm=options.warm)


def _on_postgresql(options: argparse.Namespace) -> Section:
    # The pip package opens all folders above its data to PostgreSQL's user.
    return _comparison(options, postgresql_data(options.rows, Path(tempfile.gettempdir()) / "gateway-bench-postgres"))


SECTIONS: Mapping[str, Callable[[argparse.Namespace], Section]] = {
    "sqlite": lambda options: _comparison(options, sqlite_data(options.rows)),
    "postgresql": _on_postgresql,
    "latency": lambda options: latency(sqlite_data(options.rows), _effort(options)),
    "inside": lambda options: inside(options.rows, _effort(options)),
    "growth": lambda options: growth(options.rows, _effort(options)),
    "subscribers": lambda options: subscribers(options.subscribers, events=100),
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description=__doc__)
    parser.add_argument("--sections", type=_names(SECTIONS), default=list(SECTIONS), help=f"of {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--only", type=_names(WORKLOADS), help="workloads, with commas between (default: all)")
    parser.add_argument("--contenders", type=_names(CONTENDERS), help="contenders; ratios are to the first (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds of load, a contender and round (default: 3)")
    parser.add_argument("--warm", type=int, default=WARM_SECONDS, help="seconds of load before the first round (default: 1)")
    parser.add_argument("--rows", type=int, default=100_000, help="opportunities; growth takes ten times as many (default: 100,000)")
    parser.add_argument("--subscribers", type=int, default=1_000, help="WebSockets (default: 1,000)")
    parser.add_argument("--quick", action="store_true", help="little of the least, in half a minute: whether it works and answers agree")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("RESULTS.md"), help="where the page goes; the raw numbers go beside it"
    )
    if "--quick" in sys.argv:
        parser.set_defaults(**_QUICK)
    return parser.parse_args()


def _names(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        given = text.split(",")
        unknown = [name for name in given if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return given

    return names


if __name__ == "__main__":
    sys.exit(main())
