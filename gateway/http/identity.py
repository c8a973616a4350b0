"""Who asks: the token of the Authorization header becomes the caller in `scope["state"]["caller"]`."""

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.auth import Authenticator, AuthError

from .faults import Unauthenticated
from .operations import database_faults


class Identified:
    """Lets only those pass whose token is known."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self.app = app
        self.cached = authenticator.cached
        self.authenticate = authenticator.authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope["state"]
        token = state["headers"].get(b"authorization")
        authorization = None if token is None else token.decode("latin-1")
        caller = self.cached(authorization) if authorization else None
        if caller is None:
            try:
                with database_faults():
                    caller = await self.authenticate(authorization)
            except AuthError as error:
                raise Unauthenticated(error.message) from None
        state["caller"] = caller
        await self.app(scope, receive, send)
