"""Plans, graphql-core's completion and the oracle answer alike, byte for byte, over documents and walks drawn from the schema."""

import pytest

from tests.schema.dataset import World
from tests.schema.differential.compare import Comparison, compare, stop_clock

DOCUMENTS, WALKS = 250, 200


@pytest.fixture
async def comparison(world: World, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    stop_clock(monkeypatch)
    return await compare(world)


def seeds(comparison: Comparison, number: int) -> range:
    """Each database has draws of its own."""
    first = number if comparison.world.database.dialect.name == "sqlite" else 0
    return range(first, first + number)


async def test_all_ways_answer_alike(comparison: Comparison) -> None:
    """No drawn document is answered differently, and enough were really answered by plans, by graphql-core, and with errors."""
    outcome = await comparison.documents(seeds(comparison, DOCUMENTS))
    counts = outcome.counts
    print(counts)
    assert not outcome.different, f"{len(outcome.different)} of {counts}:\n" + "\n".join(outcome.different[:5])
    assert counts["planned"] > 0.4 * DOCUMENTS
    assert counts["completed"] == counts["planned"] + counts["fell back"]
    assert counts["foretold"] > 0.5 * DOCUMENTS
    assert 0.02 * DOCUMENTS < counts["fell back"] < 0.4 * DOCUMENTS
    assert counts["refused"] < 0.3 * DOCUMENTS


async def test_walks_page_by_page(comparison: Comparison) -> None:
    """No page of a drawn walk differs from the oracle's, and most walks go on beyond their first page."""
    outcome = await comparison.walks(seeds(comparison, WALKS))
    counts = outcome.counts
    print(counts)
    assert not outcome.different, f"{len(outcome.different)} of {counts}:\n" + "\n".join(outcome.different[:5])
    assert counts["pages"] > 1.5 * WALKS
    assert counts["full pages"] > counts["empty pages"]
