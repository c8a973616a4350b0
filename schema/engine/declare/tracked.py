"""Fields that most records have: when they were created and changed, and a version that clients compare."""

from schema.engine.types.scalars import DateTime

from .columns import field
from .sql import Record


class Tracked(Record):
    """Records whose changes are numbered and dated."""

    created_at: DateTime = field("When the record was created, in UTC.", read_only=True, filters=True, orders="f")
    updated_at: DateTime = field("When the record was last changed, in UTC.", read_only=True, filters=True, orders="g")
    version: int = field("The version of the record: a number that grows by one with every change.", default=1, read_only=True)
