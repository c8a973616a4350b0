"""The short form of `tests.end_to_end.database_outage`."""

from pathlib import Path

from tests.end_to_end.database_outage import run

SECONDS = 2.0


async def test_a_database_that_goes_away(postgres_url: str, tmp_path: Path) -> None:
    """Cut off, silent, or with no connection free: only 503 and 504, health all the while, and all is well seconds after its return."""
    report = await run(postgres_url, tmp_path, seconds=SECONDS)
    assert report.faults == []
    assert [absence.kind for absence in report.absences] == ["cut", "mute", "locked"]
