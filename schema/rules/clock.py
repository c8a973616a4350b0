"""The one clock: UTC, in whole seconds, as ISO 8601 text (RFC 3339). Replaced in tests."""

from datetime import UTC, datetime

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def instant(milliseconds: int) -> str:
    """Milliseconds since 1970 as `YYYY-MM-DDTHH:MM:SSZ`."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime(_FORMAT)


def now() -> str:
    """The present second, as `YYYY-MM-DDTHH:MM:SSZ`."""
    return datetime.now(UTC).strftime(_FORMAT)


def seconds_between(earlier: str, later: str) -> int:
    """Whole seconds from one instant to another, never below 0 (a clock may have been set back)."""
    return max(0, int((datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()))
