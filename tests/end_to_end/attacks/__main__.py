"""`python -m tests.end_to_end.attacks`: each attack in full, one after the other, each on a gateway of its own.

`--root` attacks the code of another checkout, as `git worktree add` makes one. Exits with 1 where one of them did harm.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.end_to_end.attacks.run import ATTACKS, Outcome, run
from tests.end_to_end.attacks.target import prepare, temporary
from tests.live_server import ROOT


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The outcomes in Markdown."""
    yield "| attack | answers | slowest read beside it | memory before, most, after | faults |"
    yield "|---|---|---|---|---|"
    for one in outcomes:
        told = ", ".join(f"{times:,} × {what}" for what, times in one.told.items())
        memory = f"{one.before:,.0f}, {one.most:,.0f}, {one.after:,.0f} MB"
        yield f"| {one.attack}: {one.title} | {told} | {one.slowest:.2f} s | {memory} | {'; '.join(one.faults)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout whose gateway is attacked (default: this one)")
    parser.add_argument("--only", default=",".join(ATTACKS), help="attacks, with commas between (default: all)")
    parser.add_argument("--scale", type=float, default=1, help="the share of an attack's full size (default: 1)")
    parser.add_argument("--patience", type=float, default=0.5, help="seconds that the client beside may wait (default: 0.5)")
    parser.add_argument("--memory", type=int, default=4_000, help="MB of addresses that the gateway may use (default: 4,000)")
    parser.add_argument("--json", type=Path, help="a file for the outcomes")
    given = parser.parse_args()
    outcomes = []
    with temporary() as folder:
        prepare(given.root, folder)
        for name in given.only.split(","):
            options = {"scale": given.scale, "patience": given.patience, "memory": given.memory * 2**20}
            outcomes.append(asyncio.run(run(ATTACKS[name], given.root, folder, **options)))
            print(json.dumps(asdict(outcomes[-1])), flush=True)
    print("\n".join(table(outcomes)))
    if given.json:
        given.json.write_text(json.dumps([asdict(one) for one in outcomes], indent=1) + "\n")
    return int(any(one.faults for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
