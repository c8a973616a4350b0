"""What goes wrong with tokens: AuthError for a request's, AuthSettingsError for what the settings say about all."""


class AuthError(Exception):
    """There is no token, or it isn't one to believe: 401 and `WWW-Authenticate: Bearer` (RFC 6750 section 3).

    The message is for the client and never holds the token.
    """

    is_about_token = True
    """Whether a token came at all: a client that sent none is told no error code (RFC 6750 section 3.1)."""

    @property
    def message(self) -> str:
        """What to tell the client, one sentence."""
        return str(self)


class NoToken(AuthError):
    """There is no token, or it came by another way than Bearer."""

    is_about_token = False


class AuthSettingsError(ValueError):
    """The settings for tokens can't work. The message begins with the variable's name."""
