"""Work on SQLite without an event loop: coroutines that never suspend, and rows that are read in portions."""

import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeVar

from sqlalchemy import text

from schema.storage.database import Connection, Row
from schema.storage.statements import SQLITE, compile_statement
from schema.values import Value

T = TypeVar("T")


def in_portions(size: int, look: Callable[[Sequence[Row]], None], cursor: sqlite3.Cursor) -> Sequence[Row]:
    """All rows of a statement, of which `look` is shown each full portion of `size`; it ends the reading by raising."""
    rows = cursor.fetchmany(size)
    portion = rows
    while len(portion) == size:
        look(portion)
        portion = cursor.fetchmany(size)
        rows += portion
    return rows


def run_synchronously(work: Coroutine[Value, Value, T]) -> T:
    """The result of a coroutine that never suspends. Raises RuntimeError when it does: it awaited something other than its connection."""
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("work on a database may await nothing but its connection")


async def write_nothing(connection: Connection) -> None:
    """A change that changes nothing."""
    rows = await connection.fetch(compile_statement(SQLITE, text("PRAGMA user_version")), {})
    await connection.execute(compile_statement(SQLITE, text(f"PRAGMA user_version = {rows[0][0]}")), {})
