"""Forwarded headers of a trusted proxy: client address and scheme by uvicorn's middleware; the requested host, port and prefix here."""

import re
from collections.abc import Iterable
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

#: A path that links may begin with: no other host (`//`) can be meant by it.
PREFIX: Final = re.compile(rb"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
PORT: Final = re.compile(rb"[0-9]{1,5}")
STANDARD: Final = {b"http": b"80", b"ws": b"80", b"https": b"443", b"wss": b"443"}


class ForwardedHeaders:
    """Believes `X-Forwarded-For`, `-Proto`, `-Host`, `-Port` and `-Prefix` of `proxies`, and of nobody else.

    Links begin with what they say. A path that still has the prefix loses it.
    """

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        self.believing: Any = ProxyHeadersMiddleware(app, [*proxies])  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client and client[0] in self.believing.trusted_hosts:
            said = {name: value for name, value in scope["headers"] if name.startswith(b"x-forwarded-")}
            if host := _host(said, scope):
                scope["headers"] = [(b"host", host), *(header for header in scope["headers"] if header[0] != b"host")]
            if PREFIX.fullmatch(prefix := _nearest(said, b"prefix").rstrip(b"/")):
                _set_prefix(scope, prefix.decode())
        await self.believing(scope, receive, send)


def _nearest(said: dict[bytes, bytes], name: bytes) -> bytes:
    """Return the value of the nearest proxy, which is the trusted one."""
    return said.get(b"x-forwarded-" + name, b"").rpartition(b",")[2].strip()


def _host(said: dict[bytes, bytes], scope: Scope) -> bytes:
    """The host that the proxy was asked for, with its port unless that is the scheme's; empty where it says nothing of that."""
    host, port = _nearest(said, b"host"), _nearest(said, b"port")
    if not PORT.fullmatch(port):
        return host
    hosts = [host] if host else [value for name, value in scope["headers"] if name == b"host"]
    # Without a Host, or with two, the request is refused for that.
    if len(hosts) != 1 or hosts[0].rpartition(b":")[2].isdigit():
        return host
    scheme = _nearest(said, b"proto").lower() or scope.get("scheme", "http").encode()
    return hosts[0] if STANDARD.get(scheme) == port else hosts[0] + b":" + port


def _set_prefix(scope: Scope, prefix: str) -> None:
    scope["root_path"] = prefix
    if scope["path"].startswith(prefix + "/"):
        scope["path"] = scope["path"][len(prefix) :]
