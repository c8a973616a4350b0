"""Believable data in any amount, the same for the same seed: for `gateway seed`, the demo, tests and benches."""

from .fill import seed
from .spec import Seeded, SeedFault, SeedSpec

__all__ = ["SeedFault", "SeedSpec", "Seeded", "seed"]
