"""Responses to subscriptions: the visible events and their fields, made once for all followers who get the same."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

import orjson

from schema.engine.compile.conditions import ParsedFilter
from schema.engine.compile.data_reader import Counts, DataReader
from schema.engine.compile.operation import EventPlan
from schema.engine.compile.response_size import ResponseTooLarge
from schema.engine.compile.sources import OwnedBy, SeenWith
from schema.engine.document.variables import Variables
from schema.engine.execute.resolvers.after_commit import Resolve
from schema.engine.execute.resolvers.run import Notes
from schema.rules.access import Caller
from schema.rules.errors import BadRequest
from schema.storage.database import Connection, Database
from schema.values import CacheKey, Object, Value, Values

from .cursor import write_cursor
from .feed import Began, Feed
from .table import EventRecord, until_available


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription: its plan with coerced variables, the caller, and the key shared by followers who get the same responses."""

    plan: EventPlan
    variables: Variables
    caller: Caller
    shared_key: CacheKey
    resolve: Resolve | None


@dataclass(frozen=True, slots=True)
class EventVisibility:
    """A filter, and the one record that the caller is limited to, if any."""

    plan: EventPlan
    conditions: ParsedFilter
    limit: str | None

    def check(self) -> None:
        """Raises BadRequest for a filter by what an event doesn't keep of other records.

        It keeps the ids of linked ones, but also those that a limited caller may not know of.
        """
        beyond = self.plan.filters.mentioned(self.conditions.shape, "through")
        if beyond is not None:
            raise BadRequest(f"Events can't be followed by `{beyond}`, since they don't keep other records: filter by its id.")
        if self.limit is None:
            return
        filters, shape = self.plan.filters, self.conditions.shape
        linked = filters.mentioned(shape, "link") or filters.unknown(shape)
        if linked is not None:
            raise BadRequest(f"A limited viewer can't follow by {linked}: leave it out of the filter.")

    def kind(self, event: EventRecord) -> str | None:
        """Return the kind of event for the caller: CREATED, UPDATED, DELETED, or None. A record that leaves the filter is sent once more;
        one that leaves the visibility of a limited caller is sent as DELETED, one that enters it as CREATED.
        """
        if event.noun != self.plan.noun:
            return None
        was_seen, is_seen = self._sees(event.before), self._sees(event.after)
        matched, matches = was_seen and self._matches(event.before), is_seen and self._matches(event.after)
        if not matched and not matches:
            return None
        if not is_seen:
            return "DELETED"
        return "UPDATED" if was_seen else "CREATED"

    def _sees(self, state: Values | None) -> bool:
        if state is None or self.limit is None:
            return state is not None
        visible = self.plan.stored.visible
        if visible is None:
            return True
        assert isinstance(visible, OwnedBy | SeenWith), self.plan.stored.table
        return visible.holds(state, self.limit)

    def _matches(self, state: Values | None) -> bool:
        return state is not None and self.plan.filters.holds(self.conditions.shape, self.conditions.values, state)


class EventStreams:
    """Follows events for subscribers; the response to an event has at most `max_answer` bytes."""

    def __init__(self, database: Database, feed: Feed, counts: Counts, max_answer: int) -> None:
        self._database = database
        self._feed = feed
        self._counts = counts
        self._max_answer = max_answer

    async def follow(
        self, plan: EventPlan, variables: Variables, given: Values, caller: Caller, resolve: Resolve | None, began: Began
    ) -> AsyncGenerator[bytes, None]:
        """Yield the encoded response to each event that `caller` may see, in commit order. `given` are the variables as they came.

        `began` is called once it is known where they begin. `resolve` calls the resolvers that the answer's data waits for, for this caller
        alone, and answers the errors.
        Raises BadRequest, CursorExpired at once where it can't begin, CursorExpired later where events are no longer kept, StorageError.
        """
        plan.check(variables, caller.workspace_id)
        arguments = plan.arguments(variables)
        visibility = EventVisibility(plan, plan.filters.read(arguments.get("filter")), caller.limited_to)
        visibility.check()
        subscribed = Subscribed(plan, variables, caller, _shared_key(plan, given, caller), resolve)
        async with aclosing(self._feed.follow(caller.workspace_id, arguments.get("since"), began)) as events:
            async for event in events:
                kind = visibility.kind(event)
                if kind is not None:
                    yield await self._answer(subscribed, event, kind)

    async def _answer(self, subscribed: Subscribed, event: EventRecord, kind: str) -> bytes:
        make = partial(self._made, subscribed, event, kind)
        if subscribed.resolve is None:
            return await self._feed.answers.get(event, (*subscribed.shared_key, kind), make)
        return await make()

    async def _made(self, subscribed: Subscribed, event: EventRecord, kind: str) -> bytes:
        plan = subscribed.plan
        event_object = _event_object(plan, subscribed.caller.workspace_id, event, kind)
        if not plan.writer.related:
            return _encoded({plan.key: plan.writer.writer.call(event_object)})
        try:
            return await self._read(subscribed, event_object)
        except ResponseTooLarge as error:
            return _too_large(plan, error)

    async def _read(self, subscribed: Subscribed, event_object: Object) -> bytes:
        async def work(connection: Connection) -> tuple[Value, Notes]:
            reader = DataReader(self._database, connection, subscribed.caller, self._counts, self._max_answer)
            try:
                return await subscribed.plan.writer.write(reader, event_object, subscribed.variables), reader.notes or {}
            finally:
                if self._counts.in_flight is not None:
                    self._counts.in_flight.free(reader)

        if subscribed.resolve is None:
            event, _ = await until_available(lambda: self._database.read(work))
            return _encoded({subscribed.plan.key: event})
        async with self._feed.answers.making:
            event, notes = await until_available(lambda: self._database.read(work))
        # Only this follower waits for its resolvers.
        data = {subscribed.plan.key: event}
        return _encoded(data, await subscribed.resolve(data, notes) if notes else ())


def _shared_key(plan: EventPlan, given: Values, caller: Caller) -> CacheKey:
    """Return the cache key of responses: subscribers with equal keys get the same response to an event."""
    asked = orjson.dumps({name: given[name] for name in sorted(plan.variables) if name in given}, option=orjson.OPT_SORT_KEYS)
    return plan, asked, caller.limited_to, caller.user_id if caller.limited_to is not None else None


def _event_object(plan: EventPlan, workspace_id: str, event: EventRecord, kind: str) -> Object:
    """The plain object that an event's writer takes."""
    return {
        "cursor": write_cursor(workspace_id, event.position, event.epoch),
        "type": kind,
        plan.id_field: event.record_id,
        "recordId": None if kind == "DELETED" else event.record_id,
        "changedFields": event.changed_fields,
        "at": event.at,
        "byId": event.by_id,
        "byKeyId": event.by_key_id,
    }


def _too_large(plan: EventPlan, error: ResponseTooLarge) -> bytes:
    """The answer in place of one that would be too large; the next event may be smaller."""
    error_ = {"message": str(error), "path": [plan.key], "extensions": {"code": BadRequest.code}}
    return orjson.dumps({"errors": [error_], "data": None})


def _encoded(data: Object, errors: Sequence[Value] = ()) -> bytes:
    return orjson.dumps({"errors": errors, "data": data} if errors else {"data": data})
