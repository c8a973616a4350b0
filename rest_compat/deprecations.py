"""What the schema deprecates: `@deprecated(reason: "Ask for x: https://… Since 2026-01-01, until 2027-01-01.")` says it to REST, too."""

import re
from datetime import date

from .declaration import Deprecation
from .documents import DeclarationError

_DATES = re.compile(r"\bsince ([0-9]{4}-[0-9]{2}-[0-9]{2})(?:, until ([0-9]{4}-[0-9]{2}-[0-9]{2}))?", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:)]")


def in_schema(coordinate: str, reason: str | None) -> Deprecation | None:
    """What a reason says; None where there is none. Raises DeclarationError where it has no date, which the headers can't do without."""
    if reason is None:
        return None
    dates = _DATES.search(reason)
    if dates is None:
        raise DeclarationError(f"{coordinate} is deprecated, and its reason doesn't say since when: 'since 2026-01-01, until 2027-01-01'")
    since, sunset = (date.fromisoformat(text) if text else None for text in dates.groups())
    assert since is not None
    link = _LINK.search(reason)
    return Deprecation(since=since, sunset=sunset, link=link[0] if link else None)
