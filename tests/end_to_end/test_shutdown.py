"""Stops and restarts: the short form of `tests.end_to_end.shutdown`."""

from pathlib import Path

from tests.end_to_end.shutdown import SOCKETS, STREAMS, run


async def test_nobody_is_let_down(sqlite_url: str, tmp_path: Path) -> None:
    """A gateway is stopped, with and without a balancer, and workers are restarted: failed requests 0, sockets 1012, streams completed."""
    report = await run(sqlite_url, tmp_path, rounds=1)
    assert report.flawless, report
    assert report.ends == {"socket 1012": 2 * SOCKETS, "stream completed": 2 * STREAMS}
    assert report.alone == 2
    assert report.answered > 100
