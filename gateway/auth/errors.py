"""What goes wrong with tokens: AuthError for a request's, AuthSettingsError for what the settings say about all."""


class AuthError(Exception):
    """There is no token, or it isn't one to believe: 401 and `WWW-Authenticate: Bearer` (RFC 6750 section 3).

    The message is for the client and never holds the token.
    """

    @property
    def message(self) -> str:
        """What to tell the client, one sentence."""
        return str(self)


class AuthSettingsError(ValueError):
    """The settings for tokens can't work. The message begins with the variable's name."""
