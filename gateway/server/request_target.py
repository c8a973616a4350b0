"""A request's target in its other forms (RFC 9112 section 3.2): a whole address, as it is sent to a proxy, or `*`."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpParserInvalidURLError, parse_url

from rest_compat.errors import Headers, MalformedHttp, UnknownCoding

#: What OPTIONS is sent to, when it asks about the server and not about a page.
ANY: Final = b"*"
#: Characters of a path up to which it is decoded, which takes long: nothing that is served has a longer one.
LONGEST_DECODED: Final = 4_096
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
_SCHEMES: Final = frozenset({b"http", b"https"})


def origin_form(target: bytes, method: bytes, headers: Headers) -> bytes:
    """The path and query of a target that doesn't begin with `/`; the host that it names takes the place of Host in `headers`.

    Raises MalformedHttp for what is no target.
    """
    if target == ANY and method == b"OPTIONS":
        return target
    try:
        url = parse_url(target)
    except HttpParserInvalidURLError as error:
        raise MalformedHttp(f"The request's target can't be read: {error}.") from None
    if (url.schema or b"").lower() not in _SCHEMES or not url.host:
        raise MalformedHttp("The request's target can't be read: it is no path and no address.")
    authority = target.partition(b"://")[2]
    for end in b"/?#":
        authority = authority.partition(bytes([end]))[0]
    # Without a Host, or with two, the request is refused all the same.
    headers[:] = [(name, authority if name == b"host" else value) for name, value in headers]
    return (url.path or b"/") + (b"" if url.query is None else b"?" + url.query)


def encoded_target(head: bytes) -> bytes | None:
    """A request's head with the bytes of its target percent-encoded that aren't ASCII; None where there are none.

    No target has such (RFC 9112 section 3.2), but curl and many old clients send a search for `café` so.
    """
    line, end, rest = head.partition(b"\r\n")
    return None if line.isascii() else _BEYOND_ASCII.sub(lambda found: b"%%%02X" % found[0][0], line) + end + rest


def decoded_path(path: str) -> str:
    """A path without its percent-encoding; a longer one than any that is served stays as it is, and nothing is found there."""
    return unquote(path) if len(path) <= LONGEST_DECODED else path


def check_codings(lines: Sequence[bytes], version: str) -> None:
    """Checks the Transfer-Encoding headers of a request (RFC 9112 section 6.1); the parser refuses what doesn't end in chunks.

    Raises UnknownCoding for a coding beside `chunked`, MalformedHttp for HTTP/1.0, which has none.
    """
    if version == "1.0":
        raise MalformedHttp("A request of HTTP/1.0 can't have Transfer-Encoding: send Content-Length.")
    *others, last = [coding.strip(b" \t").lower() for coding in b",".join(lines).split(b",") if coding.strip(b" \t")] or [b""]
    if last == b"chunked" and others:
        raise UnknownCoding("The body's transfer coding is not understood: send `Transfer-Encoding: chunked` alone.")


def malformation(error: HttpParserError) -> str:
    """Return the parser's message for a malformed request head; methods in lower case, such as the `patch` of `fetch`, are explained."""
    if isinstance(error, HttpParserInvalidMethodError):
        return "Invalid HTTP request received: its method is unknown. Methods are written in capitals, as in PATCH."
    return f"Invalid HTTP request received: {error}."
