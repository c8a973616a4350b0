"""One budget a token, for REST and GraphQL together, weighted by what operations cost."""

import asyncio
import math
import time
from collections.abc import Awaitable, Coroutine
from datetime import UTC, datetime
from time import monotonic
from typing import Final, TypeVar

import structlog
from limits import WindowStats, parse
from limits.aio.storage import MemoryStorage, MovingWindowSupport, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rest_compat.errors import Headers, RateLimited
from schema.values import Value

T = TypeVar("T")

#: Seconds that a storage outside of this process may take to answer, and for which it isn't asked after that.
STORAGE_SECONDS: Final = 0.5
PAUSE_SECONDS: Final = 5.0


class RateLimiter:
    """`rate` as in `300/minute`, in a moving window. A call takes one when it comes, and one for each further `unit` of cost.

    While a storage outside of this process doesn't answer, calls pass uncounted: a limit that protects the gateway must not stop it.
    """

    def __init__(self, rate: str, unit: int, storage: str) -> None:
        self.item = parse(rate)
        self.unit = unit
        self._policy = b'"token";q=%d;w=%d' % (self.item.amount, self.item.get_expiry())
        kept = storage_from_string(storage)
        if not isinstance(kept, Storage) or not isinstance(kept, MovingWindowSupport):
            raise TypeError(f"{storage}: an async+… storage of `limits` with a moving window is needed")
        self.limiter = MovingWindowRateLimiter(kept)
        self._storage = kept
        self._away_until = 0.0

    async def enter(self, token_id: str) -> None:
        """Take the call's first unit. Raises RateLimited."""
        if await self._hit(token_id, 1) is False:
            stats = await self._stats(token_id)
            wait = max(1, math.ceil(stats.reset_time - time.time())) if stats else 1
            limit = f"{self.item.amount} a {self.item.GRANULARITY.name}"
            message = f"The token's rate limit, {limit}, is used up: wait as many seconds as Retry-After says."
            raise RateLimited(message, [*self._headers(stats), (b"retry-after", b"%d" % wait)])

    async def charge(self, token_id: str, cost: int) -> tuple[int, str] | None:
        """Take the rest of what an operation cost, as far as there is budget left: what is done can't be refused any more.

        What remains, and the instant at which something is given back; None while that isn't known.
        """
        further = math.ceil(cost / self.unit) - 1
        stats = await self._stats(token_id)
        if stats is None:
            return None
        taken = max(0, min(further, stats.remaining))
        if taken:
            await self._hit(token_id, taken)
        reset = datetime.fromtimestamp(math.ceil(stats.reset_time), UTC)
        return max(0, stats.remaining - taken), reset.strftime("%Y-%m-%dT%H:%M:%SZ")

    async def headers(self, token_id: str) -> Headers:
        """Limit, what remains, and when something is given back; nothing while that isn't known.

        `X-RateLimit-Reset` is a Unix time; `RateLimit` (draft-ietf-httpapi-ratelimit-headers) counts seconds from now.
        """
        return self._headers(await self._stats(token_id))

    def _hit(self, token_id: str, units: int) -> Awaitable[bool | None]:
        return self._kept(self.limiter.hit(self.item, token_id, cost=units))

    def _stats(self, token_id: str) -> Awaitable[WindowStats | None]:
        return self._kept(self.limiter.get_window_stats(self.item, token_id))

    def _kept(self, asked: Coroutine[Value, Value, T]) -> Awaitable[T | None]:
        """Return the storage's answer, or None while the storage is unavailable."""
        return asked if isinstance(self._storage, MemoryStorage) else self._in_time(asked)

    async def _in_time(self, asked: Coroutine[Value, Value, T]) -> T | None:
        if monotonic() < self._away_until:
            asked.close()
            return None
        try:
            async with asyncio.timeout(STORAGE_SECONDS):
                return await asked
        except Exception as error:  # noqa: BLE001  each storage has errors of its own
            self._away_until = monotonic() + PAUSE_SECONDS
            structlog.get_logger().warning("the rate limit's storage is away: calls are not counted", error=repr(error))
            return None

    def _headers(self, stats: WindowStats | None) -> Headers:
        if stats is None:
            return []
        remaining, seconds = max(0, stats.remaining), max(0, math.ceil(stats.reset_time - time.time()))
        return [
            (b"x-ratelimit-limit", b"%d" % self.item.amount),
            (b"x-ratelimit-remaining", b"%d" % remaining),
            (b"x-ratelimit-reset", b"%d" % math.ceil(stats.reset_time)),
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", b'"token";r=%d;t=%d' % (remaining, seconds)),
        ]


class RateLimit:
    """Counts each request against its token's budget, and says in headers what remains."""

    def __init__(self, app: ASGIApp, budget: RateLimiter) -> None:
        self.app = app
        self.budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "caller" not in scope["state"]:  # OPTIONS of whoever it may be
            await self.app(scope, receive, send)
            return
        token_id = scope["state"]["caller"].token_id
        await self.budget.enter(token_id)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *await self.budget.headers(token_id)]
            await send(message)

        await self.app(scope, receive, tell)
