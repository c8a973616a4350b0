"""Events once and in order, whoever writes and however often a follower breaks off: the short form of `tests.end_to_end.events`."""

from pathlib import Path

import pytest

from tests.end_to_end.events import run

WRITES = 300


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_once_and_in_order(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Several processes write, 50 followers of two gateways break off and resume: missed 0, repeated 0, out of order 0, lost 0."""
    url = request.getfixturevalue("sqlite_url" if kind == "sqlite" else "postgres_url")
    report = await run(kind, url, tmp_path, writes=WRITES)
    assert report.flawless, report
    assert report.events > WRITES / 2
    assert report.resumed > 50
