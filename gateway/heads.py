"""The head of an answer, written in one piece: uvicorn looks at each header by two regular expressions, a tenth of a short request."""

from typing import Any, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

#: The bytes that a header may hold, and the ends of lines (RFC 9110 section 5.5).
FINE: Final = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F), *range(0x80, 0x100)])
#: Headers that say how the body ends or the connection goes on: uvicorn reads them.
READ: Final = frozenset({b"connection", b"transfer-encoding"})


class Cycle(RequestResponseCycle):
    """One request and its answer."""

    @override
    async def send(self, message: Any) -> None:
        if not self.response_started and not self.flow.write_paused and self._begin(message):
            return
        await super().send(message)

    def _begin(self, message: Any) -> bool:
        """Write the head of an answer whose length is known and whose connection stays open, and say whether it was one."""
        if message["type"] != "http.response.start" or not self.keep_alive or self.disconnected or self.access_log:
            return False
        headers = [*self.default_headers, *message.get("headers", ())]
        fields = dict(headers)
        length = fields.get(b"content-length")
        if length is None or not READ.isdisjoint(fields):
            return False
        head = b"".join([b"%b: %b\r\n" % header for header in headers])
        if head.translate(None, FINE) or not head.count(b"\n") == head.count(b"\r") == len(headers):
            raise RuntimeError("An answer's header holds the end of a line or a control character.")
        self.response_started, self.waiting_for_100_continue = True, False
        self.expected_content_length, self.chunked_encoding = int(length), False
        self.transport.write(b"%b%b\r\n" % (STATUS_LINE[message["status"]], head))
        return True


class Heads(HttpToolsProtocol):
    """Answers by `Cycle`."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn makes its own by name; nothing has been sent yet.
        cycle.__class__ = Cycle
        super()._start_asgi_task(cycle, app)
