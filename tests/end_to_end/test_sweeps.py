"""The short form of the proof that old rows go beside the writes (`make sweeps`): what waits meanwhile is measured there."""

from pathlib import Path

from tests.end_to_end.sweeps import run


async def test_old_rows_go_while_others_write(database_url: str, tmp_path: Path) -> None:
    """A gateway removes all that is old, of every workspace, and no write that it answers meanwhile fails."""
    kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    report = await run(kind, database_url, tmp_path, keys=3_000, events=12_000, seconds=1.0)
    assert report.left == {"idempotency_key": 0, "event": 0}
    assert report.faults == []
    assert report.writes_during > 0
