"""The headers of a request, if they are large: counted over all connections for as long as they are held."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.edge.shared_memory import MemoryHold
from rest_compat.errors import HttpError, Unavailable
from schema.values import Value


class LargeHeaders(HttpToolsProtocol):
    """Counts headers from their coming in until their request is over. All connections share one room, as one token shares it."""

    def __init__(self, *arguments: Value, **named: Value) -> None:
        super().__init__(*arguments, **named)
        self.head: MemoryHold | None = None
        self.ending = False

    def refuse(self, fault: HttpError) -> None:
        """Answer instead of the application, and end."""
        raise NotImplementedError

    def may_hold(self, size: int) -> bool:
        """Whether there is room for headers of `size` bytes; the request is refused where there isn't."""
        if self.head is None:
            self.head = MemoryHold(self.app_state["application"].bodies, "")
        try:
            self.head.grow(size)
        except Unavailable:
            self.refuse(Unavailable("Too many requests with large headers are open at once. Try again in a moment."))
        return not self.ending

    def forget_head(self) -> None:
        """Hold nothing of a request whose headers are large: it is over."""
        if self.head is not None:
            self.head.release()
            self.head = self.cycle = self.scope = None  # type: ignore[assignment]
            self.headers, self.url = [], b""
