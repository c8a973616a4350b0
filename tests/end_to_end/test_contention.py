"""Contention: the short form of `tests.end_to_end.contention`."""

from tests.end_to_end.contention import run

WRITES, PROCESSES = 300, 3


async def test_no_client_notices_contention(database_url: str) -> None:
    """Processes write one database, PostgreSQL refusing 30% of the commits: errors seen by clients 0, acknowledged and lost 0."""
    report = await run(database_url, writes=WRITES, processes=PROCESSES)
    assert report.flawless, report
    assert report.acknowledged > WRITES / 2
    assert database_url.startswith("sqlite") or report.refused > WRITES / 10
