"""The errors that a caller can meet, drawn as a tree. Each has one code, and REST one status for each code.

GatewayError
 ├─ BadRequest           the request itself is malformed
 ├─ WorkspaceGone        the token's workspace was deleted
 ├─ Forbidden            the role may not do this
 ├─ CursorExpired        a position that is no longer kept
 ├─ Conflict             another request or record stands in the way
 ├─ ServiceUnavailable   the database is away or too slow: worth another try later
 ├─ OutOfTime            the operation's time was used up before all of it was done
 └─ InvalidKey           the idempotency key was used for another request
"""


class GatewayError(Exception):
    """An error of the request as a whole: told as a GraphQL error with `extensions.code`."""

    code = "INTERNAL_ERROR"
    reason: str | None = None
    """One of the graph's `ErrorReason`, for programs, where it says more than the code."""


class BadRequest(GatewayError):
    """The request itself is malformed: a cursor that isn't ours, a page size out of range."""

    code = "BAD_REQUEST"


class WorkspaceGone(GatewayError):
    """The workspace was deleted while its token was still remembered: soon the token itself is unknown."""

    code = "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("The workspace of this token no longer exists.")


class CursorExpired(GatewayError):
    """The cursor's position is no longer kept: the list is to be read again from its beginning."""

    code = "CURSOR_EXPIRED"


class Forbidden(GatewayError):
    """The caller's role may not do this."""

    code = "FORBIDDEN"
    reason = "FORBIDDEN"


class Conflict(GatewayError):
    """Another request or record conflicts with this one."""

    code = "CONFLICT"


class ServiceUnavailable(GatewayError):
    """The database is unavailable, or took too long: try again later."""

    code = "UNAVAILABLE"


class OutOfTime(GatewayError):
    """The operation's time was used up before this part of it was done, or known to be done."""

    code = "TIMEOUT"


class InvalidKey(GatewayError):
    """The idempotency key was used for another request."""

    code = "VALIDATION_ERROR"
    reason = "KEY_REUSED"
