"""Browser pages of other origins (Fetch standard, CORS protocol) and the host names that are answered to."""

from collections.abc import Collection, Iterable
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from rest_compat.errors import AccessDenied, Headers, MalformedRequest
from schema.engine.execute.throttled_log import ThrottledLog

METHODS: Final = b"GET, HEAD, POST, QUERY, PATCH, DELETE, OPTIONS"
EXPOSED: Final = (
    b"Accept-Query, Allow, Deprecation, ETag, Idempotency-Replayed, Link, Location, Preference-Applied, RateLimit, RateLimit-Policy, "
    b"Retry-After, Sunset, WWW-Authenticate, X-GraphQL-Cost, X-GraphQL-Operation, X-Ignored-Fields, X-Ignored-Parameters, "
    b"X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"
)
#: Characters of an origin that a message repeats.
SHOWN: Final = 100
MAX_AGE: Final = b"600"


class Origins:
    """Which origins may call: those listed, and for sockets the server's own."""

    def __init__(self, listed: Iterable[str]) -> None:
        self.listed = frozenset(origin.lower().rstrip("/").encode() for origin in listed)
        self.any = b"*" in self.listed

    def allow(self, origin: bytes) -> bool:
        return self.any or origin.lower() in self.listed

    def allow_socket(self, origin: bytes | None, host: bytes | None) -> bool:
        """Browsers send an Origin with every socket and don't ask first; other clients send none."""
        return origin is None or self.allow(origin) or (host is not None and origin.partition(b"://")[2].lower() == host.lower())


class Cors:
    """Answers preflights, before anyone asks for a token, and lets pages of allowed origins read the answers."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self.app = app
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, out = scope["state"]["headers"], scope["state"]["out"]
        origin = headers.get(b"origin")
        if not self.origins.any:
            out.append((b"vary", b"Origin"))
        allowed = origin is not None and self.origins.allow(origin)
        if allowed:
            out += [
                (b"access-control-allow-origin", b"*" if self.origins.any else origin),
                (b"access-control-expose-headers", EXPOSED),
            ]
        if scope["method"] == "OPTIONS" and origin is not None and b"access-control-request-method" in headers:
            await _preflight(headers.get(b"access-control-request-headers"), send, allowed=allowed)
        else:
            await self.app(scope, receive, send)


_asked = ThrottledLog(lambda line: structlog.get_logger().warning(line))


def refused_preflight(scope: Scope) -> AccessDenied | None:
    """Return the refusal where a browser asks whether a page of another origin may call. Where origins are set, `Cors` answers before."""
    headers = scope["state"]["headers"]
    origin = headers.get(b"origin")
    if origin is None or b"access-control-request-method" not in headers:
        return None
    shown = origin.decode("latin-1")[:SHOWN]
    _asked("A browser asked whether pages of %(origin)r may call. If they may, set GATEWAY_CORS_ORIGINS to their origin.", origin=shown)
    return AccessDenied("Pages of other origins may not call this gateway. Whoever runs it allows them by GATEWAY_CORS_ORIGINS.")


async def _preflight(requested: bytes | None, send: Send, *, allowed: bool) -> None:
    """Without the allowing headers a browser takes 204 for a no."""
    answer: Headers = [(b"access-control-allow-methods", METHODS), (b"access-control-max-age", MAX_AGE)] if allowed else []
    if allowed and requested:
        answer.append((b"access-control-allow-headers", requested))
    await send({"type": "http.response.start", "status": 204, "headers": answer})
    await send({"type": "http.response.body", "body": b""})


class AllowedHosts:
    """Refuses requests for host names that aren't served here: links are built from the name, and DNS can be rebound to this address.

    Paths in `probes` are answered by any name: they are asked for by address.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], probes: Collection[str]) -> None:
        self.app = app
        self.probes = probes
        names = [name.lower() for name in names]
        self.exact = frozenset(name.encode() for name in names if not name.startswith("*."))
        self.endings = tuple(name[1:].encode() for name in names if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._ours(scope["state"]["headers"].get(b"host", b"")) or scope["path"] in self.probes:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            raise MalformedRequest("The Host header names no host that is served here.")

    def _ours(self, host: bytes) -> bool:
        name = (host if host.endswith(b"]") else host.rsplit(b":", 1)[0]).lower()
        return name in self.exact or (bool(self.endings) and name.endswith(self.endings))
