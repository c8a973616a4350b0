"""Letting old rows go: in portions, beside the writes, by one process at a time, and never within a request.

A portion is a short transaction of its own, sized by the time that it takes; the pause behind it is many times as long, so that writes
hardly notice. Which process sweeps is kept in the table `sweep`: it holds with any pooler, and ends by itself when a process dies.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from secrets import token_hex
from time import perf_counter
from typing import Final, Protocol

from sqlalchemy import Table, bindparam, delete, exists, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from schema.rules import clock
from schema.sql_types import Bind
from schema.values import Object, Value

from .columns import Instant
from .database import Connection, Database, Figures, StatementTimeout, StorageError
from .statements import Statement
from .tables import Sweep, WorkspaceTable
from .workspace import WORKSPACE, advance_revision

_log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 300.0
TURN_SECONDS: Final = 60
"""Seconds that a process keeps its turn after a portion: much longer than a pause."""
ABSURD_SECONDS: Final = 3_600
"""A turn that ends later than this was taken by a clock that was wrong: it counts as over."""
SECONDS: Final = {"sqlite": (0.002, 0.01), "postgresql": (0.02, 0.05)}
"""Seconds that a portion's statements should take, from and to: half as long as the commit, which a write waits for anyway.
On SQLite all writes wait for them, on PostgreSQL none does."""
PAUSE: Final = 4
"""The pause after a portion, as a multiple of the time of the portion and its commit."""
SMALLEST, LARGEST = 100, 5_000
"""Rows in a portion."""
WORKSPACES: Final = 500
"""The number of workspaces examined by one statement."""

_SWEEP = Sweep.__table__
_WORKSPACES = WorkspaceTable.__table__
_NAME: Final = "old rows"
_OLDEST: Bind = bindparam("oldest", type_=Instant(), required=True)


class NotOurTurn(Exception):
    """It is another process's turn to sweep."""


class OldRows(Protocol):
    """One kind of rows that grow old. `name` is what the log calls them."""

    name: str
    aged: Statement
    """Return for `limit` workspaces with ids after `after`: the id, and whether the workspace has rows older than `oldest`."""
    seconds: float
    """The age in seconds from which rows are removed."""

    async def remove(self, connection: Connection, values: Object) -> int:
        """Remove about `size` rows of a `workspace` older than `oldest`, and return their number: below `size`, none is left."""


@dataclass(slots=True)
class Portion:
    """The number of rows to remove at once: as many as take from `shortest` to `longest` seconds, by the times of the last portions."""

    shortest: float
    longest: float
    size: int = 500

    def took(self, count: int, seconds: float, commit: float) -> None:
        """Note the time that `count` rows took, and their commit. A few say nothing."""
        if count >= self.size // 2:
            wanted = max(self.shortest, min(self.longest, commit / 2))
            fitting = int(count * wanted / max(seconds, 1e-6))
            self.size = max(SMALLEST, min(LARGEST, fitting, self.size * 2))


class Sweeper:
    """Removes old rows of each of `kinds`, again and again."""

    def __init__(self, database: Database, kinds: Sequence[OldRows]) -> None:
        self._database = database
        self._kinds = kinds
        self._turn = database.compile(_take_turn(database.dialect.name))
        self._holder = token_hex(8)
        self._portion = Portion(*SECONDS[database.dialect.name])
        self._ends = dict.fromkeys(("done", "not_our_turn", "failed"), 0)
        self._gone = {kind.name: 0 for kind in kinds}

    def figures(self) -> Figures:
        """The numbers of sweeps by result, and of removed rows by kind."""
        return {
            **{("gateway_sweeps_total", end): count for end, count in self._ends.items()},
            **{("gateway_swept_rows_total", name.replace(" ", "_")): count for name, count in self._gone.items()},
        }

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sweeps in the background for as long as the context lasts."""
        sweeping = asyncio.create_task(self._run())
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)

    async def sweep(self) -> dict[str, int]:
        """Removes all that is old now, and says how many rows of each kind that were. Raises NotOurTurn, StorageError."""
        return {kind.name: await self._all(kind) for kind in self._kinds}

    async def _run(self) -> None:
        while True:
            self._ends[await self._turn_end()] += 1
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _turn_end(self) -> str:
        """Sweeps once. Returns how that ended."""
        try:
            gone = await self.sweep()
        except NotOurTurn:
            return "not_our_turn"
        except StorageError as error:
            _log.warning("removing what is too old: %s", error)
            return "failed"
        except Exception:  # noqa: BLE001  a defect here must not let the tables grow for ever, nor end the process
            _log.exception("removing what is too old")
            return "failed"
        if any(gone.values()):
            _log.info("removed what was too old: %s", ", ".join(f"{count} {name}" for name, count in gone.items()))
        return "done"

    async def _all(self, kind: OldRows) -> int:
        gone, after = 0, ""
        while True:
            values = {"after": after, "limit": WORKSPACES, "oldest": clock.later(clock.now(), -kind.seconds)}
            rows = await self._database.fetch(kind.aged, values)
            for workspace_id, is_aged in rows:
                gone += await self._workspace(kind, workspace_id) if is_aged else 0
            if len(rows) < WORKSPACES:
                return gone
            after = rows[-1][0]

    async def _workspace(self, kind: OldRows, workspace_id: str) -> int:
        """Removes what is old of one workspace, portion by portion."""
        gone = 0
        while True:
            size, began = self._portion.size, perf_counter()
            try:
                count = await self._remove(kind, workspace_id, size)
            except StatementTimeout:
                if size == SMALLEST:
                    raise
                self._portion.size = SMALLEST
                continue
            gone += count
            self._gone[kind.name] += count
            await asyncio.sleep(PAUSE * (perf_counter() - began))
            if count < size:
                return gone

    async def _remove(self, kind: OldRows, workspace_id: str, size: int) -> int:
        now = clock.now()
        turn = {"name": _NAME, "holder": self._holder, "now": now}
        turn |= {"until": clock.later(now, TURN_SECONDS), "never": clock.later(now, ABSURD_SECONDS)}
        values = {"workspace": workspace_id, "oldest": clock.later(now, -kind.seconds), "size": size}

        async def work(connection: Connection) -> tuple[int, float, float]:
            if not await connection.fetch(self._turn, turn):
                raise NotOurTurn
            began = perf_counter()
            return await kind.remove(connection, values), began, perf_counter()

        count, began, removed = await self._database.write(work, long=True)
        self._portion.took(count, removed - began, perf_counter() - removed)
        return count


class DatedRows:
    """Rows of a `table` with `workspace_id` and `created_at` that were made more than `seconds` ago; `name` is what the log calls them.

    `listed`: lists show them, so that their removal raises the workspace's revision: counts of a list are kept by it.
    """

    def __init__(self, database: Database, table: Table, name: str, seconds: float, *, listed: bool = False) -> None:
        self.name = name
        self.seconds = seconds
        self.aged = database.compile(_aged(table))
        self._remove = database.compile(_first_removed(table))
        self._raise_revision = database.compile(advance_revision()) if listed else None

    async def remove(self, connection: Connection, values: Object) -> int:
        """Removes the oldest rows of a workspace."""
        count = await connection.execute(self._remove, values)
        if count and self._raise_revision is not None:
            # Last, since writes of the workspace wait for it until the commit.
            await connection.execute(self._raise_revision, values)
        return count


def _aged(table: Table) -> Value:
    found = workspaces()
    is_aged = exists().where(table.c.workspace_id == found.c.id, table.c.created_at < _OLDEST).correlate(found)
    return select(found.c.id, is_aged).order_by(found.c.id)


def _first_removed(table: Table) -> Value:
    key = [*table.primary_key]
    old = select(*key).where(table.c.workspace_id == WORKSPACE, table.c.created_at < _OLDEST).order_by(table.c.created_at)
    return delete(table).where(tuple_(*key).in_(old.limit(bindparam("size", required=True))))


def _take_turn(dialect: str) -> Value:
    """Takes or keeps the turn. Returns a row, or none while another process has it."""
    insert: Value = postgresql.insert(_SWEEP) if dialect == "postgresql" else sqlite.insert(_SWEEP)
    added = insert.values({name: bindparam(name, required=True) for name in ("name", "holder", "until")})
    now, never = (bindparam(name, type_=_SWEEP.c.until.type, required=True) for name in ("now", "never"))
    ours = or_(_SWEEP.c.holder == added.excluded.holder, _SWEEP.c.until < now, _SWEEP.c.until > never)
    taken = added.on_conflict_do_update(
        index_elements=[_SWEEP.c.name], set_={"holder": added.excluded.holder, "until": added.excluded.until}, where=ours
    )
    return taken.returning(_SWEEP.c.name)


def workspaces() -> Value:
    """The next `limit` workspaces after the one with the id `after`, as a subquery."""
    after: Bind = bindparam("after", type_=_WORKSPACES.c.id.type, required=True)
    rows = select(_WORKSPACES.c.id).where(_WORKSPACES.c.id > after).order_by(_WORKSPACES.c.id)
    return rows.limit(bindparam("limit", required=True)).subquery()
