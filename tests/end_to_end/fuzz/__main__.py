"""`python -m tests.end_to_end.fuzz --count 100000 --seed 1`: bad inputs over REST, GraphQL, streams and sockets, to a real gateway.

Each input is told by the seed and its number: `--seed 1 --number 4711` sends that one again, and prints it. What comes must be an answer:
no 5xx, no silence, no socket that ends without a close code, no words of Python's or a driver's, nothing in the log that is an error.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.end_to_end.fleet import fresh
from tests.end_to_end.fuzz.run import Report, run


def tell(report: Report, most: int = 40) -> None:
    """The numbers, and the first faults."""
    print(json.dumps(report.as_json(), indent=1))
    for number, fault in report.faults[:most]:
        print(f"--seed {report.seed} --number {number}: {fault}")
    for line in report.logged[:most]:
        print(f"logged: {line}")
    print(f"{report.inputs.total():,} inputs, {len(report.faults):,} faults, {len(report.logged):,} logged")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--number", type=int, nargs="+", help="these inputs alone, on one connection, and printed")
    given = parser.parse_args()
    numbers = given.number or range(given.count)
    with tempfile.TemporaryDirectory(prefix="gateway-fuzz-") as name, fresh(given.database, Path(name)) as url:
        report = asyncio.run(run(url, Path(name), numbers, seed=given.seed, show=bool(given.number)))
    tell(report)
    return int(not report.flawless)


if __name__ == "__main__":
    sys.exit(main())
