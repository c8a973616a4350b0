"""The count of bytes that the doors take in, by which storage knows when large values may have passed through it."""

from typing import Final


class Incoming:
    """Bytes of large bodies and messages that this process has taken in so far: the doors count, storage reads."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


INCOMING: Final = Incoming()
