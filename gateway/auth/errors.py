"""The errors of the token of a request."""

from rest_compat.errors import Unauthenticated


class AuthError(Unauthenticated):
    """There is no token, or it isn't one to believe: 401 and `WWW-Authenticate: Bearer` (RFC 6750 section 3).

    The message is for the client and never holds the token.
    """

    is_about_token = True
    """Whether the request had a token: without one, the response has no error code (RFC 6750 section 3.1)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, is_about_token=self.is_about_token)


class NoToken(AuthError):
    """There is no token, or it came by another way than Bearer."""

    is_about_token = False
