"""Bad input: the short form of `tests.end_to_end.raw_bytes`."""

from tests.end_to_end.raw_bytes import run

ATTEMPTS = 250


async def test_whatever_bytes_come(sqlite_url: str) -> None:
    """Over HTTP, as a stream or on a socket: defects 0, whole requests without an answer 0, sockets without a close code 0."""
    report = await run(sqlite_url, attempts=ATTEMPTS)
    assert report.flawless, report
    assert min(report.http, report.streams, report.sockets) > ATTEMPTS / 10
    assert {"http 400", "streams 400", "socket 4400", "socket 1002"} <= report.answers.keys()
