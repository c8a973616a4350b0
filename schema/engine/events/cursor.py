"""The position of an event: the revision of its workspace that it came with, and its place among the events of that revision."""

from dataclasses import dataclass

from schema.rules.cursors import CursorScope, foreign, workspace_tag

#: Comes after every place of a revision.
LAST_PLACE = 2**31 - 1
_MAX_REVISION = 2**62
_NUMBERS = 2
_WHAT = "an event of this workspace: pass the `cursor` of the last event that you saw"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a workspace's events."""

    revision: int
    place: int


BEGINNING = Position(0, 0)
"""Comes before every event: a workspace's first revision is 1."""


def end_of(revision: int) -> Position:
    """The position behind the last event of a revision."""
    return Position(revision, LAST_PLACE)


def write_cursor(workspace_id: str, position: Position) -> str:
    """The cursor of an event of a workspace."""
    return _scope(workspace_id).write((position.revision, position.place))


def read_cursor(workspace_id: str, cursor: str) -> Position:
    """The position in a cursor.

    Raises BadRequest where it is no cursor of this workspace's events, CursorExpired where it is of another epoch of the database.
    """
    numbers = _scope(workspace_id).read(cursor, _WHAT)
    if len(numbers) != _NUMBERS or not all(type(number) is int for number in numbers):
        raise foreign(cursor, _WHAT)
    revision, place = numbers
    if not (0 <= revision < _MAX_REVISION and 0 <= place <= LAST_PLACE):
        raise foreign(cursor, _WHAT)
    return Position(revision, place)


def _scope(workspace_id: str) -> CursorScope:
    return CursorScope("event", workspace_tag(workspace_id))
