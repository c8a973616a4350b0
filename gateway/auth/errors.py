"""AuthError: no caller could be made out. The HTTP side answers it with 401 and `WWW-Authenticate: Bearer`."""


class AuthError(Exception):
    """There is no token, or it isn't one to believe. The message is for the client and never holds the token."""

    @property
    def message(self) -> str:
        """What to tell the client, one sentence."""
        return str(self)
