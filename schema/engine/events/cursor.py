"""The position of an event: the revision of its workspace that it came with, and its place among the events of that revision."""

from dataclasses import dataclass

from schema.rules.cursors import EPOCH, CursorScope, foreign, read_anywhere, workspace_tag

#: Comes after every place of a revision.
LAST_PLACE = 2**31 - 1
_MAX_REVISION = 2**62
_PLACE = "event"
_NUMBERS = 2
_WHAT = "an event of this workspace: pass the `cursor` of the last event that you saw"


@dataclass(frozen=True, slots=True, order=True)
class EventPosition:
    """A place in a workspace's events."""

    revision: int
    place: int


BEGINNING = EventPosition(0, 0)
"""Comes before every event: a workspace's first revision is 1."""


def end_of(revision: int) -> EventPosition:
    """The position behind the last event of a revision."""
    return EventPosition(revision, LAST_PLACE)


def write_cursor(workspace_id: str, position: EventPosition, epoch: int = EPOCH) -> str:
    """The cursor of an event of a workspace, in an epoch of the database."""
    return CursorScope(_PLACE, workspace_tag(workspace_id), epoch).write((position.revision, position.place))


def read_cursor(workspace_id: str, cursor: str) -> tuple[EventPosition, int]:
    """The position in a cursor, and the epoch that it was written in.

    Raises BadRequest where it is no cursor of this workspace's events.
    """
    origin, numbers = read_anywhere(cursor, _PLACE, _WHAT)
    if origin.tag != workspace_tag(workspace_id):
        raise foreign(cursor, _WHAT)
    if len(numbers) != _NUMBERS or not all(type(number) is int for number in numbers):
        raise foreign(cursor, _WHAT)
    revision, place = numbers
    if not (0 <= revision < _MAX_REVISION and 0 <= place <= LAST_PLACE):
        raise foreign(cursor, _WHAT)
    return EventPosition(revision, place), origin.epoch
