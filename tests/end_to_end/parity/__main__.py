"""The long form: `python -m tests.end_to_end.parity --steps 20000`, half of them on each database."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.end_to_end.fleet import fresh
from tests.end_to_end.parity.runs import run, taken


def main() -> int:
    """0 where the two doors and the model never differ."""
    parser = argparse.ArgumentParser(description="Drives REST and GraphQL at random against one model.")
    parser.add_argument("--steps", type=int, default=20_000, help="how many, half of them on each database")
    parser.add_argument("--seed", type=int, default=1, help="the same number takes the same steps")
    options = parser.parse_args()
    good = True
    for place, kind in enumerate(("sqlite", "postgresql")):
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder, fresh(kind, Path(folder)) as url:
            try:
                counts = run(url, options.steps // 2, options.seed + place)
            except Exception as difference:  # noqa: BLE001  whatever it is, the other database is still to be seen
                good = False
                print(f"{kind}: DIFFERENT\n{difference!r}\n" + "\n".join(getattr(difference, "__notes__", [])), flush=True)
                continue
        steps = taken(counts)
        told = ", ".join(f"{number:,} {what}" for what, number in sorted(counts.items()) if what not in {"comparisons", "walks"})
        print(f"{kind}: {steps:,} steps, 0 divergences, {time.perf_counter() - began:.0f} s\n  {told}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
