"""Bad input: the short form of `tests.end_to_end.fuzz`."""

from pathlib import Path

import pytest

from tests.end_to_end.fuzz.judge import fault_of
from tests.end_to_end.fuzz.run import KINDS, run

COUNT = 1_000
AT_LEAST = {f"{kind} 200" for kind in ("rest", "graphql", "streams")} | {"rest 422", "graphql 400", "streams 400", "broken 400"}
AT_LEAST |= {"sockets open", "sockets 4400", "sockets 1002"}


async def test_whatever_comes(database_url: str, tmp_path: Path) -> None:
    """Bad requests, bodies, variables, frames, cursors, headers and query strings are answered: 5xx 0, silence 0, defects logged 0."""
    report = await run(database_url, tmp_path, range(COUNT))
    assert (report.faults, report.logged) == ([], [])
    assert min(report.inputs[kind] for kind in KINDS) > COUNT / 50
    assert report.answers.keys() >= AT_LEAST


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"detail": "Oh.", "code": "internal_error"}'),
        (503, b'{"detail": "Oh.", "code": "unavailable"}'),
        (200, b'{"data": null, "errors": [{"message": "Oh.", "extensions": {"code": "INTERNAL_ERROR"}}]}'),
        (400, b'{"detail": "invalid literal for int() with base 10", "code": "bad_request"}'),
        (400, b'{"message": "Oh."}'),
        (400, b""),
        (200, b"{"),
    ],
)
def test_what_is_a_fault(status: int, body: bytes) -> None:
    """An answer that a client can do nothing with isn't overlooked."""
    assert fault_of(status, b"application/json", body)
    assert not fault_of(400, b"application/json", b'{"detail": "Not a number.", "code": "bad_request"}')
