"""Fetches documents of an identity provider: without redirects, bounded in bytes and time, only by TLS or from this machine."""

from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from ipaddress import ip_address
from socket import SHUT_RDWR, socket
from threading import Timer
from time import monotonic
from typing import Any, Final, Self
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import orjson
from typing_extensions import override

from schema.values import Object

#: Seconds that one read may take, and seconds for all that is fetched at once.
READ_SECONDS: Final = 3.0
DEADLINE_SECONDS: Final = 5.0
#: Bytes of a document.
MOST_BYTES: Final = 262_144

FetchedJson = Object
Fetch = Callable[[str], FetchedJson]


class ProviderFault(Exception):
    """The identity provider can't be reached, or its answer can't be used; the message is for the log."""


class _NoRedirects(HTTPRedirectHandler):
    @override
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        raise ProviderFault(f"{req.full_url} answers with a redirect to {newurl}: name the address that it leads to")


def unsafe(address: str) -> str | None:
    """Why nothing is fetched from an address, for people; None where it is well."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or not address.isprintable():
        return "write an address, as in https://id.example.com"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return None
    return "write https://…; http:// is for this machine alone"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Fetcher:
    """Fetches JSON objects until a deadline (by `monotonic`). Raises ProviderFault."""

    def __init__(self, until: float) -> None:
        self._until = until
        #: What the last server that answered says of the time, in seconds since 1970; None where it says nothing.
        self.moment: float | None = None

    def __call__(self, address: str) -> FetchedJson:
        """The object at an address."""
        if why := unsafe(address):
            raise ProviderFault(f"{address} is not asked: {why}")
        try:
            text = self._read(address)
        except ProviderFault:
            raise
        except Exception as error:  # whatever foreign bytes make the libraries raise: an OverflowError of a date's year is one of many
            self._check_time(address)
            raise ProviderFault(f"{address} can't be fetched: {error or type(error).__name__}") from error
        try:
            found = orjson.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ProviderFault(f"{address} holds no JSON object")
        return found

    def _read(self, address: str) -> bytes:
        request = Request(address, headers={"Accept": "application/json"})  # noqa: S310  `unsafe` has looked at the scheme
        with _Deadline(self._until) as deadline:
            opener = build_opener(_NoRedirects, _Opens(deadline))
            with opener.open(request, timeout=READ_SECONDS) as response:
                text: bytes = response.read(MOST_BYTES + 1)
                self.moment = _seconds(response.headers["Date"])
        self._check_time(address)
        if len(text) > MOST_BYTES:
            raise ProviderFault(f"{address} has more than {MOST_BYTES} bytes")
        return text

    def _check_time(self, address: str) -> None:
        if monotonic() > self._until:
            raise ProviderFault(f"{address} takes longer than {DEADLINE_SECONDS:g} s")


def _seconds(date: str | None) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


class _Deadline:
    """Closes connections at a deadline: a server that sends a byte now and then would keep every single read short."""

    def __init__(self, until: float) -> None:
        self._watched: list[socket] = []
        self._is_over = False
        self._timer = Timer(max(0.0, until - monotonic()), self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for each in self._watched:
            each.close()

    def watch(self, connection: socket) -> None:
        """Takes a second handle, since TLS takes the first one away."""
        self._watched.append(connection.dup())
        if self._is_over:  # The time was up while it connected.
            self._cut()

    def _cut(self) -> None:
        self._is_over = True
        for each in self._watched:
            with suppress(OSError):
                each.shutdown(SHUT_RDWR)


class _Watched(HTTPConnection):
    deadline: _Deadline

    @override
    def connect(self) -> None:
        super().connect()
        self.deadline.watch(self.sock)


class _WatchedTls(HTTPSConnection, _Watched):
    """It connects as the former does, and is watched before TLS begins."""


class _Opens(HTTPSHandler, HTTPHandler):
    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    @override
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(self._made, _Watched), req)

    @override
    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(partial(self._made, _WatchedTls), req)

    def _made(self, kind: type[_Watched], host: str, **named: Any) -> _Watched:
        connection = kind(host, **named)
        connection.deadline = self._deadline
        return connection
