"""The public keys of an identity provider (RFC 7517): found by its issuer or their address, refreshed while they are used.

Keys are fetched by one task however many callers wait for it. A key that isn't there is looked for once more, but not again and again;
while the provider is away, the keys that it gave are used on.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Final

import jwt
import structlog

from schema.storage.database import DatabaseUnavailable
from schema.values import Value, Values

from .errors import AuthError
from .provider_client import DEADLINE_SECONDS, Fetch, FetchedJson, Fetcher, ProviderFault

#: Seconds after which keys are fetched again, in the background.
FRESH_SECONDS: Final = 300.0
#: Seconds for which an unavailable provider isn't asked again.
RETRY_SECONDS: Final = 5.0
#: Seconds for which a provider isn't asked again for a key that it hasn't.
UNKNOWN_SECONDS: Final = 10.0
MOST_KEYS: Final = 100

_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
#: The algorithms that are accepted, with the type of their keys. With none of them a public key could be taken for a shared secret.
ASYMMETRIC: Final[Mapping[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
_LOG = structlog.get_logger("gateway.auth")


class KeysUnavailable(DatabaseUnavailable):
    """The identity provider doesn't give its keys."""

    public = "The identity provider's keys can't be fetched: try again later."


@dataclass(slots=True)
class ProviderKeys:
    """The keys that a provider publishes, and the algorithms that it signs with."""

    keys: list[FetchedJson]
    algorithms: tuple[str, ...] = tuple(ASYMMETRIC)
    _made: dict[tuple[str | None, str], Value] = field(default_factory=dict)

    def key(self, kid: str | None, algorithm: str) -> Value:
        """The key named `kid` for an algorithm, or the only one for it where a token names none; None where there is none."""
        found = [each for each in self.keys if _suits(each, algorithm) and (kid is None or each.get("kid") == kid)]
        if not found or (kid is None and len(found) > 1):
            return None
        name = (found[0].get("kid"), algorithm)
        if name not in self._made:
            try:
                self._made[name] = jwt.PyJWK(found[0], algorithm)
            except Exception:  # noqa: BLE001  a key that no library makes anything of is none
                self._made[name] = None
        return self._made[name]


def _suits(key: FetchedJson, algorithm: str) -> bool:
    """Whether a key is one to verify this algorithm's signatures with."""
    right_curve = algorithm not in _CURVES or key.get("crv") == _CURVES[algorithm]
    return (
        key.get("kty") == ASYMMETRIC[algorithm]
        and isinstance(key.get("kid", ""), str)
        and right_curve
        and key.get("alg", algorithm) == algorithm
        and key.get("use", "sig") == "sig"
    )


Locate = Callable[[Fetch], ProviderKeys]


def of_address(address: str) -> Locate:
    """Return a function that fetches the keys at an address."""
    return lambda fetch: ProviderKeys(_keys(fetch(address), address))


def of_issuer(issuer: str) -> Locate:
    """Return a function that finds the keys and algorithms of an OpenID provider (OpenID Connect Discovery 1.0, section 4)."""
    address = issuer.rstrip("/") + _WELL_KNOWN

    def locate(fetch: Fetch) -> ProviderKeys:
        found = fetch(address)
        if found.get("issuer") != issuer:
            raise ProviderFault(f"{address} says that its issuer is {found.get('issuer')!r}: set GATEWAY_OIDC_ISSUER to exactly what it is")
        named = found.get("id_token_signing_alg_values_supported", list(ASYMMETRIC))
        algorithms = tuple(each for each in ASYMMETRIC if each in named) if isinstance(named, list) else ()
        if not algorithms:
            raise ProviderFault(f"{address} names no algorithm that is accepted; accepted are {', '.join(ASYMMETRIC)}")
        where = found.get("jwks_uri")
        if not isinstance(where, str):
            raise ProviderFault(f"{address} names no jwks_uri")
        return ProviderKeys(_keys(fetch(where), where), algorithms)

    return locate


def _keys(document: FetchedJson, address: str) -> list[FetchedJson]:
    found = document.get("keys")
    if not isinstance(found, list):
        raise ProviderFault(f"{address} holds no keys")
    return [each for each in found[:MOST_KEYS] if isinstance(each, dict)]


class KeySet:
    """The keys that `locate` finds. While the provider is unavailable they are used for `stale` seconds after they were last fetched."""

    #: What it may accept; what the provider names of it, it does.
    algorithms: Sequence[str] = tuple(ASYMMETRIC)

    def __init__(self, locate: Locate, issuer: str | None, stale: float, clock: Callable[[], float] = monotonic) -> None:
        """`issuer` is what tokens must carry, None for any."""
        self.issuer = issuer
        self._locate = locate
        self._stale = stale
        self._clock = clock
        self._published: ProviderKeys | None = None
        self._fetched = self._tried = -float("inf")
        self._is_away = False
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="keys")

    async def key(self, header: Values) -> Value:
        """The key to verify a token of this header with. Raises AuthError, KeysUnavailable."""
        kid, algorithm = header.get("kid"), header["alg"]
        published = await self._current()
        found = published.key(kid, algorithm)
        if found is None and self._may_look:
            published = await self._anew()
            found = published.key(kid, algorithm)
        if algorithm not in published.algorithms:
            raise AuthError(f"The token's algorithm is not accepted; accepted are: {', '.join(published.algorithms)}.")
        if found is None and self._is_away:
            raise KeysUnavailable("The identity provider's keys can't be fetched.")
        if found is None:
            raise AuthError("The token is signed with a key that the identity provider doesn't publish.")
        return found

    @property
    def _may_look(self) -> bool:
        """Whether a key that isn't known may be looked for: by a fetch that is under way, or by another one."""
        return self._task is not None or self._clock() - self._tried >= (RETRY_SECONDS if self._is_away else UNKNOWN_SECONDS)

    async def _current(self) -> ProviderKeys:
        """The keys as they are known; fetched where none are, or where they are too old."""
        age = self._clock() - self._fetched
        if self._published is None or age >= max(self._stale, FRESH_SECONDS):
            return await self._anew()
        if age >= FRESH_SECONDS and self._clock() - self._tried >= RETRY_SECONDS:
            self._start()  # Nobody waits for it.
        return self._published

    async def _anew(self) -> ProviderKeys:
        """The keys as they are published now. Raises KeysUnavailable."""
        if self._task is None:
            if self._is_away and self._clock() - self._tried < RETRY_SECONDS:
                raise KeysUnavailable("The identity provider's keys can't be fetched.")
            self._start()
        assert self._task is not None
        await asyncio.shield(self._task)
        if self._published is None or self._is_away:
            raise KeysUnavailable("The identity provider's keys can't be fetched.")
        return self._published

    def _start(self) -> None:
        if self._task is None:
            self._tried = self._clock()
            self._task = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        """Fetches once; a failure is kept in `_is_away`, and logged."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                fetch = Fetcher(monotonic() + DEADLINE_SECONDS)
                self._published = await asyncio.get_running_loop().run_in_executor(self._thread, partial(self._locate, fetch))
            self._fetched = self._clock()
            self._is_away = False
        except TimeoutError:
            self._note_away(f"it takes longer than {DEADLINE_SECONDS:g} s")
        except Exception as error:  # noqa: BLE001  whatever it is: who waits hears that there are no keys, and they are fetched again
            self._note_away(str(error) if isinstance(error, ProviderFault) else repr(error))
        finally:
            self._task = None

    def _note_away(self, reason: str) -> None:
        self._is_away = True
        _LOG.warning("identity_provider_away", reason=reason)
