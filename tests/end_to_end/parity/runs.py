"""A run of the machine over one database."""

from collections import Counter

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.end_to_end.parity.clock import told_time
from tests.end_to_end.parity.doors import opened
from tests.end_to_end.parity.machine import Parity

LENGTH = 50
"""Steps of one walk, each in a workspace of its own."""


def run(database_url: str, steps: int, number: int) -> Counter[str]:
    """Takes `steps` steps or a few more over a migrated database, drawn by `number`; gives what was done. Raises what went wrong."""
    with told_time() as clock, opened(database_url) as doors:
        counts: Counter[str] = Counter()

        class Walk(Parity):
            pass

        Walk.doors, Walk.clock, Walk.counts = doors, clock, counts
        # Walks end early now and then, so that it takes a few more than there should be.
        while (left := steps - taken(counts)) > 0:
            seed(number + counts["walks"])(Walk)
            run_state_machine_as_test(Walk, settings=_settings(-(-left // LENGTH)))
    return counts


def taken(counts: Counter[str]) -> int:
    """The steps among what was done: each is followed by a comparison, and so is the beginning of a walk."""
    return counts["comparisons"] - counts["walks"]


def _settings(walks: int) -> settings:
    return settings(
        max_examples=walks,
        stateful_step_count=LENGTH,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
