"""For tests of what is out of memory as soon as it is over, and not only when the garbage collector comes."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType


class Held:
    """Something of a request, such as its body."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def tracebacks() -> int:
    """How many there are in memory."""
    return sum(isinstance(one, TracebackType) for one in gc.get_objects())
