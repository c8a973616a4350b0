"""Authentication of requests: the token of the Authorization header becomes the caller in `scope["state"]["caller"]`."""

from collections.abc import Awaitable
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.auth import Authenticator
from gateway.edge.graphql_errors import unavailable
from schema.rules.access import Caller
from schema.storage.database import DatabaseUnavailable

from .cors import refused_preflight


async def authenticate_again(authenticator: Authenticator, scope: Scope) -> None:
    """Put the present caller into the request's state. Raises Unauthenticated, and Unavailable while tokens can't be checked."""
    token = scope["state"]["headers"].get(b"authorization")
    authorization = None if token is None else token.decode("latin-1")
    scope["state"]["caller"] = await _look_up(authenticator, authorization)


async def _look_up(authenticator: Authenticator, authorization: str | None) -> Caller:
    try:
        return await authenticator.authenticate(authorization)
    except DatabaseUnavailable as error:
        raise unavailable(error) from error


class Authenticate:
    """Lets only those pass whose token is known, and OPTIONS, which does nothing."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self.app = app
        self.cached = authenticator.cached
        self.authenticator = authenticator

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        state = scope["state"]
        token = state["headers"].get(b"authorization")
        authorization = None if token is None else token.decode("latin-1")
        caller = self.cached(authorization) if authorization else None
        if caller is None:
            return self._with_new_token(authorization, scope, receive, send)
        state["caller"] = caller
        return self.app(scope, receive, send)

    async def _with_new_token(self, authorization: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        """A request whose token isn't remembered, or that has none."""
        if scope["method"] == "OPTIONS":
            await self._pass_options(scope, receive, send)
            return
        began = monotonic()
        scope["state"]["caller"] = await _look_up(self.authenticator, authorization)
        scope["state"]["late"] = monotonic() - began
        await self.app(scope, receive, send)

    async def _pass_options(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer OPTIONS without a token: browsers and tools send it before they have one."""
        if refused := refused_preflight(scope):
            try:
                raise refused
            finally:
                # It holds this call by its traceback, and the request.
                del refused
        await self.app(scope, receive, send)
