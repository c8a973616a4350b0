"""Events once and in order, whoever writes and however often a follower breaks off: the short form of `tests.end_to_end.events`."""

from pathlib import Path

from tests.end_to_end.events import run

WRITES = 300


async def test_once_and_in_order(database_url: str, tmp_path: Path) -> None:
    """Several processes write, 50 followers of two gateways break off and resume: missed 0, repeated 0, out of order 0, lost 0."""
    report = await run(database_url.partition(":")[0], database_url, tmp_path, writes=WRITES)
    assert report.flawless, report
    assert report.events > WRITES / 2
    assert report.resumed > 50
