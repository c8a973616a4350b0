"""A cache of parsed headers and query strings, since clients send the same again."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final, TypeVar

#: Texts up to this length are remembered with what they came to, so many of them: long ones would fill the memory.
LONGEST_KEPT: Final = 512
MOST_KEPT: Final = 256

T = TypeVar("T")
Header = TypeVar("Header", str, bytes, "bytes | None")


def cached_parser(read: Callable[[Header], T]) -> Callable[[Header], T]:
    """`read`, of a header's value, with the results of the last short values kept."""
    known = lru_cache(MOST_KEPT)(read)

    @wraps(read)
    def look_up(header: Header) -> T:
        return known(header) if header is None or len(header) <= LONGEST_KEPT else read(header)

    return look_up
