"""What a request is refused with, as a tree: each class says when. The table of statuses is `rest_compat.errors.STATUS`.

Refused                   an error answer, of either door
Fault                     what this process refuses
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
from typing import Final

import orjson

from rest_compat.errors import STATUS as REST_STATUS
from rest_compat.errors import Headers, Refused
from rest_compat.json_values import Json, JsonObject
from schema.storage.database import Unavailable as StorageUnavailable

_UNQUOTED: Final = re.compile(r"[^ !#-\[\]-~]")

#: The HTTP status of each code, where nothing was executed: that of REST, and what only GraphQL has.
STATUS: Final[Mapping[str, int]] = {**REST_STATUS, "PERSISTED_QUERY_NOT_FOUND": 404}


class Fault(Refused):
    """A request that gets no answer of its own; its class says the code."""

    code = "BAD_REQUEST"

    def __init__(self, message: str, headers: Headers | None = None) -> None:
        super().__init__(self.code, message, headers=headers)


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
        self.detail += " What it changes may have been changed: send it again with the same idempotency key, or look before you repeat it."


class Defect(Fault):
    """Ours. The log has the rest under the request's id."""

    code = "INTERNAL_ERROR"

    def __init__(self) -> None:
        super().__init__("Something went wrong in the gateway. Its log has the details under the id of this request.")


def graphql_error(code: str, message: str, **more: Json) -> JsonObject:
    """An entry of a GraphQL answer's `errors`."""
    return {"message": message, "extensions": {"code": code, **more}}


def graphql_body(refused: Refused, request_id: bytes) -> bytes:
    """The error as a GraphQL answer without data."""
    more = {"requestId": request_id.decode()} if refused.code == "INTERNAL_ERROR" else {}
    return orjson.dumps({"errors": [graphql_error(refused.code, refused.detail, **more)]})


def unavailable(error: StorageUnavailable) -> Unavailable:
    """What the storage raised, as the fault that a client reads: 503."""
    return Unavailable(error.public)
