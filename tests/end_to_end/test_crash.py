"""Crashes: the short forms of `tests.end_to_end.crash` and `tests.end_to_end.fsync`."""

from pathlib import Path

import pytest

from tests.end_to_end import crash, fsync

CYCLES = 1
ACKNOWLEDGED = 150
WRITES = 80


async def test_what_was_acknowledged_survives(database_url: str, tmp_path: Path) -> None:
    """Gateways are killed under REST and GraphQL writers who send again under their keys: lost 0, done twice 0, told 5xx 0."""
    report = await crash.run(database_url, tmp_path, cycles=CYCLES, least=ACKNOWLEDGED)
    assert report.flawless, report
    assert report.kills == CYCLES
    assert report.written(ACKNOWLEDGED)


@pytest.mark.skipif(not fsync.can_trace(), reason="needs strace, and the right to trace")
async def test_no_write_is_acknowledged_before_it_is_on_the_disk(sqlite_url: str, tmp_path: Path) -> None:
    """Between reading a write and answering it an fdatasync of the log began and ended: unsynced acknowledgements 0."""
    report = await fsync.run(sqlite_url, tmp_path, writes=WRITES)
    assert report.acknowledged == WRITES
    assert report.syncs > 0
    assert report.unsynced == 0
