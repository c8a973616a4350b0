"""Many subscribers on one process: the short form of `tests.end_to_end.subscribers`."""

from pathlib import Path

from tests.end_to_end.fleet import access, serving
from tests.end_to_end.subscribers import measure


async def test_an_event_reaches_all(database_url: str, tmp_path: Path) -> None:
    """Each event reaches each of 50 subscribers once; one that stops reading is dropped, and no other notices."""
    async with serving(database_url, tmp_path, slow_reader_timeout=0.5) as (gateway,):
        figures = await measure(gateway, await access(database_url), total=50, events=20, pause=0.01, slow=0.5)
    assert (figures.missed, figures.repeated, figures.dropped) == (0, 0, 0)
    assert figures.stopped_dropped
