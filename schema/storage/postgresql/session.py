"""One connection to PostgreSQL: what runs on it is timed, and since when it waits for the server can be seen."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from math import inf
from time import monotonic
from zlib import crc32

import asyncpg
from sqlalchemy import Dialect

from schema.storage.database import Row
from schema.storage.statements import POSTGRESQL, Statement
from schema.storage.timing import FAILED, Timing
from schema.values import Value, Values

#: Rows of a write that is run for many of them, sent at once: each portion has the time of a statement.
PORTION = 500


class PostgresqlConnection:
    """A connection, and since when it may be waiting for the server: looked at by the watch, which costs a statement one clock reading."""

    __slots__ = ("generation", "in_transaction", "limit", "raw", "since", "timing")

    dialect: Dialect = POSTGRESQL

    def __init__(self, raw: asyncpg.Connection, generation: int, limit: float, timing: Timing) -> None:
        self.raw = raw
        self.timing = timing
        self.generation = generation
        self.limit = limit
        self.since = inf
        # asyncpg's own word for it is wrong after a value that it couldn't send.
        self.in_transaction = False

    async def fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        began = self.since = monotonic()
        count = FAILED
        try:
            rows: Sequence[Row] = await self.raw.fetch(statement.text, *statement.bind(values))
            count = len(rows)
        finally:
            self.timing.took(statement, monotonic() - began, count)
        return rows

    async def fetch_portions(self, statement: Statement, values: Values, size: int, look: Callable[[Sequence[Row]], None]) -> Sequence[Row]:
        began = monotonic()
        rows: Sequence[Row] = ()
        count = FAILED
        try:
            rows = await self._portions(statement, statement.bind(values), size, look)
            count = len(rows)
        finally:
            self.timing.took(statement, monotonic() - began, count)
        return rows

    async def _portions(
        self, statement: Statement, binds: Sequence[Value], size: int, look: Callable[[Sequence[Row]], None]
    ) -> Sequence[Row]:
        self.since = monotonic()
        # One round trip for whoever has no more than a portion; a cursor takes two for its first.
        rows: list[Row] = await self.raw.fetch(f"{statement.text}\nLIMIT {size + 1}", *binds)
        if len(rows) <= size:
            return rows
        rows.clear()
        # asyncpg's own cursors need its own transactions. It keeps what is prepared by its text: one name for each form of rows.
        cursor = f"portions_{crc32(statement.text.encode()):x}"
        self.since = monotonic()
        await self.raw.execute(f"DECLARE {cursor} NO SCROLL CURSOR FOR {statement.text}", *binds)
        self.since = monotonic()
        while portion := await self.raw.fetch(f"FETCH {size} FROM {cursor}"):
            look(portion)
            rows += portion
            self.since = monotonic()
        await self.command(f"CLOSE {cursor}")
        return rows

    async def execute(self, statement: Statement, values: Values) -> int:
        began = self.since = monotonic()
        count = FAILED
        try:
            status: str = await self.raw.execute(statement.text, *statement.bind(values))
            count = int(status.rpartition(" ")[2])
        finally:
            self.timing.took(statement, monotonic() - began, count)
        return count

    async def execute_many(self, statement: Statement, rows: Iterable[Values]) -> None:
        waiting = iter(rows)
        while portion := [statement.bind(row) for row in islice(waiting, PORTION)]:
            began = self.since = monotonic()
            # asyncpg waits for a full socket to empty even when the connection is cut off: only a cancellation ends that.
            async with asyncio.timeout(self.limit):
                await self.raw.executemany(statement.text, portion)
            self.timing.took(statement, monotonic() - began, len(portion))

    async def begin(self, text: str) -> None:
        """Begins a transaction by `text`."""
        self.in_transaction = True
        await self.command(text)

    async def commit(self) -> None:
        """Raises RuntimeError where there was nothing to commit: a statement had failed, and the work went on as if it hadn't."""
        status = await self.command("COMMIT")
        self.in_transaction = False
        if status != "COMMIT":
            raise RuntimeError("a statement of the transaction had failed: it was rolled back")

    async def recover(self) -> None:
        """Ends what an error has left behind.

        A cancelled statement has ended when the next one is answered; and a value that couldn't be sent leaves its statement prepared but
        not synchronised, in a transaction that the server has begun by itself.
        """
        await self.command("ROLLBACK" if self.in_transaction else "SELECT 1")
        self.in_transaction = False

    async def command(self, text: str) -> str:
        """Return the server's status after running the command `text`."""
        self.since = monotonic()
        status: str = await self.raw.execute(text)
        return status
