"""Parses a connection's bytes: one request at a time, bounded in every part.

Bytes are given to the parser up to the end of a request and no further. What a client sends ahead stays bytes, at most two reads of the
socket, and reading pauses meanwhile: a thousand requests sent at once cost no more memory than one, and are answered one after the other.
"""

import asyncio
import re
from typing import Final, Literal

import httptools
from typing_extensions import override
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from gateway.edge.bodies import SMALL
from gateway.settings import Settings
from rest_compat.errors import HeadersTooLarge, HttpError, MalformedHttp
from schema.values import Value

from .exchange import Exchange, ReadFlowControl
from .large_headers import LargeHeaders
from .request_target import check_codings, decoded_path, encoded_target, malformation, origin_form
from .upgrades import is_websocket, without_upgrade

MOST_HEADERS: Final = 256
#: Bytes that one connection may have parsed in one turn of the event loop.
TURN_BYTES: Final = 65_536
#: Bytes that the sizes, extensions and trailers of chunks may take: so many, and so many times the body.
CHUNK_BYTES: Final = 65_536
CHUNK_FACTOR: Final = 8
#: Bytes of a body that are read and thrown away after its request was answered.
UNREAD_BYTES: Final = 8 * 1_048_576
END: Final = b"\r\n\r\n"
#: What may stand between requests (RFC 9112 section 2.2).
BLANK: Final = re.compile(rb"[\r\n]*")

#: What a connection waits for: a request, the rest of its headers or of its body, or the answer to it.
Phase = Literal["idle", "headers", "body", "answer"]
HEADERS: Phase = "headers"


class RequestParser(LargeHeaders):
    """Cuts what comes into requests, counts it, and lets the next one begin when the one before it is answered."""

    flow: ReadFlowControl
    cycle: Exchange

    def __init__(self, *arguments: Value, **named: Value) -> None:
        super().__init__(*arguments, **named)
        self.settings: Settings = self.app_state["application"].settings
        self.phase: Phase = "idle"
        self.headers = []
        #: What has come and isn't parsed yet, from `at` on; `tail` is the end of what was parsed last, since END may come in two reads.
        self.ahead, self.at, self.tail = b"", 0, b""
        #: Bytes of this request's headers; then those of its body as it came, and of what it holds.
        self.size = self.body_size = 0
        #: Bytes of the body that are still to come by its Content-Length; None before anyone has looked, -1 where it comes in chunks.
        self.left: int | None = None
        #: The headers of a request that asks for another protocol, to be parsed again without that; empty for a WebSocket.
        self.again: bytes | None = None
        self.due = self.stopping = False
        self.timer: asyncio.TimerHandle | None = None

    def leave(self) -> None:
        """End without a word."""
        self.ending = True
        self.transport.close()

    def await_more(self) -> None:
        """Time what is still to come."""
        raise NotImplementedError

    def be_idle(self) -> None:
        """A request is over."""
        raise NotImplementedError

    def open_websocket(self) -> None:
        """The handshake of one has come."""
        raise NotImplementedError

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = ReadFlowControl(transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.ahead, self.ending = b"", True
        # The application hears of the end by its exchange, which large headers let go of.
        super().connection_lost(exc)
        self.forget_head()

    @override
    def data_received(self, data: bytes) -> None:
        if self.phase == "idle" and not self.ahead and not self.ending:
            end = data.find(END) + 4
            if len(END) <= end <= self.settings.header_limit and data[0] not in b"\r\n":
                self._take_whole(data, end)
                return
        if not self.ending:
            self.ahead, self.at = self.ahead[self.at :] + data, 0
            self._proceed()

    def _take_whole(self, data: bytes, end: int) -> None:
        """Parse headers, which go to `end`, and what came behind them. Nothing or the whole body, as a rule: then no more is awaited."""
        self.phase, self.size, self.tail = HEADERS, end, b""
        if end > SMALL and not self.may_hold(end):
            return
        coming = len(data) - end
        self._parse(data if not coming else data[:end])
        if coming:
            if self.phase != "body" or self.ending or self._length() != coming:
                self.ahead, self.at = data, end
                self._proceed()
                return
            self._parse(data[end:])
        if self.phase != "answer" or self.timer is not None:
            self.await_more()

    def _proceed(self) -> None:
        """Parse what has come: until a request is whole and its answer due, or the turn is over. Reading pauses for the rest."""
        turn, coming = self.at + TURN_BYTES, len(self.ahead)
        while self.at < coming and self.phase != "answer" and not self.ending:
            if self.at >= turn:
                self._proceed_soon()
                break
            if self.phase == "idle" and (blank := BLANK.match(self.ahead, self.at)):
                self.at = blank.end()
            start, self.at = self.at, min(self._end(), coming)
            if start < self.at:
                self._take(self.ahead[start : self.at])
        self._hold(more=self.at < coming and not self.ending)
        self.await_more()

    def _proceed_soon(self) -> None:
        if not self.due:
            self.due = True
            self.loop.call_soon(self._on_turn)

    def _on_turn(self) -> None:
        self.due = False
        if not self.ending:
            self._proceed()

    def _hold(self, *, more: bool) -> None:
        if more:
            self.flow.held = True
            self.flow.pause_reading()
            return
        self.ahead, self.at = b"", 0
        if self.flow.held:
            self.flow.held = False
            # A body that nobody reads must not grow: reading goes on once the application reads it.
            if self.phase != "body" or len(self.cycle.body) <= HIGH_WATER_LIMIT:
                self.flow.resume_reading()

    def _end(self) -> int:
        """Where the next piece ends: never beyond the end of a request, which is that of its headers or chunks, or known by its length."""
        if self.phase == "body":
            if self.left is None:
                self.left = self._length()
            if self.left >= 0:
                return self.at + self.left
        if self.tail:
            split = (self.tail + self.ahead[self.at : self.at + 3]).find(END)
            if split >= 0:
                return self.at + split + 4 - len(self.tail)
        found = self.ahead.find(END, self.at)
        return found + 4 if found >= 0 else len(self.ahead)

    def _length(self) -> int:
        """The bytes of the body by its Content-Length, -1 where it comes in chunks. The parser has seen that it is a number."""
        for name, value in self.scope["headers"]:
            if name == b"content-length":
                return int(value)
        return -1

    def _take(self, piece: bytes) -> None:
        """Parse a piece, counted."""
        size = self.size = self.size + len(piece)
        if self.phase == "body":
            if self._is_padded(size, len(piece)):
                return
        else:
            self.phase = "headers"
            if size > self.settings.header_limit:
                self.refuse(HeadersTooLarge(f"over {self.settings.header_limit} bytes"))
                return
            if size > SMALL and not self.may_hold(size):
                return
        self.tail = b"" if piece.endswith(END) else (self.tail + piece[-3:])[-3:]
        self._parse(piece)
        # Counted here too: those that never end would fill the memory.
        if len(self.headers) > MOST_HEADERS:
            self.refuse(HeadersTooLarge(f"more than {MOST_HEADERS}"))

    def _is_padded(self, size: int, coming: int) -> bool:
        """Whether a piece of a body needn't be parsed: its chunks are almost empty, or the rest of the body is not needed."""
        in_chunks = self.left is not None and self.left < 0
        if self.left is not None and not in_chunks:
            self.left -= coming
        if self.cycle.response_complete:
            if size > UNREAD_BYTES:
                self.leave()
        elif in_chunks and size - coming - self.body_size > CHUNK_BYTES + CHUNK_FACTOR * self.body_size:
            self.refuse(MalformedHttp("The request's chunks hold too little for their size."))
        return self.ending

    def _parse(self, piece: bytes) -> None:
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._change()
        except httptools.HttpParserError as error:
            fault = error.__context__
            if isinstance(fault, HttpError):
                self.refuse(fault)
            elif self.phase == HEADERS and len(piece) == self.size and (encoded := encoded_target(piece)) is not None:
                self.parser = httptools.HttpRequestParser(self)
                self._parse(encoded)
            else:
                self.refuse(MalformedHttp(malformation(error)))

    # What the parser finds

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if value.endswith((b" ", b"\t")):
            # The parser leaves them there; they are no part of the value (RFC 9110 section 5.5).
            value = value.rstrip(b" \t")
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        elif name == b"transfer-encoding" and self.phase == HEADERS:
            check_codings([*(each for known, each in self.headers if known == name), value], self.parser.get_http_version())
        self.headers.append((name, value))

    @override
    def on_headers_complete(self) -> None:
        if len(self.headers) > MOST_HEADERS:
            raise HeadersTooLarge(f"more than {MOST_HEADERS}")
        if self.url[:1] != b"/":
            self.url = origin_form(self.url, self.parser.get_method(), self.headers)
        if self.parser.should_upgrade():
            self._note_upgrade()
            return
        self._begin()
        self.phase, self.size, self.body_size, self.left = "body", 0, 0, None
        # What comes behind the chunks is no header of the request (RFC 9110 section 6.5.1): it is counted and not kept.
        self.headers = []

    @override
    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if self.again is not None or cycle.response_complete:
            return
        self.body_size += len(body)
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.wake()

    @override
    def on_message_complete(self) -> None:
        if self.again is not None:
            return
        if self.cycle.response_complete:
            self.be_idle()
            return
        self.phase = "answer"
        self.cycle.more_body = False
        self.cycle.wake()

    @override
    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.phase == "answer":
            self.be_idle()
        elif self.expect_100_continue:
            # Whether the body comes after all is the client's choice: nothing tells it from another request (RFC 9110 section 10.1.1).
            self.leave()
            return
        if self.ahead:
            self._proceed_soon()
        if self.flow.read_paused:
            self.flow.resume_reading()

    def _begin(self) -> None:
        """Call the application for a request whose headers are here."""
        scope, version = self.scope, self.parser.get_http_version()
        target = httptools.parse_url(self.url)
        path = target.path.decode("ascii")
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = decoded_path(path) if "%" in path else path
        scope["raw_path"] = target.path
        scope["query_string"] = target.query or b""
        self.cycle = Exchange(
            scope,
            self.transport,
            self.flow,
            self.server_state.default_headers,
            self.on_response_complete,
            # A client of HTTP/1.0 doesn't know that answer (RFC 9110 section 10.1.1).
            expect_100_continue=self.expect_100_continue and version != "1.0",
            keep_alive=version != "1.0" and self.parser.should_keep_alive() and not self.stopping,
            in_chunks=version != "1.0",
        )
        self._start_asgi_task(self.cycle, self.app)

    def _note_upgrade(self) -> None:
        """A WebSocket is opened by a GET alone. Whatever else is wished for is ignored (RFC 9110 section 7.8): the request is as any other.

        The parser takes what comes behind it for the other protocol, so it gets to see the headers again without the wish.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            raise MalformedHttp("This is no proxy.")
        self.scope["method"] = method.decode("ascii")
        websocket = self.app is self.config.loaded_app and is_websocket(method, version, self.headers)
        self.again = b"" if websocket else without_upgrade(method, self.url, version, self.headers)

    def _change(self) -> None:
        """The headers of a request for another protocol have come."""
        again, self.again = self.again, None
        if again:
            self.parser = httptools.HttpRequestParser(self)
            self._parse(again)
        else:
            self.open_websocket()
