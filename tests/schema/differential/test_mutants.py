"""Faults that are put into the planner on purpose are found: a comparison that finds nothing must be one that could have."""

import os

import pytest

from tests.schema.dataset import World
from tests.schema.differential.compare import Comparison, compare, stop_clock
from tests.schema.differential.mutants import MUTANTS, Mutant, Rotten, planted
from tests.schema.differential.test_differential import DOCUMENTS, WALKS

EVERY = 1 if os.environ.get("MUTANTS") == "all" else 6
"""In CI one of six is planted."""
AT_ONCE = 10


@pytest.fixture
async def clean(world_on_sqlite: World, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    stop_clock(monkeypatch)
    return await compare(world_on_sqlite)


@pytest.mark.parametrize("mutant", MUTANTS[::EVERY], ids=lambda mutant: mutant.name)
async def test_found(clean: Comparison, mutant: Mutant) -> None:
    """The documents and walks of CI's form find the fault; they are compared until they do."""
    with planted(mutant):
        print(mutant.name, await _finds(clean))


async def _finds(clean: Comparison) -> str:
    """What found the fault. Fails where nothing did."""
    comparison = Comparison(clean.world, clean.oracle)
    for first in range(0, 2 * DOCUMENTS, AT_ONCE):
        try:
            if first < 2 * WALKS:
                await comparison.walks(range(first, first + AT_ONCE))
            await comparison.documents(range(first, first + AT_ONCE))
        except Exception as error:  # noqa: BLE001  a fault that makes the code fail is found, too
            return f"raised {error!r} at {comparison.outcome.counts}"
        if comparison.outcome.different:
            return f"found by {comparison.outcome.different[0].partition(' as ')[0]}"
    return pytest.fail(f"not found by {comparison.outcome.counts}")


def test_each_stands_once() -> None:
    """No mutant has rotted: the text of each stands in the code once, in a function."""
    for mutant in MUTANTS:
        with planted(mutant):
            pass


def test_rotten_is_told() -> None:
    """A text that is in the code nowhere, or in several places, is an error that names it."""
    for text in ("nowhere at all", "import"):
        with pytest.raises(Rotten, match=text), planted(Mutant("rotten", text, "")):
            pass
