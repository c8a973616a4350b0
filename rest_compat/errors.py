"""Errors of HTTP, of both doors: one family, one table from codes to statuses, one writer of REST's error bodies.

HttpError                 a request that ends in an error answer: raised anywhere, answered by the edge
├── MalformedRequest      malformed JSON, parameters or document
├── Unauthenticated       no token, or one that is unknown, expired or revoked
├── AccessDenied          the token, host or origin may not do this
├── NotFound              no such page, route or record
├── MethodNotAllowed      the page exists and the method doesn't, or a mutation by GET
├── NotAcceptable         no media type that the client takes
├── BodyTooLarge          the body is over its limit
├── RequestTimeout        headers or body didn't come in time
├── HeadersTooLarge       the headers are over their limit
├── MalformedHttp         it is not HTTP
│   └── UnknownCoding     the body's transfer coding
├── UnsupportedMediaType  the body's media type or encoding
├── RateLimited           the token's budget is used up
├── Unavailable           too much work, or the database is away
├── OperationTimeout      the operation took too long
└── InternalError         a defect: nothing leaks but the request's id

Errors that the graph tells (`schema/rules/errors.py`) have the same codes. `gateway/edge/graphql_errors.py` writes GraphQL's error bodies.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final, NamedTuple, TypeAlias

import orjson

from rest_compat.json_values import Json

MOST_NAMED = 5
MOST_ITEMS = 100
"""Faults that one answer tells: a body of 60 KB may have 30,000, whose answer would be forty times as long."""

JSON = "application/json"
PROBLEM = "application/problem+json"

_UNQUOTED: Final = re.compile(r"[^ !#-\[\]-~]")

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
"""Statuses that RFC 9110 renamed, which Python has only since 3.13."""


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """A fault of one field or parameter, by its REST name; `code` is in lower case."""

    field: str
    code: str
    message: str


class HttpError(Exception):
    """A request that ends in an error answer: `detail` is one sentence for a person, `headers` go out with it.

    `code` is one of STATUS: the class's, unless another one is given. `errors` say which fields or parameters are at fault.
    """

    code = "BAD_REQUEST"
    #: Where a code has several reasons, which one it is: in lower case, for the metrics.
    reason: str | None = None

    def __init__(self, detail: str, headers: Headers | None = None, *, code: str | None = None, errors: Sequence[ErrorItem] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers: Headers = headers or []
        self.errors = errors
        if code is not None:
            self.code = code

    @property
    def status(self) -> int:
        return STATUS[self.code]


class MalformedRequest(HttpError):
    """Malformed JSON, parameters or document."""


class Unauthenticated(HttpError):
    """No token, or one that is unknown, expired or revoked (RFC 6750)."""

    code = "UNAUTHENTICATED"

    def __init__(self, message: str, *, is_about_token: bool = False) -> None:
        """`is_about_token`: a token came, and is what is wrong; else the request has none."""
        super().__init__(message, [(b"www-authenticate", challenge("invalid_token", message) if is_about_token else b"Bearer")])


def challenge(error: str, description: str, **more: str) -> bytes:
    """The header `WWW-Authenticate` that says what is wrong with a token (RFC 6750 section 3), in the characters that it may have."""
    said = {"error": error, "error_description": description, **more}
    return b"Bearer " + b", ".join(b'%s="%s"' % (name.encode(), _UNQUOTED.sub("'", text).encode()) for name, text in said.items())


class AccessDenied(HttpError):
    """The token, host or origin may not do this."""

    code = "FORBIDDEN"


class NotFound(HttpError):
    """No such page."""

    code = "NOT_FOUND"


class MethodNotAllowed(HttpError):
    """The page exists and the method doesn't; `allow` names those that do."""

    code = "METHOD_NOT_ALLOWED"

    def __init__(self, message: str, allow: str) -> None:
        super().__init__(message, [(b"allow", allow.encode())])
        self.allow = allow


class NotAcceptable(HttpError):
    """No media type that the client takes."""

    code = "NOT_ACCEPTABLE"


class BodyTooLarge(HttpError):
    """The body is over its limit; the connection is closed, since the rest of it is not read."""

    code = "TOO_LARGE"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request body is over {limit} bytes.", [(b"connection", b"close")])


class RequestTimeout(HttpError):
    """Headers or body didn't come in time."""

    code = "REQUEST_TIMEOUT"

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"The request's {what} didn't come within {seconds:g} s.")


class HeadersTooLarge(HttpError):
    """The headers are over their limit."""

    code = "HEADERS_TOO_LARGE"

    def __init__(self, what: str) -> None:
        super().__init__(f"The request's headers are {what}.")


class MalformedHttp(HttpError):
    """It is not HTTP/1.1."""


class UnknownCoding(MalformedHttp):
    """The body comes in a transfer coding that is not understood (RFC 9112 section 6.1)."""

    status = 501


class UnsupportedMediaType(HttpError):
    """The body's media type or encoding is not one that is read."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class RateLimited(HttpError):
    """The token's budget is used up."""

    code = "RATE_LIMITED"


class Unavailable(HttpError):
    """Too much work, or the database is unavailable: try again soon."""

    code = "UNAVAILABLE"

    def __init__(self, message: str, retry_after: int = 1, reason: str | None = None) -> None:
        super().__init__(message, [(b"retry-after", str(retry_after).encode())])
        self.reason = reason


class OperationTimeout(HttpError):
    """The operation took longer than it may."""

    code = "TIMEOUT"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The operation took longer than {seconds:g} s.")

    def warn_of_write(self) -> None:
        """Add to the message that an operation may have written."""
        self.detail += " What it changes may have been changed: send it again with the same idempotency key, or look before you repeat it."


class InternalError(HttpError):
    """Ours. The log has the rest under the request's id."""

    code = "INTERNAL_ERROR"

    def __init__(self) -> None:
        super().__init__("Something went wrong in the gateway. Its log has the details under the id of this request.")


def malformed(items: Sequence[ErrorItem]) -> HttpError:
    """400: the query parameters (or the headers) named in `items` are at fault."""
    return MalformedRequest(f"The request is malformed: see {_names(items)}.", errors=items)


def invalid(items: Sequence[ErrorItem]) -> HttpError:
    """422: the body's fields named in `items` are at fault."""
    return HttpError(f"The body is not valid: see {_names(items)}.", code="VALIDATION_ERROR", errors=items)


def no_method(method: str, allow: str, advice: str = "") -> HttpError:
    """405: the resource is there, and not for this method. `advice` says more, without a full stop."""
    detail = f"{method[:20]} is not allowed here; allowed are {allow}." + (f" {advice}." if advice else "")
    return MethodNotAllowed(detail, allow)


def not_acceptable() -> HttpError:
    """406: Accept excludes JSON."""
    return NotAcceptable(f"This resource is served as {JSON} only.")


def _names(items: Sequence[ErrorItem]) -> str:
    names = list(dict.fromkeys(item.field for item in items))
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def insufficient_scope(scopes: Sequence[str]) -> bytes:
    """The header `WWW-Authenticate` of a 403 to a token that lacks `scopes` (RFC 6750, section 3.1)."""
    return f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'.encode()


def error_answer(error: HttpError, *, problem: bool = False, request_id: bytes = b"") -> HttpResponse:
    """The error's answer, in REST's shape; the only place that writes it.

    `problem`: as problem details (RFC 9457). A defect, INTERNAL_ERROR, is told by the `request_id` under which the log has it.
    """
    body: Json = {"detail": error.detail, "code": error.code.lower()}
    if error.errors:
        body["errors"] = [asdict(item) for item in error.errors[:MOST_ITEMS]]
    if error.code == "INTERNAL_ERROR":
        body["requestId"] = request_id.decode()
    if problem:
        body = {"type": "about:blank", "title": title(error.status), "status": error.status, **body}
    given = {name for name, _ in error.headers}
    always = [(name, value) for name, value in ALWAYS.get(error.status, ()) if name not in given]
    headers = [(b"content-type", (PROBLEM if problem else JSON).encode()), (b"cache-control", b"no-store"), *always, *error.headers]
    return HttpResponse(error.status, headers, orjson.dumps(body))


def title(status: int) -> str:
    """A status in words (RFC 9110, section 15): the `title` of a problem that has no type of its own (RFC 9457, section 4.2.1)."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase
