"""Stops and restarts: the short form of `tests.end_to_end.shutdown`."""

from pathlib import Path

from tests.end_to_end.shutdown import SOCKETS, STREAMS, run


async def test_nobody_is_let_down(sqlite_url: str, tmp_path: Path) -> None:
    """A gateway is stopped, workers are restarted one after the other: failed requests 0, sockets 1012, streams completed."""
    report = await run(sqlite_url, tmp_path, rounds=1)
    assert report.flawless, report
    assert report.ends == {"socket 1012": 2 * SOCKETS, "stream completed": 2 * STREAMS}
    assert report.answered > 100
