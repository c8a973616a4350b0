"""The position of an event: its workspace's revision, its place in that transaction, and when it was, to know what is too old."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime

import orjson

from ..rules.errors import BadRequest

_NUMBERS = 3


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a workspace's events."""

    revision: int
    place: int


def write_cursor(position: Position, at: str) -> str:
    """The cursor of an event at `position`, which happened `at`."""
    seconds = int(datetime.fromisoformat(at).timestamp())
    return urlsafe_b64encode(orjson.dumps(("e", position.revision, position.place, seconds))).decode()


def read_cursor(cursor: str) -> tuple[Position, int]:
    """The position in a cursor, and the seconds since 1970 when it was. Raises BadRequest for anything else."""
    try:
        mark, *numbers = orjson.loads(urlsafe_b64decode(cursor.encode("ascii")))
    except (ValueError, TypeError):
        mark, numbers = None, []
    if mark != "e" or len(numbers) != _NUMBERS or not all(type(number) is int and 0 <= number < 2**62 for number in numbers):
        message = "`since` is no cursor of an event: pass the `cursor` of the last event that you saw."
        raise BadRequest(message)
    return Position(numbers[0], numbers[1]), numbers[2]
