"""JWTs of an existing identity provider (RFC 7519): signature, issuer, audience and times are checked here, nothing is looked up."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import jwt

from schema.storage.database import Unavailable

from .errors import AuthError, AuthSettingsError
from .rules import AuthSettings

LEEWAY_SECONDS = 30
MIN_SECRET_BYTES = 32
JWKS_TIMEOUT_SECONDS = 3.0
# For all of it: the timeout is of each read, and a provider may send byte by byte.
JWKS_DEADLINE_SECONDS = 5.0
# While the provider can't be reached, it isn't asked again for this long, so that callers don't queue up behind its timeout.
JWKS_PAUSE_SECONDS = 5.0
_MAX_CLAIM_LENGTH = 320


@dataclass(frozen=True, slots=True)
class Identity:
    """What a believed JWT says: user and workspace as its claims name them, and when it ends (seconds since 1970)."""

    user: str
    workspace: str
    expires: int


class Source(Protocol):
    """Where the key for a token comes from, and the algorithms that it may be used with (RFC 8725 section 3.1)."""

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The accepted values of the token's `alg`."""

    async def key(self, token: str) -> Any:
        """The key to verify `token` with. Raises AuthError, Unavailable."""


class Secret:
    """A secret that the identity provider shares with the gateway."""

    algorithms = ("HS256",)

    def __init__(self, secret: str) -> None:
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise AuthSettingsError(f"GATEWAY_JWT_SECRET: HS256 needs at least {MIN_SECRET_BYTES} bytes (RFC 7518 section 3.2)")
        self._secret = secret

    async def key(self, token: str) -> Any:
        del token
        return self._secret


class KeysAway(Unavailable):
    """The identity provider doesn't give its keys."""

    public = "The identity provider's keys can't be fetched: try again later."


class Jwks:
    """The identity provider's public keys by URL (RFC 7517), fetched in a thread and kept for minutes."""

    algorithms = ("RS256", "ES256", "EdDSA")

    def __init__(self, url: str) -> None:
        try:
            self._client = jwt.PyJWKClient(url, timeout=JWKS_TIMEOUT_SECONDS)
        except jwt.PyJWKClientError as error:
            raise AuthSettingsError(f"GATEWAY_JWT_JWKS_URL: {error}") from error
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jwks")
        self._away_until = 0.0

    async def key(self, token: str) -> Any:
        self._check_away()
        try:
            async with asyncio.timeout(JWKS_DEADLINE_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._fetch, token)
        except TimeoutError:
            self._away_until = monotonic() + JWKS_PAUSE_SECONDS
            raise KeysAway("The identity provider does not send its keys.") from None

    def _check_away(self) -> None:
        if monotonic() < self._away_until:
            raise KeysAway("The identity provider's keys can't be fetched.")

    def _fetch(self, token: str) -> Any:
        self._check_away()
        try:
            return self._client.get_signing_key_from_jwt(token).key
        except jwt.PyJWKClientConnectionError as error:
            self._away_until = monotonic() + JWKS_PAUSE_SECONDS
            raise KeysAway("The identity provider's keys can't be fetched.") from error
        except jwt.PyJWTError as error:
            raise AuthError("The token is signed with a key that the identity provider doesn't publish.") from error


class Provider:
    """Believes or refuses JWTs, by the settings."""

    def __init__(self, settings: AuthSettings) -> None:
        """Raises AuthSettingsError for a secret that is too short or an address that is none."""
        self._settings = settings
        self._sources: list[Source] = []
        if settings.jwt_secret is not None:
            self._sources.append(Secret(settings.jwt_secret.get_secret_value()))
        if settings.jwt_jwks_url is not None:
            self._sources.append(Jwks(settings.jwt_jwks_url))

    async def verify(self, token: str) -> Identity:
        """The identity in `token`. Raises AuthError saying what is wrong with it, Unavailable while keys can't be fetched."""
        source = self._source(token)
        claims = self._claims(token, await source.key(token), source.algorithms)
        return Identity(
            user=_text(claims, self._settings.jwt_user_claim),
            workspace=_text(claims, self._settings.jwt_workspace_claim),
            expires=int(claims["exp"]),
        )

    def _source(self, token: str) -> Source:
        if not self._sources:
            raise AuthError("JWTs are not accepted here: send an API key.")
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
        except jwt.PyJWTError as error:
            raise AuthError("The token is neither an API key nor a well-formed JWT.") from error
        for source in self._sources:
            if algorithm in source.algorithms:
                return source
        accepted = ", ".join(name for source in self._sources for name in source.algorithms)
        raise AuthError(f"The token's algorithm is not accepted; accepted are: {accepted}.")

    def _claims(self, token: str, key: Any, algorithms: tuple[str, ...]) -> dict[str, Any]:
        settings = self._settings
        required = ["exp", *(["iss"] if settings.jwt_issuer else []), *(["aud"] if settings.jwt_audience else [])]
        try:
            return jwt.decode(
                token,
                key,
                algorithms=list(algorithms),
                issuer=settings.jwt_issuer,
                audience=settings.jwt_audience,
                leeway=LEEWAY_SECONDS,
                options={"require": required, "verify_aud": settings.jwt_audience is not None},
            )
        except (jwt.PyJWTError, OverflowError, RecursionError) as error:
            raise AuthError(_reason(error)) from error


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "The token has expired."),
    (jwt.ImmatureSignatureError, "The token is not valid yet."),
    (jwt.InvalidIssuerError, "The token is from another issuer."),
    (jwt.InvalidAudienceError, "The token is for another audience."),
    (jwt.InvalidSignatureError, "The token's signature is wrong."),
)


def _reason(error: Exception) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"The token has no claim '{error.claim}'."
    return next((text for kind, text in _REASONS if isinstance(error, kind)), "The token is not a valid JWT.")


def _text(claims: dict[str, Any], name: str) -> str:
    """A claim that is text a database can hold: no NUL, no lone surrogate."""
    value = claims.get(name)
    if not isinstance(value, str) or not value or len(value) > _MAX_CLAIM_LENGTH or not value.isprintable():
        raise AuthError(f"The token's claim '{name}' is missing, or is not a name.")
    return value
