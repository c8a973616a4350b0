"""Overload: the short form of `tests.end_to_end.overload`.

How much is done of what could be is measured in the long form, on a quiet machine.
"""

from pathlib import Path

from tests.end_to_end.overload import run

SECONDS, BURDENS = 1.0, 0.3
#: Seconds: an operation's limit. The clients share two cores with the gateway, and with whatever else the machine does.
SOON = 10


async def test_more_than_it_can_do(sqlite_url: str, tmp_path: Path) -> None:
    """At five times what it can do a gateway answers or says 503, soon either way, and health meanwhile; stuck clients cost nothing."""
    report = await run(sqlite_url, tmp_path, seconds=SECONDS, times=(5,), burdens=BURDENS)
    (load,) = report.loads
    assert load.statuses.keys() == {200, 503}
    assert load.slowest < SOON
    assert load.health_slowest < SOON
    assert report.burdened_statuses.keys() == {200}
