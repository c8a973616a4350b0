"""One budget a token, for REST and GraphQL together, weighted by what operations cost."""

import math
import time
from datetime import UTC, datetime

from limits import WindowStats, parse
from limits.aio.storage import MovingWindowSupport, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.storage import storage_from_string
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .faults import Headers, RateLimited


class Budget:
    """`rate` as in `300/minute`, in a moving window. A call takes one when it comes, and one for each further `unit` of cost."""

    def __init__(self, rate: str, unit: int, storage: str) -> None:
        self.item = parse(rate)
        self.unit = unit
        kept = storage_from_string(storage)
        if not isinstance(kept, Storage) or not isinstance(kept, MovingWindowSupport):
            raise TypeError(f"{storage}: an async+… storage of `limits` with a moving window is needed")
        self.limiter = MovingWindowRateLimiter(kept)

    async def enter(self, token_id: str) -> None:
        """Take the call's first unit. Raises RateLimited."""
        if not await self.limiter.hit(self.item, token_id):
            stats = await self.limiter.get_window_stats(self.item, token_id)
            wait = max(1, math.ceil(stats.reset_time - time.time()))
            limit = f"{self.item.amount} a {self.item.GRANULARITY.name}"
            message = f"The token's rate limit, {limit}, is used up: wait as many seconds as Retry-After says."
            raise RateLimited(message, [*self._headers(stats), (b"retry-after", b"%d" % wait)])

    async def charge(self, token_id: str, cost: int) -> tuple[int, str]:
        """Take the rest of what an operation cost, as far as there is budget left: what is done can't be refused any more.

        What remains, and the instant at which something is given back.
        """
        further = math.ceil(cost / self.unit) - 1
        stats = await self.limiter.get_window_stats(self.item, token_id)
        taken = max(0, min(further, stats.remaining))
        if taken:
            await self.limiter.hit(self.item, token_id, cost=taken)
        reset = datetime.fromtimestamp(math.ceil(stats.reset_time), UTC)
        return max(0, stats.remaining - taken), reset.strftime("%Y-%m-%dT%H:%M:%SZ")

    async def headers(self, token_id: str) -> Headers:
        """Limit, what remains, and the Unix time at which something is given back."""
        return self._headers(await self.limiter.get_window_stats(self.item, token_id))

    def _headers(self, stats: WindowStats) -> Headers:
        return [
            (b"x-ratelimit-limit", b"%d" % self.item.amount),
            (b"x-ratelimit-remaining", b"%d" % max(0, stats.remaining)),
            (b"x-ratelimit-reset", b"%d" % math.ceil(stats.reset_time)),
        ]


class Rated:
    """Takes each request out of its token's budget and tells what remains."""

    def __init__(self, app: ASGIApp, budget: Budget) -> None:
        self.app = app
        self.budget = budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token_id = scope["state"]["caller"].token_id
        await self.budget.enter(token_id)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *await self.budget.headers(token_id)]
            await send(message)

        await self.app(scope, receive, tell)
