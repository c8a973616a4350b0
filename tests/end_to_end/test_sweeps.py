"""The short form of the proof that old rows go beside the writes (`make sweeps`): what writes wait meanwhile is measured there."""

from tests.end_to_end.fleet import access, in_process
from tests.end_to_end.sweeps import Writers, counts, execute, filling, gone, measure


async def test_old_rows_go_while_others_write(database_url: str) -> None:
    """A gateway removes all that is old, of every workspace, and no write that it answers meanwhile fails."""
    kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    who = await access(database_url)
    await execute(database_url, *filling(kind, keys=1_000, events=4_000))
    async with in_process(database_url) as (address, _):
        writers = Writers(f"http://{address}", who)
        assert await measure(writers, gone(database_url))
        await writers.client.aclose()
    assert writers.faults == []
    assert await counts(database_url) == {"idempotency_key": 0, "event": 0}
