"""Errors of tokens: AuthError for the token of a request, AuthSettingsError for settings that concern all tokens."""


class AuthError(Exception):
    """There is no token, or it isn't one to believe: 401 and `WWW-Authenticate: Bearer` (RFC 6750 section 3).

    The message is for the client and never holds the token.
    """

    is_about_token = True
    """Whether the request had a token: without one, the response has no error code (RFC 6750 section 3.1)."""

    @property
    def message(self) -> str:
        """The message for the client, one sentence."""
        return str(self)


class NoToken(AuthError):
    """There is no token, or it came by another way than Bearer."""

    is_about_token = False


class AuthSettingsError(ValueError):
    """The settings for tokens can't work. The message begins with the variable's name."""
