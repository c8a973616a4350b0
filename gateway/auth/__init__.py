"""Authentication: API keys and an identity provider's JWTs become a `Caller`."""

from .authenticator import Authenticator
from .errors import AuthError

__all__ = ["AuthError", "Authenticator"]
