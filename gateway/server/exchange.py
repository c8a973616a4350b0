"""One request on a connection and the answer to it: uvicorn's cycle, with the answer's head and body in one call to the system."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from typing_extensions import override
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from schema.values import Value

HeaderPairs: TypeAlias = Sequence[tuple[bytes, bytes]]

#: Bytes that no header may have (RFC 9110 section 5.5), but for those that end its line.
CONTROLS: Final = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])
END_OF_LINE: Final = b"\r\n"
CLOSE: Final = (b"connection", b"close")
CHUNKED: Final = (b"transfer-encoding", b"chunked")
#: Statuses of answers without a body.
BODILESS: Final = frozenset({204, 304})


class ReadFlowControl(FlowControl):
    """Reading stays paused while bytes that have come are `held`."""

    held = False

    @override
    def resume_reading(self) -> None:
        if self.read_paused and not self.held:
            super().resume_reading()


class Exchange(RequestResponseCycle):
    """One HTTP exchange: the `receive` and `send` that an application is called with.

    A head waits for what comes behind it, which is no wait: who knows a body's length has the body. The head of a stream goes at once.
    `in_chunks` is False for HTTP/1.0, which knows no chunks: there a body of unknown length ends with its connection.
    """

    logger = logging.getLogger("uvicorn.error")

    def __init__(  # noqa: PLR0913  each is the connection's
        self,
        scope: Value,
        transport: asyncio.Transport,
        flow: ReadFlowControl,
        default_headers: HeaderPairs,
        on_response: Callable[[], None],
        *,
        expect_100_continue: bool,
        keep_alive: bool,
        in_chunks: bool,
    ) -> None:
        self.scope, self.transport, self.flow = scope, transport, flow
        self.default_headers = default_headers  # type: ignore[assignment]
        self.on_response = on_response
        self.waiting_for_100_continue = expect_100_continue
        self.keep_alive = keep_alive
        self.disconnected = self.response_started = self.response_complete = False
        self.body = bytearray()
        self.more_body = True
        #: Whether something has come that nobody has received; the event is there once someone waits for it.
        self.fresh = False
        self._event: asyncio.Event | None = None
        self._in_chunks = in_chunks
        self.chunked_encoding: bool | None = None
        #: Bytes of the body that are still to be sent; None where its length isn't known.
        self._left: int | None = 0
        self._head = b""

    def wake(self) -> None:
        """Something has come: a piece of the body, its end, or the end of the connection."""
        self.fresh = True
        if self._event is not None:
            self._event.set()

    @property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Set as long as something has come that nobody has received."""
        if self._event is None:
            self._event = asyncio.Event()
            if self.fresh:
                self._event.set()
        return self._event

    @override
    async def receive(self) -> Value:
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if not (self.disconnected or self.response_complete):
            self.flow.resume_reading()
            if not self.fresh:
                await self.message_event.wait()
            self.fresh = False
            if self._event is not None:
                self._event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        message = {"type": "http.request", "body": bytes(self.body), "more_body": self.more_body}
        self.body = bytearray()
        return message

    @override
    async def send(self, message: Value) -> None:
        """Send the head, or a piece of the body. Raises RuntimeError for what isn't due, and for a header that would be two."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        due = "http.response.body" if self.response_started else "http.response.start"
        if message["type"] != due or self.response_complete:
            fault = f"The application sent {message['type']}, which is not due."
            raise RuntimeError(fault)
        if self.response_started:
            self._go_on(message.get("body", b""), more=message.get("more_body", False))
        else:
            self._begin(message["status"], message.get("headers", ()))

    def _begin(self, status: int, headers: HeaderPairs) -> None:
        known, lines = dict(headers), [*self.default_headers, *headers]
        if known.get(b"connection") == b"close":
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(CLOSE)
        if (length := known.get(b"content-length")) is not None:
            self._left = int(length)
        elif status not in BODILESS and self.scope["method"] != "HEAD":
            self._left = None
            if self._in_chunks:
                self.chunked_encoding = True
                lines.append(CHUNKED)
        head = _head(status, lines)
        self.response_started, self.waiting_for_100_continue = True, False
        if self._left is None:
            self.transport.write(head)
        else:
            self._head = head

    def _go_on(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            body, self._left = b"", 0
        elif self.chunked_encoding:
            body = _chunk(body, more=more)
        elif self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                fault = "The application sent a body that is not as long as its Content-Length says."
                raise RuntimeError(fault)
        self._write(body)
        if not more:
            self.response_complete = True
            self.wake()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()

    def _write(self, piece: bytes) -> None:
        if self._head:
            head, self._head = self._head, b""
            self.transport.writelines((head, piece))
        elif piece:
            self.transport.write(piece)


def _head(status: int, headers: HeaderPairs) -> bytes:
    pieces = [STATUS_LINE[status]]
    for name, value in headers:
        pieces += (name, b": ", value, END_OF_LINE)
    pieces.append(END_OF_LINE)
    head = b"".join(pieces)
    # Each line has one end and no other control character, or else a header would be two.
    if len(head) - len(head.translate(None, CONTROLS)) != len(END_OF_LINE) * (len(headers) + 2):
        fault = "The application sent a header with a control character."
        raise RuntimeError(fault)
    return head


def _chunk(body: bytes, *, more: bool) -> bytes:
    """A piece of a stream as a chunk (RFC 9112 section 7.1); the last one ends the stream."""
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return chunk if more else chunk + b"0\r\n\r\n"
