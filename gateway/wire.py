"""uvicorn's HTTP protocol with what it lacks: time limits for headers and bodies, a bound on headers, and faults told in JSON.

The timers are only set for requests that don't come in one piece, so the others cost nothing.
"""

import asyncio
import contextlib
import socket
from typing import Any, Final, Literal

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.http.faults import Fault, HeadersTooLarge, Malformed, TooSlow, rest_body
from gateway.settings import Settings

SILENCE_MILLISECONDS: Final = 30_000
Part = Literal["headers", "body"]
TIMERS: Final[dict[Part, str]] = {"headers": "header_timeout", "body": "body_timeout"}


class Wire(HttpToolsProtocol):
    """Closes connections whose headers or body don't come in time (408) or whose headers are too large (431)."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.settings: Settings = self.app_state["application"].settings
        self.timed: Part | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.header_bytes = 0
        #: The scope of the latest request that has come whole.
        self.whole: object | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _give_up_on_silence(transport)
        self._time("headers")

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._time(None)
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Most requests come in one piece, and there is nothing to time between them.
        incoming = self._incoming()
        if incoming is not self.timed:
            self._time(incoming)
        if incoming != "headers":
            self.header_bytes = 0
            return
        self.header_bytes += len(data)
        if self.header_bytes > self.settings.header_limit:
            self._refuse(HeadersTooLarge(self.settings.header_limit))

    def _incoming(self) -> Part | None:
        """What of a request is still to come. Its scope has a path once its headers have come (uvicorn's `on_headers_complete`)."""
        if self.scope is self.whole and self.scope is not None:
            return None
        return "body" if self.scope and "path" in self.scope else "headers"

    @override
    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.whole = self.scope

    @override
    def handle_websocket_upgrade(self) -> None:
        self.whole = self.scope
        super().handle_websocket_upgrade()

    @override
    def send_400_response(self, msg: str) -> None:
        self._refuse(Malformed(msg))

    def _time(self, part: Part | None) -> None:
        """Give `part` its time to come in."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.timed = part
        if part is not None:
            seconds: float = getattr(self.settings, TIMERS[part])
            self.timer = self.loop.call_later(seconds, self._late, part, seconds)

    def _late(self, what: Part, seconds: float) -> None:
        self._refuse(TooSlow(what, seconds))

    def _refuse(self, fault: Fault) -> None:
        """Answer in the application's stead, which is told that its client has left, and close."""
        if self.transport.is_closing():
            return
        waiting = self.cycle is not None and not self.cycle.response_complete
        if not (waiting and self.cycle.response_started):
            self.transport.write(_raw(fault, self.server_state.default_headers))
        if waiting:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()


def _give_up_on_silence(transport: asyncio.Transport) -> None:
    """A peer that takes nothing of what we have for it can't keep the connection: closing it nicely would wait for it for ever."""
    if hasattr(socket, "TCP_USER_TIMEOUT") and (connection := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MILLISECONDS)


def _raw(fault: Fault, headers: list[tuple[bytes, bytes]]) -> bytes:
    body = rest_body(fault)
    own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    lines = b"".join(b"%b: %b\r\n" % header for header in [*headers, *own])
    return b"%b%b\r\n%b" % (STATUS_LINE[fault.status], lines, body)
