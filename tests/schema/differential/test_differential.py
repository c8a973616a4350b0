"""Plans and graphql-core answer alike, byte for byte, over documents drawn from the schema."""

import pytest

from tests.schema.differential.compare import Comparison, stop_clock
from tests.schema.world import World

DOCUMENTS = 250


@pytest.fixture
def comparison(world: World, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    stop_clock(monkeypatch)
    return Comparison(world)


async def test_both_ways_answer_alike(comparison: Comparison) -> None:
    """No drawn document is answered differently, and enough were really answered by plans, by graphql-core, and with errors."""
    offset = DOCUMENTS if comparison.world.database.dialect.name == "sqlite" else 0
    outcome = await comparison.run(range(offset, offset + DOCUMENTS))
    counts = outcome.counts
    print(counts)
    assert not outcome.different, f"{len(outcome.different)} of {counts}:\n" + "\n".join(outcome.different[:5])
    assert counts["planned"] > 0.5 * DOCUMENTS
    assert counts["completed"] == counts["planned"] + counts["fell back"]
    assert 0.02 * DOCUMENTS < counts["fell back"] < 0.4 * DOCUMENTS
    assert counts["refused"] < 0.3 * DOCUMENTS
