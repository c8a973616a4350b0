"""What a request is refused with, as a tree: each class says when. One table gives each code its HTTP status.

Fault                     a request that gets no answer of its own
├── BadRequest            malformed JSON, parameters or document
├── Unauthenticated       no token, or one that is unknown, expired or revoked
├── Forbidden             the token may not do this
├── NotFound              no such page
├── MethodNotAllowed      the page exists and the method doesn't, or a mutation by GET
├── NotAcceptable         no media type that the client takes
├── TooLarge              the body is over its limit
├── TooSlow               headers or body didn't come in time
├── HeadersTooLarge       the headers are over their limit
├── Malformed             it is not HTTP
├── Unsupported           the body's media type or encoding
├── RateLimited           the token's budget is used up
├── Unavailable           too much work, or the database is away
├── TimedOut              the operation took too long
└── Defect                ours: nothing leaks but the request's id
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from rest_compat.errors import title
from schema.storage.database import Unavailable as StorageUnavailable

_UNQUOTED: Final = re.compile(r"[^ !#-\[\]-~]")

Headers = list[tuple[bytes, bytes]]

#: Each error code of GraphQL answers (`extensions.code`) and the HTTP status that it stands for where nothing was executed.
STATUS: Final[Mapping[str, int]] = {
    "BAD_REQUEST": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "PERSISTED_QUERY_NOT_FOUND": 404,
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


class Fault(Exception):
    """A request that gets no answer of its own; `headers` go out with the refusal."""

    code = "BAD_REQUEST"
    #: Where the code has several reasons, which one it is: in lower case, for the metrics.
    reason: str | None = None

    def __init__(self, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.headers: Headers = headers or []

    @property
    def status(self) -> int:
        return STATUS[self.code]


class BadRequest(Fault):
    """Malformed JSON, parameters or document."""


class Unauthenticated(Fault):
    """No token, or one that is unknown, expired or revoked (RFC 6750)."""

    code = "UNAUTHENTICATED"

    def __init__(self, message: str, *, is_about_token: bool = False) -> None:
        """`is_about_token`: a token came, and is what is wrong; else the request has none."""
        super().__init__(message, [(b"www-authenticate", challenge("invalid_token", message) if is_about_token else b"Bearer")])


def challenge(error: str, description: str, **more: str) -> bytes:
    """The header `WWW-Authenticate` that says what is wrong with a token (RFC 6750 section 3), in the characters that it may have."""
    said = {"error": error, "error_description": description, **more}
    return b"Bearer " + b", ".join(b'%s="%s"' % (name.encode(), _UNQUOTED.sub("'", text).encode()) for name, text in said.items())


class Forbidden(Fault):
    """The token, host or origin may not do this."""

    code = "FORBIDDEN"


class NotFound(Fault):
    """No such page."""

    code = "NOT_FOUND"


class MethodNotAllowed(Fault):
    """The page exists and the method doesn't; `allow` names those that do."""

    code = "METHOD_NOT_ALLOWED"

    def __init__(self, message: str, allow: str) -> None:
        super().__init__(message, [(b"allow", allow.encode())])
        self.allow = allow


class NotAcceptable(Fault):
    """No media type that the client takes."""

    code = "NOT_ACCEPTABLE"


class TooLarge(Fault):
    """The body is over its limit; the connection is closed, since the rest of it is not read."""

    code = "TOO_LARGE"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request body is over {limit} bytes.", [(b"connection", b"close")])


class TooSlow(Fault):
    """Headers or body didn't come in time."""

    code = "REQUEST_TIMEOUT"

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"The request's {what} didn't come within {seconds:g} s.")


class HeadersTooLarge(Fault):
    """The headers are over their limit."""

    code = "HEADERS_TOO_LARGE"

    def __init__(self, what: str) -> None:
        super().__init__(f"The request's headers are {what}.")


class Malformed(Fault):
    """It is not HTTP/1.1."""


class Unsupported(Fault):
    """The body's media type or encoding is not one that is read."""

    code = "UNSUPPORTED_MEDIA_TYPE"


class RateLimited(Fault):
    """The token's budget is used up."""

    code = "RATE_LIMITED"


class Unavailable(Fault):
    """Too much work, or the database is away: try again soon."""

    code = "UNAVAILABLE"

    def __init__(self, message: str, retry_after: int = 1, reason: str | None = None) -> None:
        super().__init__(message, [(b"retry-after", str(retry_after).encode())])
        self.reason = reason


class TimedOut(Fault):
    """The operation took longer than it may."""

    code = "TIMEOUT"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The operation took longer than {seconds:g} s.")

    def tell_that_it_may_be_done(self) -> None:
        """For an operation that writes."""
        self.message += " What it changes may have been changed: send it again with the same idempotency key, or look before you repeat it."


class Defect(Fault):
    """Ours. The log has the rest under the request's id."""

    code = "INTERNAL_ERROR"

    def __init__(self, request_id: str) -> None:
        super().__init__("Something went wrong in the gateway. Its log has the details under the id of this request.")
        self.request_id = request_id


def graphql_error(code: str, message: str, **more: Any) -> dict[str, Any]:
    """An entry of a GraphQL answer's `errors`."""
    return {"message": message, "extensions": {"code": code, **more}}


def graphql_body(fault: Fault) -> bytes:
    """The fault as a GraphQL answer without data."""
    return orjson.dumps({"errors": [graphql_error(fault.code, fault.message, **_identified(fault))]})


def rest_body(fault: Fault, *, problem: bool = False) -> bytes:
    """The fault in the REST routes' shape; with `problem` RFC 9457's members too."""
    body: dict[str, Any] = {"detail": fault.message, "code": fault.code.lower(), **_identified(fault)}
    if problem:
        body |= {"type": "about:blank", "title": title(fault.status), "status": fault.status}
    return orjson.dumps(body)


def _identified(fault: Fault) -> dict[str, str]:
    return {"requestId": fault.request_id} if isinstance(fault, Defect) else {}


def unavailable(error: StorageUnavailable) -> Unavailable:
    """What the storage raised, as the fault that a client reads: 503."""
    return Unavailable(error.public)
