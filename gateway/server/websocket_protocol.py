"""uvicorn's WebSocket protocol with what it lacks: a budget of frames and bytes, turns between reads, and bounds on what is held.

A frame of no bytes costs as much to parse as one of a hundred, and a read of 64 KB can hold ten thousand: so what comes is parsed in small
pieces, one a turn of the event loop, and reading pauses until all of it is.
"""

import asyncio
from itertools import islice
from typing import Final

from typing_extensions import override
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from gateway.edge.bodies import SMALL
from gateway.edge.shared_memory import MemoryHold
from gateway.settings import Settings
from rest_compat.errors import Unavailable
from schema.values import Value

from .connections import UNKNOWN, HeldConnection, IdleConnection, held_by
from .write_flow_control import WriteFlowControl

#: Bytes that are parsed in one turn of the event loop: 341 frames of nothing, which take some 4 ms.
PIECE: Final = 2_048
#: A socket may use so many seconds' worth of its budget at once.
BURST_SECONDS: Final = 3
#: How long a client that sent too much has to read why it is closed, while what it sends on is thrown away.
LINGER_SECONDS: Final = 1.0
#: With more bytes than this waiting in the connection, the next message waits until most of them are taken.
UNTAKEN: Final = 65_536
#: Of the sub-protocols that a handshake names so many are kept: each takes twenty times the bytes that it came in.
MOST_SUBPROTOCOLS: Final = 16


class TokenBucket:
    """A budget of `a_second` units, of which three seconds' worth may be used at once."""

    __slots__ = ("_at", "_left", "_most", "_rate")

    def __init__(self, a_second: int, now: float) -> None:
        self._rate = a_second
        self._most = self._left = float(a_second * BURST_SECONDS)
        self._at = now

    def spend(self, count: int, now: float) -> bool:
        """Whether `count` more are within the budget."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate) - count
        self._at = now
        return self._left >= 0


def _size(message: Value) -> int:
    """The bytes in which an ASGI event's message came."""
    return len((message.get("text") or "").encode()) or len(message.get("bytes") or b"")


class WebSocketProtocol(WriteFlowControl, WebSocketsSansIOProtocol):
    """Closes sockets that send too many frames or bytes (1008), and reads no more than what it has sent on is read.

    A client that takes nothing of what waits for it for `slow_reader_timeout` seconds is dropped; one that takes a little goes on.
    """

    def __init__(self, *arguments: Value, **named: Value) -> None:
        super().__init__(*arguments, **named)
        settings: Settings = self.app_state["application"].settings
        now = self.loop.time()
        self.frame_rate, self.byte_rate = settings.websocket_frames, settings.websocket_bytes
        self.frame_budget, self.byte_budget = TokenBucket(self.frame_rate, now), TokenBucket(self.byte_rate, now)
        self.opened_at = now
        self.ahead = bytearray()
        self.due = self.ending = False
        #: Bytes of the messages that the application hasn't handled yet, and of the one that it has in hand.
        self.unhandled = self.in_hand = 0
        #: What is counted of all that has come and isn't handled, if that is much.
        self.coming: MemoryHold | None = None
        #: What is counted of the handshake's headers, if they are large.
        self.head: MemoryHold | None = None
        self.handshake_timer: asyncio.TimerHandle | None = None

    def waiting(self) -> IdleConnection | None:
        """The time since which it waits for the client's authentication; None once that has come."""
        known = self.handshake_initiated and "caller" in self.scope["state"]
        return None if known else IdleConnection(UNKNOWN, self.opened_at, self)

    def held(self) -> HeldConnection | None:
        """The socket that it is, once its client is known."""
        return held_by(self.scope, self) if self.handshake_initiated else None

    def give_way(self) -> None:
        """Close at once, in favour of another connection."""
        self.ending = True
        self.conn.fail(CloseCode.TRY_AGAIN_LATER, "Too many connections at once")
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    @override
    def data_received(self, data: bytes) -> None:
        if self.ending:
            return
        if not self.handshake_initiated:
            super().data_received(data)
        elif not self.byte_budget.spend(len(data), self.loop.time()):
            self._end(f"More than {self.byte_rate} bytes a second")
        else:
            self.ahead += data
            if not self.due:
                self._proceed()

    def _proceed(self) -> None:
        """Parses a piece, if the application and the client have taken what came of those before it."""
        self.due = False
        if self.ahead and not self._is_busy() and not self.transport.is_closing():
            piece = bytes(self.ahead[:PIECE])
            del self.ahead[:PIECE]
            super().data_received(piece)
        self._count_coming()
        self._flow()

    def _count_coming(self) -> None:
        """Count the bytes that aren't handled yet, for the caller; unauthenticated clients share one budget."""
        size = self._coming()
        if self.coming is None:
            if size <= SMALL or self.ending:
                return
            owner, _ = self.scope["state"].get("held", ("", 0.0))
            self.coming = MemoryHold(self.app_state["application"].bodies, owner)
        try:
            self.coming.grow(size)
        except Unavailable:
            if self.ending:
                return
            self._end("Too many large messages at once", CloseCode.TRY_AGAIN_LATER)
        if size <= SMALL:
            self._stop_counting()

    def _coming(self) -> int:
        """The bytes that aren't parsed yet, and those of messages that aren't whole, or not handled."""
        return self.unhandled + len(self.ahead) + len(self.conn.reader.buffer) + (len(self.frames[0]) if self.frames else 0)

    def _stop_counting(self) -> None:
        if self.coming is not None:
            self.coming.release()
            self.coming = None

    def _is_busy(self) -> bool:
        """Whether the application has messages to read, or the client answers to read."""
        return self.read_paused or not self.writable.is_set()

    def _flow(self) -> None:
        """Reading goes on while nothing waits."""
        if self.transport.is_closing():
            return
        busy = self._is_busy()
        if self.ahead and not busy and not self.due:
            self.due = True
            self.loop.call_soon(self._proceed)
        hold = (busy or bool(self.ahead)) and not self.ending
        if hold == self.transport.is_reading():
            (self.transport.pause_reading if hold else self.transport.resume_reading)()

    @override
    def handle_events(self) -> None:
        if self.handshake_initiated and not self.frame_budget.spend(len(self.conn.events), self.loop.time()):
            self._end(f"More than {self.frame_rate} frames a second")
        else:
            super().handle_events()

    @override
    def handle_cont(self, event: Frame) -> None:
        # In one piece: a message in frames of a byte each would take sixty times its size.
        if not isinstance(self.frames[0], bytearray):
            self.frames = [bytearray(self.frames[0])]  # type: ignore[list-item]
        self.frames[0] += event.data
        if event.fin:
            self.send_receive_event_to_app()

    @override
    def send_receive_event_to_app(self) -> None:
        if not self.close_sent:  # afterwards messages are thrown away
            self.unhandled += sum(map(len, self.frames))
        super().send_receive_event_to_app()

    def _end(self, reason: str, code: CloseCode = CloseCode.POLICY_VIOLATION) -> None:
        """Close for what the client sends."""
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    @override
    def handle_parser_exception(self) -> None:
        """Tell why it is closed to a client that may have much under way: closing while that comes would reset the connection."""
        self.ending = True
        self.ahead.clear()
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.ABNORMAL_CLOSURE})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        self._flow()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._flow()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._flow()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_counting()
        if self.head is not None:
            self.head.release()
        if self.handshake_timer is not None:
            self.handshake_timer.cancel()
        self.ahead.clear()
        self.ending = True
        super().connection_lost(exc)

    @override
    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        # The scope has them; the library would keep them a second time for as long as the socket is open.
        event.headers.clear()
        if not self.close_sent:
            self.scope["subprotocols"] = [*islice(self.scope["subprotocols"], MOST_SUBPROTOCOLS)]
            self.scope["state"]["writable"] = self.writable.wait

    @override
    async def receive(self) -> Value:
        # The application asks for the next one: it has done with the one before.
        self.unhandled -= self.in_hand
        self.in_hand = 0
        self._count_coming()
        message = await super().receive()
        self.in_hand = _size(message)
        # uvicorn lets reading go on, whatever else is waited for.
        self._flow()
        return message

    @override
    async def send(self, message: Value) -> None:
        """Returns once the client has taken most of what waits for it."""
        if self.ending:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.send" and self.transport.get_write_buffer_size() > UNTAKEN:
            await asyncio.sleep(0)
            await self.writable.wait()
