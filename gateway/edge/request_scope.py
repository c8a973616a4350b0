"""The outermost layer: gives each request its id, answers errors, and reports each request to logs and metrics."""

import re
from collections.abc import Awaitable, Callable
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.observability.current_request import REQUEST_ID
from rest_compat.errors import STATUS, Headers, HttpError, InternalError, MalformedRequest, MethodNotAllowed, NotFound
from schema.values import Object

from .cors import refused_preflight
from .respond import refuse, refuse_socket

SANE: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}").fullmatch
CLIENT_GONE: Final = 499
#: RFC 9112, section 3.2: a name, an address, or an IPv6 address in brackets; and a port.
HOST: Final = re.compile(rb"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
#: Headers whose value is no list, of those that are read: which of two counts would be anybody's guess.
SINGULAR: Final = (b"authorization", b"content-length", b"content-type", b"host", b"idempotency-key", b"origin")
CLOSE: Final = (b"connection", b"close")
#: Hosts that are known to be such, each of at most 260 bytes.
MOST_HOSTS: Final = 256
#: No browser is to take an answer for something else than it says.
NOSNIFF: Final = (b"x-content-type-options", b"nosniff")

#: Told once a request: its scope, the status sent (499 if the client left), the seconds it took, and the bytes of the answer's body.
ObserveRequest = Callable[[Scope, int, float, int], None]
#: Extra headers for error answers that were raised before the REST layer could add them.
Notices = Callable[[Scope], Headers]
#: Told of an exception that nothing expected.
Complain = Callable[[Scope, Exception], None]


class ClientGone(Exception):
    """The client left before its answer was sent."""


class RequestScope:
    """Gives each request an id (the client's, if it is well-formed), answers errors and defects, and calls `observe` and `complain`.

    While the process is `stopping` each answer is its connection's last: a client that finds that out by itself loses a request.
    Each answer carries `headers`.
    """

    def __init__(
        self,
        app: ASGIApp,
        observe: ObserveRequest,
        complain: Complain,
        notices: Notices,
        stopping: Callable[[], bool],
        headers: Headers | None = None,
    ) -> None:
        self.app = app
        self.headers: Headers = [NOSNIFF, *(headers or [])]
        self.notices = notices
        self.stopping = stopping
        self.observe = observe
        self.complain = complain
        #: Hosts that were asked for and are such.
        self._hosts: set[bytes] = set()
        # Unique over processes by the prefix, within one by the counter: a fraction of what a UUID costs.
        self._next_id = map((token_hex(6).encode() + b"-%x").__mod__, count(1)).__next__

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        out, headers = self._open(scope), scope["state"]["headers"]
        wrong = None if len(headers) == len(scope["headers"]) else _join(scope)
        if headers.get(b"host") not in self._hosts:
            wrong = wrong or self._strange_host(scope)
        if scope["type"] == "websocket":
            await (self.app(scope, receive, send) if wrong is None else refuse_socket(send, wrong))
            return
        started, status, size = perf_counter(), 0, 0

        def tell(message: Message) -> Awaitable[None]:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                if self.stopping():
                    out.append(CLOSE)
                message["headers"] = [*message["headers"], *out]
            else:
                size += len(message.get("body", b""))
            return send(message)

        try:
            await (self.app(scope, receive, tell) if wrong is None else self._answer(scope, tell, wrong, begun=False))
        except Exception as error:  # noqa: BLE001  whatever it is, it is answered and told of
            await self._answer(scope, tell, error, begun=bool(status))
        finally:
            self.observe(scope, status or CLIENT_GONE, perf_counter() - started, size)

    def _open(self, scope: Scope) -> Headers:
        """The request's own state: its headers by name, its id, and the headers that its answer will carry (`out`)."""
        state: Object = scope.setdefault("state", {})
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request_id = headers.get(b"x-request-id")
        if request_id is None or not SANE(request_id):
            request_id = self._next_id()
        out: Headers = [(b"x-request-id", request_id), *self.headers]
        state["headers"], state["request_id"], state["out"] = headers, request_id, out
        REQUEST_ID.set(request_id)
        return out

    async def _answer(self, scope: Scope, send: Send, error: Exception, *, begun: bool) -> None:
        """Answer the error. If an answer has begun, the server cuts the connection, so that half an answer is not taken for a whole one."""
        if isinstance(error, ClientGone):
            return
        fault = error if isinstance(error, HttpError) else _web_fault(error)
        if fault is None:
            self.complain(scope, error)
            fault = InternalError()
        state = scope["state"]
        state["error"], state["reason"] = fault.code, fault.reason or fault.code.lower()
        if begun:
            try:
                raise error
            finally:
                # It holds this call by its traceback, and the request.
                del error, fault
        if isinstance(fault, MethodNotAllowed) and scope["method"] == "OPTIONS":
            refused = refused_preflight(scope)
            if refused is None:
                await _answer_options(send, fault.allow)
                return
            fault = refused
        state["out"] += self.notices(scope)
        await refuse(scope, send, fault)

    def _strange_host(self, scope: Scope) -> MalformedRequest | None:
        """Return the error of a Host header that was not checked before, if any (RFC 9112 section 3.2). HTTP/1.0 needs none."""
        host = scope["state"]["headers"].get(b"host")
        if host is None:
            return MalformedRequest("Host: HTTP/1.1 requires this header.") if scope.get("http_version") == "1.1" else None
        if host and not HOST.fullmatch(host):
            return MalformedRequest("Host: Allowed are a host name or an address, and a port.")
        if len(self._hosts) < MOST_HOSTS:
            self._hosts.add(host)
        return None


async def _answer_options(send: Send, allow: str) -> None:
    """Send what a page can do."""
    known = allow if "OPTIONS" in allow else f"{allow}, OPTIONS"
    await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", known.encode())]})
    await send({"type": "http.response.body", "body": b""})


def _join(scope: Scope) -> MalformedRequest | None:
    """Join the values of headers that are there more than once; what is wrong with that, where one of them is no list (RFC 9110, 5.3)."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name, []).append(value)
    scope["state"]["headers"] = {name: b", ".join(values) for name, values in found.items()}
    twice = next((name for name in SINGULAR if len(found.get(name, ())) > 1), None)
    return MalformedRequest(f"{twice.decode().title()}: This header may be sent once only.") if twice else None


def _web_fault(error: Exception) -> HttpError | None:
    """Return the HttpError for a starlette HTTPException; None for other exceptions."""
    if not isinstance(error, HTTPException):
        return None
    if error.status_code == STATUS["METHOD_NOT_ALLOWED"]:
        return MethodNotAllowed("This page can only be read: use GET or HEAD.", "GET, HEAD")
    return NotFound("There is nothing at this address.")
