"""The Authorization header (RFC 9110 section 11.6.2; RFC 6750 section 2.1)."""

import re

from .errors import AuthError, NoToken

# RFC 6750's b64token.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)
MAX_TOKEN_LENGTH = 8_192

# Of the scheme, and of the blanks around it and the token.
MAX_ROOM = 64

EXAMPLE = "Authorization: Bearer <token>"


def header_of(token: str) -> str:
    """The one way to write a token's header by which it is remembered, however it was written."""
    return f"Bearer {token}"


def bearer_token(authorization: str | None) -> str:
    """The token in an Authorization header's value. Raises AuthError saying what is wrong with the header."""
    if authorization is not None and len(authorization) > MAX_TOKEN_LENGTH + MAX_ROOM:
        raise AuthError(f"The Authorization header is too long: a token has at most {MAX_TOKEN_LENGTH:,} characters.")
    if not authorization or not authorization.strip():
        raise NoToken(f"This needs a token: send '{EXAMPLE}'.")
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer":
        what = "another scheme than Bearer" if token else "no scheme"
        raise NoToken(f"The Authorization header has {what}: send '{EXAMPLE}'.")
    if not token:
        raise NoToken(f"The Authorization header has no token behind 'Bearer': send '{EXAMPLE}'.")
    if len(token) > MAX_TOKEN_LENGTH:
        raise AuthError(f"The token is too long: it may have {MAX_TOKEN_LENGTH:,} characters.")
    if not _TOKEN.fullmatch(token):
        raise AuthError(f"The Authorization header holds more than one token, or characters that no token has: send '{EXAMPLE}'.")
    return token
