"""An answered request, and its line in the log: bounded, on one line, and without secrets."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from schema.rules.access import Caller
from schema.values import Object

#: Characters of a request's path that are logged; a client may send as many as its headers may have bytes.
LONGEST_PATH: Final = 1_000
#: Characters of its operation's name, its program's and its address.
LONGEST_NAME: Final = 200
#: The most names of clients, operations and programs whose escaped form is cached for the log.
MOST_NAMES: Final = 256
#: The length of a `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header); further parts of later versions are cut off.
TRACEPARENT: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
LONGEST_TRACEPARENT: Final = 128

_SECRET: Final = re.compile(r"pk_live_[\w-]*|eyJ[\w-]{8,}(?:\.[\w-]*)*", re.ASCII)


class AnsweredRequest(NamedTuple):
    """An answered request, as it was noted."""

    at: float
    """Seconds since 1970."""
    request_id: bytes
    method: str
    path: str
    route: str
    """The path's template; `other` if there is none."""
    status: int
    """499 where the client left before its answer."""
    seconds: float
    size: int
    """Bytes of the answer's body."""
    operation: str | None
    caller: Caller | None
    client: str | None
    user_agent: bytes
    error: str | None
    """The code of what went wrong."""
    reason: str | None
    """The same, closer, for the metrics."""
    ignored: tuple[str, ...] | None
    traceparent: bytes | None


def members(line: AnsweredRequest) -> Object:
    """The members of a request's line in the log; those that it hasn't are left out where most requests don't have them."""
    caller = line.caller
    told: Object = {
        "event": "request",
        "level": "info",
        "timestamp": datetime.fromtimestamp(line.at, UTC),
        "request_id": clean(line.request_id.decode()),
        "method": line.method,
        "path": clean(line.path),
        "route": line.route,
        "status": line.status,
        "ms": round(line.seconds * 1000, 3),
        "bytes": line.size,
        "operation": line.operation and short(line.operation),
        "workspace": None if caller is None else caller.workspace_id,
        "token": None if caller is None else caller.token_id,
        "client": line.client and short(line.client),
        "user_agent": program(line.user_agent),
    }
    if line.error is not None:
        told["error"] = line.error
    if line.ignored:
        told["ignored"] = [*map(clean, line.ignored)]
    if line.traceparent is not None and (parent := TRACEPARENT.fullmatch(line.traceparent)):
        told["trace_id"] = parent[1].decode()
    return told


@lru_cache(MOST_NAMES)
def short(text: str) -> str:
    """A client's text for the log, cut to `LONGEST_NAME`."""
    return clean(text[:LONGEST_NAME])


@lru_cache(MOST_NAMES)
def program(sent: bytes) -> str | None:
    """Return the client's `User-Agent` for the log; None if there is none."""
    return short(sent.decode("latin-1")) or None


def clean(text: str) -> str:
    """A client's text for the log: without line breaks and other control characters, and without anything that looks like a token."""
    if "pk_live_" in text or "eyJ" in text:
        text = _SECRET.sub("[token]", text)
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
