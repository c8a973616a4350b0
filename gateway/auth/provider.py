"""JWTs of an existing identity provider (RFC 7519): signature, issuer, audience and times are checked here, nothing is looked up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import jwt

from gateway.settings import Settings, SettingsError
from schema.rules.scopes import KNOWN, effective, is_like_scope
from schema.values import Object, Value, Values

from .errors import AuthError
from .keyset import KeySet, of_address, of_issuer
from .provider_client import unsafe

MIN_SECRET_BYTES = 32
_MAX_CLAIM_LENGTH = 320
# OpenID Connect Core 1.0, section 5.1; some providers write the second as a text.
_EMAIL, _EMAIL_VERIFIED = "email", "email_verified"


@dataclass(frozen=True, slots=True)
class VerifiedClaims:
    """The claims of a verified JWT: user, workspace, expiry (seconds since 1970), and the scopes that it is limited to."""

    user: str
    workspace: str
    expires: int
    scopes: frozenset[str] | None = None


class KeySource(Protocol):
    """A source of keys for tokens, with the algorithms that they may be used with (RFC 8725 section 3.1) and the required issuer."""

    issuer: str | None

    @property
    def algorithms(self) -> Sequence[str]:
        """The accepted values of the token's `alg`."""

    async def key(self, header: Values) -> Value:
        """The key to verify a token of this header with. Raises AuthError, DatabaseUnavailable."""


class SharedSecret:
    """A secret that the identity provider shares with the gateway."""

    algorithms: Sequence[str] = ("HS256",)

    def __init__(self, secret: str, issuer: str | None) -> None:
        if len(secret.encode()) < MIN_SECRET_BYTES:
            raise SettingsError(f"GATEWAY_JWT_SECRET: HS256 needs at least {MIN_SECRET_BYTES} bytes (RFC 7518 section 3.2)")
        self.issuer = issuer
        self._secret = secret

    async def key(self, header: Values) -> Value:  # noqa: ARG002  keys that are fetched are found by it
        return self._secret


def _sources(settings: Settings) -> list[KeySource]:
    """Return the sources of keys. Raises SettingsError."""
    found: list[KeySource] = []
    if settings.jwt_secret is not None:
        found.append(SharedSecret(settings.jwt_secret.get_secret_value(), settings.jwt_issuer))
    if settings.jwt_jwks_url is not None:
        _check(settings.jwt_jwks_url, "GATEWAY_JWT_JWKS_URL")
        found.append(KeySet(of_address(settings.jwt_jwks_url), settings.jwt_issuer, settings.jwt_stale_keys))
    if settings.oidc_issuer is not None:
        _check(settings.oidc_issuer, "GATEWAY_OIDC_ISSUER")
        found.append(KeySet(of_issuer(settings.oidc_issuer), settings.oidc_issuer, settings.jwt_stale_keys))
    return found


def _check(address: str, name: str) -> None:
    if why := unsafe(address):
        raise SettingsError(f"{name}: {why}")


class Provider:
    """Believes or refuses JWTs, by the settings."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError for a secret that is too short or an invalid address."""
        self._settings = settings
        self._sources = _sources(settings)

    async def verify(self, token: str) -> VerifiedClaims:
        """The identity in `token`. Raises AuthError saying what is wrong with it, DatabaseUnavailable while keys can't be fetched."""
        source, header = self._source(token)
        claims = self._claims(token, await source.key(header), source)
        return VerifiedClaims(
            user=self._user(claims),
            workspace=_text(claims, self._settings.jwt_workspace_claim),
            expires=int(claims["exp"]),
            scopes=self._scopes(claims),
        )

    def _source(self, token: str) -> tuple[KeySource, Values]:
        if not self._sources:
            raise AuthError("JWTs are not accepted here: send an API key.")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError as error:
            raise AuthError("The token is neither an API key nor a well-formed JWT.") from error
        for source in self._sources:
            if header.get("alg") in source.algorithms:
                return source, header
        accepted = ", ".join(name for source in self._sources for name in source.algorithms)
        raise AuthError(f"The token's algorithm is not accepted; accepted are: {accepted}.")

    def _claims(self, token: str, key: Value, source: KeySource) -> Object:
        settings = self._settings
        required = ["exp", *(["iss"] if source.issuer else []), *(["aud"] if settings.jwt_audience else [])]
        try:
            return jwt.decode(
                token,
                key,
                algorithms=list(source.algorithms),
                issuer=source.issuer,
                audience=settings.jwt_audience,
                leeway=settings.jwt_leeway,
                options={"require": required, "verify_aud": settings.jwt_audience is not None, "enforce_minimum_key_length": True},
            )
        except (jwt.PyJWTError, OverflowError, RecursionError) as error:
            raise AuthError(_reason(error)) from error

    def _user(self, claims: Object) -> str:
        """The user's id or e-mail address. An address that the provider has not verified may be another person's."""
        if self._settings.jwt_user_claim == _EMAIL and not _is_true(claims.get(_EMAIL_VERIFIED, True)):
            raise AuthError("The identity provider has not verified the e-mail address of the token's user.")
        return _text(claims, self._settings.jwt_user_claim)

    def _scopes(self, claims: Values) -> frozenset[str] | None:
        """The scopes that narrow a token (RFC 9068 section 2.2.3); None where its user's role alone decides.

        A provider puts words of its own there too, such as `openid`: they are passed over. What looks like a scope of this graph narrows
        the token even where there is none of that name: a spelling mistake, or a package that isn't loaded, must not widen it.
        """
        if self._settings.jwt_scopes == "ignored":
            return None
        words = _words(claims, self._settings.jwt_scope_claim)
        is_narrowed = self._settings.jwt_scopes == "required" or any(map(is_like_scope, words))
        return effective(word for word in words if word in KNOWN) if is_narrowed else None


def _is_true(value: Value) -> bool:
    """Whether a claim says yes, as a value or as a text. Nothing else is one, such as `"False"`, `"0"` or null."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _words(claims: Values, name: str) -> list[str]:
    """The words of a claim that is a text or a list of texts. Raises AuthError for any other, since nobody knows what it allows."""
    value = claims.get(name)
    texts = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise AuthError(f"The token's claim '{name}' is neither a text nor a list of texts.")
    return [word for text in texts for word in text.replace(",", " ").split()]


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


def _text(claims: Object, name: str) -> str:
    """A claim that is text a database can hold: no NUL, no lone surrogate."""
    value = claims.get(name)
    if not isinstance(value, str) or not value or len(value) > _MAX_CLAIM_LENGTH or not value.isprintable():
        raise AuthError(f"The token's claim '{name}' is missing, or is not a name.")
    return value
