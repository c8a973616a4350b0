"""Requests that ask for another protocol on their connection (RFC 9110 section 7.8), and which of them open a WebSocket (RFC 6455)."""

import base64
import binascii
from typing import Final

from rest_compat.errors import Headers

VERSION: Final = b"13"
KEY_BYTES: Final = 16


def is_websocket(method: bytes, version: str, headers: Headers) -> bool:
    """Whether this is a WebSocket's handshake: a GET of HTTP/1.1, without a body, with a good key and the one version there is."""
    if method != b"GET" or version != "1.1" or _has_body(headers):
        return False
    if _tokens(headers, b"upgrade") != [b"websocket"] or b"upgrade" not in _tokens(headers, b"connection"):
        return False
    return _values(headers, b"sec-websocket-version") == [VERSION] and _is_key(_values(headers, b"sec-websocket-key"))


def without_upgrade(method: bytes, target: bytes, version: str, headers: Headers) -> bytes:
    """The head of the request as it would be without its wish for another protocol."""
    lines = b"".join(b"%b: %b\r\n" % header for header in headers if header[0] != b"upgrade")
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, target, version.encode(), lines)


def _has_body(headers: Headers) -> bool:
    return any(name == b"transfer-encoding" or (name == b"content-length" and int(value)) for name, value in headers)


def _is_key(values: list[bytes]) -> bool:
    try:
        return len(values) == 1 and len(base64.b64decode(values[0], validate=True)) == KEY_BYTES
    except binascii.Error:
        return False


def _tokens(headers: Headers, name: bytes) -> list[bytes]:
    return [token.strip().lower() for value in _values(headers, name) for token in value.split(b",")]


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for found, value in headers if found == name]
