"""`python -m tests.benchmarks`: measures the gateway against the floor and its peers.

Exits with 1 where a contender couldn't be measured or answered otherwise than the first; a missed target is told, and no error.
"""

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path

from .contenders.catalog import CONTENDERS, Contender
from .data import Data, postgresql_data, sqlite_data
from .report import markdown
from .rounds import Plan, measure
from .targets import check
from .workloads import WORKLOADS

_OUT = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    options = _options()
    data = _data(options)
    results = [measure(_plan(options, one), one) for one in data]
    verdicts = check(results)
    command = shlex.join(["python", "-m", "tests.benchmarks", *sys.argv[1:]])
    page = markdown(results, verdicts, command, options.rows)
    options.out.write_text(page)
    options.out.with_suffix(".json").write_text(json.dumps([one.as_json() for one in results], indent=1))
    print(page)
    return 1 if any(one.faults for one in results) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", type=_names(WORKLOADS), help="workloads, with commas between (default: all)")
    parser.add_argument("--contenders", type=_names(CONTENDERS), help="contenders; ratios are to the first (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds of load, a contender and round (default: 3)")
    parser.add_argument("--rows", type=int, default=100_000, help="opportunities (default: 100,000)")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL as well")
    parser.add_argument("--quick", action="store_true", help="10,000 rows, 3 rounds of a second: for plausibility only")
    parser.add_argument("--out", type=Path, default=_OUT, help="where the table is written; the raw numbers go beside it as JSON")
    if "--quick" in sys.argv:
        parser.set_defaults(rows=10_000, rounds=3, seconds=1.0)
    return parser.parse_args()


def _names(known: "dict[str, object]") -> object:
    def names(text: str) -> list[str]:
        given = text.split(",")
        unknown = [name for name in given if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {', '.join(known)}")
        return given

    return names


def _data(options: argparse.Namespace) -> list[Data]:
    data = [sqlite_data(options.rows)]
    if options.postgres:
        data.append(postgresql_data(options.rows, Path(tempfile.gettempdir()) / "gateway-bench-postgres"))
    return data


def _plan(options: argparse.Namespace, data: Data) -> Plan:
    workloads = [WORKLOADS[name] for name in WORKLOADS if not options.only or name in options.only]
    return Plan(workloads, _contenders(options, data.kind), options.rounds, options.seconds)


def _contenders(options: argparse.Namespace, kind: str) -> list[Contender]:
    return [CONTENDERS[name] for name in options.contenders or CONTENDERS if kind in CONTENDERS[name].kinds]


if __name__ == "__main__":
    sys.exit(main())
