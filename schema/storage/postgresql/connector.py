"""Connecting to PostgreSQL: to the first host that will do, each with its own deadline, over a socket that notices a dead peer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import asyncpg

from schema.storage.database import DatabaseUnavailable, ReadOnly, Unreachable
from schema.storage.driver_errors import of_postgresql
from schema.values import Object, Value

from .connect_errors import explain_failure, place_of

#: Seconds after which the kernel asks an idle peer whether it is there, and after which it gives up one that is silent.
IDLE_SECONDS = 5
GONE_SECONDS = 10
#: Seconds that a command of the command line waits for a connection.
CONNECT_SECONDS = 10.0
_OPTIONS = {
    "TCP_KEEPIDLE": IDLE_SECONDS,
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": GONE_SECONDS * 1000,
}
"""Options of a TCP socket, by the names that this platform may know (https://man7.org/linux/man-pages/man7/tcp.7.html)."""
_SERVER = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3", "tcp_user_timeout": "15000"}
"""The same on the server's side, for when this process's machine dies: its locks are then given up."""

Prepare: TypeAlias = Callable[[Value], Awaitable[None]]
ServerSettings: TypeAlias = Mapping[str, str]


class AsyncpgConnection(asyncpg.Connection):  # type: ignore[misc]
    """asyncpg's connection on a socket with keep-alive."""

    __slots__ = ()

    def __init__(self, protocol: Value, transport: asyncio.Transport, *more: Any) -> None:
        super().__init__(protocol, transport, *more)
        _keep_alive(transport.get_extra_info("socket"))


class Connector:
    """Connects to the server at `url`, which may name several hosts, and runs `prepare` on the connection, within so many `seconds`.

    asyncpg tries one host after the other and stays with the first that is silent: here each has its share of the time, and the one that
    answered last is asked first.
    """

    def __init__(
        self, url: str, seconds: float, *, prepare: Prepare | None = None, settings: ServerSettings | None = None, **options: Value
    ) -> None:
        """`settings` are the session's; `options` are of `asyncpg.connect`."""
        self._url = url
        self._seconds = seconds
        self._prepare = prepare
        self._options = {**options, "server_settings": {**_SERVER, **(settings or {})}, "connection_class": AsyncpgConnection}
        self._hosts = hosts(url)

    async def connect(self, seconds: float | None = None) -> Value:
        """A connection, within the usual time or so many seconds. Raises DatabaseUnavailable, ReadOnly."""
        failed: list[DatabaseUnavailable] = []
        for host in [*self._hosts]:
            try:
                raw = await self._connect(host, (seconds or self._seconds) / len(self._hosts))
            except DatabaseUnavailable as error:
                failed.append(error)
            else:
                self._hosts.remove(host)
                self._hosts.insert(0, host)
                return raw
        # A server that is there but takes no writes is the more useful error than one that is unavailable.
        try:
            raise next((error for error in failed if isinstance(error, ReadOnly)), failed[0])
        finally:
            # What is raised holds this call by its traceback.
            del failed

    async def _connect(self, host: Object, seconds: float) -> Value:
        try:
            async with asyncio.timeout(seconds):
                return await self._prepared(await asyncpg.connect(self._url, **host, **self._options))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, UnicodeError) as error:
            # Whatever it is, without a connection nothing can be done but to come back later.
            raise self._failure(error, host) from error

    def _failure(self, error: Exception, host: Object) -> DatabaseUnavailable:
        translated = of_postgresql(error, closed=True)
        return translated if isinstance(translated, ReadOnly) else Unreachable(explain_failure(error, place_of(self._url, host)))

    async def _prepared(self, raw: asyncpg.Connection) -> Value:
        try:
            if self._prepare is not None:
                await self._prepare(raw)
        except BaseException:
            raw.terminate()
            raise
        return raw


@asynccontextmanager
async def connected(url: str, seconds: float = CONNECT_SECONDS, **options: Value) -> AsyncIterator[asyncpg.Connection]:
    """A connection for a command, closed at the end; `options` as of Connector. Raises DatabaseUnavailable."""
    raw: asyncpg.Connection = await Connector(url, seconds, **options).connect()
    try:
        yield raw
    finally:
        raw.terminate()


def hosts(url: str) -> list[Object]:
    """Each host of an address as asyncpg's arguments; one without arguments where the address names one host, or none."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    named = parts.netloc.rpartition("@")[2] or query.get("host", [""])[-1]
    if "," not in named:
        return [{}]
    ports = query.get("port", [""])[-1].split(",")
    places = named.split(",")
    if len(ports) != len(places):
        ports = ports[:1] * len(places)
    return [{"host": host, "port": int(port)} for host, port in map(_host, places, ports)]


def _host(place: str, port: str) -> tuple[str, str]:
    """Host and port of `host`, `host:port`, `[address]:port` or a socket's folder, with `port` where it names none."""
    host, colon, own = place.rpartition(":")
    if place.startswith("/") or not colon or own.endswith("]"):
        host, own = place, ""
    return host.strip("[]"), own or port or "5432"


def _keep_alive(raw: asyncpg.Connection) -> None:
    if raw is None or raw.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS.items():
        option = getattr(socket, name, None)
        if option is not None:
            raw.setsockopt(socket.IPPROTO_TCP, option, value)
