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
    """Takes about `steps` steps over a migrated database, drawn by `number`; gives what was done. Raises what went wrong, with the walk."""
    with told_time() as clock, opened(database_url) as doors:
        counts: Counter[str] = Counter()

        class Walk(Parity):
            pass

        Walk.doors, Walk.clock, Walk.counts = doors, clock, counts
        phases = [Phase.generate, Phase.shrink]
        walks = settings(
            max_examples=max(1, steps // LENGTH),
            stateful_step_count=LENGTH,
            deadline=None,
            database=None,
            phases=phases,
            print_blob=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        )
        seed(number)(Walk)
        run_state_machine_as_test(Walk, settings=walks)
    return counts
