"""Cursors: opaque positions in a list or among events. A cursor names what it belongs to, so that it can't be used elsewhere."""

from base64 import b64decode, urlsafe_b64encode
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple

import orjson

from schema.values import Value

from .errors import BadRequest, CursorExpired

EPOCH = 0
"""The epoch of a database that was never restored. Positions belong to an epoch; see `schema/storage/epochs.py`."""

MAX_CURSOR = 32_768
"""Characters of a cursor: more than a position has in an order by seven names, each of 600 characters of four bytes."""
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_SHOWN = 40


@lru_cache(maxsize=1_024)
def workspace_tag(workspace_id: str) -> str:
    """A short name of a workspace: eight hexadecimal digits."""
    return blake2b(workspace_id.encode(), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class CursorScope:
    """The scope of a cursor: a list in one order (`place`), a workspace (`tag`), and an epoch of the database."""

    place: str
    tag: str
    epoch: int = EPOCH

    def write(self, values: tuple[Value, ...]) -> str:
        """Return the cursor of a position, given as JSON values."""
        return urlsafe_b64encode(orjson.dumps((self.place, self.tag, self.epoch, *values))).decode()

    def of_rows(self, places: Sequence[int]) -> Callable[[Sequence[Value]], str]:
        """Return the function that writes a row's cursor from its values at `places`, which are at least two."""
        start = orjson.dumps((self.place, self.tag, self.epoch))[:-1] + b","
        # Three bytes are four letters of Base64: filled up with blanks, the beginning is encoded by itself.
        head = urlsafe_b64encode(start + b" " * (-len(start) % 3)).decode()
        position = itemgetter(*places)
        return lambda row: head + b2a_base64(orjson.dumps(position(row))[1:], newline=False).translate(_URLSAFE).decode()


class Origin(NamedTuple):
    """The origin of a cursor: the workspace's tag, and the epoch of the database."""

    tag: str
    epoch: int


def check_epoch(written_in: int, epoch: int) -> None:
    """Raises CursorExpired where a position was written in another epoch than the database's."""
    if written_in != epoch:
        raise CursorExpired("The cursor is from before the database was restored: read the list again from its beginning.")


def read_anywhere(cursor: str, place: str, what: str) -> tuple[Origin, list[Value]]:
    """Return the origin of a cursor and its values; the caller checks whether the origin fits. Raises BadRequest."""
    try:
        found, tag, written_in, *values = _decoded(cursor)
    except (ValueError, TypeError):
        raise foreign(cursor, what) from None
    if found != place or type(tag) is not str or type(written_in) is not int:
        raise foreign(cursor, what)
    return Origin(tag, written_in), list(values)


def _decoded(cursor: str) -> Value:
    if len(cursor) > MAX_CURSOR:
        raise ValueError
    # Clients that split a link's parameters at each `=` lose those at a cursor's end.
    whole = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
    # Strictly: what isn't of the alphabet would be passed over.
    return orjson.loads(b64decode(whole, altchars=b"-_", validate=True))


def foreign(cursor: str, what: str) -> BadRequest:
    """The error for a cursor that does not belong to `what`."""
    shown = cursor if len(cursor) <= _SHOWN else f"{cursor[: _SHOWN - 3]}..."
    return BadRequest(f"{shown!r} is no cursor of {what}.")
