"""What happens again and again fills no log."""

import logging

import pytest

from schema.engine.execute import response_errors
from schema.engine.execute.throttled_log import SECONDS, ThrottledLog
from schema.storage.database import DatabaseUnavailable, StatementTimeout


def test_once_and_then_now_and_then() -> None:
    """The first is written at once, the next after half a minute, with how many were left out; then the count begins anew."""
    now = [0.0]
    lines: list[str] = []
    tell = ThrottledLog(lines.append, lambda: now[0])
    for second in range(2 * int(SECONDS) + 1):
        now[0] = float(second)
        for _ in range(10):
            tell("away: %(error)s", error=f"{second} %s")
    more = " (and {} times more since this was last written)"
    assert lines == ["away: 0 %s", f"away: 30 %s{more.format(299)}", f"away: 60 %s{more.format(299)}"]


def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """It is one line, however many requests meet it, with what the database said; each of them is told all the same."""
    monkeypatch.setattr(response_errors, "_unavailable", ThrottledLog(logging.getLogger("test").warning))
    told = [str(response_errors.of_storage(kind("100% away"))) for kind in (DatabaseUnavailable, StatementTimeout) * 50]
    assert set(told) == {DatabaseUnavailable.public, StatementTimeout.public}
    assert [record.getMessage() for record in caplog.records] == ["database unavailable: 100% away"]
