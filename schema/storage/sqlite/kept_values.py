"""What prepared statements keep of their values: SQLite holds a copy of each until its statement runs again, or is dropped.

Python's module has no call that clears them (`sqlite3_clear_bindings`), but drops the statement that was used least recently.
"""

import sqlite3
from typing import Final

from schema.storage.incoming import INCOMING

STATEMENTS: Final = 256
"""Prepared statements a connection, of which there are six: one of the gateway's takes up to 10 KB."""
KEPT_BYTES: Final = 4_194_304
"""Bytes of large bodies that the process takes in before a connection, with its next statement, drops all that it has prepared (1 ms)."""


def drop_statements(raw: sqlite3.Connection) -> int:
    """Let short statements take the places of all that are prepared. Returns the count of incoming bytes at which that is due again."""
    for number in range(STATEMENTS):
        raw.execute(f"SELECT {number}").fetchone()
    return INCOMING.bytes + KEPT_BYTES
