"""Tokens of open sockets and streams: each token is checked again at intervals, once for all that share it.

What ends them: the token expires, is revoked, or gives other rights. This process hears at once of what was done here (`doubt`), and until
the token is known to be good still nothing that happened meanwhile is told; of what others did it hears when its own look-up has aged.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn

from gateway.auth import Authenticator, AuthError
from schema.rules.access import Caller
from schema.storage.database import DatabaseUnavailable

#: Seconds until the database is asked again while it is unavailable, or after a look-up that was overtaken by a change.
RETRY_SECONDS = 0.5


class TokenLost(Exception):
    """The token has expired, was revoked, or gives other rights than it did at the start."""


class Closing(Exception):
    """The process stops."""


@dataclass(slots=True, eq=False)
class TokenWatch:
    """A token that is in use. `good` is set while it is known to be; `task` raises TokenLost or Closing when what is open has to end."""

    authorization: str | None
    caller: Caller
    good: asyncio.Event = field(default_factory=asyncio.Event)
    look: asyncio.Event = field(default_factory=asyncio.Event)
    users: int = 0
    task: "asyncio.Task[NoReturn]" = field(init=False)

    async def ended(self) -> None:
        """Raises TokenLost or Closing."""
        await asyncio.shield(self.task)


class Tokens:
    """The tokens in use. `closing` is set when the process stops; `seconds` bounds a look-up."""

    def __init__(self, authenticator: Authenticator, closing: asyncio.Event, seconds: float) -> None:
        self._authenticator = authenticator
        self._closing = closing
        self._seconds = seconds
        self._watches: dict[tuple[str | None, Caller], TokenWatch] = {}
        authenticator.on_change(self.doubt)

    def doubt(self, token_id: str) -> None:
        """A key or user was changed: its tokens are looked up again, and nothing is sent under them before that."""
        for watch in self._watches.values():
            if watch.caller.token_id == token_id:
                watch.good.clear()
                watch.look.set()

    @contextlib.asynccontextmanager
    async def watching(self, authorization: str | None, caller: Caller) -> AsyncIterator[TokenWatch]:
        """The watch of a token that was found good. Raises TokenLost where it isn't any more, DatabaseUnavailable."""
        watch = self._watches.get((authorization, caller))
        if watch is None or watch.task.done():
            watch = self._watches[authorization, caller] = TokenWatch(authorization, caller)
            watch.good.set()
            watch.task = asyncio.create_task(self._watch(watch))
        watch.users += 1
        try:
            # Changes between the look-up and now were not reported to anyone.
            await self.current(authorization, caller)
            yield watch
        finally:
            watch.users -= 1
            if not watch.users:
                self._forget(watch)

    async def current(self, authorization: str | None, caller: Caller) -> Caller:
        """The caller as it is now. Raises TokenLost where that isn't `caller` any more, DatabaseUnavailable."""
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._authenticator.authenticate(authorization)
        except AuthError as error:
            raise TokenLost(error.detail) from None
        except TimeoutError:
            raise DatabaseUnavailable("the token could not be looked up in time") from None
        if not found.has_rights_of(caller):
            raise TokenLost("The token's rights have changed.")
        return found

    def _forget(self, watch: TokenWatch) -> None:
        if self._watches.get((watch.authorization, watch.caller)) is watch:
            del self._watches[watch.authorization, watch.caller]
        watch.task.cancel()
        watch.task.add_done_callback(_take_result)

    async def _watch(self, watch: TokenWatch) -> NoReturn:
        seconds = self._fresh(watch)
        while not await self._closing_before(watch.look, seconds):
            watch.look.clear()
            try:
                await self.current(watch.authorization, watch.caller)
            except DatabaseUnavailable:
                seconds = RETRY_SECONDS  # No news of the token; the database's absence ends no socket.
                continue
            if not watch.look.is_set():
                watch.good.set()
            seconds = self._fresh(watch)
        raise Closing

    def _fresh(self, watch: TokenWatch) -> float:
        """Return the seconds until a token's look-up expires, and a little more, so that the next check finds it expired."""
        seconds = self._authenticator.believed(watch.authorization)
        if watch.caller.expires_at is not None:
            left = (datetime.fromisoformat(watch.caller.expires_at) - datetime.now(UTC)).total_seconds()
            seconds = min(seconds, left + 0.1)
        return max(seconds, RETRY_SECONDS)

    async def _closing_before(self, look: asyncio.Event, seconds: float) -> bool:
        """Waits for a reason to look at a token, at most `seconds`; whether the process stops."""
        waits = [asyncio.create_task(event.wait()) for event in (self._closing, look)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._closing.is_set()


def _take_result(task: "asyncio.Task[NoReturn]") -> None:
    """All sockets and streams of the token have ended, for this reason or another."""
    if not task.cancelled():
        task.exception()
