"""What the settings say about authentication, as far as this room needs them."""

from typing import Protocol

from pydantic import SecretStr


class AuthSettings(Protocol):
    """The part of the settings that is read here; their meaning stands in gateway/settings.py."""

    jwt_secret: SecretStr | None
    jwt_jwks_url: str | None
    jwt_issuer: str | None
    jwt_audience: str | None
    jwt_user_claim: str
    jwt_workspace_claim: str
    token_cache: float
