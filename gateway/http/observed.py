"""The outermost layer: the request's id, the answer to what went wrong, and the one place where each request is told to logs and metrics."""

import re
from collections.abc import Callable
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .faults import Defect, Fault, Headers
from .respond import refuse

SANE: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}").fullmatch
CLIENT_GONE: Final = 499

#: Told once a request: its scope, the status sent (499 if the client left) and the seconds it took.
Observe = Callable[[Scope, int, float], None]
#: Told of an exception that nothing expected.
Complain = Callable[[Scope, Exception], None]


class ClientGone(Exception):
    """The client left before its answer: nobody to tell."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """A request header's value; the last, where a client sends it twice."""
    value: bytes | None = scope["state"]["headers"].get(name)
    return value


def state_of(scope: Scope) -> dict[str, Any]:
    """The request's own state, with its headers by name and the headers that its answer will carry (`out`)."""
    state: dict[str, Any] = scope.setdefault("state", {})
    state["headers"] = dict(scope["headers"])
    state["out"] = []
    return state


class Observed:
    """Gives each request an id (the client's, if it is sane), answers faults and defects, and tells `observe` and `complain`."""

    def __init__(self, app: ASGIApp, observe: Observe, complain: Complain) -> None:
        self.app = app
        self.observe = observe
        self.complain = complain
        # Unique over processes by the prefix, within one by the counter: a fraction of what a UUID costs.
        self._next_id = map((token_hex(6).encode() + b"-%x").__mod__, count(1)).__next__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        started = perf_counter()
        state = state_of(scope)
        request_id = state["headers"].get(b"x-request-id")
        if request_id is None or not SANE(request_id):
            request_id = self._next_id()
        state["request_id"] = request_id
        if scope["type"] == "websocket":
            return await self.app(scope, receive, send)
        out: Headers = state["out"]
        out.append((b"x-request-id", request_id))
        status = 0

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *out]
            await send(message)

        try:
            await self.app(scope, receive, tell)
        except Fault as fault:
            if not status:
                await refuse(scope, tell, fault)
        except ClientGone:
            status = CLIENT_GONE
        except Exception as error:
            self.complain(scope, error)
            if status:
                # Too late for words: the server cuts the connection, so that half an answer isn't taken for a whole one.
                raise
            await refuse(scope, tell, Defect(request_id.decode()))
        finally:
            self.observe(scope, status, perf_counter() - started)
