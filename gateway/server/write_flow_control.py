"""Flow control of writes: unsent bytes count towards the process's bound, and a client that reads nothing is dropped."""

import asyncio
from typing import Final

from typing_extensions import override

from gateway.edge.unsent_bytes import STALL_SECONDS, UnsentBytes
from schema.values import Object, Value

#: A client that leaves something waiting again after a shorter time than this still reads the same answer.
GAP_SECONDS: Final = 0.1


class WriteFlowControl(asyncio.Protocol):
    """The transport says when more than a little waits (64 KB), and when it is gone again: nothing is done for clients that read.

    A client that takes nothing of what waits for it for `slow_reader_timeout` seconds is dropped; one that takes a little goes on.
    """

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    app_state: Object

    def __init__(self, *arguments: Value, **named: Value) -> None:
        super().__init__(*arguments, **named)
        self.unsent: UnsentBytes = self.app_state["application"].unsent
        self.reader_timeout: float = self.app_state["application"].settings.slow_reader_timeout
        self.reader_timer: asyncio.TimerHandle | None = None
        self.counted = self.untaken = 0
        self.held_since = self.taken_at = float("-inf")

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        now = self.loop.time()
        if now - self.taken_at > GAP_SECONDS:
            self.held_since = now
        self.counted = self.transport.get_write_buffer_size()
        self.unsent.add(self.counted)
        self.unsent.readers.add(self)
        self._time_reader()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self.taken_at = self.loop.time()
        self._forget_reader()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_reader()
        super().connection_lost(exc)

    def reads_since(self) -> float | None:
        """The event loop's time since which the client has read nothing; None while nothing waits to be sent."""
        return None if self.reader_timer is None else self.reader_timer.when() - self.reader_timeout

    def slow_since(self) -> float | None:
        """Return the time since which bytes wait, if the client has read nothing for a while, or had time enough to read all of them."""
        now, stalled = self.loop.time(), self.reads_since()
        slow = stalled is not None and (now - stalled > STALL_SECONDS or now - self.held_since > self.reader_timeout)
        return self.held_since if slow else None

    def drop(self) -> None:
        """End at once what nobody reads."""
        self.transport.abort()

    def _time_reader(self) -> None:
        self.untaken = self.transport.get_write_buffer_size()
        self.reader_timer = self.loop.call_later(self.reader_timeout, self._look_at_reader)

    def _look_at_reader(self) -> None:
        if self.transport.get_write_buffer_size() < self.untaken:
            self._time_reader()
        else:
            self.drop()

    def _forget_reader(self) -> None:
        if self.reader_timer is not None:
            self.reader_timer.cancel()
            self.reader_timer = None
            self.unsent.readers.discard(self)
            self.unsent.remove(self.counted)
