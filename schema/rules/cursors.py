"""Cursors: opaque positions in a list or among events. A cursor names what it belongs to, so that it can't be used elsewhere."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from .errors import BadRequest, CursorExpired

EPOCH = 0
"""The database's history that positions belong to; it changes where a history ends, such as when a backup is restored."""

MAX_CURSOR = 8_192
_SHOWN = 40


@lru_cache(maxsize=1_024)
def workspace_tag(workspace_id: str) -> str:
    """A short name of a workspace: eight hexadecimal digits."""
    return blake2b(workspace_id.encode(), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class CursorScope:
    """What a cursor belongs to: a list in one order (`place`), a workspace (`tag`), and an epoch of the database."""

    place: str
    tag: str
    epoch: int = EPOCH

    def write(self, values: tuple[Any, ...]) -> str:
        """The cursor of a position, which is told by JSON values."""
        return urlsafe_b64encode(orjson.dumps((self.place, self.tag, self.epoch, *values))).decode()

    def read(self, cursor: str, what: str) -> list[Any]:
        """The values in a cursor; the caller checks them, since a client may have forged them.

        `what` ends the sentence «… is no cursor of …». Raises BadRequest where the cursor belongs elsewhere, CursorExpired where it is of
        another epoch.
        """
        try:
            place, tag, epoch, *values = _decoded(cursor)
        except (ValueError, TypeError):
            raise foreign(cursor, what) from None
        if place != self.place or tag != self.tag or type(epoch) is not int:
            raise foreign(cursor, what)
        if epoch != self.epoch:
            raise CursorExpired("The cursor is from before the database was restored: read the list again from its beginning.")
        return list(values)


def _decoded(cursor: str) -> Any:
    if len(cursor) > MAX_CURSOR:
        raise ValueError
    return orjson.loads(urlsafe_b64decode(cursor.encode("ascii")))


def foreign(cursor: str, what: str) -> BadRequest:
    """The error for a cursor that isn't one of `what`."""
    shown = cursor if len(cursor) <= _SHOWN else f"{cursor[: _SHOWN - 3]}..."
    return BadRequest(f"{shown!r} is no cursor of {what}.")
