"""What a trusted proxy says of its client: address and scheme, by uvicorn's middleware, and the host name that it was asked for."""

from collections.abc import Iterable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


class Forwarded:
    """Believes `X-Forwarded-For`, `-Proto` and `-Host` of `proxies`, and of nobody else."""

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        self.believing: Any = ProxyHeadersMiddleware(app, [*proxies])  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client and client[0] in self.believing.trusted_hosts:
            # Where several proxies name a host, the nearest is the one that is trusted.
            named = [value for name, value in scope["headers"] if name == b"x-forwarded-host"]
            if named and (host := named[-1].rpartition(b",")[2].strip()):
                scope["headers"] = [(b"host", host), *(header for header in scope["headers"] if header[0] != b"host")]
        await self.believing(scope, receive, send)
