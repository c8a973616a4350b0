"""Health and metrics for operators, on a port and with a token of their own if the settings say so."""

from hmac import compare_digest
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.auth.header import bearer_token
from rest_compat.errors import NotFound, Unauthenticated

from .dispatch import not_found

METRICS: Final = "/metrics"
#: Answered on every port, to every host name and beyond the bound of connections: probes come by address, and when it matters.
HEALTH: Final = frozenset({"/healthz", "/readyz"})
PROBES: Final = HEALTH | {METRICS}


class OperatorsPort:
    """Leads what comes to `port` to `operators`, and nothing else there."""

    def __init__(self, app: ASGIApp, port: int, operators: ASGIApp) -> None:
        self.app = app
        self.port = port
        self.operators = operators

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] != "lifespan" and (scope.get("server") or ("", None))[1] == self.port
        if not ours:
            if scope["type"] == "http" and scope["path"] == METRICS:
                raise NotFound("There is nothing here.")
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self.operators(scope, receive, send)
        else:
            await not_found(scope, receive, send)


class RequireBearer:
    """Serves requests that carry `token`. Raises Unauthenticated for others."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sent = scope["state"]["headers"].get(b"authorization")
        token = bearer_token(None if sent is None else sent.decode("latin-1"))
        if not compare_digest(token.encode("latin-1"), self.token):
            raise Unauthenticated("This token doesn't open the metrics.")
        await self.app(scope, receive, send)
