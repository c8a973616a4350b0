"""Errors: one shape, and one table from GraphQL's codes to statuses.

    Refused            a call that ends in an error answer; raised anywhere in this room, answered in one place

The process words what it refuses itself under /api/ (401, 404, 413, 429, 500, 503) with the same `error_response`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

import orjson

from .accept import read_accept, wants_problem

MOST_NAMED = 5

Headers: TypeAlias = list[tuple[bytes, bytes]]

STATUS: Mapping[str, int] = {
    "BAD_REQUEST": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "REQUEST_TIMEOUT": 408,
    "CONFLICT": 409,
    "CURSOR_EXPIRED": 410,
    "PRECONDITION_FAILED": 412,
    "TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "VALIDATION_ERROR": 422,
    "PRECONDITION_REQUIRED": 428,
    "RATE_LIMITED": 429,
    "HEADERS_TOO_LARGE": 431,
    "INTERNAL_ERROR": 500,
    "UNAVAILABLE": 503,
    "TIMEOUT": 504,
}
"""Every code of the graph (`extensions.code`, and `code` of user errors) has its one status; in a REST body it is written in lower case."""

ALWAYS: Mapping[int, Mapping[str, str]] = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}
"""Headers that a status must have, where the caller of `error_response` gives no other."""

_RENAMED: Mapping[int, str] = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Statuses that RFC 9110 has named anew, and Python only since 3.13."""


@dataclass(frozen=True, slots=True)
class Item:
    """A fault of one field or parameter, by its REST name; `code` is in lower case."""

    field: str
    code: str
    message: str


@dataclass(eq=False)
class Refused(Exception):
    """The call is refused. `code` is one of STATUS, `detail` one sentence for a person."""

    code: str
    detail: str
    errors: Sequence[Item] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def malformed(items: Sequence[Item]) -> Refused:
    """400: the query parameters (or the headers) named in `items` are at fault."""
    return Refused("BAD_REQUEST", f"The request is malformed: see {_names(items)}.", items)


def invalid(items: Sequence[Item]) -> Refused:
    """422: the body's fields named in `items` are at fault."""
    return Refused("VALIDATION_ERROR", f"The body is not valid: see {_names(items)}.", items)


def no_method(method: str, allow: str, advice: str = "") -> Refused:
    """405: the resource is there, and not for this method. `advice` says more, without a full stop."""
    detail = f"{method[:20]} is not allowed here; allowed are {allow}." + (f" {advice}." if advice else "")
    return Refused("METHOD_NOT_ALLOWED", detail, headers={"Allow": allow})


def _names(items: Sequence[Item]) -> str:
    names = list(dict.fromkeys(item.field for item in items))
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def insufficient_scope(scopes: Sequence[str]) -> str:
    """The header `WWW-Authenticate` of a 403 to a token that lacks `scopes` (RFC 6750, section 3.1)."""
    return f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'


def error_response(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Item] = (),
    headers: Mapping[str, str] | None = None,
    accept: str = "",
    request_id: str | None = None,
) -> tuple[int, Headers, bytes]:
    """Build an error answer.

    `code` may be a GraphQL or a REST code (`NOT_FOUND`, `not_found`). `accept` is the request's header: where it names
    `application/problem+json`, the body is one (RFC 9457). `request_id` is shown in the body; give it for 500.
    """
    body: dict[str, Any] = {"detail": detail, "code": code.lower()}
    if errors:
        body["errors"] = [asdict(item) for item in errors]
    if request_id is not None:
        body["requestId"] = request_id
    media = b"application/json"
    if wants_problem(read_accept(accept)):
        media = b"application/problem+json"
        body = {"type": "about:blank", "title": title(status), "status": status, **body}
    named = {"Cache-Control": "no-store", **ALWAYS.get(status, {}), **(headers or {})}
    pairs = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in named.items()]
    return status, [(b"content-type", media), *pairs], orjson.dumps(body)


def title(status: int) -> str:
    """A status in words (RFC 9110, section 15): the `title` of a problem that has no type of its own (RFC 9457, section 4.2.1)."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase
