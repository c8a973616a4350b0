"""What the settings say about authentication, as far as this room needs them."""

from typing import Literal, Protocol

from pydantic import SecretStr


class AuthSettings(Protocol):
    """The part of the settings that is read here; their meaning stands in gateway/settings.py."""

    jwt_secret: SecretStr | None
    jwt_jwks_url: str | None
    oidc_issuer: str | None
    jwt_issuer: str | None
    jwt_audience: str | None
    jwt_user_claim: str
    jwt_workspace_claim: str
    jwt_leeway: int
    jwt_stale_keys: int
    jwt_scope_claim: str
    jwt_scopes: Literal["optional", "required", "ignored"]
    token_cache: float
