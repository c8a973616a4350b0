"""What an identity provider publishes, fetched without redirects, within bounds of bytes and time, and only by TLS or from this machine."""

from collections.abc import Callable
from http.client import HTTPException
from ipaddress import ip_address
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson
from typing_extensions import override

from schema.values import Object

#: Seconds that one read may take, and seconds for all that is fetched at once.
READ_SECONDS: Final = 3.0
DEADLINE_SECONDS: Final = 5.0
#: Bytes of a document.
MOST_BYTES: Final = 262_144
_CHUNK: Final = 65_536

FetchedJson = Object
Fetch = Callable[[str], FetchedJson]


class ProviderFault(Exception):
    """The identity provider can't be asked, or says something that can't be used: the message is for the log."""


class _NoRedirects(HTTPRedirectHandler):
    @override
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        raise ProviderFault(f"{req.full_url} answers with a redirect to {newurl}: name the address that it leads to")


_OPENER: Final = build_opener(_NoRedirects)


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


def fetcher(until: float) -> Fetch:
    """A function that fetches a JSON object before a time (of `monotonic`). It raises ProviderFault."""

    def fetch(address: str) -> FetchedJson:
        if why := unsafe(address):
            raise ProviderFault(f"{address} is not asked: {why}")
        try:
            text = _read(address, until)
        except (OSError, HTTPException, ValueError) as error:  # URLError is an OSError
            raise ProviderFault(f"{address} can't be fetched: {error}") from error
        try:
            found = orjson.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ProviderFault(f"{address} holds no JSON object")
        return found

    return fetch


def _read(address: str, until: float) -> bytes:
    request = Request(address, headers={"Accept": "application/json"})  # noqa: S310  `unsafe` has looked at the scheme
    chunks, size = list[bytes](), 0
    with _OPENER.open(request, timeout=READ_SECONDS) as response:
        while chunk := response.read1(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > MOST_BYTES:
                raise ProviderFault(f"{address} has more than {MOST_BYTES} bytes")
            if monotonic() > until:
                raise ProviderFault(f"{address} takes longer than {DEADLINE_SECONDS:g} s")
    return b"".join(chunks)
