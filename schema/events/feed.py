"""The feed of a process: the newest events of each workspace that someone here follows, read once for all who do."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any, TypeVar

import orjson
from sqlalchemy import bindparam, delete, select, tuple_

from ..plan.reading import WORKSPACE, revision_statement
from ..rules.errors import BadRequest
from ..storage.columns import Instant
from ..storage.database import Connection, Database, Row, StatementTimeout, StorageError
from ..storage.tables import Event
from .cursor import Position, read_cursor

T = TypeVar("T")

_log = logging.getLogger(__name__)

BATCH = 500
RECENT = 2_000
PRUNE_SECONDS = 3_600
RETRY_SECONDS = 1.0

_EVENT: Any = Event.__table__  # type: ignore[attr-defined]
_REVISION: Any = bindparam("revision", type_=_EVENT.c.revision.type, required=True)
_PLACE: Any = bindparam("place", type_=_EVENT.c.position.type, required=True)
_NEWER = (
    select(*_EVENT.c)
    .where(_EVENT.c.workspace_id == WORKSPACE, tuple_(_EVENT.c.revision, _EVENT.c.position) > tuple_(_REVISION, _PLACE))
    .order_by(_EVENT.c.revision, _EVENT.c.position)
    .limit(bindparam("limit", required=True))
)
# Pruning is for all workspaces at once: it reads nothing of theirs.
_PRUNE = delete(_EVENT).where(_EVENT.c.at < bindparam("oldest", type_=Instant(), required=True))


@dataclass(slots=True, eq=False)
class Happened:
    """An event as read. `answers` keeps what was made of it for callers who see the same, by plan and sight."""

    position: Position
    kind: str
    opportunity_id: str
    changed_fields: list[str]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    at: str
    by_id: str | None
    by_key_id: str | None
    answers: dict[Any, "asyncio.Future[Any]"] = field(default_factory=dict)


def _happened(row: Row) -> Happened:
    _, revision, place, kind, id_, changed, before, after, at, by_id, by_key_id = row
    was, is_now = (None if text is None else orjson.loads(text) for text in (before, after))
    return Happened(Position(revision, place), kind, id_, orjson.loads(changed), was, is_now, at, by_id, by_key_id)


@dataclass(slots=True, eq=False)
class _Workspace:
    """What is known of a followed workspace: everything up to `end`; what came after `begin` is still here."""

    begin: Position
    end: Position
    recent: deque[Happened] = field(default_factory=lambda: deque(maxlen=RECENT))
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    followers: int = 0

    def since(self, position: Position) -> list[Happened]:
        """What came after `position`, which isn't before `begin`. Followers are near the end, so that is where to look."""
        newer = [*takewhile(lambda event: event.position > position, reversed(self.recent))]
        newer.reverse()
        return newer

    def add(self, events: list[Happened]) -> None:
        """What came after `end`; the oldest make room for it."""
        if events:
            excess = len(self.recent) + len(events) - RECENT
            if excess > 0:
                self.begin = self.recent[excess - 1].position
            self.recent.extend(events)
            self.end = events[-1].position


async def patiently(read: Callable[[], Awaitable[T]]) -> T:
    """What `read` reads, as soon as the database is there: a follower waits for its return. Raises StatementTimeout."""
    while True:
        try:
            return await read()
        except StatementTimeout:
            raise
        except StorageError:
            await asyncio.sleep(RETRY_SECONDS)


class Feed:
    """Events of the workspaces that are followed here. `retention` is how long events are kept, in seconds."""

    def __init__(self, database: Database, *, retention: float) -> None:
        self._database = database
        self._retention = retention
        self._workspaces: dict[str, _Workspace] = {}
        self._newer = database.compile(_NEWER)
        self._now = revision_statement(database)
        self._prune = database.compile(_PRUNE)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens for changes by other processes, and lets old events go, for as long as the context lasts."""
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._forget())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self, workspace_id: str | None) -> None:
        """Something was committed in a workspace (None: perhaps in any): its followers look."""
        if workspace_id is None:
            for workspace in self._workspaces.values():
                workspace.woken.set()
        elif workspace_id in self._workspaces:
            self._workspaces[workspace_id].woken.set()

    async def follow(self, workspace_id: str, since: str | None) -> AsyncGenerator[Happened, None]:
        """The events of a workspace after `since` (None: from now on), in commit order. Raises BadRequest for a cursor that won't do."""
        position = self._start(since)
        workspace = await self._attached(workspace_id)
        if position is None:
            position = Position(await self._revision(workspace_id), 2**31 - 1)
        try:
            while True:
                end = workspace.end
                events = await self._after(workspace_id, workspace, position)
                for event in events:
                    yield event
                    position = event.position
                if not events:
                    # Nothing lies between: a revision without events, such as an account's, ends there.
                    position = max(position, end)
                await self._advance(workspace_id, workspace, position)
        finally:
            workspace.followers -= 1
            if not workspace.followers:
                self._workspaces.pop(workspace_id, None)

    def _start(self, since: str | None) -> Position | None:
        if since is None:
            return None
        position, seconds = read_cursor(since)
        if datetime.now(UTC).timestamp() - seconds > self._retention:
            message = f"`since` is too old: events are kept for {self._retention:g} s. Read the list again and follow from now on."
            raise BadRequest(message)
        return position

    async def _attached(self, workspace_id: str) -> _Workspace:
        if workspace_id not in self._workspaces:
            end = Position(await self._revision(workspace_id), 2**31 - 1)
            # Another follower may have come meanwhile: theirs is kept.
            workspace = self._workspaces.setdefault(workspace_id, _Workspace(end, end))
            # What was committed after that look woke nobody.
            workspace.woken.set()
        workspace = self._workspaces[workspace_id]
        workspace.followers += 1
        return workspace

    async def _revision(self, workspace_id: str) -> int:
        rows = await self._database.fetch(self._now, {"workspace": workspace_id})
        return int(rows[0][0])

    async def _after(self, workspace_id: str, workspace: _Workspace, position: Position) -> list[Happened]:
        """What comes next: from memory where it reaches back far enough, from the table where not."""
        if position >= workspace.end:
            return []
        if position >= workspace.begin:
            return workspace.since(position)
        return [_happened(row) for row in await self._read(workspace_id, position)]

    async def _advance(self, workspace_id: str, workspace: _Workspace, position: Position) -> None:
        """Waits until there may be more than `position`; whoever is first reads for all."""
        if position < workspace.end:
            return
        await workspace.woken.wait()
        async with workspace.lock:
            if position < workspace.end or not workspace.woken.is_set():
                return
            workspace.woken.clear()
            try:
                rows = await self._read(workspace_id, workspace.end)
            except BaseException:
                # Someone who leaves: the next one reads in its place.
                workspace.woken.set()
                raise
            workspace.add([_happened(row) for row in rows])
            if len(rows) == BATCH:
                workspace.woken.set()

    async def _read(self, workspace_id: str, after: Position) -> list[Row]:
        values = {"workspace": workspace_id, "revision": after.revision, "place": after.place, "limit": BATCH}
        return list(await patiently(lambda: self._database.fetch(self._newer, values)))

    async def _listen(self) -> None:
        while True:
            try:
                await self._database.follow(self.wake)
            except StorageError as error:
                _log.warning("following events: %s", error)
            except Exception:  # noqa: BLE001  a process that no longer listened would tell its subscribers nothing, and nobody why
                _log.exception("following events")
            self.wake(None)
            await asyncio.sleep(RETRY_SECONDS)

    async def _forget(self) -> None:
        while True:
            oldest = (datetime.now(UTC) - timedelta(seconds=self._retention)).strftime("%Y-%m-%dT%H:%M:%SZ")

            async def work(connection: Connection, oldest: str = oldest) -> None:
                await connection.execute(self._prune, {"oldest": oldest})

            try:
                await self._database.write(work, long=True)
            except StorageError as error:
                _log.warning("letting old events go: %s", error)
            await asyncio.sleep(PRUNE_SECONDS)
