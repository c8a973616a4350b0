"""The feed of a process: the newest events of each workspace that someone here follows, read once for all who do."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile

from schema.rules import clock
from schema.rules.errors import BadRequest, CursorExpired
from schema.storage.database import Database, Figures, StorageError

from .cursor import BEGINNING, EventPosition, end_of, read_cursor
from .memory import EventResponses, MemoryBudget
from .table import RETRY_SECONDS, EventRecord, EventsRead, EventTable

_log = logging.getLogger(__name__)

BATCH = 100
RECENT = 2_000
"""The most events of a workspace kept in memory for its followers; a follower further behind reads from the table."""
TOGETHER = 8
"""The most events that a follower takes from memory at a time."""
EVENT_BYTES = 16 * 1024 * 1024
"""The most bytes of events kept for followers; the workspace with the most of them makes room."""
READING_BYTES = 8 * 1024 * 1024
"""The most bytes of events that followers far behind read from the table."""
ANSWER_BYTES = 16 * 1024 * 1024
"""The most bytes of encoded responses to events."""


@dataclass(slots=True, eq=False)
class _Follower:
    """A follower of a workspace, and the last event given to it. `held` is the memory of events read for it alone."""

    workspace: "_Workspace"
    position: EventPosition = BEGINNING
    turns: int = 0
    held: int = 0


@dataclass(slots=True, eq=False)
class _Workspace:
    """The state of a followed workspace: events are known up to `end`; those after `begin` are kept while a follower waits for them."""

    id: str
    room: MemoryBudget
    answers: EventResponses
    begin: EventPosition = BEGINNING
    end: EventPosition = BEGINNING
    known: bool = False
    epoch: int = 0
    turns: int = 0
    """How often the database was restored or set back: events that a follower saw before belong to another history."""
    recent: deque[EventRecord] = field(default_factory=deque)
    size: int = 0
    stale: bool = False
    """There may be more than `end`."""
    reading: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    followers: set[_Follower] = field(default_factory=set)
    behind: set[_Follower] = field(default_factory=set)
    """The followers who have not received all events in memory."""

    def since(self, position: EventPosition) -> list[EventRecord]:
        """The first that came after `position`, which isn't before `begin`. Followers are near the end, so that is where to look."""
        newer = [*takewhile(lambda event: event.position > position, reversed(self.recent))]
        return newer[: -TOGETHER - 1 : -1]

    def add(self, read: EventsRead) -> None:
        """Add events read after `end`; the oldest events make room for them."""
        if read.epoch != self.epoch or self.end.revision > read.revision:
            self._turn(read)
            return
        if self.end < read.pruned:
            self._start(read.pruned)
        else:
            self._forget_passed()
        for event in read.events:
            event.shared = True
            self.recent.append(event)
            self.size += event.size
            self.room.add(event.size)
        self.end = max(self.end, end_of(read.revision) if read.whole else read.events[-1].position)
        self.behind = {follower for follower in self.followers if follower.position < self.end}
        if not self.behind:
            self.clear()
        while len(self.recent) > RECENT:
            self.forget_oldest()

    def _turn(self, read: EventsRead) -> None:
        """Begin another history: followers get an error, and new followers begin at its end."""
        self.turns += 1
        self.epoch = read.epoch
        self._start(end_of(read.revision))

    def wake(self) -> None:
        """There may be more: the followers that wait look."""
        self.stale = True
        self.notify()

    def notify(self) -> None:
        """Wakes the followers that wait: they look again at the events in memory."""
        self.changed.set()
        self.changed.clear()

    def passed(self, follower: _Follower) -> None:
        """A follower has seen everything up to `end`, or has left."""
        self.behind.discard(follower)
        if not self.behind:
            self.clear()

    def clear(self) -> None:
        """Nobody waits for anything that is in memory."""
        while self.recent:
            self.forget_oldest()

    def _start(self, position: EventPosition) -> None:
        self.clear()
        self.begin = self.end = position

    def _forget_passed(self) -> None:
        """Drop events that all followers have passed; followers before `begin` read from the table and don't count."""
        oldest = min((follower.position for follower in self.followers if follower.position >= self.begin), default=self.end)
        while self.recent and self.recent[0].position <= oldest:
            self.forget_oldest()

    def forget_oldest(self) -> None:
        """Drop the oldest event in memory: followers that still need it read the table."""
        event = self.recent.popleft()
        event.shared = False
        self.begin = event.position
        self.size -= event.size
        self.room.remove(event.size)
        self.answers.drop(event)


Began = Callable[[], object]
"""Called once events committed from now on will be delivered."""


def untold() -> None:
    """The default `began`, which does nothing."""


class Feed:
    """Events of the workspaces that are followed here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._table = EventTable(database)
        self._workspaces: dict[str, _Workspace] = {}
        self._room = MemoryBudget(EVENT_BYTES)
        self._reading = MemoryBudget(READING_BYTES)
        self.answers = EventResponses(ANSWER_BYTES)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listens for changes by other processes for as long as the context lasts."""
        listening = asyncio.create_task(self._listen())
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await self.answers.close()

    def figures(self) -> Figures:
        """The number of followers, and the age in seconds of the oldest event in memory that one of them has not received."""
        workspaces = self._workspaces.values()
        oldest = min((workspace.recent[0].at for workspace in workspaces if workspace.recent), default=None)
        lag = 0 if oldest is None else clock.seconds_between(oldest, clock.now())
        followers = sum(len(workspace.followers) for workspace in workspaces)
        return {"gateway_event_followers": followers, "gateway_event_lag_seconds": lag}

    def wake(self, workspace_id: str | None) -> None:
        """Something was committed in a workspace (None: perhaps in any): its followers look."""
        if workspace_id is None:
            for workspace in self._workspaces.values():
                workspace.wake()
        elif workspace_id in self._workspaces:
            self._workspaces[workspace_id].wake()

    async def follow(self, workspace_id: str, since: str | None, began: Began = untold) -> AsyncGenerator[EventRecord, None]:
        """The events of a workspace after `since` (None: from now on), in commit order; `began` is called once it is known where that is.

        Raises BadRequest for a cursor that is none of this workspace's or is ahead of it, CursorExpired (at once or later) where events
        after the last one that was handed over are no longer kept, StatementTimeout.
        """
        place = None if since is None else read_cursor(workspace_id, since)
        with self._following(workspace_id) as follower:
            await self._begin(follower, place)
            began()
            while True:
                for event in await self._next(follower):
                    yield event
                    follower.position = event.position

    @contextlib.contextmanager
    def _following(self, workspace_id: str) -> Iterator[_Follower]:
        """A new follower, counted for as long as the context lasts: the last one takes what is kept of its workspace along."""
        workspace = self._workspaces.get(workspace_id)
        if workspace is None:
            workspace = self._workspaces[workspace_id] = _Workspace(workspace_id, self._room, self.answers)
        follower = _Follower(workspace)
        workspace.followers.add(follower)
        try:
            yield follower
        finally:
            self._reading.remove(follower.held)
            workspace.followers.discard(follower)
            workspace.passed(follower)
            if not workspace.followers:
                del self._workspaces[workspace_id]

    async def _begin(self, follower: _Follower, place: tuple[EventPosition, int] | None) -> None:
        """Looks where the workspace is, and whether a follower can go on from `place`: a position, and the epoch that it is of."""
        workspace, since = follower.workspace, None if place is None else place[0]
        read = await self._table.read(workspace.id, since or end_of(0), 0)
        if place is not None and since is not None:
            if place[1] == read.epoch and since.revision > read.revision:
                raise BadRequest("`since` is ahead of this workspace's events: pass the `cursor` of the last event that you saw.")
            read.check(since, place[1])
        if not workspace.known:
            workspace.begin = workspace.end = end_of(read.revision)
            workspace.known, workspace.epoch = True, read.epoch
            # Events that were committed after that look have woken no follower.
            workspace.stale = True
        follower.position, follower.turns = since or end_of(read.revision), workspace.turns
        workspace.behind.add(follower)

    async def _next(self, follower: _Follower) -> list[EventRecord]:
        """Return the next events after a follower's position, as soon as there are any. Raises CursorExpired."""
        self._reading.remove(follower.held)
        follower.held = 0
        while not (events := await self._after(follower)):
            await self._advance(follower)
        return events

    async def _after(self, follower: _Follower) -> list[EventRecord]:
        """Return the next known events: from memory if it reaches back far enough, else from the table."""
        workspace = follower.workspace
        if follower.turns != workspace.turns:
            raise CursorExpired("The database was restored, or set back to an earlier state: read the list again, and follow from now on.")
        if follower.position < workspace.begin:
            events = await self._from_table(follower)
        elif not (events := workspace.since(follower.position)):
            # Nothing lies between: a revision without events, such as a record's that nobody follows, ends there.
            follower.position = max(follower.position, workspace.end)
        if follower.position >= workspace.end:
            workspace.passed(follower)
        return events

    async def _from_table(self, follower: _Follower) -> list[EventRecord]:
        """Read events from the table for a follower far behind: many while there is room for them, else one at a time."""
        read = await self._table.read(follower.workspace.id, follower.position, 1 if self._reading.full else BATCH)
        read.check(follower.position, follower.workspace.epoch)
        events: list[EventRecord] = []
        for event in read.events:
            if events and self._reading.full:
                break
            events.append(event)
            follower.held += event.size
            self._reading.add(event.size)
        if not events and read.whole:
            follower.position = max(follower.position, end_of(read.revision))
        return events

    async def _advance(self, follower: _Follower) -> None:
        """Waits until there may be more than the follower has seen; whoever is first reads for all."""
        workspace = follower.workspace
        while follower.position >= workspace.end and follower.turns == workspace.turns:
            if workspace.stale and not workspace.reading:
                await self._read_on(workspace)
            else:
                await workspace.changed.wait()

    async def _read_on(self, workspace: _Workspace) -> None:
        workspace.reading, workspace.stale = True, False
        try:
            read = await self._table.read(workspace.id, workspace.end, BATCH)
            workspace.stale = workspace.stale or not read.whole
        except BaseException:
            # Someone who leaves: the next one reads in its place.
            workspace.stale = True
            raise
        finally:
            workspace.reading = False
            workspace.notify()
        workspace.add(read)
        self._make_room()

    def _make_room(self) -> None:
        while self._room.bytes > self._room.limit:
            max(self._workspaces.values(), key=lambda workspace: workspace.size).forget_oldest()

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
