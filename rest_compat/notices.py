"""Headers about the call itself: its operation, what was ignored, and what it uses that is deprecated."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from email.utils import format_datetime
from urllib.parse import quote

from rest_compat.errors import Headers

from .deprecations import Deprecated

MOST_NAMES = 20
LONGEST_NAME = 100


def notice_headers(
    parameters: Sequence[str], fields: Sequence[str], deprecations: Sequence[Deprecated], preferences: Sequence[str]
) -> Headers:
    """The ignored parameters and fields of the body, by `header_names`; the preferences that were followed (RFC 7240); deprecations."""
    notices: Headers = []
    if parameters:
        notices.append((b"x-ignored-parameters", ", ".join(parameters).encode()))
    if fields:
        notices.append((b"x-ignored-fields", ", ".join(fields).encode()))
    if preferences:
        notices.append((b"preference-applied", ", ".join(preferences).encode()))
    return notices + deprecation_headers(deprecations) if deprecations else notices


def header_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that a client made up, as headers, log and counts can hold them: percent-encoded, not too long, and not too many."""
    return tuple(quote(name[:LONGEST_NAME], safe="[]", errors="surrogateescape") for name in names[:MOST_NAMES])


def deprecation_headers(deprecations: Sequence[Deprecated]) -> Headers:
    """The earliest dates of all deprecated parts, and each link once (RFC 9745, RFC 8594)."""
    found = [one.deprecation for one in deprecations if one.in_headers]
    if not found:
        return []
    midnights = [datetime.combine(one.since, time(), UTC) for one in found]
    headers: Headers = [(b"deprecation", f"@{int(min(midnights).timestamp())}".encode())]
    ends = [one.sunset for one in found if one.sunset]
    if ends:
        headers.append((b"sunset", format_datetime(datetime.combine(min(ends), time(), UTC), usegmt=True).encode()))
    links = dict.fromkeys(one.link for one in found if one.link)
    return headers + [(b"link", f'<{link}>; rel="deprecation"; type="text/html"'.encode()) for link in links]
