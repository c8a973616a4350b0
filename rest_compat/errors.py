"""Errors: one shape, and one table from GraphQL's codes to statuses.

    Refused            a call that ends in an error answer; raised anywhere, written by `error_answer` alone

What the process refuses itself (401, 404, 413, 429, 500, 503) is of the same family: see `gateway/edge/faults.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import NamedTuple, TypeAlias

import orjson

from rest_compat.json_values import Json

MOST_NAMED = 5
JSON = "application/json"
PROBLEM = "application/problem+json"

Headers: TypeAlias = list[tuple[bytes, bytes]]


class HttpResponse(NamedTuple):
    """A whole answer, as it is sent."""

    status: int
    headers: Headers
    body: bytes


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

ALWAYS: Mapping[int, Headers] = {401: [(b"www-authenticate", b"Bearer")], 503: [(b"retry-after", b"1")]}
"""Headers that a status must have, where the error has no other of the name."""

_RENAMED: Mapping[int, str] = {413: "Content Too Large", 422: "Unprocessable Content"}
"""Statuses that RFC 9110 has named anew, and Python only since 3.13."""


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """A fault of one field or parameter, by its REST name; `code` is in lower case."""

    field: str
    code: str
    message: str


class Refused(Exception):
    """The call ends in an error answer. `code` is one of STATUS, `detail` one sentence for a person, `headers` go out with it."""

    #: Where a code has several reasons, which one it is: in lower case, for the metrics.
    reason: str | None = None

    def __init__(self, code: str, detail: str, errors: Sequence[ErrorItem] = (), headers: Headers | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers: Headers = headers or []

    @property
    def status(self) -> int:
        return STATUS[self.code]


def malformed(items: Sequence[ErrorItem]) -> Refused:
    """400: the query parameters (or the headers) named in `items` are at fault."""
    return Refused("BAD_REQUEST", f"The request is malformed: see {_names(items)}.", items)


def invalid(items: Sequence[ErrorItem]) -> Refused:
    """422: the body's fields named in `items` are at fault."""
    return Refused("VALIDATION_ERROR", f"The body is not valid: see {_names(items)}.", items)


def no_method(method: str, allow: str, advice: str = "") -> Refused:
    """405: the resource is there, and not for this method. `advice` says more, without a full stop."""
    detail = f"{method[:20]} is not allowed here; allowed are {allow}." + (f" {advice}." if advice else "")
    return Refused("METHOD_NOT_ALLOWED", detail, headers=[(b"allow", allow.encode())])


def not_acceptable() -> Refused:
    """406: Accept excludes JSON."""
    return Refused("NOT_ACCEPTABLE", f"This resource is served as {JSON} only.")


def _names(items: Sequence[ErrorItem]) -> str:
    names = list(dict.fromkeys(item.field for item in items))
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def insufficient_scope(scopes: Sequence[str]) -> bytes:
    """The header `WWW-Authenticate` of a 403 to a token that lacks `scopes` (RFC 6750, section 3.1)."""
    return f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'.encode()


def error_answer(refused: Refused, *, problem: bool = False, request_id: bytes = b"") -> HttpResponse:
    """The error's answer, in REST's shape; the only place that writes it.

    `problem`: as problem details (RFC 9457). A defect, INTERNAL_ERROR, is told by the `request_id` under which the log has it.
    """
    body: Json = {"detail": refused.detail, "code": refused.code.lower()}
    if refused.errors:
        body["errors"] = [asdict(item) for item in refused.errors]
    if refused.code == "INTERNAL_ERROR":
        body["requestId"] = request_id.decode()
    if problem:
        body = {"type": "about:blank", "title": title(refused.status), "status": refused.status, **body}
    given = {name for name, _ in refused.headers}
    always = [(name, value) for name, value in ALWAYS.get(refused.status, ()) if name not in given]
    headers = [(b"content-type", (PROBLEM if problem else JSON).encode()), (b"cache-control", b"no-store"), *always, *refused.headers]
    return HttpResponse(refused.status, headers, orjson.dumps(body))


def title(status: int) -> str:
    """A status in words (RFC 9110, section 15): the `title` of a problem that has no type of its own (RFC 9457, section 4.2.1)."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase
