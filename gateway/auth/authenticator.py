"""From a header to a caller: at once where the token was seen seconds ago, by one point query where not.

A token is remembered by its header in the one way to write it, so that who writes it in many ways takes no more memory than others.
"""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, time
from typing import Any

from gateway.periodic_flush import flushing
from gateway.settings import Settings
from schema.administration.lookup import FoundKey, FoundUser, Lookup
from schema.nouns.users.keys import TOKEN_PREFIX
from schema.rules.access import Caller, Role
from schema.rules.clock import instant
from schema.rules.scopes import effective
from schema.storage.database import Database

from .cache import TokenCache
from .errors import AuthError
from .header import bearer_token, header_of
from .key_uses import KeyUses
from .provider import Provider

CACHE_SIZE = 10_000
CACHE_CHARACTERS = 16_000_000
# Unknown keys are remembered too, so that a client that goes on with a dead one doesn't cost a query each time.
UNKNOWN_CACHE_SIZE = 1_000
UNKNOWN_CACHE_CHARACTERS = 100_000
UNKNOWN_SECONDS = 2.0

# A JWT may name any number; the calendar ends with 9999-12-31T23:59:59Z.
_LAST_SECOND = 253_402_300_799
_API_KEY = re.compile(TOKEN_PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A caller, and for how many seconds from now its token is good (infinite for a key that doesn't expire)."""

    caller: Caller
    seconds: float


class Authenticator:
    """Callers by token. Revocation holds at once in this process (`forget`), and in others after `settings.token_cache` seconds."""

    def __init__(
        self, database: Database, settings: Settings, *, clock: Callable[[], float] = monotonic, wall: Callable[[], float] = time
    ) -> None:
        """`clock` is monotonic seconds, `wall` seconds since 1970. Raises SettingsError for JWT settings that can't work."""
        self._seconds = settings.token_cache
        self._leeway = settings.jwt_leeway
        self._wall = wall
        self._lookup = Lookup(database)
        self._provider = Provider(settings)
        self._usage = KeyUses(database, wall)
        self._known: TokenCache[Caller] = TokenCache(CACHE_SIZE, CACHE_CHARACTERS, clock)
        self._unknown: TokenCache[str] = TokenCache(UNKNOWN_CACHE_SIZE, UNKNOWN_CACHE_CHARACTERS, clock)
        self._clock = clock
        self._forgotten = 0
        self._changed: list[Callable[[str], None]] = []
        # The hot path: one dictionary look-up, no await.
        self.cached: Callable[[str], Caller | None] = self._known.get

    async def authenticate(self, authorization: str | None) -> Caller:
        """The caller behind an Authorization header's value. Raises AuthError (401), DatabaseUnavailable (503)."""
        if authorization is not None and (caller := self._known.get(authorization)):
            return caller
        token = bearer_token(authorization)
        header = header_of(token)
        if header != authorization and (caller := self._known.get(header)):
            return caller
        forgotten, began = self._forgotten, self._clock()
        found = await (self._by_key(token) if token.startswith(TOKEN_PREFIX) else self._by_jwt(token))
        # A token that was revoked while it was looked up is answered this once, and not remembered.
        if forgotten == self._forgotten:
            self._known.put(header, found.caller, min(self._seconds, found.seconds) - (self._clock() - began))
        return found.caller

    def forget(self, token_id: str) -> None:
        """A key or user (`key_…`, `usr_…`) was changed: from now on its tokens are looked up again."""
        self._forgotten += 1
        self._known.forget(lambda caller: caller.token_id == token_id)
        for tell in self._changed:
            tell(token_id)

    def on_change(self, tell: Callable[[str], None]) -> None:
        """Calls `tell` with a key or user after its tokens have been removed from the cache."""
        self._changed.append(tell)

    def believed(self, authorization: str | None) -> float:
        """Return the seconds for which the token of an Authorization header is still valid without a look-up."""
        try:
            return self._known.seconds(header_of(bearer_token(authorization)))
        except AuthError:
            return 0.0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Inside it, uses of keys are written in the background; what is due is written at the end."""
        async with flushing(self._flush):
            yield

    async def _flush(self) -> None:
        # Tokens that nobody shows any more don't stay in memory.
        self._known.sweep()
        self._unknown.sweep()
        await self._usage.flush()

    async def _by_key(self, token: str) -> Authenticated:
        if not _API_KEY.fullmatch(token):
            raise AuthError("The API key is incomplete or has been altered.")
        if reason := self._unknown.get(token):
            raise AuthError(reason)
        try:
            return await self._look_up_key(token)
        except AuthError as error:
            self._unknown.put(token, str(error), min(UNKNOWN_SECONDS, self._seconds))
            raise

    async def _look_up_key(self, token: str) -> Authenticated:
        key = await self._lookup.key(token)
        if key is None:
            raise AuthError("The API key is unknown.")
        if key.revoked_at is not None:
            raise AuthError("The API key was revoked.")
        expires_at = key.ends_at
        seconds = float("inf") if expires_at is None else datetime.fromisoformat(expires_at).timestamp() - self._wall()
        if seconds <= 0:
            raise AuthError("The API key has expired." if key.is_present else "The API key was given a new token, and this one has ended.")
        self._usage.note(key.workspace_id, key.id, is_former=not key.is_present)
        scopes = None if key.scopes is None else effective(key.scopes.split())
        return Authenticated(_caller(key, token_id=key.id, token_name=key.name, expires_at=expires_at, scopes=scopes), seconds)

    async def _by_jwt(self, token: str) -> Authenticated:
        identity = await self._provider.verify(token)
        user = await self._lookup.user(identity.workspace, identity.user)
        if user is None:
            raise AuthError("The user that the token names is unknown.")
        if not user.is_active:
            raise AuthError("The user that the token names is no longer active.")
        expires = min(identity.expires, _LAST_SECOND)
        until = instant(expires * 1000)
        caller = _caller(user, token_id=user.id, user_id=user.id, expires_at=until, scopes=identity.scopes)
        return Authenticated(caller, expires + self._leeway - self._wall())


def _caller(found: FoundKey | FoundUser, **columns: Any) -> Caller:
    role = Role(found.role)
    account_id = found.account_id if role is Role.VIEWER else None
    return Caller(workspace_id=found.workspace_id, role=role, account_id=account_id, **{"user_id": None, **columns})
