"""What a connection's client has not taken yet: it counts towards what waits to be sent, and a client that takes nothing is dropped."""

import asyncio
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http.unsent import Unsent


class Outflow(HttpToolsProtocol):
    """The transport says when more than a little waits, and when it is gone again: nothing is done for clients that read.

    A client has `slow_reader_timeout` seconds to take what waits at once (some 100 KB: long answers are written in portions).
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.unsent: Unsent = self.app_state["application"].unsent
        self.reader_timeout: float = self.app_state["application"].settings.slow_reader_timeout
        self.untaken = 0
        self.reader_timer: asyncio.TimerHandle | None = None

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self.untaken = self.transport.get_write_buffer_size()
        self.unsent.add(self.untaken)
        self.reader_timer = self.loop.call_later(self.reader_timeout, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._taken()
        super().connection_lost(exc)

    def _taken(self) -> None:
        if self.reader_timer is not None:
            self.reader_timer.cancel()
            self.reader_timer = None
            self.unsent.remove(self.untaken)
