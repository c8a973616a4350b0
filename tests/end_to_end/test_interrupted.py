"""Interruptions: the short form of `tests.end_to_end.interrupted`."""

from pathlib import Path

import pytest

from tests.end_to_end.interrupted import interruption

LIMIT = 6.0
SETTINGS = {"pool_size": 8, "pool_timeout": 1.5, "statement_timeout": 1.5, "operation_timeout": LIMIT}


@pytest.mark.parametrize("kind", ["silent", "frozen", "failed over"])
async def test_an_interruption(tmp_path: Path, kind: str) -> None:
    """Eight clients hear 200, 503 or 504 within an operation's time, two followers miss nothing, and all is well again soon."""
    found = await interruption(kind, tmp_path, frozen=4.0, **SETTINGS)
    assert found.faults(LIMIT) == []
    assert found.statuses[503] > 0
    assert found.acknowledged > 0
