"""Stops and restarts: the short form of `tests.end_to_end.shutdown`."""

import time
from pathlib import Path

from tests.end_to_end.fleet import PATIENCE, serving
from tests.end_to_end.http_client import REFUSED, Connections, Told, get
from tests.end_to_end.shutdown import SOCKETS, STREAMS, run, whole_group

DELAY = 2.0


async def test_nobody_is_let_down(sqlite_url: str, tmp_path: Path) -> None:
    """A gateway is stopped, with and without a balancer, and workers are restarted: failed requests 0, sockets 1012, streams completed."""
    report = await run(sqlite_url, tmp_path, rounds=1)
    assert report.flawless, report
    assert report.ends == {"socket 1012": 2 * SOCKETS, "stream completed": 2 * STREAMS}
    assert report.alone == 3
    assert report.answered > 100


async def test_delay_of_workers(sqlite_url: str, tmp_path: Path) -> None:
    """Workers that get SIGTERM with their supervisor, as from systemd, answer on for the whole delay: its own signal cuts nothing."""
    told = Told()
    async with serving(sqlite_url, tmp_path, workers=2, shutdown_delay=DELAY) as (gateway,), Connections(gateway.address) as connections:
        whole_group(gateway)
        began = time.monotonic()
        while await connections.ask(get("/readyz"), told) != REFUSED:
            pass
        assert time.monotonic() - began >= DELAY
        assert gateway.process.wait(PATIENCE) == 0
    assert set(told.statuses) <= {200, 503, REFUSED}
