"""How an answer is written: its head and the first piece of its body in one call to the system, which are one packet to its client."""

from typing import Any, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

#: As uvicorn writes it.
CHUNKED: Final = b"transfer-encoding: chunked\r\n"


class Answers:
    """Stands in for the transport where uvicorn writes a connection's answers.

    A head waits for what comes behind it, which is no wait: who knows a body's length has the body. The head of a stream goes at once.
    """

    def __init__(self, protocol: HttpToolsProtocol) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self.is_closing = protocol.transport.is_closing
        #: The head that waits; None before there is one, empty once it is written.
        self._head: bytes | None = None

    def begin(self, cycle: RequestResponseCycle) -> None:
        """Take what `cycle` writes. Its request is the connection's only one: the next begins when this is answered."""
        self._head = None
        cycle.transport = self  # type: ignore[assignment]

    def write(self, data: Any) -> None:
        """Write a piece of the answer, or `100 Continue`, which comes before it."""
        cycle = self._protocol.cycle
        if self._head:
            self._transport.writelines((self._head, data))
            self._head = b""
        elif self._head is None and cycle.response_started and not cycle.chunked_encoding:
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Write a head that nothing comes behind, such as the answer to HEAD."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        """Close the connection, once all is written."""
        self.flush()
        self._transport.close()


class Delimited(Answers):
    """The answers to HTTP/1.0, which knows no chunks: one whose length isn't known ends with its connection.

    uvicorn cuts it into chunks all the same, each in a write of its own, which are put together again here.
    """

    @override
    def begin(self, cycle: RequestResponseCycle) -> None:
        super().begin(cycle)
        self._is_told = False

    @override
    def write(self, data: Any) -> None:
        if not self._protocol.cycle.chunked_encoding:
            super().write(data)
        elif self._is_told:
            super().write(_without_size(data))
        else:
            self._is_told = True
            super().write(data.replace(CHUNKED, b"", 1))


def _without_size(chunk: bytes) -> bytes:
    """What is in a chunk, and in the one that ends the body behind it."""
    size, _, rest = chunk.partition(b"\r\n")
    return rest[: int(size or b"0", 16)]
