"""uvicorn's HTTP protocol with what it lacks: time limits, bounds, a place in the count of connections, and errors in JSON."""

import asyncio
import contextlib
import socket
from typing import Final, Literal

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.edge.request_scope import NOSNIFF
from rest_compat.errors import HttpError, MalformedHttp, RequestTimeout, Unavailable, error_answer
from schema.values import Value

from .connections import IDLE, READING, SENDING, UNKNOWN, ConnectionLimits, HeldConnection, IdleConnection, held_by
from .request_parser import RequestParser
from .write_flow_control import WriteFlowControl

SILENCE_MILLISECONDS: Final = 30_000
#: An answer that is a connection's last has so long to be read before the connection is closed (RFC 9112 section 9.6).
LINGER_SECONDS: Final = 1.0
#: When the process stops, a client that is connected and silent has so long to ask once more.
LAST_SECONDS: Final = 1.0

RequestPart = Literal["headers", "body"]


class HttpProtocol(WriteFlowControl, RequestParser):
    """Closes connections that are late (408), too large (431), no HTTP/1.1 (400) or too many (503), and says so.

    The timers are only set for requests that don't come in one piece, so the others cost nothing.
    """

    def __init__(self, *arguments: Value, **named: Value) -> None:
        super().__init__(*arguments, **named)
        self.connected: ConnectionLimits = self.app_state["application"].connections
        self.idle_since = 0.0
        self.timed: RequestPart | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _give_up_on_silence(transport)
        self._time("headers")
        if turned_away := self.connected.admit(self, self.connections):
            self.app, self.stopping = turned_away, True

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._time(None)
        # Else it would keep the connection's last request in memory for as long as an idle one is kept.
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    @override
    def open_websocket(self) -> None:
        self.ending = True
        self._time(None)
        self._unset_keepalive_if_required()
        self._hold(more=False)
        self.handle_websocket_upgrade()
        protocol: Value = self.transport.get_protocol()
        # The parser and this protocol hold each other, and the request; nobody tells them of the connection's end.
        self.parser = self.scope = None  # type: ignore[assignment]
        self.headers, self.url = [], b""
        protocol.head, self.head = self.head, None
        if not protocol.handshake_initiated:
            self.transport.write(_raw(MalformedHttp("This is no handshake of a WebSocket."), self.server_state.default_headers))
            self.transport.close()
        else:
            protocol.handshake_timer = self.loop.call_later(self.settings.header_timeout, _give_up_on_handshake, protocol)

    # Times

    @override
    def await_more(self) -> None:
        """Time what is still to come of a request. Most come in one piece, and there is nothing to time between them."""
        incoming: RequestPart | None = self.phase if self.phase in {"headers", "body"} else None
        if incoming is not self.timed and not self.ending and (self.phase != "idle" or not self.timed):
            self._time(incoming)

    def _time(self, part: RequestPart | None) -> None:
        """Give `part` its time to come in."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.timed = part
        if part is not None:
            if part == "body":
                # Who asks may have lost that right when the rest comes: see `edge/bodies.py`.
                self.scope["state"]["late_body"] = True
            seconds = self.settings.header_timeout if part == "headers" else self.settings.body_timeout
            self.timer = self.loop.call_later(seconds, self._late, part, seconds)

    def _late(self, part: RequestPart, seconds: float) -> None:
        if self.phase == "body" and self.cycle.response_complete:
            self.leave()
        else:
            self.refuse(RequestTimeout(part, seconds))

    @override
    def be_idle(self) -> None:
        """Between two requests. The timer goes on over many of them, and looks when it rings."""
        self.phase, self.size = "idle", 0
        if self.head is not None:
            self.forget_head()
        if self.timer is not None:
            self._time(None)
        self.idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    @override
    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self.phase == "idle":
            left = self.idle_since + self.timeout_keep_alive - self.loop.time()
            if left <= 0:
                self.leave()
            else:
                self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)

    # Ends

    def waiting(self) -> IdleConnection | None:
        """The event loop's time since which this connection waits for its client; None while the client waits for us."""
        if self.timer is not None:
            unknown = self.timed == "headers"
            seconds = self.settings.header_timeout if unknown else self.settings.body_timeout
            return IdleConnection(UNKNOWN if unknown else SENDING, self.timer.when() - seconds, self)
        if (since := self.reads_since()) is not None:
            return IdleConnection(READING, since, self)
        return IdleConnection(IDLE, self.idle_since, self) if self.phase == "idle" else None

    def held(self) -> HeldConnection | None:
        """The stream that it is, if it is one."""
        cycle = self.cycle
        return None if self.phase != "answer" or cycle is None or cycle.response_complete else held_by(cycle.scope, self)

    @override
    def shutdown(self) -> None:
        """Begin the stop: requests in work are answered, and each connection may send one more request soon."""
        self.stopping = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
        elif self.phase == "idle":
            self.loop.call_later(LAST_SECONDS, self._leave_if_idle)

    def _leave_if_idle(self) -> None:
        if self.phase == "idle":
            self.leave()

    def give_way(self) -> None:
        """Close at once, in favour of another connection. A client that is between two requests sees an end that it knows."""
        if self.reader_timer is not None:
            self.transport.abort()
            return
        if self.phase != "idle" or self.timed:
            self._answer(Unavailable("Too many connections are open. Try again in a moment."))
        self.leave()

    @override
    def send_400_response(self, msg: str) -> None:
        self.refuse(MalformedHttp(msg))

    @override
    def refuse(self, fault: HttpError) -> None:
        """Answer instead of the application, and close later: closing while bytes arrive would reset the connection and lose the answer."""
        if self.ending or self.transport.is_closing():
            return
        self.connected.refused(fault)
        self._answer(fault)
        self.ending = True
        self._time(None)
        self._hold(more=False)
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _answer(self, fault: HttpError) -> None:
        """Answer unless a response has begun; the application receives a disconnect."""
        waiting = self.cycle is not None and not self.cycle.response_complete
        if not (waiting and self.cycle.response_started):
            self.transport.write(_raw(fault, self.server_state.default_headers))
        if waiting:
            self.cycle.disconnected = True
            self.cycle.wake()


def _give_up_on_silence(transport: asyncio.Transport) -> None:
    """A peer that takes nothing of what we have for it can't keep the connection: closing it nicely would wait for it for ever."""
    if hasattr(socket, "TCP_USER_TIMEOUT") and (connection := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MILLISECONDS)


def _give_up_on_handshake(protocol: Value) -> None:
    if not protocol.handshake_complete:
        protocol.transport.close()


def _raw(fault: HttpError, headers: list[tuple[bytes, bytes]]) -> bytes:
    status, own, body = error_answer(fault)
    own = [*headers, *own, NOSNIFF, (b"content-length", b"%d" % len(body)), (b"connection", b"close")]
    return b"%b%b\r\n%b" % (STATUS_LINE[status], b"".join(b"%b: %b\r\n" % header for header in own), body)
