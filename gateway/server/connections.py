"""Limits of connections, in all and by address: which connection is closed when they are reached, and their metrics.

A connection beyond the bound takes the place of one that waits for its client: who sends nothing keeps nobody out. Where all are at
work, the token that holds more than half of the bound by sockets and streams gives up its newest: those may stay open for ever, so that
one token could keep all others out. Else the connection is answered 503 once it has asked, unless it asks for the process's health.
"""

import asyncio
import sys
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Collection, Iterable
from ipaddress import ip_network
from operator import itemgetter
from time import monotonic
from typing import Any, Final, NamedTuple

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.edge.ports import HEALTH
from gateway.edge.respond import refuse
from gateway.settings import Settings
from rest_compat.errors import HttpError, RateLimited, Unavailable
from schema.storage.database import Figures
from schema.values import Value

LOG_SECONDS: Final = 10.0
#: A connection is let be for so long: it may have asked already, and nobody has looked.
YOUNG_SECONDS: Final = 0.01
#: How often room is looked for when one beyond the bound has asked, twice that time apart.
LOOKS: Final = 5
#: How many beyond the bound are read at all: an eighth of it, between these.
SPARE: Final = (4, 64)
#: A client has all addresses of such a network (RFC 6177).
IPV6_PREFIX: Final = 64


#: Connections are closed in this order: those without a request yet, idle ones, those within a request, those that don't read.
UNKNOWN, IDLE, SENDING, READING = range(4)


class IdleConnection(NamedTuple):
    """A connection that waits for its client; those of a lower rank, and then those that wait for longer, are closed first."""

    rank: int
    since: float
    connection: Value


class HeldConnection(NamedTuple):
    """A socket or stream of a known caller, open `since` then: `owner` is the id of its token."""

    owner: str
    since: float
    connection: Value


class ConnectionLimits:
    """The limits of a process's connections. `tell` is called with the reason why a connection was not served, for the metrics."""

    def __init__(self, settings: Settings, tell: Callable[[str], None]) -> None:
        self.most = most_connections(settings.max_connections)
        self.spare = min(max(self.most // 8, SPARE[0]), SPARE[1])
        self.by_address = settings.max_connections_per_address
        self.tell = tell
        self.log = structlog.get_logger()
        self._proxies: Any = ProxyHeadersMiddleware(refuse, [*settings.trusted_proxies]).trusted_hosts  # type: ignore[arg-type]
        self._open: Collection[Value] = ()
        self._next: deque[IdleConnection | HeldConnection] = deque()
        self._looked = self._logged = float("-inf")
        #: Whether the last look found any.
        self._found = False
        self._tally: Tally[str] = Tally()

    def __len__(self) -> int:
        return len(self._open)

    def figures(self) -> Figures:
        """The number of open connections."""
        return {"gateway_connections_open": len(self)}

    def admit(self, new: Value, connections: Collection[Value]) -> ASGIApp | None:
        """Return the app that refuses the `new` one of `connections`; None if it is served. Others may be closed for it."""
        self._open = connections
        address = new.client[0] if new.client else ""
        if self.by_address is not None and address not in self._proxies:
            near = _near(address, connections)
            if len(near) > self.by_address and not self._make_room(iter(_waiting(near, new.loop.time() - YOUNG_SECONDS))):
                return self._turn_away(
                    new, len(near) - self.by_address, RateLimited(f"Too many connections from this address: {self.by_address} may be open.")
                )
        above = len(connections) - self.most
        if above > 0 and not self._make_room(self._oldest(new.loop.time(), young=above > self.spare)):
            fault = Unavailable("Too many connections are open. Try again in a moment.")
            return self._turn_away(new, above, fault, lambda: self._has_room(new.loop.time()))
        return None

    def _has_room(self, now: float) -> bool:
        return len(self._open) <= self.most or self._make_room(self._oldest(now))

    def refused(self, fault: HttpError) -> None:
        """A connection got an answer that no application gave."""
        self.tell(fault.code.lower())

    def _oldest(self, now: float, *, young: bool = False) -> Iterable[IdleConnection | HeldConnection]:
        """Those who wait, or else those that a token has too many of, looked for now and then and not for each new connection.

        `young` ones count too where far too many come at once: else the burst would keep out who comes behind it.
        """
        if not self._next and (now - self._looked > YOUNG_SECONDS or (young and self._found)):
            self._looked = now
            self._next.extend(_waiting(self._open, now - (0 if young else YOUNG_SECONDS)) or _excess(self._open, self.most // 2))
            self._found = bool(self._next)
        while self._next:
            yield self._next.popleft()

    def _make_room(self, waiting: Iterable[IdleConnection | HeldConnection]) -> bool:
        for found in waiting:
            if found in {found.connection.waiting(), found.connection.held()}:
                found.connection.give_way()
                self._note("gave_way")
                return True
        return False

    def _turn_away(self, new: Value, above: int, fault: HttpError, room: Callable[[], bool] = lambda: False) -> ASGIApp:
        self._note("refused")
        if above > self.spare:
            new.give_way()
        return OverloadedApp(new.app, fault, room)

    def _note(self, what: str) -> None:
        """Count an event in the metrics each time, and log it at intervals."""
        self.tell(what)
        self._tally[what] += 1
        if monotonic() - self._logged > LOG_SECONDS:
            self._logged = monotonic()
            self.log.warning("The bound of connections is reached.", open=len(self._open), most=self.most, **self._tally)
            self._tally.clear()


class OverloadedApp:
    """Answers `fault` to whatever is asked but the process's health, on a connection for which there is no `room`.

    It looks for some a few times more: those who came just before may only have been too young to give way.
    """

    def __init__(self, app: ASGIApp, fault: HttpError, room: Callable[[], bool]) -> None:
        self.app = app
        self.fault = fault
        self.room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in HEALTH or await self._finds_room():
            await self.app(scope, receive, send)
        else:
            # Nobody has read it: this stands outside of the application.
            scope["state"] = {"headers": dict(scope["headers"]), "request_id": b""}
            await refuse(scope, send, self.fault)

    async def _finds_room(self) -> bool:
        for _ in range(LOOKS):
            if self.room():
                return True
            await asyncio.sleep(2 * YOUNG_SECONDS)
        return self.room()


def most_connections(wanted: int) -> int:
    """Return the limit by the settings, but at most half of the descriptors: the database, health checks and files need some, too."""
    if sys.platform == "win32":
        return wanted
    import resource  # noqa: PLC0415  there is none on Windows

    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if descriptors == resource.RLIM_INFINITY else max(1, min(wanted, descriptors // 2))


def _waiting(connections: Iterable[Value], latest: float) -> list[IdleConnection]:
    """Those of the connections that can give way, in that order, since `latest` or longer.

    What is being worked on can't, nor a socket whose client is known.
    """
    looks = (connection.waiting() for connection in connections)
    found = [look for look in looks if look is not None and look.since <= latest]
    return sorted(found, key=itemgetter(0, 1))


def _excess(connections: Iterable[Value], share: int) -> list[HeldConnection]:
    """The sockets and streams of the token with the most of them that are beyond its `share`, the newest first."""
    held = [found for connection in connections if (found := connection.held()) is not None]
    owners = Tally(found.owner for found in held)
    for owner, count in owners.most_common(1):
        newest = sorted((found for found in held if found.owner == owner), key=itemgetter(1), reverse=True)
        return newest[: max(0, count - share)]
    return []


def held_by(scope: Value, connection: Value) -> HeldConnection | None:
    """The socket or stream that a request has become, which says so in its state (`held`: the token's id, and since when)."""
    held = scope["state"].get("held")
    return None if held is None else HeldConnection(held[0], held[1], connection)


def _near(address: str, connections: Iterable[Value]) -> list[Value]:
    site = _site(address)
    return [connection for connection in connections if connection.client and _site(connection.client[0]) == site]


def _site(address: str) -> str:
    return str(ip_network(f"{address}/{IPV6_PREFIX}", strict=False)) if ":" in address else address
