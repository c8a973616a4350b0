"""The pool of PostgreSQL connections: lending takes neither a task nor a timer, and no wait for the server is without an end.

asyncpg's own pool is not used: its `release` waits for a cancelled statement as long as the server is silent. A REST detail takes 252 µs
of CPU with this one, and took 278 with that.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from math import inf
from time import monotonic
from typing import Any

import asyncpg

from schema.storage.database import DatabaseUnavailable
from schema.storage.timing import Timing
from schema.values import Value

from .session import PostgresqlConnection

_log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
MEND_SECONDS = 1.0
RENEW_SECONDS = 1.0


class ConnectionPool:
    """At most `size` connections. Callers wait in a queue for a free one, for `patience` seconds.

    A watch looks at all of them four times a second while any is at work. One that has waited longer than `limit` seconds for the server
    is cut off, without a farewell, and the idle ones with it: they lead to the same place. Whoever waited for it gets an error.
    """

    def __init__(self, connect: Callable[[], Awaitable[Value]], timing: Timing, *, size: int, patience: float, limit: float) -> None:
        self._connect = connect
        self._timing = timing
        self.size = size
        self._patience = patience
        self._limit = limit
        self._idle: list[PostgresqlConnection] = []
        #: All there are, and connections that are being made.
        self._sessions: set[PostgresqlConnection] = set()
        self._making = 0
        self._waiting: deque[asyncio.Future[PostgresqlConnection]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watching = False
        self._closing = False
        self._generation = 0
        self._renewed = -inf
        self._dropped = asyncio.Event()

    @property
    def in_use(self) -> int:
        return len(self._sessions) - len(self._idle)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def adopt(self, raw: asyncpg.Connection) -> None:
        """A connection that was made before."""
        session = PostgresqlConnection(raw, self._generation, self._limit, self._timing)
        self._sessions.add(session)
        self.keep(session)

    def take_now(self) -> PostgresqlConnection | None:
        """Return an idle connection, if there is one."""
        while self._idle:
            session = self._idle.pop()
            if not session.raw.is_closed():
                if not self._watching:
                    self._watch_later()
                return session
            self.drop(session)
        return None

    async def take(self) -> PostgresqlConnection:
        """A connection. Raises DatabaseUnavailable."""
        if self._closing:
            raise DatabaseUnavailable("the database is being closed")
        self._make_one()
        turn: asyncio.Future[PostgresqlConnection] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                session = await turn
        except TimeoutError:
            self._leave(turn)
            raise DatabaseUnavailable(f"no connection was free within {self._patience:g} s") from None
        except asyncio.CancelledError:
            self._leave(turn)
            raise
        finally:
            # A refused turn holds its error, whose traceback holds this call and the request.
            del turn
        if not self._watching:
            self._watch_later()
        return session

    def keep(self, session: PostgresqlConnection) -> None:
        """Release a usable connection: to the caller that has waited longest, else it is kept."""
        session.since = inf
        if self._closing or session.generation != self._generation:
            self.drop(session)
        elif not self._waiting or not self._hand(session):
            self._idle.append(session)

    def drop(self, session: PostgresqlConnection) -> None:
        """Give a connection back that is of no more use: it is cut off at once, and the first in line may have another."""
        self._sessions.discard(session)
        session.raw.terminate()
        self._dropped.set()
        if self._waiting:
            self._make_one()

    async def settle(self, session: PostgresqlConnection) -> None:
        """Give a connection back after an error: what had begun is rolled back."""
        try:
            await session.recover()
        except Exception:  # noqa: BLE001  whatever it is, this connection is of no more use
            self.drop(session)
        except BaseException:
            self.mend(session)
            raise
        else:
            self._keep_open(session)

    def mend(self, session: PostgresqlConnection) -> None:
        """Release a connection whose statement was cancelled: the server gets a cancel request, and has a second to confirm."""
        self._begin(self._mended(session))

    def renew(self, why: str) -> None:
        """The server is not what it was: connections that were made before now are cut off, those at work when they are given back."""
        if monotonic() - self._renewed < RENEW_SECONDS:
            return
        _log.warning("the connections to the database are made anew: %s", why)
        self._renewed = monotonic()
        self._generation += 1
        idle, self._idle = self._idle, []
        for session in idle:
            self.drop(session)

    async def close(self, seconds: float) -> None:
        """Wait for those at work, so many seconds, and close all."""
        self._closing = True
        while self._waiting:
            self._refuse(DatabaseUnavailable("the database is being closed"))
        while self._idle:
            self.drop(self._idle.pop())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._sessions:
                    self._dropped.clear()
                    await self._dropped.wait()
        for session in [*self._sessions]:
            self.drop(session)
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _keep_open(self, session: PostgresqlConnection) -> None:
        if session.raw.is_closed():
            self.drop(session)
        else:
            self.keep(session)

    async def _mended(self, session: PostgresqlConnection) -> None:
        try:
            async with asyncio.timeout(MEND_SECONDS):
                # asyncpg sends nothing before the cancelled statement has ended.
                await session.recover()
        except BaseException as error:
            self.drop(session)
            if not isinstance(error, Exception):
                raise
        else:
            self._keep_open(session)

    def _make_one(self) -> None:
        """Open a connection for a waiting caller, if there may be one more."""
        if len(self._sessions) + self._making < self.size and not self._closing:
            self._making += 1
            self._begin(self._made())

    async def _made(self) -> None:
        generation, error = self._generation, None
        try:
            session = PostgresqlConnection(await self._connect(), generation, self._limit, self._timing)
        except Exception as failed:  # noqa: BLE001  whatever it is, who waits must hear of it
            error = failed
        finally:
            self._making -= 1
        if error is None:
            self._sessions.add(session)
            self.keep(session)
            return
        self._refuse(error)
        # Its traceback holds this call, and by the caller that is refused a request.
        del error
        if self._waiting:
            self._make_one()

    def _refuse(self, error: Exception) -> None:
        """The first caller in the queue gets the error why there is no connection."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(error)
                return

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hand(self, session: PostgresqlConnection) -> bool:
        """Hand a connection to the first in line, if there is one."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(session)
                return True
        return False

    def _leave(self, turn: "asyncio.Future[PostgresqlConnection]") -> None:
        """Out of the line; what was just handed over is passed on."""
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self._keep_open(turn.result())
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def _watch_later(self) -> None:
        self._watching = True
        loop = asyncio.get_running_loop()
        loop.call_later(TICK_SECONDS, self._watch, monotonic() + TICK_SECONDS)

    def _watch(self, due: float) -> None:
        """Cut off those that wait for too long. A look that is late itself may find answers that nobody has read: the next one judges."""
        self._watching = False
        now = monotonic()
        if now - due < TICK_SECONDS:
            for session in [each for each in self._sessions if now - each.since > self._limit]:
                session.raw.terminate()
                self.renew(f"the server did not answer within {self._limit:g} s")
        if self.in_use:
            self._watch_later()
