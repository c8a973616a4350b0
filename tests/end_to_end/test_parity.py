"""The two doors and one model, driven at random: the short form of `make parity`.

`PARITY_STEPS` says how many steps a database gets; `PARITY_SEED` draws others.
"""

import os

from tests.end_to_end.parity.runs import run, taken

STEPS = int(os.environ.get("PARITY_STEPS", "250"))


def test_the_doors_do_not_diverge(database_url: str) -> None:
    """After each step, by whichever door, both doors hold what the model foretold, and say alike why something was refused."""
    number = int(os.environ.get("PARITY_SEED", "1"))
    print(f"PARITY_SEED={number}")
    counts = run(database_url, STEPS, number)
    assert taken(counts) >= STEPS
